"""Whatever the service answers, a trigger ends with one event and, unless that is a success, with a reason."""

from __future__ import annotations

import asyncio

from airflow.sdk.execution_time import task_runner
from airflow.triggers.base import TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_sm_pipelines.definition.steps import PropertyFile
from tests.fake_triggerer import Triggerer
from tests.made_triggers import execution_trigger, step_trigger
from tests.scripted_service import EXECUTION_ARN, step

JOB = "arn:aws:sagemaker:us-east-1:123456789012:processing-job/pipelines-abc-train"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab/:", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["Outputs", "OutputName", "S3Output", "S3Uri", "Arn", "ProcessingJob", "Condition"]), inner
        )
    ),
    max_leaves=5,
)
OUTPUTS = st.fixed_dictionaries({}, optional={"ProcessingOutputConfig": JSON})
EXECUTIONS = st.fixed_dictionaries(
    {},
    optional={
        "PipelineExecutionArn": st.just(EXECUTION_ARN) | JSON,
        "PipelineExecutionStatus": st.sampled_from(["Succeeded", "Failed", "Unheard"]) | JSON,
        "FailureReason": JSON,
    },
)
STEPS = st.fixed_dictionaries(
    {},
    optional={
        "StepName": st.just("train") | JSON,
        "StepStatus": st.sampled_from(["Succeeded", "Failed"]) | JSON,
        "Metadata": st.just({"ProcessingJob": {"Arn": JOB}}) | JSON,
        "EndTime": st.just(1690315999.5) | JSON,
    },
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    execution=EXECUTIONS,
    steps=st.lists(STEPS | st.just(step("train", "Succeeded", Metadata={"ProcessingJob": {"Arn": JOB}})), max_size=2),
    outputs=OUTPUTS,
    make=st.sampled_from([step_trigger, execution_trigger]),
)
def test_a_trigger_always_ends(service, monkeypatch, log, execution, steps, outputs, make):
    """Answers that no service gives end a task with a reason in its log, never the trigger alone."""
    triggerer = Triggerer()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", triggerer, raising=False)
    service.answers = {
        "DescribePipelineExecution": [execution],
        "ListPipelineExecutionSteps": [{"PipelineExecutionSteps": steps}],
        "DescribeProcessingJob": [outputs],
    }
    files = {"property_files": (PropertyFile("m", "train", "m.json"),)} if make is step_trigger else {}
    made = make(triggerer, end_from_trigger=True, **files)

    async def all_events():
        return [event async for event in made.run()]

    log().clear()
    [event] = asyncio.run(all_events())
    assert isinstance(event, (TaskSuccessEvent, TaskFailedEvent, TaskSkippedEvent))
    assert isinstance(event, TaskSuccessEvent) or [line for line in log() if line[0] == "ERROR"]
