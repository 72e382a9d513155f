"""A step task's end on a worker: for tasks with outlets, and for ``dag.test()``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airflow_sm_pipelines.exceptions import PipelineExecutionError
from airflow_sm_pipelines.execution.outcome import Branch, Fail, Skip, StepTarget, Wait, decide
from airflow_sm_pipelines.execution.snapshot import StepSnapshot
from airflow_sm_pipelines.links.sagemaker import link_xcoms

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
    from airflow_sm_pipelines.operators.steps.base import BaseSageMakerStepOperator
    from airflow_sm_pipelines.operators.steps.branching import BranchingStepOperator


def complete_step(
    task: BaseSageMakerStepOperator, context: Context, hook: SageMakerPipelineHook, event: Any
) -> StepSnapshot | None:
    """End a step task as its step ended, and push its XComs and links.

    :param task: the task.
    :param context: Airflow's.
    :param hook: for the group's connection.
    :param event: what the trigger said, if it did: why it gave up on a step that is not over.
    :return: the step.
    :raises PipelineExecutionError: when the step failed, or is not over. Airflow honours the task's retries.
    :raises AirflowSkipException: when it was never to run.
    """
    from airflow_sm_pipelines.hooks.patience import persist

    return persist(lambda: _complete(task, context, hook, event), task.log)


def _complete(
    task: BaseSageMakerStepOperator, context: Context, hook: SageMakerPipelineHook, event: Any
) -> StepSnapshot | None:
    snapshot = hook.snapshot(task.pipeline_execution_arn)
    branches = tuple(Branch(condition, outcome == "True") for condition, outcome in task.branches)
    decision = decide(snapshot, StepTarget(task.step_name, branches))
    step = snapshot.steps.get(task.step_name)
    if isinstance(decision, Skip):
        raise AirflowSkipException(decision.reason)
    if step is not None:
        result = hook.collect_step_result(step, task.property_file_places)
        for key, value in result.xcoms().items():
            context["ti"].xcom_push(key=key, value=value)
        task.link_addresses = link_xcoms(str(snapshot.arn), step.job_arn, snapshot.created_by_domain)
    if isinstance(decision, Fail):
        for line in [] if step is None else hook.failure_report(step, task.settings.log_lines):
            task.log.error("%s", line)
        raise PipelineExecutionError(decision.reason)
    if isinstance(decision, Wait):
        if isinstance(event, Mapping) and event.get("reason"):
            raise PipelineExecutionError(event["reason"])
        raise PipelineExecutionError(
            f"step '{task.step_name}' of {snapshot.arn} is not over (execution {snapshot.status}), although its "
            "trigger ended. Clear the task to follow it again."
        )
    return step


def complete_condition(task: BranchingStepOperator, context: Context, hook: SageMakerPipelineHook, event: Any) -> None:
    """End a condition task and skip the branch that was not taken.

    :param task: the task.
    :param context: Airflow's.
    :param hook: for the group's connection.
    :param event: what the trigger said, if it did.
    :raises PipelineExecutionError: when the step failed, or is not over.
    """
    step = complete_step(task, context, hook, event)
    outcome = None if step is None else step.condition_outcome
    if outcome is None:
        raise PipelineExecutionError(f"Condition step '{task.step_name}' succeeded without an outcome.")
    skipped = task.skipped_task_ids[str(outcome)]
    task.log.info("The outcome of step '%s' is %s", task.step_name, outcome)
    # Tells Airflow by an exception, so nothing can come after it.
    task.skip(context["ti"], [each for each in task.downstream_list if each.task_id in skipped])
