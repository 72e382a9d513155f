from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from airflow_sm_pipelines import SageMakerStepOperator
from airflow_sm_pipelines.exceptions import PipelineExecutionError
from tests.scripted_service import EXECUTION_ARN, connection_json, serve, step


class ExecutionOfAnother:
    """A hook whose execution runs some definition; remembers what was stopped."""

    def __init__(self, definition):
        self.definition = definition
        self.stopped = []

    def execution_definition(self, _):
        return self.definition

    def stop_execution(self, pipeline_execution_arn):
        self.stopped.append(pipeline_execution_arn)


def test_an_execution_of_another_definition_is_stopped(dag, group):
    """When the execution does not run what this group says, it is stopped and the launch fails."""
    with group() as pipeline:
        SageMakerStepOperator(task_id="a", step_type="Training")
    text = pipeline.compile().definition.to_json()
    hook = ExecutionOfAnother('{"Version": "2020-12-01", "Steps": []}')
    with pytest.raises(PipelineExecutionError) as caught:
        pipeline.launch._require_definition(hook, "arn:x", text)
    assert str(caught.value) == (
        "execution arn:x runs another definition than task group 'churn' has now, and was stopped: pipeline 'd-churn' "
        "was updated by someone else in the same moment, or the Dag file changed since the first try. Clear this task "
        "to start anew; give each task group a pipeline_name of its own"
    )
    assert hook.stopped == ["arn:x"]


def test_an_execution_of_this_definition_goes_on(dag, group):
    """Equal definitions are equal whatever their spaces."""
    with group() as pipeline:
        SageMakerStepOperator(task_id="a", step_type="Training")
    compiled = pipeline.compile()
    hook = ExecutionOfAnother(json.dumps(compiled.definition.to_document(), indent=2))
    pipeline.launch._require_definition(hook, "arn:x", compiled.definition.to_json())
    assert hook.stopped == []


@pytest.fixture
def launched(monkeypatch, dag, group, task_log):
    """Run the launch task of a group at a try, its execution being there already, in some status."""
    with serve() as service:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection_json(service.url))
        with group(launch_arguments={"retries": 2}) as pipeline:
            SageMakerStepOperator(task_id="a", step_type="Training")
        text = pipeline.compile().definition.to_json()
        arn = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/d-churn"
        role = pipeline.settings.role_arn
        service.answers = {
            "DescribePipeline": [{"PipelineArn": arn, "PipelineDefinition": text, "RoleArn": role}],
            "StartPipelineExecution": [{"PipelineExecutionArn": EXECUTION_ARN}],
            "DescribePipelineDefinitionForExecution": [{"PipelineDefinition": text}],
            "RetryPipelineExecution": [{"PipelineExecutionArn": EXECUTION_ARN}],
        }

        def launch(status: str, try_number: int, max_tries: int) -> list[str]:
            service.execution(status)
            service.steps([step("a", "Failed" if status == "Failed" else "Executing", EndTime=1690315999.5)])
            service.requests.clear()
            instance = SimpleNamespace(
                dag_id="d", run_id="r", task_id="churn.launch", map_index=-1, try_number=try_number, max_tries=max_tries
            )
            context = {"ti": instance, "dag_run": SimpleNamespace(start_date="2026")}
            assert pipeline.launch.execute(context) == EXECUTION_ARN
            return [operation for operation, _ in service.requests]

        launch.log = task_log(pipeline.launch)
        yield launch


def test_arguments_that_the_api_would_refuse_are_warned_of(launched):
    """The launch task says which members a request misses, with their places, and goes on: the service decides."""
    launched("Executing", 1, 2)
    assert [line for line in launched.log if line[0] == "WARNING"] == [
        ("WARNING", f"step 'a' lacks '{member}', which CreateTrainingJob requires @ $.Steps[0].Arguments")
        for member in ("RoleArn", "OutputDataConfig")
    ]


STARTING = ["DescribePipeline", "StartPipelineExecution", "DescribePipelineDefinitionForExecution"]
LOOKING = ["DescribePipelineExecution", "ListPipelineExecutionSteps"]


@pytest.mark.parametrize(
    ("status", "try_number", "max_tries", "operations"),
    [
        ("Failed", 1, 2, STARTING),
        ("Executing", 2, 2, [*STARTING, *LOOKING]),
        ("Failed", 2, 2, [*STARTING, *LOOKING, "RetryPipelineExecution"]),
        ("Failed", 4, 5, STARTING),
        ("Failed", 5, 5, [*STARTING, *LOOKING, "RetryPipelineExecution"]),
    ],
    ids=["first", "found executing", "found failed", "first after a clear", "found failed after a clear"],
)
def test_a_retry_that_finds_its_execution_failed_resumes_it(launched, status, try_number, max_tries, operations):
    """Another try finds the execution of the first by its token; only a failed one is resumed, and none that is new."""
    assert launched(status, try_number, max_tries) == operations
