"""What an execution has left: its outputs, which are brought to this directory, its metrics, and why it failed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError

from airflow_sm_pipelines.definition.comparisons import ShownComparison, show_condition
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.evaluation import evaluate
from airflow_sm_pipelines.definition.expressions import Reference
from airflow_sm_pipelines.definition.parameters import MISSING
from airflow_sm_pipelines.definition.step_types import RESOURCES
from airflow_sm_pipelines.definition.steps import Step, walk_body
from airflow_sm_pipelines.exceptions import EvaluationError, PipelineExecutionError
from airflow_sm_pipelines.execution.arn import ResourceArn
from airflow_sm_pipelines.execution.json_file import read_json_file
from airflow_sm_pipelines.execution.outputs import MODEL_ARTIFACTS, outputs_of
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.local.jobs.staging import S3Staging, StagingError
from airflow_sm_pipelines.local.lookup import member_of
from airflow_sm_pipelines.running.execution import JobLogs

DIRECTORY: Final = ".sm-pipelines"
"""Where outputs land, below the current directory."""

_DATA: Final = "data"  # no execution is called that: their ids have twelve characters

LOG_LINES: Final = 20
"""So many lines of a failed step's log are shown."""

_IN_A_NAME: Final = re.compile(r"[^\w.\- ]")


@dataclass(frozen=True)
class StepResults:
    """What a step has left.

    :param step: the step.
    :param outputs: where its outputs landed, by name; without those that it did not write.
    :param metrics: the final value of each metric of a training job; the best objective of a tuning job.
    :param comparisons: what a condition has compared.
    :param property_files: the contents of its property files by name, where they could be read.
    :param log_tail: of a step that failed, the last lines of its log.
    :param remarks: what could not be had, and why.
    """

    step: StepSnapshot
    outputs: Mapping[str, Path] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    comparisons: tuple[ShownComparison, ...] = ()
    property_files: Mapping[str, Any] = field(default_factory=dict)
    log_tail: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


class Finished:
    """An execution that has ended, and where to ask what it has left. A lookup for its conditions, too.

    :param clients: a client for each service, by its name.
    :param definition: what it ran.
    :param values: the start values.
    :param snapshot: how it ended.
    """

    def __init__(
        self,
        clients: Any,
        definition: PipelineDefinition,
        values: Mapping[str, str],
        snapshot: ExecutionSnapshot,
    ) -> None:
        self._client = clients["sagemaker"]
        self._staging = S3Staging(clients["s3"])
        self._logs = JobLogs(clients["logs"])
        self._snapshot = snapshot
        steps = [each.step for located in definition.walk() for each in (located, *walk_body(located))]
        self._steps: dict[str, Step] = {step.name: step for step in steps}
        self._parameters = {
            each.name: each.parse(values[each.name]) if each.name in values else each.default_value
            for each in definition.parameters
            if each.name in values or each.default_value is not MISSING
        }
        self._described: dict[str, Mapping[str, Any]] = {}

    def results(self, directory: Path) -> list[StepResults]:
        """Return what each step that started has left; bring its outputs to a directory.

        :param directory: gets a directory for each step.
        """
        directory.mkdir(exist_ok=True)
        return [self._results(step, directory / step.name) for step in self._snapshot.steps.values()]

    def reference(self, reference: Reference) -> Any:
        """The value of a parameter, of an execution variable, or of a property of a job or a condition.

        :param reference: what a ``Get`` points at.
        :raises EvaluationError: it is not known here.
        """
        name = reference.name or ""
        if reference.root == "Parameters" and name in self._parameters:
            return self._parameters[name]
        if reference.root == "Steps" and name in self._snapshot.steps:
            step = self._snapshot.steps[name]
            return member_of(known_properties(step) or self._job(step), reference, reference.keys[1:])
        raise EvaluationError(f"'{reference.path}' is not known here.")

    def property_file(self, step_name: str, property_file_name: str) -> Any:
        """The content of a property file.

        :param step_name: the step that declares it.
        :param property_file_name: its name.
        :raises EvaluationError: it cannot be read.
        """
        files = {file.name: file for file in self._steps[step_name].property_files} if step_name in self._steps else {}
        step, file = self._snapshot.steps.get(step_name), files.get(property_file_name)
        outputs = {} if step is None else outputs_of(self._job(step))
        if file is None or file.output_name not in outputs:
            raise EvaluationError(f"Step '{step_name}' has written no property file '{property_file_name}'.")
        return self.s3_json(file.uri_below(outputs[file.output_name]))

    def s3_json(self, uri: str) -> Any:
        """The content of a JSON file.

        :param uri: ``s3://bucket/key``.
        :raises EvaluationError: it cannot be read.
        """
        try:
            return read_json_file(self._staging.read(uri), uri)
        except (StagingError, PipelineExecutionError) as error:
            raise EvaluationError(str(error)) from None

    def _results(self, step: StepSnapshot, directory: Path) -> StepResults:
        job = self._job(step)
        outputs, remarks = self._download(step, self._with_outputs(job), directory)
        definition = self._steps.get(step.name)
        is_failed = step.status is StepStatus.FAILED and step.job_arn is not None
        return StepResults(
            step=step,
            outputs=outputs,
            metrics=metrics_of(job),
            comparisons=() if step.condition_outcome is None else tuple(self._comparisons(step.name)),
            property_files={} if definition is None else dict(self._property_files(definition)),
            log_tail=tuple(self._logs.tail(str(step.job_arn), LOG_LINES)) if is_failed else (),
            remarks=tuple(remarks),
        )

    def _comparisons(self, name: str) -> Iterator[ShownComparison]:
        for condition in self._steps[name].conditions:
            yield from show_condition(condition, lambda operand: evaluate(operand, self))

    def _property_files(self, step: Step) -> Iterator[tuple[str, Any]]:
        for file in step.property_files:
            try:
                yield file.name, self.property_file(step.name, file.name)
            except EvaluationError:
                continue  # a step that failed may not have come to write it

    def _job(self, step: StepSnapshot) -> Mapping[str, Any]:
        """The job of a step, or what else it made, as it is described; nothing for a step that made nothing."""
        arn = step.job_arn
        if arn is None:
            return {}
        if arn not in self._described:
            self._described[arn] = self._describe(ResourceArn.parse(arn))
        return self._described[arn]

    def _with_outputs(self, job: Mapping[str, Any]) -> Mapping[str, Any]:
        """The job that has the outputs of a step's job: of a tuning job its best training job, else the job itself."""
        best = job.get("BestTrainingJob")
        return self._describe(ResourceArn.parse(best["TrainingJobArn"])) if best else job

    def _describe(self, arn: ResourceArn) -> Mapping[str, Any]:
        resource = RESOURCES.get(arn.resource_type)
        describe = None if resource is None else getattr(self._client, xform_name(f"Describe{resource.api}"), None)
        if resource is None or describe is None:
            return {}
        try:
            job: Mapping[str, Any] = describe(**{f"{resource.api}Name": arn.resource_id})
        except (ClientError, ParamValidationError):
            return {}  # what is asked about in another way; or something stands in for it, and there is none
        return job

    def _download(
        self, step: StepSnapshot, job: Mapping[str, Any], directory: Path
    ) -> tuple[dict[str, Path], list[str]]:
        outputs: dict[str, Path] = {}
        remarks: list[str] = []
        for name, uri in outputs_of(job).items():
            is_model = name == MODEL_ARTIFACTS
            # Beside the model stands what else a training job has written.
            prefix = uri.rstrip("/").rpartition("/")[0] if is_model else uri.rstrip("/")
            target = directory if is_model else directory / file_name(name)
            try:
                self._staging.download(f"{prefix}/", target, str(job.get("RoleArn", "")), required=False)
            except StagingError as error:
                remarks.append(f"the output '{name}' of step '{step.name}' cannot be brought here: {error}")
            if target.is_dir() and not any(target.iterdir()):
                target.rmdir()
            elif target.is_dir():
                outputs[name] = target / uri.rstrip("/").rpartition("/")[2] if is_model else target
        return outputs, remarks


def known_properties(step: StepSnapshot) -> dict[str, Any]:
    """Return the properties of a step that its own metadata have: a condition's outcome, and what was answered to it.

    :param step: the step; one of a job has none of them.
    """
    answered = {
        each["Name"]: each["Value"]
        for details in step.metadata.values()
        for each in details.get("OutputParameters", ())
    }
    outcome = {} if step.condition_outcome is None else {"Outcome": step.condition_outcome}
    return {**outcome, **({"OutputParameters": answered} if answered else {})}


def metrics_of(job: Mapping[str, Any]) -> dict[str, float]:
    """Return the final metrics of a training job, or the objective of the best training job of a tuning job, by name.

    :param job: the response of the job's Describe operation.
    """
    objective = job.get("BestTrainingJob", {}).get("FinalHyperParameterTuningJobObjectiveMetric")
    metrics = [*job.get("FinalMetricDataList", ()), *([objective] if objective else ())]
    return {each["MetricName"]: each["Value"] for each in metrics}


def file_name(name: str) -> str:
    """Return a name for a directory, made of the name of an output, which may hold anything.

    :param name: of the output.
    """
    safe = _IN_A_NAME.sub("_", name)
    return safe if safe.strip(". ") else "_" * max(1, len(safe))


def data_directory(parent: Path) -> Path:
    """Return where an endpoint of the command keeps what the next run needs: executions, jobs, objects.

    :param parent: the current directory.
    """
    return make_root(parent) / _DATA


def make_root(parent: Path) -> Path:
    """Make the directory of executions' outputs and of what endpoints keep. Git does not look at what is in there.

    :param parent: the current directory.
    """
    root = parent / DIRECTORY
    root.mkdir(exist_ok=True)
    ignore = root / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return root
