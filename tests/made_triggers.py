"""Triggers made from plain keywords: each test names only what it is about."""

from __future__ import annotations

from typing import Any

from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.outcome import ExecutionTarget, StepTarget
from airflow_sm_pipelines.settings import AwsConnection, WaitSettings, take
from airflow_sm_pipelines.triggers.execution import SageMakerPipelineExecutionTrigger
from airflow_sm_pipelines.triggers.step import SageMakerPipelineStepTrigger
from tests.fake_triggerer import LAUNCH, Triggerer
from tests.scripted_service import EXECUTION_ARN


def ending_here(always: bool) -> dict[str, Any]:
    """The keywords of a trigger that ends its task in every state, or in none."""
    return {"end_tasks": "triggerer", "ends_here": ["success", "failed", "skipped"]} if always else {"ends_here": []}


def step_trigger(triggerer: Triggerer | None = None, **keywords: Any) -> SageMakerPipelineStepTrigger:
    """The trigger of the task of step 'train', in a triggerer or, as in dag.test(), without."""
    given = {
        "pipeline_execution_arn": EXECUTION_ARN,
        "waiter_delay": 0.01,
        **ending_here(keywords.pop("end_from_trigger", True)),
        "launch_task_id": LAUNCH,
        **keywords,
    }
    connection, wait = take(AwsConnection, given), take(WaitSettings, given)
    target = StepTarget(given.pop("step_name", "train"), given.pop("branches", ()))
    awaited = Awaited(target, given.pop("property_files", ()), given.pop("skipped_task_ids", {}), returns_arn=False)
    made = SageMakerPipelineStepTrigger(awaited=awaited, connection=connection, wait=wait, **given)
    if triggerer is not None:
        made.task_instance = triggerer.task_instance  # type: ignore[assignment]
    return made


def execution_trigger(triggerer: Triggerer | None = None, **keywords: Any) -> SageMakerPipelineExecutionTrigger:
    """The trigger of a task for a whole execution, or for a step of one."""
    here = ending_here(keywords.pop("end_from_trigger", False))
    given = {"waiter_delay": 0.01, "stop_on_kill": False, **here, **keywords}
    if "pipeline_name" not in given:
        given = {"pipeline_execution_arn": EXECUTION_ARN, **given}
    connection, wait = take(AwsConnection, given), take(WaitSettings, given)
    step_name = given.pop("step_name", None)
    target = ExecutionTarget() if step_name is None else StepTarget(step_name, started_elsewhere=True)
    awaited = Awaited(target, skip_on_failure=given.pop("skip_on_failure", False))
    made = SageMakerPipelineExecutionTrigger(awaited=awaited, connection=connection, wait=wait, **given)
    if triggerer is not None:
        made.task_instance = triggerer.task_instance  # type: ignore[assignment]
    return made
