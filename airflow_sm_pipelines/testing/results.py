"""What a test sees of an execution that has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_sm_pipelines.running.summary import Summary


@dataclass(frozen=True)
class StepResult:
    """A step of an execution that has ended.

    :param name: its name in the pipeline; what a ForEach step ran is called ``<body step>-<index>``.
    :param type: its type, such as ``Processing``.
    :param status: ``Succeeded``, ``Failed`` or ``Stopped``; of a step that did not start ``Not taken``, when it lies
        in the branch that its condition did not take, else ``Not run``.
    :param reason: why it failed, in the service's words.
    :param outputs: by name the directory with what it has written; of a training step ``model_artifacts``, a file.
    :param metrics: the final value of each metric of a training job; the best objective of a tuning job.
    :param property_files: the contents of its property files by name.
    :param outcome: which branch a Condition step took; ``None`` for other steps.
    :param comparisons: what a Condition step compared, as text with the values.
    :param log: the lines that its job has printed.
    :param job_arn: what it made: a job, a model, a model package.
    :param is_cached: whether it took the result of an earlier execution.
    """

    name: str
    type: str
    status: str
    reason: str | None = None
    outputs: Mapping[str, Path] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    property_files: Mapping[str, Any] = field(default_factory=dict)
    outcome: bool | None = None
    comparisons: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    job_arn: str | None = None
    is_cached: bool = False


@dataclass(frozen=True, repr=False)
class ExecutionResult:
    """An execution that has ended. Its ``repr`` is the summary that ``sm-pipelines run`` prints.

    :param execution_arn: its ARN.
    :param status: ``Succeeded``, ``Failed``, ``Stopped`` or ``CompletedWithFailures``.
    :param reason: the service's words about a failure; the cause is in the steps.
    :param steps: all steps of the definition by name, also those that did not start.
    :param directory: has a directory for each step with its outputs.
    """

    execution_arn: str
    status: str
    reason: str | None
    steps: Mapping[str, StepResult]
    directory: Path
    _text: str
    _client: Callable[[str], Any]

    @property
    def succeeded(self) -> bool:
        """Whether the execution has succeeded."""
        return self.status == "Succeeded"

    @property
    def statuses(self) -> dict[str, str]:
        """The status of each step by its name."""
        return {name: step.status for name, step in self.steps.items()}

    def client(self, service: str) -> Any:
        """Return a boto3 client for the account in which the pipeline ran: of S3, of SageMaker's model registry.

        :param service: such as ``s3`` or ``sagemaker``.
        :raises AccountGoneError: another pipeline has run since, without ``after`` this one.
        """
        return self._client(service)

    def __repr__(self) -> str:
        return self._text


def results_of(summary: Summary, logs: Mapping[str, tuple[str, ...]], client: Callable[[str], Any]) -> ExecutionResult:
    """Return what a test sees of an execution.

    :param summary: how it ended.
    :param logs: the lines of jobs by step.
    :param client: gives a client of a service.
    """
    left = {each.step.name: each for each in summary.results}
    steps: dict[str, StepResult] = {}
    for row in summary.rows:
        if row.name not in left:
            steps[row.name] = StepResult(row.name, row.type, row.state)
            continue
        each = left[row.name]
        steps[row.name] = StepResult(
            name=row.name,
            type=row.type,
            status=row.state,
            reason=each.step.reason,
            outputs=each.outputs,
            metrics=each.metrics,
            property_files=each.property_files,
            outcome=each.step.condition_outcome,
            comparisons=tuple(comparison.text for comparison in each.comparisons),
            log=logs.get(row.name, ()),
            job_arn=each.step.job_arn,
            is_cached=each.step.cache_hit_source is not None,
        )
    snapshot = summary.snapshot
    return ExecutionResult(
        execution_arn=str(snapshot.arn),
        status=str(snapshot.status),
        reason=snapshot.failure_reason,
        steps=steps,
        directory=summary.directory,
        _text="\n".join(summary.lines()),
        _client=client,
    )
