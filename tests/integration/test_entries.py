"""Steps that make entries, as of endpoints, and the step that deletes what others have stored."""

from __future__ import annotations

import uuid
from typing import Any

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, error_of, run_one, wait
from tests.integration.documents import BUCKET, condition_step, document, fail_step, processing_step, training_step


def config_step(model: Any, **more: Any) -> dict[str, Any]:
    variant = {
        "VariantName": "all",
        "ModelName": model,
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": 1,
    }
    return {"Name": "config", "Type": "EndpointConfig", "Arguments": {"ProductionVariants": [variant], **more}}


def endpoint_step(**arguments: Any) -> dict[str, Any]:
    return {"Name": "deploy", "Type": "Endpoint", "Arguments": arguments}


def test_a_model_is_deployed_and_deployed_again(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The configuration and the endpoint are entries, which later steps can read; an endpoint that is there is updated."""
    model = {
        "Name": "model",
        "Type": "Model",
        "Arguments": {"PrimaryContainer": {"Image": "image", "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}},
    }
    name = f"churn-{uuid.uuid4().hex[:8]}"
    deploy = endpoint_step(EndpointName=name, EndpointConfigName={"Get": "Steps.config.EndpointConfigName"})
    definition = document(
        model,
        config_step({"Get": "Steps.model.ModelName"}),
        deploy,
        fail_step("say", {"Get": "Steps.deploy.EndpointStatus"}),
    )
    configurations = []
    for _ in range(2):
        arn = aws.start(definition)
        wait(endpoint, arn)
        steps = aws.steps(arn)
        assert steps["say"]["FailureReason"] == "InService"
        configurations.append(steps["config"]["Metadata"]["EndpointConfig"]["Arn"].rpartition("/")[2])
        there = aws.sagemaker.describe_endpoint(EndpointName=name)
        assert (there["EndpointArn"], there["EndpointConfigName"]) == (
            steps["deploy"]["Metadata"]["Endpoint"]["Arn"],
            configurations[-1],
        )
    assert len(set(configurations)) == 2
    assert configurations[0].startswith("pipelines-")


def test_the_name_of_a_configuration_is_taken_once(endpoint: LocalEndpoint, aws: Aws) -> None:
    """What endpoints of that configuration mean stays."""
    aws.sagemaker.create_model(ModelName="kept", PrimaryContainer={"Image": "image"})
    named = config_step("kept", EndpointConfigName=f"taken-{uuid.uuid4().hex[:8]}")
    assert run_one(endpoint, aws, named)["StepStatus"] == "Succeeded"
    name = named["Arguments"]["EndpointConfigName"]
    assert run_one(endpoint, aws, named)["FailureReason"] == (
        "ClientError: Failed to invoke sagemaker:CreateEndpointConfig. Error Details: Cannot create already existing endpoint "
        f"configuration '{name}'."
    )


def test_an_endpoint_without_its_configuration_fails(endpoint: LocalEndpoint, aws: Aws) -> None:
    """In the service's words; an endpoint of that name stays as it is."""
    step = run_one(endpoint, aws, endpoint_step(EndpointName="e", EndpointConfigName="nothing"))
    assert step["StepStatus"] == "Failed"
    assert step["FailureReason"].startswith(
        "ClientError: Failed to invoke sagemaker:CreateEndpoint. Error Details: An error occurred (ValidationException)"
    )


def exists(aws: Aws, uri: str) -> bool:
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    return key in [each["Key"] for each in aws.s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", ())]


def cleanup(*sources: dict[str, Any], after: str) -> dict[str, Any]:
    return {
        "Name": "clean",
        "Type": "Cleanup",
        "Arguments": {"Resources": {"S3": list(sources)}},
        "DependsOn": [after],
    }


def test_outputs_are_deleted(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Of a processing step those that are named, of a training step all; a step that did not run is skipped."""
    prefix = f"s3://{BUCKET}/clean-{uuid.uuid4().hex}"
    script = "for n in 'ab': open('/opt/ml/processing/output/o/' + n, 'w').write(n)"
    train = training_step("train", aws.put_source_archive({"train.py": "open('/opt/ml/model/m', 'w').write('m')"}))
    never = [{"Type": "Equals", "LeftValue": 1, "RightValue": 2}]
    definition = document(
        processing_step("prepare", aws.put_script(script), outputs={"o": prefix}),
        train | {"DependsOn": ["prepare"]},
        condition_step("decide", never, [processing_step("other", f"s3://{BUCKET}/x", outputs={"o": prefix})], [])
        | {"DependsOn": ["train"]},
        cleanup(
            {"StepName": "prepare", "S3Uris": [f"{prefix}/a"]},
            {"StepName": "train"},
            {"StepName": "other"},
            after="decide",
        ),
    )
    arn = aws.start(definition)
    wait(endpoint, arn)
    steps = aws.steps(arn)
    assert (steps["clean"]["StepStatus"], steps["clean"]["Metadata"]) == (
        "Succeeded",
        {"Cleanup": {"CleanedSteps": ["prepare", "train"], "FailedSteps": [], "SkippedSteps": ["other"]}},
    )
    job = steps["train"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    model = aws.sagemaker.describe_training_job(TrainingJobName=job)["ModelArtifacts"]["S3ModelArtifacts"]
    assert [exists(aws, uri) for uri in (f"{prefix}/a", f"{prefix}/b", model)] == [False, True, False]


def test_what_is_no_output_is_not_deleted(endpoint: LocalEndpoint, aws: Aws) -> None:
    """An object beside the step's outputs, and a step of which it is not said what; the step fails and says both."""
    prefix = f"clean-{uuid.uuid4().hex}"
    beside = aws.put(f"{prefix}-not/kept", "kept")
    outputs = {"o": f"s3://{BUCKET}/{prefix}"}
    definition = document(
        processing_step("one", aws.put_script(""), outputs=outputs),
        processing_step("two", aws.put_script(""), outputs=outputs) | {"DependsOn": ["one"]},
        cleanup({"StepName": "one", "S3Uris": [beside]}, {"StepName": "two"}, after="two"),
    )
    arn = aws.start(definition)
    wait(endpoint, arn)
    clean = aws.steps(arn)["clean"]
    reasons = [
        f"{beside} is not below an output of the step",
        "S3Uris must list the objects of the step to delete",
    ]
    failed = [
        {"StepName": name, "ErrorCode": "ClientError", "ErrorMessage": reason}
        for name, reason in zip(("one", "two"), reasons, strict=True)
    ]
    assert (clean["Metadata"], clean["FailureReason"]) == (
        {"Cleanup": {"CleanedSteps": [], "FailedSteps": failed, "SkippedSteps": []}},
        f"ClientError: outputs could not be deleted: one: {reasons[0]}; two: {reasons[1]}",
    )
    assert exists(aws, beside)


def test_an_inference_component_is_made_and_made_anew(endpoint: LocalEndpoint, aws: Aws) -> None:
    """An entry on an endpoint, which later steps can read; one that is there is updated."""
    name = f"host-{uuid.uuid4().hex[:8]}"
    aws.sagemaker.create_model(ModelName=name, PrimaryContainer={"Image": "image"})
    variant = {"VariantName": "all", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    aws.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    there = aws.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)["EndpointArn"]

    def step(copies: int, **more: Any) -> dict[str, Any]:
        arguments = {
            "InferenceComponentName": name,
            "EndpointName": name,
            "Specification": {"Container": {"Image": "image"}, "BaseInferenceComponentName": "base"},
            "RuntimeConfig": {"CopyCount": copies},
            "Tags": [{"Key": "k", "Value": "v"}],
            **more,
        }
        return {"Name": "host", "Type": "InferenceComponent", "Arguments": arguments}

    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:inference-component/{name}"
    for copies in (1, 2):
        started = aws.start(document(step(copies), fail_step("say", {"Get": "Steps.host.InferenceComponentStatus"})))
        wait(endpoint, started)
        steps = aws.steps(started)
        assert (steps["host"]["Metadata"], steps["say"]["FailureReason"]) == (
            {"InferenceComponent": {"Arn": arn}},
            "InService",
        )
    shown = aws.sagemaker.describe_inference_component(InferenceComponentName=name)
    times = [shown.pop(key) for key in ("CreationTime", "LastModifiedTime")]
    assert times[0] < times[1]
    del shown["ResponseMetadata"]
    summary = {
        "InferenceComponentName": name,
        "InferenceComponentArn": arn,
        "EndpointName": name,
        "EndpointArn": there,
        "VariantName": "all",
        "InferenceComponentStatus": "InService",
    }
    assert shown == summary | {
        "Specification": {
            "Container": {"DeployedImage": {"SpecifiedImage": "image"}},
            "BaseInferenceComponentName": "base",
        },
        "RuntimeConfig": {"DesiredCopyCount": 2, "CurrentCopyCount": 2},
    }
    listed = aws.sagemaker.list_inference_components(EndpointNameEquals=name)["InferenceComponents"]
    assert listed == [summary | dict(zip(("CreationTime", "LastModifiedTime"), times, strict=True))]
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "k", "Value": "v"}]
    aws.sagemaker.update_inference_component_runtime_config(
        InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": 3}
    )
    again = aws.sagemaker.describe_inference_component(InferenceComponentName=name)
    assert again["RuntimeConfig"]["CurrentCopyCount"] == 3
    aws.sagemaker.delete_inference_component(InferenceComponentName=name)
    assert error_of(aws.sagemaker.describe_inference_component, InferenceComponentName=name) == (
        "ValidationException",
        f'Could not find inference component "{arn}".',
    )
    refused = "ClientError: Failed to invoke sagemaker:CreateInferenceComponent. Error Details: "
    prefix = "arn:aws:sagemaker:eu-west-1:123456789012"
    for change, reason in (
        ({"EndpointName": "nothing"}, f'Could not find endpoint "{prefix}:endpoint/nothing".'),
        ({"VariantName": "other"}, f"Could not find variant 'other' of endpoint \"{there}\"."),
        ({"Specification": {"ModelName": "nothing"}}, f'Could not find model "{prefix}:model/nothing".'),
    ):
        assert run_one(endpoint, aws, step(1, **change))["FailureReason"] == refused + reason
