"""What a task leaves of a whole execution, for pages that show it: the XComs ``pipeline_report``, ``execution_report``.

The first is there once the execution has started, and holds what is known before its steps run:

====================  =============================================================================================
``pipeline``          its name
``execution``         the execution's ARN
``version``           of the pipeline; ``None`` where the service does not tell it
``created``           the pipeline was made for this execution
``changes``           what an update of it has changed since its latest version, in lines for people
``links``             the page of the execution, as ``execution``; empty where none is known
``parameters``        :func:`~airflow_sm_pipelines.definition.overview.parameters_overview`; secrets are masked
``steps``             :func:`~airflow_sm_pipelines.definition.overview.steps_overview`, each with ``task_id``: who
                      follows it; ``None`` where the task that started the execution follows all of them
``code``              S3 URIs of the code that was uploaded for it, each with the hash of its content
``assets``            ``uri`` and ``timestamp`` of the asset events that triggered the Dag run
``connection``        by which AWS is asked: ``aws_conn_id``, ``region_name`` and ``verify``
``left_out``          parameters and steps that were left out, because an XCom is for small values
====================  =============================================================================================

The second is there once a task that follows the whole execution has ended: ``status``, ``reason`` and ``steps``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.items import counts_of_items
from airflow_sm_pipelines.definition.overview import parameters_overview, steps_overview
from airflow_sm_pipelines.execution.bounds import LARGEST_XCOM, Path, bounded, size
from airflow_sm_pipelines.execution.jobs import time_text
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot

PIPELINE_REPORT: Final = "pipeline_report"
EXECUTION_REPORT: Final = "execution_report"


@dataclass(frozen=True)
class StartedPipeline:
    """An execution that has started, and what its task knows of it.

    :param pipeline_name: the pipeline.
    :param execution_arn: the execution.
    :param definition: what it runs.
    :param sent: the values with which it was started.
    :param masked: those of them that hold secrets, as Airflow shows them.
    :param task_ids: the tasks that follow its steps, by the names of the steps.
    :param version: of the pipeline; ``None`` where it is not known.
    :param created: the pipeline was made for it.
    :param changes: what an update of the pipeline has changed.
    :param code: S3 URIs of uploaded code.
    :param assets: the events that triggered the Dag run.
    :param links: pages, by what they show.
    :param connection: by which AWS is asked.
    """

    pipeline_name: str
    execution_arn: str
    definition: PipelineDefinition
    sent: Mapping[str, str]
    masked: Mapping[str, str] = field(default_factory=dict)
    task_ids: Mapping[str, str] = field(default_factory=dict)
    version: int | None = None
    created: bool = False
    changes: Sequence[str] = ()
    code: Sequence[str] = ()
    assets: Sequence[Mapping[str, Any]] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    connection: Mapping[str, Any] = field(default_factory=dict)

    def report(self) -> dict[str, Any]:
        """Return the XCom ``pipeline_report``, which is not larger than :data:`LARGEST_XCOM`."""
        steps = list(self._steps())
        parameters = parameters_overview(self.definition, {**self.sent, **self.masked})
        told = {
            "pipeline": self.pipeline_name,
            "execution": self.execution_arn,
            "version": self.version,
            "created": self.created,
            "changes": list(self.changes),
            "links": dict(self.links),
            "code": list(self.code),
            "assets": [dict(event) for event in self.assets],
            "connection": dict(self.connection),
        }
        parts: dict[Path, Any] = {("steps", step["name"]): step for step in steps}
        parts |= {("parameters", parameter["name"]): parameter for parameter in parameters}
        kept, left_out = bounded(parts, LARGEST_XCOM - size(told))
        given: dict[str, list[Any]] = {"steps": [], "parameters": []}
        for path, part in kept.items():
            given[path[0]].append(part)
        return {**told, **given, "left_out": [".".join(path) for path in left_out]}

    def _steps(self) -> Iterator[dict[str, Any]]:
        """The steps with their tasks. A mapped step's instances follow the runs of the body, not the ForEach step."""
        steps = steps_overview(self.definition, counts_of_items(self.definition, self.sent))
        followed_inside = {step["in_each"] for step in steps} - {None}
        for step in steps:
            follower = self.task_ids.get(step["name"])
            if step["in_each"] is not None:
                follower = follower or self.task_ids.get(step["in_each"])
            yield {**step, "task_id": None if step["name"] in followed_inside else follower}


def execution_report(snapshot: ExecutionSnapshot) -> dict[str, Any]:
    """Return the status of an execution and of its steps, as JSON, not larger than :data:`LARGEST_XCOM`.

    Each step has ``name``, ``type``, ``status``, ``reason``, ``start``, ``end``, ``attempt``, ``cache_source`` and
    ``outcome`` (of a Condition step). Steps that have not started are not among them.

    :param snapshot: what was seen.
    """
    told = {"status": snapshot.status.value, "reason": snapshot.failure_reason}
    parts: dict[Path, Any] = {("steps", step.name): _step(step) for step in snapshot.steps.values()}
    kept, left_out = bounded(parts, LARGEST_XCOM - size(told))
    return {**told, "steps": list(kept.values()), "left_out": [".".join(path) for path in left_out]}


def _step(step: StepSnapshot) -> dict[str, Any]:
    return {
        "name": step.name,
        "type": step.type,
        "status": step.status.value,
        "reason": step.reason,
        "start": time_text(step.start_time),
        "end": time_text(step.end_time),
        "attempt": step.attempt_count,
        "cache_source": step.cache_hit_source,
        "outcome": step.condition_outcome,
    }
