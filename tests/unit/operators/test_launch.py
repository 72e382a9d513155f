from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest
from botocore.loaders import Loader

from airflow_sm_pipelines import SageMakerStepOperator
from airflow_sm_pipelines.definition.parameters import PipelineParameter
from airflow_sm_pipelines.exceptions import PipelineExecutionError, PipelineParameterError
from airflow_sm_pipelines.operators.launch import client_request_token, execution_display_name, start_values
from tests.scripted_service import EXECUTION_ARN, connection_json, serve, step

RUN = {
    "dag_id": "d",
    "run_id": "manual__2026-01-01T00:00:00+00:00",
    "run_start": "2026",
    "task_id": "g.launch",
    "map_index": -1,
}


def test_the_token_is_that_of_one_launch():
    """The same launch always has the same token, and whatever differs makes another."""
    token = client_request_token(**RUN, generation=0)
    others = [
        client_request_token(**{**RUN, key: value}, generation=0)
        for key, value in {"dag_id": "e", "run_id": "f", "run_start": "2027", "task_id": "h", "map_index": 1}.items()
    ]
    assert token == client_request_token(**RUN, generation=0)
    assert len({token, client_request_token(**RUN, generation=1), *others}) == 7
    assert re.fullmatch("[0-9a-f]{64}", token)


def test_display_names_fit_the_service_model():
    """Run ids are cut and cleaned until botocore's pattern for display names takes them."""
    pattern = Loader().load_service_model("sagemaker", "service-2")["shapes"]["PipelineExecutionName"]
    names = [
        execution_display_name("example_train", "manual__2026-01-01T00:00:00.123456+00:00"),
        execution_display_name("d" * 100, "_run_"),
    ]
    assert names == ["example-train-manual-2026-01-01T00-00-00-123456-00-00", "d" * 78 + "-run"]
    assert all(re.fullmatch(pattern["pattern"], name) and len(name) <= pattern["max"] for name in names)


def test_start_values_are_checked_texts():
    """Rendered values become the texts that StartPipelineExecution takes."""
    declared = [PipelineParameter("A", "Float"), PipelineParameter("B", "Boolean"), PipelineParameter("C", "String")]
    assert start_values({"A": "0.9", "B": True, "C": 5}, declared, "g.launch") == {"A": "0.9", "B": "true", "C": "5"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"InputDta": "x"},
            (
                "Task 'g.launch' gives a value for pipeline parameter 'InputDta', which the pipeline does not declare. "
                "Did you mean 'InputData'?"
            ),
        ),
        (
            {"InputData": "x" * 1025},
            (
                "Task 'g.launch': The value of pipeline parameter 'InputData' has 1025 characters; SageMaker takes at most "
                "1024. Put the content in S3 and pass its URI."
            ),
        ),
        (
            {"Rounds": "many"},
            (
                "Task 'g.launch': Pipeline parameter 'Rounds' is declared Integer and was given 'many'; give a whole "
                "number, such as '5'."
            ),
        ),
        (
            {"InputData": None},
            (
                "Task 'g.launch', pipeline parameter 'InputData': A pipeline parameter holds a str, int, float or bool, "
                "not NoneType (None). Pass a JSON string, or put the content in S3 and pass its URI."
            ),
        ),
    ],
)
def test_rendered_values_that_do_not_fit(values, message):
    """What only rendering shows to be wrong is refused before anything is started."""
    declared = [PipelineParameter("InputData", "String"), PipelineParameter("Rounds", "Integer")]
    with pytest.raises(PipelineParameterError) as caught:
        start_values(values, declared, "g.launch")
    assert str(caught.value) == message


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
