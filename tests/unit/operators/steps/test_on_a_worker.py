"""Where a step's task does not start from its trigger, it begins on a worker: mapped, or on an older Airflow."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException, TaskDeferred
from airflow.sdk import DAG

from airflow_sm_pipelines import SageMakerPipelineTaskGroup, SageMakerStepOperator
from airflow_sm_pipelines.definition.steps import BranchOwner
from airflow_sm_pipelines.exceptions import PipelineExecutionError
from tests.scripted_service import EXECUTION_ARN, Refusal, step
from tests.unit.conftest import PIPELINE_SETTINGS


@pytest.fixture
def task():
    with DAG("d"), SageMakerPipelineTaskGroup("churn", **PIPELINE_SETTINGS):
        made = SageMakerStepOperator(task_id="train", step_type="Training", arguments={})
    made.pipeline_execution_arn = EXECUTION_ARN
    return made


def test_a_step_that_is_over_costs_one_worker(service, task, context):
    """When the task starts after its step succeeded, it ends at once, with all that a step's task leaves."""
    service.execution("Executing")
    service.steps([step("train", "Succeeded", EndTime=1690315999.0)])
    running = context()
    assert task.execute(running) is None
    assert running["ti"].pushed["step_report"]["status"] == "Succeeded"
    assert set(task.link_addresses) == {"_link_SageMakerPipelineExecutionLink"}


def test_a_step_whose_branch_is_not_taken_is_skipped_at_once(service, task, context):
    """The outcome of its condition says that it never runs."""
    task.branches = (BranchOwner("good", "True"),)
    condition = step("good", "Succeeded", EndTime=1690315999.0, Metadata={"Condition": {"Outcome": "False"}})
    service.execution("Executing")
    service.steps([condition])
    with pytest.raises(AirflowSkipException):
        task.execute(context())


@pytest.mark.parametrize(
    ("execution", "found"),
    [
        ("Executing", step("train", "Executing")),
        ("Failed", step("train", "Failed", EndTime=1690315999.0)),
        ("Stopped", step("train", "Stopped", EndTime=1690315999.0)),
    ],
)
def test_all_else_is_the_triggers(service, task, context, execution, found):
    """A step that is not over is waited for; a failure may be an old one, which only the trigger knows."""
    service.execution(execution)
    service.steps([found])
    running = context()
    with pytest.raises(TaskDeferred) as caught:
        task.execute(running)
    trigger = caught.value.trigger
    assert (trigger.pipeline_execution_arn, trigger.ends_here, trigger.deferred_by_worker) == (EXECUTION_ARN, (), True)
    assert running["ti"].pushed == {}


def test_a_service_in_trouble_is_waited_for_in_the_triggerer(service, task, context):
    """The worker is not held while the service cannot be asked."""
    service.answers["DescribePipelineExecution"] = [Refusal("ThrottlingException", "Rate exceeded")]
    running = context()
    with pytest.raises(TaskDeferred):
        task.execute(running)
    assert running["ti"].pushed == {}


def test_what_an_earlier_try_was_resumed_with_is_no_end_of_this_one(service, task, context):
    """Airflow 3.0 resumes a second try with the event of the first: it begins anew, and its trigger knows the failure."""
    service.execution("Failed")
    service.steps([step("train", "Failed", EndTime=1690315999.0)])
    event = {"status": "failed", "reason": "boom", "pipeline_execution_arn": EXECUTION_ARN, "limit": None}
    with pytest.raises(TaskDeferred):
        task.execute_complete(context(try_number=2), {**event, "try_number": 1})
    with pytest.raises(PipelineExecutionError, match="boom"):
        task.execute_complete(context(try_number=2), {**event, "try_number": 2})
