"""Lambda steps and Invoke: functions that run as processes, by AWS's own runtime client."""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, error_of, token, wait
from tests.integration.documents import BUCKET, document, fail_step
from tests.integration.functions import Functions, code, lambda_step
from tests.integration.test_process import program, run_to_the_end, wait_until_gone

ANSWER = """
import json, os
def handler(event, context):
    print("asked for", event)
    return {
        "statusCode": 200, "body": json.dumps(event), "count": 3, "share": 0.5, "good": True, "list": [1],
        "where": " ".join([os.environ["PLACE"], os.environ["AWS_REGION"], context.function_name, context.memory_limit_in_mb,
                           str(20_000 < context.get_remaining_time_in_millis() <= 30_000)]),
        "beside": "not declared",
    }
"""

# Opens a pipe, which tells the test that it runs, and goes on when the test writes to it or closes it.
WAITS = """
def handler(event, context):
    with open(event["pipe"]) as pipe:
        return {"said": pipe.read()}
"""


@pytest.fixture(scope="module")
def functions(aws: Aws) -> Functions:
    """Clients for Lambda."""
    return Functions(aws)


def test_a_step_calls_a_function(endpoint: LocalEndpoint, aws: Aws, functions: Functions) -> None:
    """The event, what the function finds, its log, its outputs as texts and as values; a second run takes the result."""
    arn = functions.create(ANSWER, Environment={"Variables": {"PLACE": "here"}}, MemorySize=256)
    name = arn.rpartition(":")[2]
    outputs = {"statusCode": "String", "body": "String", "count": "Integer", "share": "Float", "good": "Boolean"}
    step = lambda_step(
        "call",
        {"Get": "Parameters.Function"},
        outputs | {"list": "String", "where": "String"},
        Arguments={"who": {"Get": "Parameters.Who"}},
        CacheConfig={"Enabled": True},
    )
    values = [{"Get": f"Steps.call.OutputParameters['{each}']"} for each in ("count", "share", "good")]
    definition = document(
        step,
        fail_step("say", {"Std:Join": {"On": " ", "Values": values}}),
        parameters=({"Name": "Who", "Type": "String"}, {"Name": "Function", "Type": "String"}),
    )
    first = aws.start(definition, {"Who": "me", "Function": arn})
    wait(endpoint, first)
    steps = aws.steps(first)
    expected = {
        "statusCode": "200",
        "body": '{"who": "me"}',
        "count": "3",
        "share": "0.5",
        "good": "true",
        "list": "[1]",
        "where": f"here eu-west-1 {name} 256 True",
    }
    shown = {"Arn": arn, "OutputParameters": [{"Name": key, "Value": value} for key, value in expected.items()]}
    assert (steps["call"]["StepStatus"], steps["call"]["Metadata"]) == ("Succeeded", {"Lambda": shown})
    assert steps["say"]["FailureReason"] == "3 0.5 true"
    second = aws.sagemaker.start_pipeline_execution(
        PipelineName=first.split("/")[1],
        PipelineParameters=[{"Name": "Who", "Value": "me"}, {"Name": "Function", "Value": arn}],
        ClientRequestToken=token(),
    )["PipelineExecutionArn"]
    wait(endpoint, second)
    assert aws.steps(second)["call"]["CacheHitResult"] == {"SourcePipelineExecutionArn": first}
    (stream,) = aws.logs.describe_log_streams(logGroupName=f"/aws/lambda/{name}")["logStreams"]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream["logStreamName"])
    events = aws.logs.get_log_events(logGroupName=f"/aws/lambda/{name}", logStreamName=stream["logStreamName"])[
        "events"
    ]
    log = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", "\n".join(each["message"] for each in events))
    assert re.sub(r"\d+(\.\d\d)? ms", "N ms", log).splitlines() == [
        "START RequestId: ID Version: $LATEST",
        "asked for {'who': 'me'}",
        "END RequestId: ID",
        "REPORT RequestId: ID\tDuration: N ms\tBilled Duration: N ms\tMemory Size: 256 MB\tInit Duration: N ms\t",
    ]


def test_versions_and_aliases(aws: Aws, functions: Functions) -> None:
    """A published version keeps its code when the function gets other code, here from S3."""
    arn = functions.create("def handler(event, context): return 'old'", Publish=True)
    functions.client.publish_version(FunctionName=arn)
    functions.client.create_alias(FunctionName=arn, Name="live", FunctionVersion="1")
    key = f"{uuid.uuid4().hex}.zip"
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=code(app="def handler(event, context): return 'new'"))
    functions.client.update_function_code(FunctionName=arn, S3Bucket=BUCKET, S3Key=key)
    assert functions.invoke(f"{arn}:live") == ("old", None, "1")
    assert functions.invoke(arn.rpartition(":")[2], Qualifier="$LATEST") == ("new", None, "$LATEST")


FAILURES = """
import os, signal, sys, threading
def handler(event, context):
    if "exit" in event: sys.exit(event["exit"])
    if "kill" in event: os.kill(os.getpid(), signal.SIGKILL)
    if "wait" in event: threading.Event().wait()
    if "value" in event: return event["value"]
    raise ValueError("no way")
"""


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({}, "failed: ValueError: no way"),
        ({"exit": 3}, "failed: Runtime.ExitError: RequestId: ID Error: Runtime exited with error: exit status 3"),
        ({"kill": 1}, "failed: Runtime.ExitError: RequestId: ID Error: Runtime exited with error: signal: killed"),
        ({"wait": 1}, "failed: Sandbox.Timedout: RequestId: ID Error: Task timed out after 1.00 seconds"),
        (
            {"value": "text"},
            "did not return an object with the output parameters count as members.",
        ),
        (
            {"value": {"count": None, "other": 1}},
            "did not return the output parameters count, which the step declares. It returned: count, other.",
        ),
    ],
)
def test_a_step_whose_function_fails(
    endpoint: LocalEndpoint, aws: Aws, functions: Functions, event: dict[str, Any], reason: str
) -> None:
    """Its error, its end, its time-out, or an answer that is not what the step declares."""
    arn = functions.create(FAILURES, Timeout=1)
    execution = aws.start(document(lambda_step("call", arn, {"count": "Integer"}, Arguments=event)))
    wait(endpoint, execution)
    step = aws.steps(execution)["call"]
    said = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", step["FailureReason"])
    assert (step["StepStatus"], said) == ("Failed", f"ClientError: The Lambda function '{arn}' {reason}")


@pytest.mark.parametrize(
    ("handler", "text", "error"),
    [
        ("other.handler", "", "Runtime.ImportModuleError: Unable to import module 'other': No module named 'other'"),
        ("app.other", "", "Runtime.HandlerNotFound: Handler 'other' missing on module 'app'"),
    ],
)
def test_a_handler_that_is_not_there(functions: Functions, handler: str, text: str, error: str) -> None:
    """In the words of AWS's runtime client."""
    answer, how, _ = functions.invoke(functions.create(text, Handler=handler))
    assert (f"{answer['errorType']}: {answer['errorMessage']}", how) == (error, "Unhandled")


def test_what_is_not_invoked(endpoint: LocalEndpoint, aws: Aws, functions: Functions) -> None:
    """No such function, version, region or account; code that is no Python; layers; an event that is none; no waiting."""
    arn = functions.create("")
    name = arn.rpartition(":")[2]

    def refused(**request: Any) -> tuple[str, str]:
        return error_of(functions.client.invoke, **request)

    for other in (f"{arn}x", f"{arn}:7", arn.replace("eu-west-1", "eu-west-2"), arn.replace("123456789012", "1" * 12)):
        not_found = (
            f"Function not found: {other}. The local endpoint has the functions that CreateFunction made here, and"
            f" those it was started with: --lambda {other.split(':')[6]}=module:handler."
        )
        assert refused(FunctionName=other) == ("ResourceNotFoundException", not_found)
        step = lambda_step("call", other)
        execution = aws.start(document(step))
        wait(endpoint, execution)
        assert aws.steps(execution)["call"]["FailureReason"] == (
            f"ClientError: Failed to invoke lambda:Invoke. Error Details: {not_found}"
        )
    layer = functions.client.publish_layer_version(LayerName=name, Content={"ZipFile": code(a="")})["LayerVersionArn"]
    image = {"ImageUri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/r:t"}
    for more, limit in (
        ({"Runtime": "nodejs20.x"}, "its runtime is nodejs20.x"),
        ({"Layers": [layer]}, "it has layers"),
        ({"PackageType": "Image", "Code": image}, "its code is a container image"),
    ):
        odd = functions.create("", **more).rpartition(":")[2]
        assert refused(FunctionName=odd) == (
            "InvalidParameterValueException",
            (
                f"The local endpoint cannot run the function '{odd}': {limit}. It runs functions in Python whose code is a "
                "zip. Or start it with --lambda NAME=module:handler to run a handler of yours."
            ),
        )
    assert refused(FunctionName=name, Payload=b"{")[0] == "InvalidRequestContentException"
    assert refused(FunctionName=name, Payload=b'"' + b"a" * 7_000_000 + b'"')[0] == "RequestTooLargeException"
    assert functions.client.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    assert refused(FunctionName=name, InvocationType="Event") == (
        "ValidationException",
        (
            "The local endpoint does not serve Invoke with InvocationType 'Event'. Use RequestResponse, which waits for the "
            "function."
        ),
    )
    sources = functions.client.create_event_source_mapping
    assert error_of(sources, FunctionName=name, EventSourceArn="arn:aws:sqs:eu-west-1:123456789012:q") == (
        "UnknownOperationException",
        "The local endpoint does not serve the operation POST /2015-03-31/event-source-mappings.",
    )


@pytest.mark.parametrize(("timeout", "status"), [(30, "Stopped"), (1, "Failed")])
def test_a_stop_waits_for_the_function(
    endpoint: LocalEndpoint, aws: Aws, functions: Functions, tmp_path: Path, timeout: int, status: str
) -> None:
    """It cannot be stopped: when it ends the step and the execution are Stopped, when it times out they are Failed."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    step = lambda_step("call", functions.create(WAITS, Timeout=timeout), Arguments={"pipe": str(pipe)})
    arn = aws.start(document(step, lambda_step("never", "f", DependsOn=["call"])))
    with pipe.open("w") as other_end:
        aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
        assert aws.steps(arn)["call"]["StepStatus"] == "Stopping"
        if status == "Failed":
            wait(endpoint, arn)
        else:
            other_end.write("done")
    wait(endpoint, arn)
    assert {name: each["StepStatus"] for name, each in aws.steps(arn).items()} == {"call": status}
    assert aws.describe(arn)["PipelineExecutionStatus"] == status


def test_a_registered_function(tmp_path: Path) -> None:
    """--lambda: a module of the present directory, whatever the ARN says beside its name; it ends with the endpoint."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "greeting.py").write_text(
        "import os\ndef greet(event, context):\n    with open(event['pipe'], 'w') as pipe:\n"
        "        pipe.write(f'{os.getpid()} {context.invoked_function_arn}')\n"
        "    with open(event['pipe']) as pipe:\n        pipe.read()\n"
    )
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    arn = "arn:aws:lambda:eu-west-1:111122223333:function:greet:live"
    with program("--lambda", "greet=mine.greeting:greet", cwd=tmp_path) as (process, url):
        aws = Aws(url)
        aws.start(document(lambda_step("call", arn, Arguments={"pipe": str(pipe)})))
        pid, called = pipe.read_text().split()
        process.terminate()
        process.communicate(timeout=30)
    assert (called, process.returncode) == (arn, 0)
    wait_until_gone([int(pid)])


def test_a_bad_registration_is_refused_at_the_start() -> None:
    """All that is wrong, in one message."""
    ended = run_to_the_end("--lambda", "greet", "--lambda", "a=b:c", "--lambda", "a=b:d")
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (
        2,
        (
            "Error: Invalid value for '--lambda': 'greet' is not of the form NAME=module:handler, "
            "such as greet=functions.greeting:handler; the name 'a' is given twice"
        ),
    )
