from __future__ import annotations

import json
import re

from tests.clients.conftest import ROOT, Client
from tests.integration.documents import document, processing_step

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/AmazonSageMaker-ExecutionRole-Local"


def test_the_aws_command_line_from_a_bucket_to_a_log(client: Client) -> None:
    """What one does by hand: put code into S3, make and start a pipeline, wait, look at its steps, job, log and output."""

    def aws(*arguments: str) -> str:
        return client.call("aws", *arguments)

    def answer(*arguments: str, query: str) -> object:
        return json.loads(aws(*arguments, "--output", "json", "--query", query))

    role = answer("iam", "get-role", "--role-name", "AmazonSageMaker-ExecutionRole-Local", query="Role.Arn")
    assert role == ROLE
    identity = answer("sts", "get-caller-identity", query="Arn")
    assert identity == f"arn:aws:sts::{ACCOUNT}:assumed-role/AmazonSageMaker-ExecutionRole-Local/sm-pipelines-local"
    aws("s3", "mb", "s3://by-hand")
    (client.directory / "script.py").write_text(
        "print('prepared')\nopen('/opt/ml/processing/output/out/out.txt', 'w').write('out')\n"
    )
    aws("s3", "cp", "script.py", "s3://by-hand/code/script.py")
    step = processing_step("Prepare", "s3://by-hand/code/script.py", outputs={"out": "s3://by-hand/out"})
    (client.directory / "pipeline.json").write_text(json.dumps(document(step)))
    named = ("--pipeline-name", "by-hand")
    aws("sagemaker", "create-pipeline", *named, "--pipeline-definition", "file://pipeline.json", "--role-arn", ROLE)
    arn = answer("sagemaker", "start-pipeline-execution", *named, query="PipelineExecutionArn")
    execution = ("--pipeline-execution-arn", str(arn))
    # The command line has no waiter for executions; each call takes about a second.
    while (
        answer("sagemaker", "describe-pipeline-execution", *execution, query="PipelineExecutionStatus") == "Executing"
    ):
        pass
    steps = answer(
        "sagemaker",
        "list-pipeline-execution-steps",
        *execution,
        query="PipelineExecutionSteps[].[StepName, StepStatus, Metadata.ProcessingJob.Arn]",
    )
    assert isinstance(steps, list)
    [[name, status, job]] = steps
    assert (name, status) == ("Prepare", "Succeeded")
    job_name = ("--processing-job-name", job.rpartition("/")[2])
    aws("sagemaker", "wait", "processing-job-completed-or-stopped", *job_name)
    assert answer("sagemaker", "describe-processing-job", *job_name, query="ProcessingJobStatus") == "Completed"
    # What `aws logs tail` of version 2 calls; version 1, which is on PyPI, has no such command.
    log = ("--log-group-name", "/aws/sagemaker/ProcessingJobs")
    own = f"events[?starts_with(logStreamName, '{job_name[1]}/')].message"  # moto does not look at a given prefix
    assert answer("logs", "filter-log-events", *log, query=own) == ["prepared"]
    assert aws("s3", "cp", "s3://by-hand/out/out.txt", "-") == "out"
    aws("s3", "sync", "s3://by-hand/out", "synced")
    assert [path.read_text() for path in (client.directory / "synced").iterdir()] == ["out"]
    aws("sagemaker", "delete-pipeline", *named)
    assert answer("sagemaker", "list-pipelines", "--pipeline-name-prefix", "by-hand", query="PipelineSummaries") == []


def test_the_start_that_the_page_about_moving_shows(client: Client) -> None:
    """Its command starts an execution with that name and that value of the parameter."""
    page = (ROOT / "docs" / "moving" / "from-codepipeline.md").read_text()
    [command] = re.findall(r"```console\n(aws sagemaker start-.*?)```", page, re.DOTALL)
    pipeline = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "InputData", "Type": "String"}],
        "Steps": [{"Name": "end", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.InputData"}}}],
    }
    (client.directory / "churn.json").write_text(json.dumps(pipeline))
    made = ("--pipeline-name", "churn", "--pipeline-definition", "file://churn.json", "--role-arn", ROLE)
    client.call("aws", "sagemaker", "create-pipeline", *made)
    arn = json.loads(client.call("bash", "-euo", "pipefail", "-c", command))["PipelineExecutionArn"]
    execution = ("--pipeline-execution-arn", arn, "--output", "json", "--query")
    described = client.call(
        "aws", "sagemaker", "describe-pipeline-execution", *execution, "PipelineExecutionDisplayName"
    )
    given = client.call(
        "aws", "sagemaker", "list-pipeline-parameters-for-execution", *execution, "PipelineParameters[].[Name, Value]"
    )
    client.call("aws", "sagemaker", "delete-pipeline", "--pipeline-name", "churn")
    assert (json.loads(described), json.loads(given)) == ("nightly", [["InputData", "s3://example-ml/raw/"]])
