"""Which execution and step a task followed, as its XComs say; and whether that execution is its Dag run's own.

Whoever may write XComs of a Dag could have a task say that it followed any execution that the API server may see. So
nothing of an execution is shown before its display name, which SageMaker keeps and Dag and run decide, was compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from airflow_sm_pipelines.exceptions import PipelineExecutionError
from airflow_sm_pipelines.execution.identity import execution_display_name
from airflow_sm_pipelines.execution.secrets import MASK
from airflow_sm_pipelines.settings import AwsConnection

if TYPE_CHECKING:
    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook


_CONNECTION: Final[Mapping[str, tuple[type, ...]]] = {
    "aws_conn_id": (str, NoneType),
    "region_name": (str, NoneType),
    "verify": (bool, str, NoneType),
}
"""What a report tells of the connection, with its types."""


@dataclass(frozen=True)
class TaskInstanceName:
    """A task instance.

    :param dag_id: its Dag.
    :param run_id: its Dag run.
    :param task_id: the task.
    :param map_index: its index among those of a mapped task; -1 of others.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1


@dataclass(frozen=True)
class Followed:
    """What a task instance followed.

    :param started_by: the task instance that started the execution.
    :param execution_arn: the execution.
    :param step_name: the step; ``None`` for the whole execution.
    :param connection: by which AWS is asked.
    :param masked: the values that hold secrets, by pipeline parameter, with ``***`` for each secret.
    """

    started_by: TaskInstanceName
    execution_arn: str
    step_name: str | None
    connection: AwsConnection
    masked: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def by(cls, instance: TaskInstanceName, reports: Sequence[Mapping[str, Any]]) -> Followed:
        """Find out what a task instance followed.

        :param instance: the task instance.
        :param reports: the XComs ``pipeline_report`` of its Dag run, as
            :func:`~airflow_sm_pipelines.compatibility.api_server.read_xcoms` returns them.
        :raises PipelineExecutionError: it followed nothing that is known.
        """
        for xcom in (each for each in reports if _is_report(each["value"])):
            own = (xcom["task_id"], xcom["map_index"]) == (instance.task_id, instance.map_index)
            step_name = _step_name(instance, xcom["value"].get("steps") or ())
            if own or step_name is not None:
                starter = TaskInstanceName(instance.dag_id, instance.run_id, xcom["task_id"], xcom["map_index"])
                return cls._of(starter, xcom["value"], step_name)
        raise PipelineExecutionError(
            f"task '{instance.task_id}' of Dag run '{instance.run_id}' does not follow an execution that has started"
        )

    @classmethod
    def _of(cls, starter: TaskInstanceName, report: Mapping[str, Any], step_name: str | None) -> Followed:
        connection = report.get("connection") or {}
        known = {key: connection[key] for key in _CONNECTION if key in connection}
        values = {each["name"]: each.get("value") for each in report.get("parameters") or ()}
        masked = {name: value for name, value in values.items() if isinstance(value, str) and MASK in value}
        return cls(starter, report["execution"], step_name, AwsConnection(**known), masked)

    def require_own(self, hook: SageMakerPipelineHook) -> None:
        """Raise unless the execution was started by the task that says so.

        :param hook: asks AWS.
        :raises PipelineExecutionError: it was not.
        :raises SageMakerServiceError: in the service's words.
        """
        starter = self.started_by
        name = hook.describe_execution(self.execution_arn).get("PipelineExecutionDisplayName")
        if name != execution_display_name(starter.dag_id, starter.run_id, starter.task_id, starter.map_index):
            raise PipelineExecutionError(
                f"execution {self.execution_arn} was not started by task '{starter.task_id}' of Dag run "
                f"'{starter.run_id}', so it is not shown here"
            )


def _is_report(value: Any) -> bool:
    """Whether an XCom is of the form of a report; members may be missing, as those of an older release are."""
    if not isinstance(value, dict) or not isinstance(value.get("execution"), str):
        return False
    connection = value.get("connection") or {}
    return (
        all(_are_named(value.get(key) or []) for key in ("steps", "parameters"))
        and isinstance(connection, dict)
        and all(isinstance(connection.get(key), types) for key, types in _CONNECTION.items())
    )


def _are_named(values: Any) -> bool:
    return isinstance(values, list) and all(
        isinstance(value, dict) and isinstance(value.get("name"), str) for value in values
    )


def _step_name(instance: TaskInstanceName, steps: Sequence[Mapping[str, Any]]) -> str | None:
    """The step that a task instance follows: of a mapped one the run of a ForEach step's body for its item."""
    step: Mapping[str, str] | None = next((each for each in steps if each.get("task_id") == instance.task_id), None)
    if step is None or instance.map_index < 0:
        return None if step is None else step["name"]
    return f"{step['name']}-{instance.map_index}"
