"""Step caching: results of earlier runs with the same attributes."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.outcome import StepTarget
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
from airflow_sm_pipelines.hooks.step_results import step_result
from airflow_sm_pipelines.local import clock
from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.callbacks import CallbackQueue
from tests.integration.clients import TEST_KEY, Aws, token, wait
from tests.integration.documents import BUCKET, REGION, ROLE, document, fail_step, processing_step, training_step

CACHED = {"Enabled": True, "ExpireAfter": "PT1H"}


class Pipeline:
    """A pipeline that is run several times.

    :param endpoint: The endpoint.
    :param aws: Clients for it.
    :param steps: Its steps.
    """

    def __init__(self, endpoint: LocalEndpoint, aws: Aws, *steps: dict[str, Any], parameters: Any = ()) -> None:
        self._endpoint, self._aws = endpoint, aws
        self.name = f"cached-{uuid.uuid4().hex[:8]}"
        self._parameters = parameters
        aws.sagemaker.create_pipeline(
            PipelineName=self.name,
            PipelineDefinition=json.dumps(document(*steps, parameters=parameters)),
            RoleArn=ROLE,
            ClientRequestToken=token(),
        )

    def update(self, *steps: dict[str, Any]) -> None:
        """Give it other steps."""
        definition = json.dumps(document(*steps, parameters=self._parameters))
        self._aws.sagemaker.update_pipeline(PipelineName=self.name, PipelineDefinition=definition)

    def start(self, **parameters: str) -> str:
        """Start it."""
        given = [{"Name": name, "Value": value} for name, value in parameters.items()]
        return str(
            self._aws.sagemaker.start_pipeline_execution(
                PipelineName=self.name, PipelineParameters=given, ClientRequestToken=token()
            )["PipelineExecutionArn"]
        )

    def run(self, **parameters: str) -> tuple[str, dict[str, dict[str, Any]]]:
        """Run it to the end: the execution and its steps."""
        arn = self.start(**parameters)
        wait(self._endpoint, arn)
        return arn, self._aws.steps(arn)


def hits(steps: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The execution that each step's results are from, where they are cached."""
    return {
        name: step["CacheHitResult"]["SourcePipelineExecutionArn"]
        for name, step in steps.items()
        if "CacheHitResult" in step
    }


def test_a_job_with_the_same_attributes_is_not_run_again(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Same job, same outputs for later steps; attributes outside the key, such as outputs, do not matter."""
    script = aws.put_script("import uuid; open('/opt/ml/processing/output/o/n.txt', 'w').write(uuid.uuid4().hex)")
    uri = f"s3://{BUCKET}/{uuid.uuid4().hex}"
    read = {"Get": "Steps.make.ProcessingOutputConfig.Outputs['o'].S3Output.S3Uri"}

    def steps(output: str) -> tuple[dict[str, Any], dict[str, Any]]:
        return processing_step("make", script, outputs={"o": output}, CacheConfig=CACHED), fail_step("say", read)

    pipeline = Pipeline(endpoint, aws, *steps(uri))
    first, ran = pipeline.run()
    assert hits(ran) == {}
    pipeline.update(*steps(f"{uri}/elsewhere"))
    second, found = pipeline.run()
    assert hits(found) == {"make": first}
    made, taken = ran["make"], found["make"]
    assert (taken["StepStatus"], taken["Metadata"]) == ("Succeeded", made["Metadata"])
    assert taken["StartTime"] >= made["EndTime"]
    assert found["say"]["FailureReason"] == uri
    _, third = pipeline.run()
    assert hits(third) == {"make": first}  # where it was run, not where it was found last
    assert second != first


@pytest.mark.parametrize("change", ["arguments", "environment", "input"])
def test_other_attributes_are_another_run(endpoint: LocalEndpoint, aws: Aws, change: str) -> None:
    """Arguments, environment, and where inputs lie, with the values that expressions have in the execution."""
    value = {"Get": "Parameters.Value"}
    prefix = f"data/{uuid.uuid4().hex}"
    aws.put(f"{prefix}/a", "")
    aws.put(f"{prefix}/b", "")
    uri = {"Std:Join": {"On": "/", "Values": [f"s3://{BUCKET}/{prefix}", value]}}
    changes: dict[str, dict[str, Any]] = {
        "arguments": {"arguments": (value,)},
        "environment": {"environment": {"V": value}},
        "input": {"inputs": {"i": uri}},
    }
    step = processing_step("make", aws.put_script(""), CacheConfig=CACHED, **changes[change])
    pipeline = Pipeline(endpoint, aws, step, parameters=({"Name": "Value", "Type": "String", "DefaultValue": "a"},))
    first, _ = pipeline.run()
    assert hits(pipeline.run(Value="b")[1]) == {}
    assert hits(pipeline.run(Value="a")[1]) == {"make": first}


def test_training_is_found_by_its_hyperparameters(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Where the model goes does not matter, what it is trained with does."""
    source = aws.put_source_archive({"train.py": "open('/opt/ml/model/m', 'w').write('m')"})
    folder = {"Std:Join": {"On": "/", "Values": [f"s3://{BUCKET}/models", {"Get": "Execution.PipelineExecutionId"}]}}
    depth = {"Get": "Parameters.Depth"}
    step = training_step("train", source, hyperparameters={"depth": depth}, output_path=folder, CacheConfig=CACHED)
    pipeline = Pipeline(endpoint, aws, step, parameters=({"Name": "Depth", "Type": "String", "DefaultValue": "3"},))
    first, _ = pipeline.run()
    assert hits(pipeline.run()[1]) == {"train": first}
    assert hits(pipeline.run(Depth="4")[1]) == {}


@pytest.fixture
def queue(aws: Aws) -> CallbackQueue:
    """A queue of the test's own."""
    return CallbackQueue(aws)


def test_only_successes_are_found_and_of_those_the_latest(
    endpoint: LocalEndpoint, aws: Aws, queue: CallbackQueue
) -> None:
    """A failed run is none; two that ran side by side both count, and the one that ended last is taken."""
    pipeline = Pipeline(endpoint, aws, queue.step("ask", CacheConfig=CACHED))
    failed = pipeline.start()
    queue.fail("ask", "no")
    wait(endpoint, failed)
    first, second = pipeline.start(), pipeline.start()
    messages = {message["pipelineExecutionArn"]: message["token"] for message in map(queue.receive, ("ask", "ask"))}
    for arn in (second, first):
        aws.sagemaker.send_pipeline_execution_step_success(CallbackToken=messages[arn])
        wait(endpoint, arn)
    assert hits(pipeline.run()[1]) == {"ask": first}


def test_another_pipelines_runs_are_not_found(endpoint: LocalEndpoint, aws: Aws, queue: CallbackQueue) -> None:
    """Nor those of a step with caching turned off."""
    step = queue.step("ask", CacheConfig=CACHED)
    for pipeline in (Pipeline(endpoint, aws, step), Pipeline(endpoint, aws, step)):
        arn = pipeline.start()
        queue.succeed("ask")
        wait(endpoint, arn)
        assert hits(aws.steps(arn)) == {}
    off = Pipeline(endpoint, aws, {**step, "CacheConfig": {"Enabled": False, "ExpireAfter": "PT1H"}})
    for _ in range(2):
        arn = off.start()
        queue.succeed("ask")
        wait(endpoint, arn)
        assert hits(aws.steps(arn)) == {}


@pytest.mark.parametrize("arguments", [{}, {"Arguments": {}}])
def test_a_step_without_arguments_is_cached_too(
    endpoint: LocalEndpoint, aws: Aws, queue: CallbackQueue, arguments: dict[str, Any]
) -> None:
    """A Callback step may leave them out: its message then has none, and a run of it is found by the rest."""
    step = {"Name": "ask", "Type": "Callback", "SqsQueueUrl": queue.url, "CacheConfig": CACHED, **arguments}
    pipeline = Pipeline(endpoint, aws, step)
    first = pipeline.start()
    message = queue.receive(None)
    aws.sagemaker.send_pipeline_execution_step_success(CallbackToken=message["token"])
    wait(endpoint, first)
    assert message["arguments"] == {}
    assert hits(pipeline.run()[1]) == {"ask": first}


@pytest.fixture
def told(endpoint: LocalEndpoint, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str | None]:
    """Why a step of an execution ran again, as its task says it."""
    extra = {"region_name": REGION, "endpoint_url": endpoint.url}
    connection = {"conn_type": "aws", "login": TEST_KEY.id, "password": TEST_KEY.secret, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_TEST", json.dumps(connection))
    hook = SageMakerPipelineHook(aws_conn_id="aws_test")

    def why(execution_arn: str, step_name: str, config: dict[str, Any] = CACHED) -> str | None:
        ending = Awaited(StepTarget(step_name), cache_config=config).ending(hook.snapshot(execution_arn))
        assert ending is not None
        assert ending.step is not None
        return step_result(hook, ending, ending.step).cache_miss

    return why


def test_a_task_says_why_its_step_ran_again(endpoint: LocalEndpoint, aws: Aws, told: Callable[..., str | None]) -> None:
    """There is no success, an attribute differs, or the success has expired; of a hit there is nothing to say."""
    value = {"Get": "Parameters.Value"}
    make = processing_step(
        "make", aws.put_script(""), arguments=(value,), environment={"TOKEN": value}, CacheConfig=CACHED
    )
    pipeline = Pipeline(endpoint, aws, make, parameters=({"Name": "Value", "Type": "String", "DefaultValue": "a"},))
    first, _ = pipeline.run()
    assert told(first, "make") == "the step has not succeeded in an earlier execution of the pipeline"
    second, _ = pipeline.run(Value="b")
    assert told(second, "make") == (
        "AppSpecification.ContainerArguments[0] a → b; Environment.TOKEN changed; compared with its latest success, in "
        f"execution {first}"
    )
    hit, found = pipeline.run(Value="b")
    assert hits(found) == {"make": second}
    assert told(hit, "make") is None
    ended = aws.steps(second)["make"]["EndTime"]
    at_once = {"Enabled": True, "ExpireAfter": "PT0S"}
    pipeline.update({**make, "CacheConfig": at_once})
    third, _ = pipeline.run(Value="b")
    at = ended.astimezone(dt.timezone.utc).isoformat(timespec="seconds")
    assert told(third, "make", at_once) == (
        f"its latest success, in execution {second}, has expired: it ended at {at}, and results are kept for PT0S"
    )


def test_results_expire(
    endpoint: LocalEndpoint, aws: Aws, queue: CallbackQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ExpireAfter is how old a run may be; an hour and a second later it is not found any more."""
    pipeline = Pipeline(endpoint, aws, queue.step("ask", CacheConfig=CACHED))
    first = pipeline.start()
    queue.succeed("ask")
    wait(endpoint, first)
    ended = aws.steps(first)["ask"]["EndTime"]
    monkeypatch.setattr(clock, "now", lambda: ended + dt.timedelta(hours=1))
    assert hits(pipeline.run()[1]) == {"ask": first}
    monkeypatch.setattr(clock, "now", lambda: ended + dt.timedelta(hours=1, milliseconds=1))
    late = pipeline.start()
    queue.succeed("ask")
    wait(endpoint, late)
    assert hits(aws.steps(late)) == {}
    assert ended <= dt.datetime.now(dt.timezone.utc)
