"""Where a step's task does not start from its trigger, it begins on a worker: mapped, or on an older Airflow."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, TaskDeferred
from airflow.sdk import DAG
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import SetRenderedFields

from airflow_sm_pipelines import SageMakerPipelineTaskGroup, SageMakerStepOperator
from airflow_sm_pipelines.definition.steps import BranchOwner
from airflow_sm_pipelines.exceptions import PipelineExecutionError
from tests.scripted_service import EXECUTION_ARN, Refusal, step
from tests.unit.conftest import PIPELINE_SETTINGS
from tests.valid_arguments import TRAINING


@pytest.fixture
def task():
    with DAG("d"), SageMakerPipelineTaskGroup("churn", **PIPELINE_SETTINGS):
        made = SageMakerStepOperator(task_id="train", step_type="Training", arguments=TRAINING)
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


@pytest.mark.parametrize("rendered", [None, "None"])
def test_a_step_of_which_nothing_was_launched(task, context, rendered):
    """As with 'airflow tasks test', which runs one task alone: the message says what to do instead."""
    task.pipeline_execution_arn = rendered
    with pytest.raises(AirflowFailException) as caught:
        task.execute(context())
    assert str(caught.value) == (
        "step 'train' has no execution to follow: task 'churn.launch' has pushed no execution ARN in this Dag run. Clear "
        "task 'churn.launch' with its downstream tasks to start one. On the command line run the whole Dag, with 'airflow "
        "dags test': 'airflow tasks test' runs this task alone. See docs/troubleshooting.md#no-execution-to-follow"
    )


JOB = "arn:aws:sagemaker:us-east-1:123456789012:training-job/pipelines-abc-train"


@pytest.mark.parametrize("status", ["Succeeded", "Failed"])
def test_a_worker_tells_no_secret_that_another_has_read(service, task, context, task_log, status):
    """Neither in the exception, nor in the log, nor in an XCom: what the launch task has read is hidden here, too."""
    log = task_log(task)
    running = context()
    running["ti"].pulled["churn.launch", "launched"] = {
        "at": 0.0,
        "clears": 0,
        "listens": False,
        "masked": {"Url": "https://me:***@host"},
    }
    service.answers["ListPipelineParametersForExecution"] = [
        {"PipelineParameters": [{"Name": "Url", "Value": "https://me:p4ss-of-a-test@host"}]}
    ]
    metadata = {"TrainingJob": {"Arn": JOB}}
    reason = "no p4ss-of-a-test"
    service.execution("Executing")
    service.steps([step("train", status, EndTime=1690315999.0, Metadata=metadata, FailureReason=reason)])
    service.answers["DescribeTrainingJob"] = [{"ModelArtifacts": {"S3ModelArtifacts": "s3://box/p4ss-of-a-test"}}]
    service.answers["DescribeLogStreams"] = [{"logStreams": [{"logStreamName": "pipelines-abc-train/algo-1"}]}]
    service.answers["GetLogEvents"] = [{"events": [{"timestamp": 1, "message": "using p4ss-of-a-test"}]}]
    event = {"status": status, "reason": None, "pipeline_execution_arn": EXECUTION_ARN, "limit": None, "try_number": 1}
    if status == "Failed":
        with pytest.raises(PipelineExecutionError, match=r"^step 'train' failed: no \*\*\*$"):
            task.execute_complete(running, event)
    else:
        task.execute_complete(running, event)
    assert log[-1][1] == "    using ***"
    assert "p4ss-of-a-test" not in json.dumps([log, running["ti"].pushed])


def test_the_request_is_a_rendered_field(service, task, context, monkeypatch):
    """When a worker ends the task, "Rendered Templates" shows what SageMaker got. Airflow is told before the task ends:
    afterwards the next try may have begun, and Airflow knows this one no more.
    """
    told = []
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", SimpleNamespace(send=told.append), raising=False)
    metadata = {"TrainingJob": {"Arn": JOB}}
    service.execution("Executing")
    service.steps([step("train", "Succeeded", EndTime=1690315999.0, Metadata=metadata)])
    described = {
        "TrainingJobName": "t",
        "RoleArn": "arn:aws:iam::123456789012:role/r",
        "TrainingJobStatus": "Completed",
    }
    service.answers["DescribeTrainingJob"] = [described]
    assert task.execute(context()) is None
    assert [message for message in told if isinstance(message, SetRenderedFields)] == [
        SetRenderedFields(
            rendered_fields={
                "pipeline_execution_arn": EXECUTION_ARN,
                "request": {"TrainingJobName": "t", "RoleArn": "arn:aws:iam::123456789012:role/r"},
            }
        )
    ]


@pytest.mark.parametrize("status", ["Succeeded", "Failed"])
def test_a_request_that_cannot_be_shown_is_no_failure(service, task, context, monkeypatch, task_log, status):
    """The task ends as its step did, with its XComs; the log says that Airflow took no rendered fields."""
    log = task_log(task)

    def send(message):
        if message.type == "SetRenderedFields":
            raise ZeroDivisionError

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", SimpleNamespace(send=send), raising=False)
    service.execution("Executing")
    service.steps([step("train", status, EndTime=1690315999.0, Metadata={"TrainingJob": {"Arn": JOB}})])
    service.answers["DescribeTrainingJob"] = [{"TrainingJobName": "t", "HyperParameters": {"password": "hunter2"}}]
    running = context()
    event = {"status": status, "reason": None, "pipeline_execution_arn": EXECUTION_ARN, "limit": None, "try_number": 1}
    if status == "Failed":
        with pytest.raises(PipelineExecutionError, match=r"^step 'train' failed$"):
            task.execute_complete(running, event)
    else:
        task.execute_complete(running, event)
    assert running["ti"].pushed["step_report"]["status"] == status
    assert task.request == {"TrainingJobName": "t", "HyperParameters": {"password": "***"}}
    refused = "The request cannot be shown in Rendered Templates: ZeroDivisionError()"
    assert ("warning", refused) in [(level.lower(), line) for level, line in log]
