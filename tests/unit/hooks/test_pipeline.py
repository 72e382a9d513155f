from __future__ import annotations

import hashlib
import json
import re
import time

import pytest
from botocore.awsrequest import AWSResponse

from airflow_sm_pipelines.definition.steps import PropertyFile
from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerServiceError, UnknownStatusError
from airflow_sm_pipelines.execution.report import StepResult
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus
from airflow_sm_pipelines.hooks.executions import StartRequest
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook, UpsertResult
from airflow_sm_pipelines.hooks.tags import OURS
from airflow_sm_pipelines.settings import PipelineOptions
from tests.reports import job_report
from tests.scripted_service import EXECUTION_ARN, Refusal, connection_json, step
from tests.versions import needs_argument

PIPELINE_ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn"
ROLE = "arn:aws:iam::123456789012:role/pipelines"
PROCESSING_JOB = "arn:aws:sagemaker:us-east-1:123456789012:processing-job/pipelines-abc-evaluate"
TRAINING_JOB = "arn:aws:sagemaker:us-east-1:123456789012:training-job/pipelines-abc-train"
METRICS = [PropertyFile("metrics", "evaluation", "metrics.json")]
NOW = int(time.time() * 1000)  # CloudWatch takes no events that are older than two weeks.
TAGS = [{"Key": "team", "Value": "ml"}, {"Key": "owner", "Value": "me"}]
NOT_THERE = Refusal("ResourceNotFound", "Pipeline 'churn' does not exist.")


def pipeline(definition: str = '{"Version": "2020-12-01", "Steps": []}', **more: object) -> dict[str, object]:
    return {"PipelineArn": PIPELINE_ARN, "PipelineDefinition": definition, "RoleArn": ROLE, **more}


def upsert(
    hook, definition: str = '{"Steps": [], "Version": "2020-12-01"}', artifact_uri: str | None = None, **options: object
) -> UpsertResult:
    return hook.upsert_pipeline(
        pipeline_name="churn",
        definition=definition,
        role_arn=ROLE,
        options=PipelineOptions(**options),
        artifact_uri=artifact_uri,
    )


def test_upsert_creates(service, hook):
    """A pipeline that does not exist is created, with its texts and tags, and a tag that says which tags the Dag gave."""
    service.answers.update(DescribePipeline=[NOT_THERE], CreatePipeline=[{"PipelineArn": PIPELINE_ARN}])
    options = {"pipeline_description": "who leaves", "pipeline_display_name": "Churn", "tags": TAGS}
    assert upsert(hook, **options) == UpsertResult(PIPELINE_ARN, "created")
    (request,) = service.requests_of("CreatePipeline")
    assert len(request.pop("ClientRequestToken")) >= 32
    assert request == {
        "PipelineName": "churn",
        "PipelineDefinition": '{"Steps": [], "Version": "2020-12-01"}',
        "PipelineDescription": "who leaves",
        "PipelineDisplayName": "Churn",
        "RoleArn": ROLE,
        "Tags": [*TAGS, {"Key": OURS, "Value": "owner team"}],
    }


def test_upsert_leaves_an_equal_pipeline_alone(service, hook):
    """A pipeline whose document has the same values is not updated, whatever the order and the spaces."""
    service.answers["DescribePipeline"] = [pipeline(PipelineDescription="who leaves")]
    assert upsert(hook) == UpsertResult(PIPELINE_ARN, "unchanged")
    assert upsert(hook, pipeline_description="who leaves") == UpsertResult(PIPELINE_ARN, "unchanged")
    assert [name for name, _ in service.requests] == ["DescribePipeline", "DescribePipeline"]


NEW = {"PipelineDescription": "new", "PipelineDisplayName": "Churn"}


@pytest.mark.parametrize(
    ("current", "changes"),
    [
        (
            pipeline('{"Version": "2020-12-01", "Steps": [{"Name": "old", "Type": "Fail"}]}', **NEW),
            ("step 'old' (Fail) removed",),
        ),
        (
            pipeline('{"Version": "2020-12-01", "Steps": [{"Name": "old"}]}', **NEW),
            ("the definition; its changes cannot be shown: 'Type' is missing, or not a string @ $.Steps[0].Type",),
        ),
        (
            pipeline(**NEW) | {"RoleArn": "arn:aws:iam::123456789012:role/other"},
            (f"RoleArn arn:aws:iam::123456789012:role/other → {ROLE}",),
        ),
        (pipeline(**{**NEW, "PipelineDescription": "old"}), ("PipelineDescription old → new",)),
        (
            pipeline(PipelineDisplayName="Old"),
            ("PipelineDisplayName Old → Churn", "PipelineDescription null → new"),
        ),
    ],
    ids=["document", "unreadable", "role", "description", "display name"],
)
def test_upsert_updates(service, hook, current, changes):
    """A pipeline is updated when its document, role, description or display name differs, and what differs is told."""
    service.answers.update(DescribePipeline=[current], UpdatePipeline=[{"PipelineArn": PIPELINE_ARN}])
    options = {"pipeline_description": "new", "pipeline_display_name": "Churn"}
    result = upsert(hook, **options)
    assert result == UpsertResult(PIPELINE_ARN, "updated", changes=changes)
    assert result.log_lines() == [f"Pipeline {PIPELINE_ARN}: updated", *(f"updated: {line}" for line in changes)]
    assert [name for name, _ in service.requests] == ["DescribePipeline", "UpdatePipeline"]
    assert service.requests_of("UpdatePipeline") == [
        {
            "PipelineName": "churn",
            "PipelineDefinition": '{"Steps": [], "Version": "2020-12-01"}',
            "PipelineDescription": "new",
            "PipelineDisplayName": "Churn",
            "RoleArn": ROLE,
        }
    ]


@pytest.mark.parametrize(
    ("current", "wanted", "calls", "told"),
    [
        (
            {"team": "ml", "owner": "old", "gone": "x", "theirs": "1", OURS: "gone owner team"},
            TAGS,
            [
                ("DeleteTags", {"TagKeys": ["gone"]}),
                ("AddTags", {"Tags": [{"Key": "owner", "Value": "me"}, {"Key": OURS, "Value": "owner team"}]}),
            ],
            "owner=me, -gone",
        ),
        (
            {"team": "theirs"},
            TAGS,
            [("AddTags", {"Tags": [*TAGS, {"Key": OURS, "Value": "owner team"}]})],
            "team=ml, owner=me",
        ),
        ({"team": "ml", "owner": "me", "theirs": "1", OURS: "owner team"}, TAGS, [], ""),
        ({"team": "ml", "theirs": "1", OURS: "team"}, [], [("DeleteTags", {"TagKeys": ["team", OURS]})], "-team"),
        ({"theirs": "1"}, [], [], ""),
    ],
    ids=["changed", "first", "same", "none any more", "never any"],
)
def test_tags_follow_the_dag(service, hook, current, wanted, calls, told):
    """Those that the Dag has given, and gives no more, go; those of others stay. Nothing is called without a change."""
    first, *rest = [{"Key": key, "Value": value} for key, value in current.items()]
    service.answers.update(
        DescribePipeline=[pipeline()],
        ListTags=[{"Tags": [first], "NextToken": "more"}, {"Tags": rest}],
        AddTags=[{"Tags": []}],
        DeleteTags=[{}],
    )
    assert upsert(hook, tags=wanted) == UpsertResult(PIPELINE_ARN, "unchanged", told)
    asked = [{"ResourceArn": PIPELINE_ARN}, {"ResourceArn": PIPELINE_ARN, "NextToken": "more"}]
    assert service.requests_of("ListTags") == asked
    assert service.requests[3:] == [(name, {"ResourceArn": PIPELINE_ARN, **members}) for name, members in calls]


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (
            {f"key-{number:02}": "x" for number in range(40)},
            (
                f"the keys of 40 tags have 279 characters together, and the tag '{OURS}', which records the Dag's tags "
                "for later runs, holds at most 256. Give fewer tags"
            ),
        ),
        (
            {"cost center": "1"},
            f"the key of the tag 'cost center' has a space, which the tag '{OURS}' cannot record. Rename the tag",
        ),
    ],
)
def test_tags_that_cannot_be_remembered(service, hook, tags, message):
    """They are refused before the pipeline is made."""
    service.answers.update(DescribePipeline=[NOT_THERE])
    with pytest.raises(PipelineExecutionError) as caught:
        upsert(hook, tags=[{"Key": key, "Value": value} for key, value in tags.items()])
    assert (str(caught.value), [name for name, _ in service.requests]) == (message, ["DescribePipeline"])


def test_upsert_when_another_run_creates_it_first(service, hook):
    """When another run creates the pipeline in between, it is compared and left alone."""
    service.answers.update(
        DescribePipeline=[NOT_THERE, pipeline()],
        CreatePipeline=[Refusal("ValidationException", "Pipeline names must be unique within an AWS account.")],
    )
    assert upsert(hook) == UpsertResult(PIPELINE_ARN, "unchanged")


def test_upsert_refused(service, hook):
    """When the creation is refused, the service's own words come out, with the connection."""
    service.answers.update(
        DescribePipeline=[NOT_THERE],
        CreatePipeline=[Refusal("AccessDeniedException", "User x is not authorized to perform: iam:PassRole")],
    )
    message = (
        "CreatePipeline failed: AccessDeniedException: User x is not authorized to perform: iam:PassRole. "
        "Check what the connection's credentials, and the role, are allowed to do. "
        "See docs/troubleshooting.md#accessdenied "
        "(connection 'aws_test', region us-east-1)"
    )
    with pytest.raises(SageMakerServiceError, match=f"^{re.escape(message)}$") as caught:
        upsert(hook)
    assert (caught.value.code, caught.value.retryable) == ("AccessDeniedException", False)
    assert caught.value.__suppress_context__


def large_definition() -> str:
    return json.dumps({"Version": "2020-12-01", "Steps": [], "Metadata": {"Notes": "x" * 100 * 1024}})


def test_a_large_definition_goes_through_s3(service, hook, s3):
    """A definition of 100 KiB or more is stored under its hash, and the request says where it lies."""
    service.answers.update(DescribePipeline=[NOT_THERE], CreatePipeline=[{"PipelineArn": PIPELINE_ARN}])
    definition = large_definition()
    upsert(hook, definition, artifact_uri="s3://artifacts/churn/")
    key = f"churn/definition/{hashlib.sha256(definition.encode()).hexdigest()}.json"
    (request,) = service.requests_of("CreatePipeline")
    del request["ClientRequestToken"]
    assert request == {
        "PipelineName": "churn",
        "PipelineDefinitionS3Location": {"Bucket": "artifacts", "ObjectKey": key},
        "RoleArn": ROLE,
    }
    assert s3.get_object(Bucket="artifacts", Key=key)["Body"].read().decode() == definition


@pytest.mark.parametrize(
    ("definition", "more"),
    [(large_definition(), {}), ('{"Version": "2020-12-01", "Steps": []}', {"artifact_uri": "s3://artifacts/churn"})],
    ids=["large, without a place", "small, with one"],
)
def test_a_definition_that_goes_into_the_request(service, hook, definition, more):
    """A small definition needs no S3; a large one is the service's to judge where there is no place for it."""
    service.answers.update(DescribePipeline=[NOT_THERE], CreatePipeline=[{"PipelineArn": PIPELINE_ARN}])
    upsert(hook, definition, **more)
    (request,) = service.requests_of("CreatePipeline")
    del request["ClientRequestToken"]
    assert request == {"PipelineName": "churn", "PipelineDefinition": definition, "RoleArn": ROLE}


@needs_argument("PipelineVersionAlias")
def test_a_version_of_a_pipeline(service, hook):
    """A version is asked for by its id or its alias."""
    service.answers["DescribePipeline"] = [pipeline()]
    hook.describe_pipeline("churn", pipeline_version_id=3)
    hook.describe_pipeline("churn", pipeline_version_alias="approved")
    assert service.requests_of("DescribePipeline") == [
        {"PipelineName": "churn", "PipelineVersionId": 3},
        {"PipelineName": "churn", "PipelineVersionAlias": "approved"},
    ]


def test_start_execution(service, hook):
    """An execution starts with its parameters, its token and its display name."""
    service.answers["StartPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    arn = hook.start_execution(
        StartRequest(
            pipeline_name="churn",
            parameters={"MinAccuracy": "0.9", "InputData": "s3://lake/"},
            client_request_token="t" * 32,
            display_name="churn-manual",
        )
    )
    assert arn == EXECUTION_ARN
    assert service.requests_of("StartPipelineExecution") == [
        {
            "PipelineName": "churn",
            "ClientRequestToken": "t" * 32,
            "PipelineParameters": [
                {"Name": "MinAccuracy", "Value": "0.9"},
                {"Name": "InputData", "Value": "s3://lake/"},
            ],
            "PipelineExecutionDisplayName": "churn-manual",
        }
    ]


def test_start_execution_without_a_display_name(service, hook):
    """Without a display name the service makes one."""
    service.answers["StartPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    hook.start_execution(StartRequest("churn", {}, "t" * 32))
    assert service.requests_of("StartPipelineExecution") == [
        {"PipelineName": "churn", "ClientRequestToken": "t" * 32, "PipelineParameters": []}
    ]


def test_a_pipeline_that_may_not_be_seen(service, hook):
    """Only "not found" means that there is no pipeline; no access to it is an error, and nothing is created."""
    service.answers["DescribePipeline"] = [Refusal("AccessDeniedException", "no")]
    with pytest.raises(SageMakerServiceError, match="DescribePipeline failed: AccessDeniedException: no"):
        upsert(hook)
    assert [name for name, _ in service.requests] == ["DescribePipeline"]


def test_snapshot_follows_all_pages(service, hook):
    """A snapshot holds the steps of all pages, asked for in a fixed order."""
    service.execution("Executing")
    service.answers["ListPipelineExecutionSteps"] = [
        {"PipelineExecutionSteps": [step("a", "Succeeded")], "NextToken": "page-2"},
        {"PipelineExecutionSteps": [step("b", "Succeeded")], "NextToken": "page-3"},
        {"PipelineExecutionSteps": [step("c", "Executing")]},
    ]
    snapshot = hook.snapshot(EXECUTION_ARN)
    assert {name: seen.status for name, seen in snapshot.steps.items()} == {
        "a": StepStatus.SUCCEEDED,
        "b": StepStatus.SUCCEEDED,
        "c": StepStatus.EXECUTING,
    }
    page = {"PipelineExecutionArn": EXECUTION_ARN, "SortOrder": "Ascending", "MaxResults": 100}
    assert service.requests == [
        ("DescribePipelineExecution", {"PipelineExecutionArn": EXECUTION_ARN}),
        ("ListPipelineExecutionSteps", page),
        ("ListPipelineExecutionSteps", page | {"NextToken": "page-2"}),
        ("ListPipelineExecutionSteps", page | {"NextToken": "page-3"}),
    ]


def calls_for_another_look(service, hook, previous: str, before: list, status: str, *lists: list):
    """What a second look calls, after a first one that saw the given status and steps."""
    service.execution(previous)
    service.steps(before)
    first = hook.snapshot(EXECUTION_ARN)
    service.requests.clear()
    service.execution(status)
    service.steps(*lists)
    second = hook.snapshot(EXECUTION_ARN, previous=first)
    return [name for name, _ in service.requests], second


def test_another_look_while_a_step_runs(service, hook):
    """While a step runs the execution is not over: the steps are listed, nothing else is asked."""
    calls, snapshot = calls_for_another_look(
        service, hook, "Executing", [], "Failed", [step("a", "Succeeded"), step("b", "Executing")]
    )
    assert calls == ["ListPipelineExecutionSteps"]
    assert (snapshot.status, list(snapshot.steps)) == (ExecutionStatus.EXECUTING, ["a", "b"])


def test_another_look_between_two_steps(service, hook):
    """While no step runs the execution is asked about, too."""
    calls, snapshot = calls_for_another_look(service, hook, "Executing", [], "Stopping", [step("a", "Succeeded")])
    assert calls == ["ListPipelineExecutionSteps", "DescribePipelineExecution"]
    assert (snapshot.status, list(snapshot.steps)) == (ExecutionStatus.STOPPING, ["a"])


def test_another_look_at_the_end(service, hook):
    """When the execution turns out to be over, the steps are listed again: one may have run in between."""
    calls, snapshot = calls_for_another_look(
        service,
        hook,
        "Executing",
        [],
        "Succeeded",
        [step("a", "Succeeded")],
        [step("a", "Succeeded"), step("b", "Succeeded")],
    )
    assert calls == ["ListPipelineExecutionSteps", "DescribePipelineExecution", "ListPipelineExecutionSteps"]
    assert (snapshot.status, list(snapshot.steps)) == (ExecutionStatus.SUCCEEDED, ["a", "b"])


def test_another_look_at_an_execution_that_was_over(service, hook):
    """An execution that was over is looked at anew: it may have been retried."""
    calls, snapshot = calls_for_another_look(
        service, hook, "Failed", [step("a", "Failed")], "Executing", [step("a", "Executing")]
    )
    assert calls == ["DescribePipelineExecution", "ListPipelineExecutionSteps"]
    assert (snapshot.status, snapshot.steps["a"].status) == (ExecutionStatus.EXECUTING, StepStatus.EXECUTING)


def test_unknown_status_from_the_service(service, hook):
    """A status this version does not know comes out as an error, not as a guess."""
    service.execution("Hibernating")
    service.steps([])
    with pytest.raises(UnknownStatusError, match="unknown pipeline execution status 'Hibernating'"):
        hook.snapshot(EXECUTION_ARN)


def succeeded(job_arn: str, kind: str = "ProcessingJob") -> StepSnapshot:
    return StepSnapshot("evaluate", StepStatus.SUCCEEDED, metadata={kind: {"Arn": job_arn}})


OUTPUTS = {
    "ProcessingOutputConfig": {
        "Outputs": [
            {"OutputName": "evaluation", "S3Output": {"S3Uri": "s3://artifacts/run-1/evaluation/"}},
            {"OutputName": "features", "FeatureStoreOutput": {"FeatureGroupName": "f"}},
        ]
    }
}


def processing_job(service) -> None:
    service.answers["DescribeProcessingJob"] = [
        {"RoleArn": ROLE, "ProcessingJobArn": PROCESSING_JOB, "ProcessingJobStatus": "Completed", **OUTPUTS}
    ]


def test_result_of_a_processing_step(service, hook, s3):
    """A processing step leaves its S3 outputs by name, its request, and the parsed contents of its property files."""
    processing_job(service)
    s3.put_object(Bucket="artifacts", Key="run-1/evaluation/metrics.json", Body=b'{"accuracy": {"value": 0.97}}')
    step = succeeded(PROCESSING_JOB)
    assert hook.collect_step_result(step, METRICS) == StepResult(
        step,
        outputs={"evaluation": "s3://artifacts/run-1/evaluation/"},
        request={"RoleArn": ROLE, **OUTPUTS},
        property_files={"metrics": {"accuracy": {"value": 0.97}}},
        property_file_uris={"metrics": "s3://artifacts/run-1/evaluation/metrics.json"},
        job=job_report("processing"),
    )
    assert service.requests == [("DescribeProcessingJob", {"ProcessingJobName": "pipelines-abc-evaluate"})]


def test_a_large_property_file_is_left_in_s3(service, hook, s3):
    """What is too large for an XCom is read, for conditions, and is no XCom; the log is told where it lies."""
    processing_job(service)
    content = json.dumps({"scores": [0.5] * 20_000}).encode()
    s3.put_object(Bucket="artifacts", Key="run-1/evaluation/metrics.json", Body=content)
    result = hook.collect_step_result(succeeded(PROCESSING_JOB), METRICS)
    assert len(result.property_files["metrics"]["scores"]) == 20_000
    xcoms = result.xcoms()
    assert (list(xcoms), xcoms["step_report"]["left_out"]) == (["step_report"], ["property_files.metrics"])
    assert result.log_lines() == [
        (
            f"Property file 'metrics' is left in S3: as JSON it has {len(content)} characters, and an XCom takes at most "
            "49152 for all property files. Read s3://artifacts/run-1/evaluation/metrics.json"
        )
    ]


def test_result_of_a_training_step(service, hook):
    """A training step leaves its model artifacts."""
    service.answers["DescribeTrainingJob"] = [{"ModelArtifacts": {"S3ModelArtifacts": "s3://box/model.tar.gz"}}]
    step = succeeded(TRAINING_JOB, "TrainingJob")
    assert hook.collect_step_result(step) == StepResult(
        step, {"model_artifacts": "s3://box/model.tar.gz"}, {}, job=job_report("training")
    )


@pytest.mark.parametrize(
    ("resource", "operation", "name", "job"),
    [
        ("model-package/churn/1", "DescribeModelPackage", None, None),
        ("model/churn-abc", "DescribeModel", "churn-abc", None),
        ("transform-job/churn-abc", "DescribeTransformJob", "churn-abc", job_report("transform")),
    ],
)
def test_the_request_of_a_step_without_outputs(service, hook, resource, operation, name, job):
    """It is what the service describes, without what only the answer has; model packages are named by their ARNs."""
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:{resource}"
    asked = {operation.replace("Describe", "") + "Name": name or arn}
    service.answers[operation] = [{**asked, "CreationTime": 1690315955.0}]
    step = succeeded(arn, "Model")
    assert hook.collect_step_result(step) == StepResult(step, request=asked, job=job)
    assert service.requests == [(operation, asked)]


def test_a_request_that_may_not_be_seen(service, hook):
    """Only the report lacks it, and a sentence for the task's log says why."""
    service.answers["DescribeTransformJob"] = [Refusal("AccessDeniedException", "no")]
    step = succeeded("arn:aws:sagemaker:us-east-1:123456789012:transform-job/churn", "TransformJob")
    why = (
        "The step's report has no request: DescribeTransformJob failed: AccessDeniedException: no. Check what the "
        "connection's credentials, and the role, are allowed to do. "
        "See docs/troubleshooting.md#accessdenied (connection 'aws_test', region us-east-1)"
    )
    assert hook.collect_step_result(step) == StepResult(step, remarks=(why,))


@pytest.mark.parametrize("resource", ["job/customisation/abc", "unheard-of/abc"])
def test_what_cannot_be_asked_about_by_its_name(service, hook, resource):
    """Nothing is asked, and nothing is told of the request."""
    step = succeeded(f"arn:aws:sagemaker:us-east-1:123456789012:{resource}", "Job")
    assert hook.collect_step_result(step) == StepResult(step)
    assert service.requests == []


def test_result_of_a_failed_step(service, hook):
    """A step that failed leaves its request and no outputs, and its property files are not looked for."""
    processing_job(service)
    failed = StepSnapshot("evaluate", StepStatus.FAILED, metadata={"ProcessingJob": {"Arn": PROCESSING_JOB}})
    assert hook.collect_step_result(failed, METRICS) == StepResult(
        failed, request={"RoleArn": ROLE, **OUTPUTS}, job=job_report("processing")
    )


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_a_failed_step_fails_for_its_own_reason(service, hook, code):
    """That its request cannot be had, also for now, is only remarked upon."""
    service.answers["DescribeProcessingJob"] = [Refusal(code, "no")]
    failed = StepSnapshot("evaluate", StepStatus.FAILED, metadata={"ProcessingJob": {"Arn": PROCESSING_JOB}})
    result = hook.collect_step_result(failed, METRICS)
    assert (result.request, len(result.remarks)) == (None, 1)


def test_property_file_that_was_not_written(service, hook, s3):
    """A declared property file that is not there is an error that names file, step and place."""
    processing_job(service)
    with pytest.raises(PipelineExecutionError) as caught:
        hook.collect_step_result(succeeded(PROCESSING_JOB), METRICS)
    assert str(caught.value) == (
        "property file 'metrics' of step 'evaluate', s3://artifacts/run-1/evaluation/metrics.json, is declared but "
        "the step did not write it. GetObject failed: NoSuchKey: The specified key does not exist. Check the name, "
        "and the connection's account, region and endpoint_url. (connection 'aws_test', region us-east-1) "
        "See docs/troubleshooting.md#a-property-file-is-missing"
    )


def test_property_file_of_an_output_that_is_not_there(service, hook):
    """A property file of an output the job does not have is an error that names the job's outputs."""
    processing_job(service)
    place = [PropertyFile("metrics", "report", "metrics.json")]
    message = (
        "property file 'metrics' of step 'evaluate' is declared for output 'report', but its job "
        f"{PROCESSING_JOB} has the outputs ['evaluation']"
    )
    with pytest.raises(PipelineExecutionError, match=f"^{re.escape(message)}$"):
        hook.collect_step_result(succeeded(PROCESSING_JOB), place)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"accuracy=0.97", "is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (
            b'{"loss": NaN}',
            "cannot be read: the number is NaN, infinite or too large for a float; write it as text, or null @ $.loss",
        ),
        (b"\xff\xfe\xfa", "is not JSON: 'utf-16-le' codec can't decode byte 0xfa in position 2: truncated data"),
    ],
)
def test_property_file_that_is_no_json(service, hook, s3, content, problem):
    """A property file that is no JSON is an error that names file, step and place."""
    processing_job(service)
    s3.put_object(Bucket="artifacts", Key="run-1/evaluation/metrics.json", Body=content)
    with pytest.raises(PipelineExecutionError) as caught:
        hook.collect_step_result(succeeded(PROCESSING_JOB), METRICS)
    assert str(caught.value) == (
        "property file 'metrics' of step 'evaluate', s3://artifacts/run-1/evaluation/metrics.json, " + problem
    )


def test_property_file_that_is_too_large(service, hook, s3):
    """A property file above SageMaker's limit of 2 MB is not read."""
    processing_job(service)
    s3.put_object(Bucket="artifacts", Key="run-1/evaluation/metrics.json", Body=b" " * (2 * 1024 * 1024 + 1))
    with pytest.raises(PipelineExecutionError) as caught:
        hook.collect_step_result(succeeded(PROCESSING_JOB), METRICS)
    assert str(caught.value) == (
        "s3://artifacts/run-1/evaluation/metrics.json has 2097153 bytes; at most 2097152 are read"
    )


def write_log(logs, stream: str, *lines: tuple[int, str]) -> None:
    logs.create_log_stream(logGroupName="/aws/sagemaker/ProcessingJobs", logStreamName=stream)
    logs.put_log_events(
        logGroupName="/aws/sagemaker/ProcessingJobs",
        logStreamName=stream,
        logEvents=[{"timestamp": NOW + after, "message": line} for after, line in lines],
    )


def test_log_tail_of_several_instances(hook, logs):
    """The tail holds the last lines of all instances of the job, and of no other, in the order of time."""
    write_log(logs, "pipelines-abc-evaluate/algo-1-1", (0, "one"), (20, "three"), (40, "five\n"))
    write_log(logs, "pipelines-abc-evaluate/algo-2-1", (10, "two"), (30, "four"))
    write_log(logs, "pipelines-abc-evaluate-again/algo-1-1", (50, "another job's"))
    assert hook.log_tail(PROCESSING_JOB, 3) == ["three", "four", "five"]
    assert hook.log_tail(PROCESSING_JOB, 20) == ["one", "two", "three", "four", "five"]
    assert hook.log_tail(PROCESSING_JOB, 0) == []


def test_log_tail_of_a_job_that_logged_nothing(hook, logs):
    """A job without a stream, a kind of job without a log group, and what is no job have no lines."""
    assert hook.log_tail(PROCESSING_JOB) == []
    assert hook.log_tail(TRAINING_JOB) == []
    assert hook.log_tail("arn:aws:sagemaker:us-east-1:123456789012:model-package/churn/1") == []


def test_failure_report(hook, logs):
    """The report of a failed step names its job and shows the last lines of the job's log."""
    write_log(logs, "pipelines-abc-evaluate/algo-1-1", (0, "Traceback"), (1, "ValueError: bad"))
    failed = StepSnapshot("evaluate", StepStatus.FAILED, metadata={"ProcessingJob": {"Arn": PROCESSING_JOB}})
    assert hook.failure_report(failed, 1) == [
        f"Job: {PROCESSING_JOB}",
        "The last lines of the job's log (1):",
        "    ValueError: bad",
    ]
    assert hook.failure_report(StepSnapshot("reject", StepStatus.FAILED)) == []


def test_failure_report_without_access_to_the_log(service, monkeypatch, hook):
    """When the log may not be read, the report says so instead of failing: the step's failure counts."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_TEST", connection_json(service.url))
    service.answers["DescribeLogStreams"] = [Refusal("AccessDeniedException", "no logs:DescribeLogStreams.")]
    failed = StepSnapshot("evaluate", StepStatus.FAILED, metadata={"ProcessingJob": {"Arn": PROCESSING_JOB}})
    assert hook.failure_report(failed) == [
        f"Job: {PROCESSING_JOB}",
        (
            "The job's log cannot be shown: DescribeLogStreams failed: AccessDeniedException: no "
            "logs:DescribeLogStreams. Check what the connection's credentials, and the role, are allowed to do. "
            "See docs/troubleshooting.md#accessdenied "
            "(connection 'aws_test', region us-east-1)"
        ),
    ]


def test_upload_and_download(hook, s3):
    """What is uploaded can be downloaded."""
    hook.upload(b"code", "s3://artifacts/code/0123abcd/train.py")
    assert hook.download("s3://artifacts/code/0123abcd/train.py", at_most=4) == b"code"


def test_upload_leaves_what_is_there(hook, s3):
    """An object that exists is not written again: its name tells its content."""
    s3.put_object(Bucket="artifacts", Key="code/0123abcd/train.py", Body=b"first")
    hook.upload(b"second", "s3://artifacts/code/0123abcd/train.py")
    assert s3.get_object(Bucket="artifacts", Key="code/0123abcd/train.py")["Body"].read() == b"first"


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refused_look_at_an_object_leaves_it_to_the_write(hook, s3, status):
    """The answer to HEAD has no words: 400 may mean expired credentials. The write is tried, and says what is wrong."""
    answer = AWSResponse("", status, {}, None)
    answer._content = b""
    hook.client("s3").meta.events.register("before-send.s3.HeadObject", lambda **_: answer)
    hook.upload(b"code", "s3://artifacts/code/0123abcd/train.py")
    assert s3.get_object(Bucket="artifacts", Key="code/0123abcd/train.py")["Body"].read() == b"code"


def test_upload_to_a_bucket_that_is_not_there(hook):
    """A wrong bucket is named, with the setting that has it, and the service's own words."""
    with pytest.raises(SageMakerServiceError) as caught:
        hook.upload(b"code", "s3://no-such-bucket-here/train.py")
    assert str(caught.value) == (
        "There is no bucket 'no-such-bucket-here', so s3://no-such-bucket-here/train.py cannot be written. Create it in the "
        "region of the pipeline, or set another artifact_uri (PutObject failed: NoSuchBucket: The specified bucket does not "
        "exist. Check the name, and the connection's account, region and endpoint_url. (connection 'aws_test', region "
        "us-east-1)). See docs/troubleshooting.md#nosuchbucket"
    )


@pytest.fixture
def hook_without_s3(service, monkeypatch) -> SageMakerPipelineHook:
    """A hook whose S3 nobody serves."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_TEST", connection_json(service.url, s3="http://127.0.0.1:9"))
    return SageMakerPipelineHook(aws_conn_id="aws_test", config={"retries": {"total_max_attempts": 1}})


def test_s3_that_does_not_answer(service, hook_without_s3):
    """An S3 that does not answer is in trouble; nothing is taken to be missing because of that."""
    with pytest.raises(SageMakerServiceError, match=r"^HeadObject failed: Could not connect") as caught:
        hook_without_s3.upload(b"code", "s3://artifacts/train.py")
    assert caught.value.retryable
    processing_job(service)
    with pytest.raises(SageMakerServiceError, match=r"^GetObject failed: Could not connect") as caught:
        hook_without_s3.collect_step_result(succeeded(PROCESSING_JOB), METRICS)
    assert caught.value.retryable


@pytest.mark.parametrize("uri", ["artifacts/key", "s3://artifacts", "s3://artifacts/", "s3:///key", "https://a/b"])
def test_no_s3_object(hook, uri):
    """What names no S3 object is refused before anything is asked."""
    message = f"{uri!r} names no S3 object; expected 's3://<bucket>/<key>'"
    with pytest.raises(PipelineExecutionError, match=f"^{re.escape(message)}$"):
        hook.download(uri, at_most=1)


def test_snapshot_is_the_pure_one(service, hook):
    """The hook's snapshot is what the pure package reads from the two responses."""
    service.execution("Executing")
    service.steps([step("a", "Executing")])
    snapshot = hook.snapshot(EXECUTION_ARN)
    assert isinstance(snapshot, ExecutionSnapshot)
    assert snapshot.steps["a"].start_time.timestamp() == 1690315955.0
