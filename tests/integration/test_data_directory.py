"""A data directory: what an endpoint that was killed leaves to the next one."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests

from airflow_sm_pipelines.local.persistence.interruption import EXECUTION_REASON, JOB_REASON, STEP_REASON
from tests.integration.clients import Aws, error_of, job_name, token
from tests.integration.documents import BUCKET, ROLE, TRUE, condition_step, document, processing_step
from tests.integration.test_process import program

CACHED = {"Enabled": True}

MAKE = "open('/opt/ml/processing/output/made/n.txt', 'w').write('made')"

# Tells that it runs, and waits, unless an object says that it need not.
WORK = f"""
import boto3, signal
if boto3.client("s3").get_object(Bucket="{BUCKET}", Key="mode")["Body"].read() == b"wait":
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=sqs.create_queue(QueueName="running")["QueueUrl"], MessageBody="here")
    signal.pause()
"""


def definition(aws: Aws) -> dict[str, Any]:
    """A cached step, a decision, a model that is registered, and a step that waits when it is told to."""
    register = {
        "Name": "register",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": "churn",
            "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {
                "Containers": [{"Image": "image"}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        },
        "DependsOn": ["make"],
    }
    make = processing_step("make", aws.put_script(MAKE), outputs={"made": f"s3://{BUCKET}/made"}, CacheConfig=CACHED)
    work = processing_step("work", aws.put_script(WORK), DependsOn=["enough"])
    return document(make, condition_step("enough", TRUE, [register], []), work)


def start(aws: Aws) -> str:
    arn: str = aws.sagemaker.start_pipeline_execution(PipelineName="churn", ClientRequestToken=token())[
        "PipelineExecutionArn"
    ]
    return arn


def status_at_end(process: subprocess.Popen[str], aws: Aws, arn: str) -> str:
    """Ask how an execution goes until it has ended."""
    while (status := aws.describe(arn)["PipelineExecutionStatus"]) == "Executing":
        assert process.poll() is None, "the endpoint has ended"
    return str(status)


def look(aws: Aws, executions: Sequence[str]) -> dict[str, Any]:
    """All that is to be the same afterwards."""

    def asked(operation: str, **request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(aws.sagemaker, operation)(**request)
        return {name: value for name, value in answer.items() if name != "ResponseMetadata"}

    pipeline = asked("describe_pipeline", PipelineName="churn")
    steps = {arn: aws.steps(arn) for arn in executions}
    listed = aws.s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    plot = aws.s3.get_object(Bucket=BUCKET, Key="plöt +1.png")
    packages = aws.sagemaker.list_model_packages(ModelPackageGroupName="churn")["ModelPackageSummaryList"]
    return {
        "pipeline": pipeline,
        "versions": asked("list_pipeline_versions", PipelineName="churn"),
        "executions": asked("list_pipeline_executions", PipelineName="churn"),
        "tags": asked("list_tags", ResourceArn=pipeline["PipelineArn"]),
        "described": [asked("describe_pipeline_execution", PipelineExecutionArn=arn) for arn in executions],
        "steps": steps,
        "jobs": [
            asked("describe_processing_job", ProcessingJobName=job_name(step))
            for each in steps.values()
            for step in each.values()
            if "ProcessingJob" in step["Metadata"]
        ],
        "objects": {each["Key"]: each["ETag"] for each in listed},
        "plot": (plot["Body"].read(), plot["ContentType"], plot["Metadata"]),
        "plot_tags": aws.s3.get_object_tagging(Bucket=BUCKET, Key="plöt +1.png")["TagSet"],
        "packages": sorted((each["ModelPackageArn"], each["ModelApprovalStatus"]) for each in packages),
        "groups": aws.sagemaker.list_tags(
            ResourceArn="arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/churn"
        )["Tags"],
    }


def prepare(aws: Aws) -> None:
    """The bucket, what is in it, the model package group and the pipeline."""
    aws.create_bucket()
    aws.put("mode", "go")
    aws.put("gone", "")
    aws.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "gone"}], "Quiet": True})
    aws.s3.put_object(
        Bucket=BUCKET,
        Key="plöt +1.png",
        Body=b"\x00plot",
        ContentType="image/png",
        Metadata={"by": "me"},
        Tagging="a=b+c&d=",
    )
    aws.sagemaker.create_model_package_group(
        ModelPackageGroupName="churn", Tags=[{"Key": "team", "Value": "data"}, {"Key": "old", "Value": "x"}]
    )
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/churn"
    aws.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["old"])
    aws.sagemaker.create_pipeline(
        PipelineName="churn",
        PipelineDefinition=json.dumps(definition(aws)),
        RoleArn=ROLE,
        ClientRequestToken=token(),
        Tags=[{"Key": "a", "Value": "b"}],
    )


def test_what_a_killed_endpoint_leaves_to_the_next_one(tmp_path: Path) -> None:
    """All is as it was; what was running has failed and says why, runs on when retried, and the cache is hit."""
    arguments = ("--data-dir", str(tmp_path / "data"), "--state-dir", str(tmp_path / "jobs"))
    with program(*arguments) as (process, url):
        aws = Aws(url)
        prepare(aws)
        first = start(aws)
        assert status_at_end(process, aws, first) == "Succeeded", aws.steps(first)
        [package] = aws.sagemaker.list_model_packages(ModelPackageGroupName="churn")["ModelPackageSummaryList"]
        aws.sagemaker.update_model_package(ModelPackageArn=package["ModelPackageArn"], ModelApprovalStatus="Approved")
        aws.put("mode", "wait")
        request = {"PipelineName": "churn", "ClientRequestToken": token()}
        second = aws.sagemaker.start_pipeline_execution(**request)["PipelineExecutionArn"]
        queue = aws.sqs.create_queue(QueueName="running")["QueueUrl"]
        assert aws.sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"][0]["Body"] == "here"
        before = look(aws, [first, second])
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)

    with program(*arguments) as (process, url):
        aws = Aws(url)
        after = look(aws, [first, second])
        step, job, listed, described = (
            after["steps"][second]["work"],
            after["jobs"][-1],
            after["executions"]["PipelineExecutionSummaries"][0],
            after["described"][1],
        )
        moment = step["EndTime"]
        expected = {
            "steps": {"StepStatus": "Failed", "EndTime": moment, "FailureReason": STEP_REASON},
            "jobs": {
                "ProcessingJobStatus": "Failed",
                "ProcessingEndTime": moment,
                "LastModifiedTime": moment,
                "FailureReason": JOB_REASON,
            },
            "listed": {"PipelineExecutionStatus": "Failed", "PipelineExecutionFailureReason": EXECUTION_REASON},
            "described": {
                "PipelineExecutionStatus": "Failed",
                "LastModifiedTime": moment,
                "FailureReason": EXECUTION_REASON,
            },
        }
        before["steps"][second]["work"] |= expected["steps"]
        before["jobs"][-1] |= expected["jobs"]
        before["executions"]["PipelineExecutionSummaries"][0] |= expected["listed"]
        before["described"][1] |= expected["described"]
        assert (step["StepName"], job["ProcessingJobArn"], listed["PipelineExecutionArn"]) == (
            "work",
            step["Metadata"]["ProcessingJob"]["Arn"],
            described["PipelineExecutionArn"],
        )
        assert after == before

        # A request made again has its answer; a job's name stays taken.
        assert aws.sagemaker.start_pipeline_execution(**request)["PipelineExecutionArn"] == second
        aws.put("mode", "go")
        aws.sagemaker.retry_pipeline_execution(PipelineExecutionArn=second, ClientRequestToken=token())
        assert status_at_end(process, aws, second) == "Succeeded", aws.steps(second)
        assert (aws.steps(second)["work"]["AttemptCount"], aws.steps(second)["make"]) == (
            2,
            after["steps"][second]["make"],
        )
        third = start(aws)
        assert status_at_end(process, aws, third) == "Succeeded", aws.steps(third)
        steps = aws.steps(third)
        assert {name: each["StepStatus"] for name, each in steps.items()} == dict.fromkeys(
            ("make", "enough", "register", "work"), "Succeeded"
        )
        assert steps["make"]["CacheHitResult"]["SourcePipelineExecutionArn"] == first
        assert steps["register"]["Metadata"]["RegisterModel"]["Arn"].endswith("model-package/churn/3")
        aws.sagemaker.delete_pipeline(PipelineName="churn", ClientRequestToken=token())
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)

    with program(*arguments) as (process, url):
        aws = Aws(url)
        assert aws.sagemaker.list_pipelines()["PipelineSummaries"] == []
        code, _ = error_of(aws.sagemaker.describe_pipeline_execution, PipelineExecutionArn=first)
        assert code == "ResourceNotFound"
        assert len(aws.sagemaker.list_model_packages(ModelPackageGroupName="churn")["ModelPackageSummaryList"]) == 3


def test_a_directory_is_one_endpoints_at_a_time(tmp_path: Path) -> None:
    """The second one says who has it, and ends with status 1."""
    with program("--data-dir", str(tmp_path / "data"), TMPDIR=str(tmp_path)) as (process, _):
        with program("--data-dir", str(tmp_path / "data"), TMPDIR=str(tmp_path)) as (second, url):
            _, error = second.communicate(timeout=30)
        assert (second.returncode, url, error) == (
            1,
            "",
            (
                f"sm-pipelines local: the data directory {tmp_path / 'data'} is in use by another endpoint (process "
                f"{process.pid}). Wait until it has ended, or use another directory\n"
            ),
        )


def test_what_a_form_uploads_is_kept(tmp_path: Path) -> None:
    """As generate_presigned_post makes it, whether it is answered at once or with the address of another page."""
    with program("--data-dir", str(tmp_path / "data"), "--bucket", "forms") as (process, url):
        aws = Aws(url)
        for key, fields in (("a", {}), ("b", {"success_action_redirect": "http://127.0.0.1:9/"})):
            form = aws.s3.generate_presigned_post("forms", key, Fields=fields)
            files = {"file": ("name", b"content")}
            answer = requests.post(form["url"], {**form["fields"]}, files=files, allow_redirects=False, timeout=10)
            assert answer.status_code == (303 if fields else 204)
        process.kill()
    with program("--data-dir", str(tmp_path / "data")) as (_, url):
        listed = Aws(url).s3.list_objects_v2(Bucket="forms")["Contents"]
        assert [(each["Key"], each["Size"]) for each in listed] == [("a", 7), ("b", 7)]
