"""A task ends alike on a worker and in the triggerer."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowSkipException, DownstreamTasksSkipped
from airflow.sdk import DAG
from airflow.sdk.execution_time import task_runner
from airflow.triggers.base import TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_sm_pipelines.definition.steps import PropertyFile
from airflow_sm_pipelines.exceptions import PipelineExecutionError
from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.outcome import ExecutionTarget, StepTarget
from airflow_sm_pipelines.settings import WaitSettings
from airflow_sm_pipelines.tasks.connected import ConnectedTask
from airflow_sm_pipelines.tasks.finish import end_after_trigger
from airflow_sm_pipelines.triggers.step import SageMakerPipelineStepTrigger
from tests.fake_triggerer import Triggerer
from tests.scripted_service import EXECUTION_ARN, Refusal, connection_json, serve, stand_for_aws, step
from tests.versions import in_triggerer

JOB = "arn:aws:sagemaker:us-east-1:123456789012:processing-job/pipelines-abc-train"
FILE = PropertyFile("metrics", "evaluation", "metrics.json")
STATES = {TaskSuccessEvent: "success", TaskFailedEvent: "failed", TaskSkippedEvent: "skipped"}


class Task(ConnectedTask):
    """A task whose direct downstream tasks can be skipped, as a condition's."""

    def skip(self, task_instance: Any, tasks: Any) -> None:
        skipped = [each.task_id for each in tasks]
        task_instance.xcom_push(key="skipmixin_key", value={"skipped": skipped})
        raise DownstreamTasksSkipped(tasks=skipped)


def on_a_worker(awaited: Awaited, downstream: list[str]) -> tuple[str, dict[str, Any]]:
    """End a task on a worker; return its state and XComs."""
    with DAG("train_model", schedule=None):
        task = Task(task_id="train")
        for task_id in downstream:
            task >> Task(task_id=task_id)
    pushed: dict[str, Any] = {}
    context: Any = {"ti": SimpleNamespace(xcom_push=lambda key, value: pushed.update({key: value}))}
    state = "success"
    try:
        value = end_after_trigger(task, context, awaited, EXECUTION_ARN, event=None, log_lines=2)
        pushed |= {} if value is None else {"return_value": value}
    except DownstreamTasksSkipped:
        pass
    except AirflowSkipException:
        state = "skipped"
    except (AirflowException, PipelineExecutionError):
        state = "failed"
    return state, {**task.link_addresses, **pushed}


def in_the_triggerer(awaited: Awaited, triggerer: Triggerer) -> tuple[str, dict[str, Any]]:
    """End the same task in the triggerer."""
    trigger = SageMakerPipelineStepTrigger(
        pipeline_execution_arn=EXECUTION_ARN,
        awaited=json.loads(json.dumps(awaited.to_dict())),
        connection={},
        wait=WaitSettings(waiter_delay=0.01, log_lines=2, stop_on_kill=False, end_tasks="triggerer"),
        ends_here=["success", "failed", "skipped"],
    )
    trigger.task_instance = triggerer.task_instance  # type: ignore[assignment]

    async def only_event() -> Any:
        [event] = [each async for each in trigger.run()]
        return event

    return STATES[type(asyncio.run(only_event()))], dict(triggerer.pushed)


STEP_STATUSES = st.sampled_from(["Succeeded", "Failed", "Stopped", None])
METADATA = st.sampled_from(
    [{}, {"ProcessingJob": {"Arn": JOB}}, {"Condition": {"Outcome": "True"}}, {"Condition": {"Outcome": "False"}}]
)


@st.composite
def awaiteds(draw: st.DrawFn) -> Awaited:
    soft = draw(st.booleans())
    if draw(st.booleans()):
        return Awaited(ExecutionTarget(however=draw(st.booleans())), skip_on_failure=soft)
    skipped = draw(st.sampled_from([{}, {"True": ["reject"], "False": ["register"]}]))
    return Awaited(
        StepTarget("train", started_elsewhere=draw(st.booleans())),
        draw(st.sampled_from([(), (FILE,)])),
        skipped,
        skip_on_failure=soft,
        returns_arn=not skipped and draw(st.booleans()),  # a condition's task returns nothing
        cache_config=draw(st.sampled_from([None, {"Enabled": True}])),
    )


@pytest.fixture(scope="module")
def service():
    with serve() as scripted, pytest.MonkeyPatch.context() as patch:
        stand_for_aws(patch)
        patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection_json(scripted.url))
        patch.setattr("airflow_sm_pipelines.compatibility.triggerer.SETTLED_AFTER", 0)
        yield scripted


@in_triggerer
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    awaited=awaiteds(),
    execution=st.sampled_from(["Succeeded", "Failed", "Stopped", "CompletedWithFailures"]),
    status=STEP_STATUSES,
    metadata=METADATA,
    job=st.sampled_from([{}, Refusal("AccessDeniedException", "not you"), Refusal("ValidationException", "no")]),
)
def test_every_decision_ends_a_task_alike_on_both_sides(
    service, monkeypatch, awaited, execution, status, metadata, job
):
    """Whatever is seen, and whatever the task asks for: the state and all XComs, links among them, are the same."""
    service.execution(execution)
    service.steps([] if status is None else [step("train", status, Metadata=metadata, FailureReason="boom")])
    service.answers["DescribeProcessingJob"] = [job]
    triggerer = Triggerer()
    worker = on_a_worker(awaited, ["register", "reject"])
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", triggerer, raising=False)
    assert in_the_triggerer(awaited, triggerer) == worker


@pytest.mark.parametrize(
    ("status", "exception"), [("skipped", AirflowSkipException), ("failed", PipelineExecutionError)]
)
@pytest.mark.parametrize("arn", [None, "None"])
def test_a_task_whose_trigger_found_no_execution(status, exception, arn):
    """A worker has nothing to look at either: it ends the task as the trigger says, and asks nobody."""
    with DAG("train_model", schedule=None):
        task = Task(task_id="train", aws_conn_id="no_such_connection")
    awaited = Awaited(StepTarget("train"), returns_arn=False)
    context: Any = {"ti": SimpleNamespace(map_index=None, xcom_pull=lambda *_, **__: None)}
    event = {"status": status, "reason": "nothing was launched", "pipeline_execution_arn": arn, "limit": None}
    with pytest.raises(exception, match="nothing was launched"):
        end_after_trigger(task, context, awaited, "None", event=event, log_lines=1)
