"""The sensor that waits for one step of a pipeline execution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_sm_pipelines.execution.logs import log_lines_problem
from airflow_sm_pipelines.execution.outcome import Decision, decide
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.links.sagemaker import (
    CloudWatchLogLink,
    SageMakerJobLink,
    SageMakerPipelineExecutionLink,
    link_xcoms,
)
from airflow_sm_pipelines.sensors.base import BasePipelineExecutionSensor

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
    from airflow_sm_pipelines.hooks.step_targets import StepPlace


class SageMakerPipelineStepSensor(BasePipelineExecutionSensor):
    """
    Waits until one step of a pipeline execution is over; succeeds when the step did, and returns the execution's ARN.

    A step that has not started is waited for as long as it can start. It is known from the execution's definition
    whether it can: the sensor is skipped when the step lies in a branch that was not taken, and fails when the
    execution is over without it, or has no such step at all. XComs are those of a step's task: ``step_status``,
    ``job_arn``, ``outputs`` and ``property_files``.

    :param step_name: the step; one of a ForEach body by its name for one item, ``<body>-<index>``. Templated.
    :param log_lines: lines of a failed step's job log that the task's log shows.
    :param kwargs: which execution, and how to wait; see :class:`BasePipelineExecutionSensor`.
    """

    template_fields: Sequence[str] = (*BasePipelineExecutionSensor.template_fields, "step_name")
    operator_extra_links = (SageMakerPipelineExecutionLink(), SageMakerJobLink(), CloudWatchLogLink())

    def __init__(self, *, step_name: str, log_lines: int = 20, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step_name = step_name
        self.log_lines = log_lines
        self._place: StepPlace | None = None
        if problem := log_lines_problem(log_lines):
            raise self.error(problem)

    def decide(self, hook: SageMakerPipelineHook, snapshot: ExecutionSnapshot) -> Decision:
        """Say what a look at the execution means for the step, from its place in the execution's definition.

        :param hook: asks for the definition, once.
        :param snapshot: what was seen.
        """
        from airflow_sm_pipelines.hooks.step_targets import step_place

        if self._place is None:
            self._place = step_place(hook, str(snapshot.arn), self.step_name)
        step = snapshot.steps.get(self.step_name)
        if step is not None:
            self.link_addresses = link_xcoms(str(snapshot.arn), step.job_arn, snapshot.created_by_domain)
        return decide(snapshot, self._place.target)

    def trigger_arguments(self) -> dict[str, Any]:
        """Return further arguments of the trigger."""
        return {"step_name": self.step_name, "log_lines": self.log_lines}

    def describe(self, snapshot: ExecutionSnapshot) -> str:
        """Return what a look is told as.

        :param snapshot: what was seen.
        """
        step = snapshot.steps.get(self.step_name)
        if step is None:
            return f"Step '{self.step_name}' of {snapshot.arn} has not started; the execution is {snapshot.status}"
        return f"Step '{self.step_name}' of {snapshot.arn} is {step.status}"

    def finish(self, context: Context, snapshot: ExecutionSnapshot) -> None:
        """Push what the step left behind.

        :param context: Airflow's.
        :param snapshot: what was seen.
        """
        step = snapshot.steps[self.step_name]
        places = {} if self._place is None else self._place.property_file_places
        result = self.persist(lambda hook: hook.collect_step_result(step, places))
        for key, value in result.xcoms().items():
            context["ti"].xcom_push(key=key, value=value)

    def report(self, snapshot: ExecutionSnapshot) -> None:
        """Tell the log about the failed step's job.

        :param snapshot: what was seen.
        """
        step = snapshot.steps.get(self.step_name)
        for line in [] if step is None else self.hook.failure_report(step, self.log_lines):
            self.log.error("%s", line)
