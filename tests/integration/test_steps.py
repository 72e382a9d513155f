"""Steps that need no job, values that steps take from one another, and steps that cannot run."""

from __future__ import annotations

import uuid

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, wait
from tests.integration.documents import BUCKET, condition_step, document, fail_step, processing_step


def test_a_condition_that_cannot_be_decided_fails_and_takes_no_branch(endpoint: LocalEndpoint, aws: Aws) -> None:
    """A property file without the value: Failed with the reason, never a silent else."""
    script = "open('/opt/ml/processing/output/o/m.json', 'w').write('{\"loss\": 1}')"
    evaluate = processing_step(
        "evaluate",
        aws.put_script(script),
        outputs={"o": f"s3://{BUCKET}/{uuid.uuid4().hex}"},
        PropertyFiles=[{"PropertyFileName": "metrics", "OutputName": "o", "FilePath": "m.json"}],
    )
    left = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.evaluate.PropertyFiles.metrics"}, "Path": "accuracy"}}
    decide = condition_step(
        "decide",
        [{"Type": "GreaterThan", "LeftValue": left, "RightValue": 0.5}],
        [fail_step("yes", "yes")],
        [fail_step("no", "no")],
    )
    arn = aws.start(document(evaluate, decide))
    wait(endpoint, arn)
    steps = aws.steps(arn)
    assert list(steps) == ["evaluate", "decide"]
    assert (steps["decide"]["StepStatus"], steps["decide"]["Metadata"]) == ("Failed", {})
    assert steps["decide"]["FailureReason"] == (
        "Property file 'metrics' of step 'evaluate' has nothing at 'accuracy': at the top there is an object with"
        " the keys 'loss'."
    )


def test_a_missing_property_file_is_named(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The script did not write it: S3's words and the place."""
    prefix = uuid.uuid4().hex
    evaluate = processing_step(
        "evaluate",
        aws.put_script(""),
        outputs={"o": f"s3://{BUCKET}/{prefix}"},
        PropertyFiles=[{"PropertyFileName": "metrics", "OutputName": "o", "FilePath": "m.json"}],
    )
    message = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.evaluate.PropertyFiles.metrics"}, "Path": "a"}}
    arn = aws.start(document(evaluate, fail_step("no", message)))
    wait(endpoint, arn)
    assert aws.steps(arn)["no"]["FailureReason"] == (
        f"cannot read s3://{BUCKET}/{prefix}/m.json: Error message from S3: The specified key does not exist."
    )


def test_a_model_step_makes_a_model(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The model exists afterwards, and later steps can refer to its name."""
    step = {
        "Name": "create_model",
        "Type": "Model",
        "Arguments": {"PrimaryContainer": {"Image": "image", "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}},
    }
    arn = aws.start(document(step, fail_step("say", {"Get": "Steps.create_model.ModelName"})))
    wait(endpoint, arn)
    steps = aws.steps(arn)
    name = steps["create_model"]["Metadata"]["Model"]["Arn"].rpartition("/")[2]
    assert name.startswith(f"pipelines-{arn.rpartition('/')[2]}-create-model-")
    assert steps["say"]["FailureReason"] == name
    assert aws.sagemaker.describe_model(ModelName=name)["PrimaryContainer"]["Image"] == "image"


def test_execution_variables_have_values(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Names, ARNs and the start time of the execution, joined."""
    variables = ("PipelineName", "PipelineArn", "PipelineExecutionId", "PipelineExecutionArn", "StartDateTime")
    values = [{"Get": f"Execution.{name}"} for name in variables]
    arn = aws.start(document(fail_step("say", {"Std:Join": {"On": " ", "Values": values}})))
    wait(endpoint, arn)
    pipeline_arn, _, execution_id = arn.partition("/execution/")
    created = aws.describe(arn)["CreationTime"].isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert aws.steps(arn)["say"]["FailureReason"] == " ".join(
        (pipeline_arn.rpartition("/")[2], pipeline_arn, execution_id, arn, created)
    )


def test_an_outcome_is_a_boolean_to_expressions(endpoint: LocalEndpoint, aws: Aws) -> None:
    """`True` in the metadata, `true` in a Join."""
    decide = condition_step("decide", [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}], [], [fail_step("no", "")])
    say = fail_step("say", {"Std:Join": {"On": " ", "Values": ["it is", {"Get": "Steps.decide.Outcome"}]}})
    arn = aws.start(document(decide, say))
    wait(endpoint, arn)
    steps = aws.steps(arn)
    assert steps["decide"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    assert steps["say"]["FailureReason"] == "it is true"


def test_a_model_package_that_is_refused_is_the_steps_failure(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The operation that refused it, and its words; what parameters give is known only then."""
    members = {"ModelPackageGroupName": "Group", "ModelApprovalStatus": "Approval"}
    definition = document(
        {
            "Name": "register",
            "Type": "RegisterModel",
            "Arguments": {member: {"Get": f"Parameters.{name}"} for member, name in members.items()},
        },
        parameters=(
            {"Name": "Group", "Type": "String", "DefaultValue": "churn"},
            {"Name": "Approval", "Type": "String", "DefaultValue": "Approved"},
        ),
    )
    for given, reason in (
        (
            {"Group": "under_score"},
            (
                "ClientError: Failed to invoke sagemaker:CreateModelPackageGroup. Error Details: 1 validation error"
                " detected: Value 'under_score' at 'modelPackageGroupName' failed to satisfy constraint: Member must"
                " satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
            ),
        ),
        (
            {"Approval": "Maybe"},
            (
                "ClientError: Failed to invoke sagemaker:CreateModelPackage. Error Details: 1 validation error detected:"
                " Value 'Maybe' at 'modelApprovalStatus' failed to satisfy constraint: Member must satisfy enum value"
                " set: [Approved, Rejected, PendingManualApproval]"
            ),
        ),
    ):
        arn = aws.start(definition, given)
        wait(endpoint, arn)
        assert aws.steps(arn)["register"]["FailureReason"] == reason
