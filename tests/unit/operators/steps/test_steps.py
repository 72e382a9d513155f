from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.sdk import TaskGroup
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from airflow_sm_pipelines import (
    Join,
    SageMakerConditionStepOperator,
    SageMakerFailStepOperator,
    SageMakerProcessingStepOperator,
    SageMakerRegisterModelStepOperator,
    SageMakerStepOperator,
    SageMakerTrainingStepOperator,
    SageMakerTransformStepOperator,
    SageMakerTuningStepOperator,
)
from airflow_sm_pipelines.definition.expressions import EXECUTION_ID, Get, JsonGet, PropertyReference
from airflow_sm_pipelines.definition.steps import PropertyFile
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.operators.steps.base import merge_arguments
from airflow_sm_pipelines.translation.nodes import RuntimeValue, StepNode
from tests.valid_arguments import LEAST, PROCESSING, TRAINING

ROLE = "arn:aws:iam::123456789012:role/sagemaker"
COMMON = {"image_uri": "image", "instance_type": "ml.m5.xlarge"}


def refused(build):
    with pytest.raises(TranslationError) as caught:
        build()
    return str(caught.value)


def plain(value):
    """The request with each expression replaced by a text, as SageMaker would see it."""
    if hasattr(value, "to_document") or isinstance(value, RuntimeValue):
        return "value"
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value


def botocore_report(operation, request):
    model = ServiceModel(Loader().load_service_model("sagemaker", "service-2"))
    return ParamValidator().validate(request, model.operation_model(operation).input_shape).generate_report()


def test_the_generic_step_takes_boto3s_request(dag, group):
    """Any step type works with raw arguments, and every common keyword finds its key."""
    with group():
        operator = SageMakerStepOperator(
            task_id="t",
            step_type="Transform",
            step_name="transform",
            arguments=LEAST["Transform"],
            cache=timedelta(days=1, seconds=1),
            retry_policies=[{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 3}],
            display_name="Transform",
            description="All of it",
            step_options={"New": 1},
        )
    assert operator.to_step_node() == StepNode(
        task_id="churn.t",
        name="transform",
        type="Transform",
        arguments=LEAST["Transform"],
        extra={
            "New": 1,
            "CacheConfig": {"Enabled": True, "ExpireAfter": "PT86401S"},
            "RetryPolicies": [{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 3}],
        },
        display_name="Transform",
        description="All of it",
    )
    assert operator.properties.A["b"][0].to_document() == {"Get": "Steps.transform.A['b'][0]"}


@pytest.mark.parametrize(
    ("cache", "config"),
    [
        (True, {"Enabled": True}),
        (False, {"Enabled": False}),
        ("P30D", {"Enabled": True, "ExpireAfter": "P30D"}),
    ],
)
def test_cache_configurations(dag, group, cache, config):
    """A cache is on for ever, off, or on for a duration."""
    with group():
        operator = SageMakerStepOperator(task_id="t", step_type="Transform", arguments=LEAST["Transform"], cache=cache)
    assert operator.to_step_node().extra == {"CacheConfig": config}
    assert operator.awaited.cache_config == (config if cache else None)


def test_keywords_go_over_arguments():
    """Objects are merged key by key; anything else that a keyword says replaces what stood there."""
    arguments = {"A": {"x": 1, "y": 2}, "B": [1], "C": "kept"}
    over = {"A": {"y": 3, "z": None}, "B": [2], "C": None, "D": 4, "E": {"x": None, "y": {"z": 5, "q": None}}}
    assert merge_arguments(arguments, over) == {
        "A": {"x": 1, "y": 3},
        "B": [2],
        "C": "kept",
        "D": 4,
        "E": {"y": {"z": 5}},
    }
    assert arguments == {"A": {"x": 1, "y": 2}, "B": [1], "C": "kept"}


def test_arguments_go_over_defaults(dag, group):
    """What an operator takes for granted is no keyword: raw arguments go over it, and keywords over them."""
    group_of_instances = {"InstanceGroupName": "a", "InstanceType": "ml.g5.xlarge", "InstanceCount": 2}
    raw = {
        "RoleArn": "arn:aws:iam::123456789012:role/raw",
        "AlgorithmSpecification": {"AlgorithmName": "own", "TrainingInputMode": "Pipe"},
        "ResourceConfig": {"InstanceGroups": [group_of_instances], "VolumeSizeInGB": 100},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "OutputDataConfig": {"S3OutputPath": "s3://box/raw", "CompressionType": "NONE"},
    }
    with group():
        train = SageMakerTrainingStepOperator(task_id="t", arguments=raw, max_runtime_in_seconds=90)
        tune = SageMakerTuningStepOperator(
            task_id="u",
            hyperparameter_ranges={},
            objective_metric_name="auc",
            arguments={"TrainingJobDefinition": raw, "HyperParameterTuningJobConfig": {"Strategy": "Grid"}},
        )
        process = SageMakerProcessingStepOperator(
            task_id="p", **COMMON, arguments={"ProcessingResources": {"ClusterConfig": {"InstanceCount": 3}}}
        )
        transform = SageMakerTransformStepOperator(
            task_id="f",
            model_name="m",
            instance_type="ml.m5.xlarge",
            instance_count=2,
            arguments={
                "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://box/x"}}},
                "TransformOutput": {"S3OutputPath": "s3://box/raw"},
                "TransformResources": {"InstanceCount": 3},
            },
        )
        register = SageMakerRegisterModelStepOperator(
            task_id="r",
            model_package_group_name="g",
            arguments={
                "ModelApprovalStatus": "Approved",
                "InferenceSpecification": {"Containers": [{"Image": "i"}], "SupportedContentTypes": ["x/y"]},
            },
        )
    assert train.to_step_node().arguments == {**raw, "StoppingCondition": {"MaxRuntimeInSeconds": 90}}
    tuned = tune.to_step_node().arguments
    assert tuned["TrainingJobDefinition"] == raw
    assert tuned["HyperParameterTuningJobConfig"]["Strategy"] == "Grid"
    assert tune.top_model(1).to_document()["Std:Join"]["Values"][0] == "s3://box/raw"
    assert process.to_step_node().arguments["ProcessingResources"] == {
        "ClusterConfig": {"InstanceCount": 3, "VolumeSizeInGB": 30, "InstanceType": "ml.m5.xlarge"}
    }
    assert transform.to_step_node().arguments == {
        "ModelName": "m",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://box/x"}}},
        "TransformOutput": {"S3OutputPath": "s3://box/raw"},
        "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2},
    }
    assert register.to_step_node().arguments == {
        "ModelPackageGroupName": "g",
        "ModelApprovalStatus": "Approved",
        "InferenceSpecification": {
            "Containers": [{"Image": "i"}],
            "SupportedContentTypes": ["x/y"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    }


def test_processing_requests(dag, group):
    """All keywords of a processing step make a request that botocore's service model accepts."""
    with group(parameters={"More": "s3://box/more"}):
        operator = SageMakerProcessingStepOperator(
            task_id="t",
            **COMMON,
            instance_count="{{ params.count }}",
            code="prepare.py",
            job_arguments=["--fraction", "0.2"],
            inputs={
                "raw": "s3://lake/raw",
                "more": {"S3Uri": Get("Parameters.More"), "LocalPath": "/opt/ml/processing/m", "S3InputMode": "Pipe"},
            },
            outputs={"train": None, "test": "/opt/ml/processing/t", "report": {"S3Uri": "s3://box/report"}},
            environment={"A": "1"},
            max_runtime_in_seconds=60,
            role_arn="arn:aws:iam::123456789012:role/other",
            arguments={
                "NetworkConfig": {"EnableNetworkIsolation": True},
                "ProcessingInputs": [
                    {"InputName": "rest", "S3Input": {"S3Uri": "s3://box/r", "S3DataType": "S3Prefix"}}
                ],
                "ProcessingOutputConfig": {
                    "KmsKeyId": "k",
                    "Outputs": [
                        {
                            "OutputName": "rest",
                            "S3Output": {"S3Uri": "s3://box/o", "LocalPath": "/o", "S3UploadMode": "EndOfJob"},
                        }
                    ],
                },
            },
        )
    request = operator.to_step_node().arguments
    common = {
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
        "S3CompressionType": "None",
    }
    code_uri = operator.uploads()[0].uri.rpartition("/")[0]
    output = {"LocalPath": "/opt/ml/processing/output/train", "S3UploadMode": "EndOfJob"}
    assert request == {
        "RoleArn": "arn:aws:iam::123456789012:role/other",
        "NetworkConfig": {"EnableNetworkIsolation": True},
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceType": "ml.m5.xlarge",
                "InstanceCount": "{{ params.count }}",
                "VolumeSizeInGB": 30,
            }
        },
        "AppSpecification": {
            "ImageUri": "image",
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/prepare.py"],
            "ContainerArguments": ["--fraction", "0.2"],
        },
        "ProcessingInputs": [
            {
                "InputName": "raw",
                "AppManaged": False,
                "S3Input": {**common, "S3Uri": "s3://lake/raw", "LocalPath": "/opt/ml/processing/input/raw"},
            },
            {
                "InputName": "more",
                "AppManaged": False,
                "S3Input": {
                    **common,
                    "S3Uri": Get("Parameters.More"),
                    "LocalPath": "/opt/ml/processing/m",
                    "S3InputMode": "Pipe",
                },
            },
            {
                "InputName": "code",
                "AppManaged": False,
                "S3Input": {**common, "S3Uri": code_uri, "LocalPath": "/opt/ml/processing/input/code"},
            },
            {"InputName": "rest", "S3Input": {"S3Uri": "s3://box/r", "S3DataType": "S3Prefix"}},
        ],
        "ProcessingOutputConfig": {
            "KmsKeyId": "k",
            "Outputs": [
                {
                    "OutputName": "train",
                    "AppManaged": False,
                    "S3Output": {**output, "S3Uri": Join("/", ["s3://lab/churn", EXECUTION_ID, "t", "train"])},
                },
                {
                    "OutputName": "test",
                    "AppManaged": False,
                    "S3Output": {
                        **output,
                        "S3Uri": Join("/", ["s3://lab/churn", EXECUTION_ID, "t", "test"]),
                        "LocalPath": "/opt/ml/processing/t",
                    },
                },
                {
                    "OutputName": "report",
                    "AppManaged": False,
                    "S3Output": {**output, "S3Uri": "s3://box/report", "LocalPath": "/opt/ml/processing/output/report"},
                },
                {
                    "OutputName": "rest",
                    "S3Output": {"S3Uri": "s3://box/o", "LocalPath": "/o", "S3UploadMode": "EndOfJob"},
                },
            ],
        },
        "Environment": {"A": "1"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    checked = {**plain(request), "ProcessingJobName": "j"}
    checked["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = 1
    assert botocore_report("CreateProcessingJob", checked) == ""
    assert list(operator.outputs) == ["train", "test", "report", "rest"]


def test_training_requests(dag, group):
    """All keywords of a training step make a request that botocore's service model accepts."""
    with group(parameters={"Depth": 5, "Name": "x"}) as pipeline:
        prepare = SageMakerStepOperator(task_id="prepare", step_type="Processing", arguments=PROCESSING)
        operator = SageMakerTrainingStepOperator(
            task_id="t",
            **COMMON,
            code="train.py",
            content_type="text/csv",
            inputs={
                "train": prepare.properties.AppSpecification.ImageUri,
                "weights": {"S3Uri": "s3://box/w", "ContentType": "application/json"},
                "test": {"S3Uri": "s3://box/t", "S3DataDistributionType": "ShardedByS3Key"},
            },
            hyperparameters={
                "depth": pipeline.parameters["Depth"],
                "name": pipeline.parameters["Name"],
                "text": "a",
                "list": [1, 2],
                "day": "{{ ds }}",
            },
            environment={"A": "1"},
        )
        pipeline_depth, pipeline_name = pipeline.parameters["Depth"], pipeline.parameters["Name"]
    request = operator.to_step_node().arguments
    assert request == {
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "OutputDataConfig": {"S3OutputPath": Join("/", ["s3://lab/churn", EXECUTION_ID, "t"])},
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": PropertyReference("Steps.prepare.AppSpecification.ImageUri"),
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
                "ContentType": "text/csv",
            },
            {
                "ChannelName": "weights",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": "s3://box/w",
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
                "ContentType": "application/json",
            },
            {
                "ChannelName": "test",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": "s3://box/t",
                        "S3DataDistributionType": "ShardedByS3Key",
                    }
                },
                "ContentType": "text/csv",
            },
        ],
        "HyperParameters": {
            "depth": Join("", [pipeline_depth]),
            "name": pipeline_name,
            "text": '"a"',
            "list": "[1, 2]",
            "day": RuntimeValue("{{ ds }}"),
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": operator.uploads()[0].uri,
        },
        "Environment": {"A": "1"},
    }
    assert botocore_report("CreateTrainingJob", {**plain(request), "TrainingJobName": "j"}) == ""
    assert operator.model_artifacts.to_document() == {"Get": "Steps.t.ModelArtifacts.S3ModelArtifacts"}


def test_code_in_s3_is_used_as_it_is(dag, group):
    """Code that lies in S3 is not uploaded: a script for processing, an archive for training."""
    with group():
        processing = SageMakerProcessingStepOperator(task_id="p", **COMMON, code="s3://box/scripts/run.py")
        training = SageMakerTrainingStepOperator(
            task_id="t", **COMMON, code="s3://box/code.tar.gz", entry_point="train.py", output_uri="s3://box/models"
        )
    request = processing.to_step_node().arguments
    assert request["AppSpecification"]["ContainerEntrypoint"] == ["python3", "/opt/ml/processing/input/code/run.py"]
    assert request["ProcessingInputs"][0]["S3Input"]["S3Uri"] == "s3://box/scripts/run.py"
    assert training.to_step_node().arguments["HyperParameters"] == {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://box/code.tar.gz",
    }
    assert training.to_step_node().arguments["OutputDataConfig"] == {"S3OutputPath": "s3://box/models"}
    assert processing.uploads() == training.uploads() == ()


def test_register_model_requests(dag, group):
    """All keywords of a registration make a request that botocore's service model accepts."""
    with group():
        operator = SageMakerRegisterModelStepOperator(
            task_id="t",
            model_package_group_name="churn",
            image_uri="image",
            model_data="s3://box/model.tar.gz",
            inference_instances=["ml.m5.xlarge"],
            transform_instances=["ml.m5.large"],
            approval_status="Approved",
            model_metrics="s3://box/metrics.json",
            model_package_description="the best",
        )
    request = operator.to_step_node().arguments
    assert request == {
        "ModelPackageGroupName": "churn",
        "ModelApprovalStatus": "Approved",
        "ModelPackageDescription": "the best",
        "InferenceSpecification": {
            "Containers": [{"Image": "image", "ModelDataUrl": "s3://box/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
            "SupportedRealtimeInferenceInstanceTypes": ["ml.m5.xlarge"],
            "SupportedTransformInstanceTypes": ["ml.m5.large"],
        },
        "ModelMetrics": {
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://box/metrics.json"}}
        },
    }
    assert botocore_report("CreateModelPackage", request) == ""
    assert operator.model_package_arn.to_document() == {"Get": "Steps.t.ModelPackageArn"}


def test_metrics_are_references_into_property_files(dag, group):
    """A declared property file can be looked into, and its place is what the trigger reads."""
    with group():
        operator = SageMakerProcessingStepOperator(
            task_id="t", **COMMON, outputs=["evaluation"], property_files={"metrics": "evaluation/deep/m.json"}
        )
    assert operator.metric("metrics", "a.b") == JsonGet("t", "metrics", "a.b")
    uri = Join("/", [operator.outputs["evaluation"], "deep/m.json"])
    assert dict(operator.property_files) == {"metrics": uri}
    assert refused(lambda: operator.property_files["metric"]) == (
        "Dag 'd', task 'churn.t' has no property file 'metric'. Did you mean 'metrics'? (there is 'metrics')"
    )
    assert operator.declared_property_files == (PropertyFile("metrics", "evaluation", "deep/m.json"),)
    assert operator.to_step_node().extra == {
        "PropertyFiles": [{"PropertyFileName": "metrics", "OutputName": "evaluation", "FilePath": "deep/m.json"}]
    }
    assert refused(lambda: operator.metric("metric", "a")) == (
        "Dag 'd', task 'churn.t': there is no property file 'metric'. Did you mean 'metrics'? Declare it: "
        "property_files={'metric': '<output name>/<file>.json'}."
    )
    assert refused(lambda: operator.outputs["evalution"]) == (
        "Dag 'd', task 'churn.t' has no output 'evalution'. Did you mean 'evaluation'? (there is 'evaluation')"
    )
    assert refused(lambda: operator.outputs.get("evalution")) == refused(lambda: operator.outputs["evalution"])


def test_a_condition_leads_to_both_branches(dag, group):
    """The tasks of both lists are downstream, and each outcome skips the other's."""
    with group():
        a, b = (SageMakerStepOperator(task_id=name, step_type="Training", arguments=TRAINING) for name in "ab")
        operator = SageMakerConditionStepOperator(
            task_id="c", conditions=[Get("Execution.PipelineName").equals("x")], if_steps=[a], else_steps=[b]
        )
    assert operator.downstream_task_ids == {"churn.a", "churn.b"}
    assert operator.skipped_task_ids == {"True": ["churn.b"], "False": ["churn.a"]}
    assert operator.outcome.to_document() == {"Get": "Steps.c.Outcome"}
    assert operator.to_step_node() == StepNode(
        task_id="churn.c",
        name="c",
        type="Condition",
        conditions=(Get("Execution.PipelineName").equals("x"),),
        if_task_ids=("churn.a",),
        else_task_ids=("churn.b",),
    )


def test_branches_are_labelled(dag, group):
    """The graph view says which edge leads to which branch; a TaskGroup stands for its first tasks."""
    with group():
        with TaskGroup("inner") as inner:
            SageMakerStepOperator(task_id="a", step_type="Training", arguments=TRAINING)
        b = SageMakerStepOperator(task_id="b", step_type="Training", arguments=TRAINING)
        SageMakerConditionStepOperator(
            task_id="c", conditions=[Get("Execution.PipelineName").equals("x")], if_steps=[inner], else_steps=[b]
        )
    assert dag.edge_info["churn.c"] == {"churn.inner.a": {"label": "if"}, "churn.b": {"label": "else"}}


def test_fail_steps_say_their_message(dag, group):
    """A Fail step is its message, which may hold references."""
    message = Join(" ", ["below", Get("Parameters.P")])
    with group(parameters={"P": 1}):
        operator = SageMakerFailStepOperator(task_id="t", error_message=message)
    assert operator.to_step_node() == StepNode("churn.t", "t", "Fail", {"ErrorMessage": message})


TASK = "Dag 'd', task 'churn.t': "


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: SageMakerStepOperator(task_id="t", step_type="Training", step_name="a b"),
            TASK + "SageMaker refuses the step name 'a b': 1 to 64 letters, digits, hyphens and underscores. "
            "Set step_name.",
        ),
        (
            lambda: SageMakerProcessingStepOperator(
                task_id="t", **COMMON, outputs=["evaluation"], property_files={"m": "evalution/m.json"}
            ),
            TASK
            + "property file 'm' is given as 'evalution/m.json'; write '<output name>/<path in it>'. The step's outputs are 'evaluation'. Did you mean 'evaluation'?",
        ),
        (
            lambda: SageMakerProcessingStepOperator(task_id="t", **COMMON, outputs=["o"], property_files={"m": "o"}),
            TASK + "property file 'm' is given as 'o'; write '<output name>/<path in it>'. The step's outputs are 'o'",
        ),
        (
            lambda: SageMakerProcessingStepOperator(task_id="t", **COMMON, property_files={"m": "m.json"}),
            TASK
            + "property file 'm' is given as 'm.json'; write '<output name>/<path in it>'. The step's outputs are (none)",
        ),
        (
            lambda: SageMakerTrainingStepOperator(task_id="t", **COMMON, code="s3://box/code.tar.gz"),
            TASK + "code='s3://box/code.tar.gz' is an archive. Say which script in it to run: entry_point='...'.",
        ),
        (
            lambda: SageMakerTrainingStepOperator(
                task_id="t", **COMMON, inputs={"a": {"ContentType": "x"}}
            ).to_step_node(),
            TASK + "input 'a' is a dict without 'S3Uri'. Say where the channel's data is.",
        ),
        (
            lambda: SageMakerProcessingStepOperator(task_id="t", **COMMON, outputs="train"),
            TASK + "outputs='train' is not a list. Write outputs=['train'].",
        ),
        (
            lambda: SageMakerProcessingStepOperator(task_id="t", **COMMON, job_arguments="--x 1"),
            TASK + "job_arguments='--x 1' is not a list. Write job_arguments=['--x 1'].",
        ),
        (
            lambda: SageMakerProcessingStepOperator(task_id="t", **COMMON, inputs=["s3://box/x"]),
            TASK + "inputs=['s3://box/x'] is not a dict. Give inputs={'name': ...}.",
        ),
        (
            lambda: SageMakerProcessingStepOperator(task_id="t", **COMMON, outputs=["../x"]),
            TASK + "outputs has the name '../x'. Names are letters, digits, '.', '-' and '_', and begin with a letter, "
            "a digit or '_'.",
        ),
        (
            lambda: SageMakerProcessingStepOperator(
                task_id="t", **COMMON, code="prepare.py", inputs={"code": "s3://box/x"}
            ),
            TASK + "inputs has the name 'code', which is reserved for the code. Rename it.",
        ),
        (
            lambda: SageMakerProcessingStepOperator(task_id="t", image_uri="i"),
            TASK + "instance_type is missing. Give instance_type=..., or "
            "ProcessingResources.ClusterConfig.InstanceType in arguments.",
        ),
        (
            lambda: SageMakerTrainingStepOperator(
                task_id="t", **COMMON, hyperparameters={"n": {"x": 2j}}
            ).to_step_node(),
            TASK
            + "hyperparameters['n'] is {'x': 2j}: it is not JSON: Object of type complex is not JSON serializable. "
            "Give text, numbers, lists and dicts.",
        ),
        (
            lambda: SageMakerTrainingStepOperator(
                task_id="t", **COMMON, hyperparameters={"n": [{"{{ ds }}": 1}]}
            ).to_step_node(),
            TASK
            + "hyperparameters['n'] is [{'{{ ds }}': 1}]: the key '{{ ds }}' in it holds Jinja; keys must be the same "
            "in every run.",
        ),
        (
            lambda: SageMakerTrainingStepOperator(task_id="t", image_uri="i"),
            TASK + "instance_type is missing. Give instance_type=..., or ResourceConfig in arguments.",
        ),
        (
            lambda: SageMakerTrainingStepOperator(task_id="t", instance_type="ml.m5.xlarge"),
            TASK + "image_uri is missing. Give image_uri=..., or AlgorithmSpecification in arguments.",
        ),
        (
            lambda: SageMakerTrainingStepOperator(task_id="t", **COMMON, code=5),
            TASK
            + "code=5 is not a path. Give the path of a file beside the Dag, or an 's3://' URI, as text: it has to be "
            "known while the Dag is parsed.",
        ),
        (
            lambda: SageMakerConditionStepOperator(task_id="t", conditions=Get("Parameters.P").equals(1)),
            TASK
            + "conditions=Comparison(type='Equals', left_value=Get(path='Parameters.P'), right_value=1) is not a list. "
            "Give conditions=[...].",
        ),
        (
            lambda: SageMakerConditionStepOperator(task_id="t", conditions=[]),
            TASK + "a ConditionStep needs at least one condition. Give conditions=[...].",
        ),
        (
            lambda: SageMakerConditionStepOperator(
                task_id="t", conditions=[Get("Execution.PipelineName").equals("x")], if_steps="register"
            ),
            TASK + "if_steps='register' is not a list of tasks. Give the first steps of the branch: if_steps=[...].",
        ),
        (
            lambda: SageMakerConditionStepOperator(task_id="t", conditions=[True]),
            TASK
            + "True is not a condition. Compare references: evaluate.metric('metrics', 'accuracy') >= 0.9. '==' and "
            "'!=' compare in Python: use .equals(...) and Not(...).",
        ),
    ],
)
def test_bad_steps_are_refused_at_parse_time(dag, group, build, message):
    """What a step operator can know to be wrong is an error of the Dag file, with Dag, task and fix."""
    with pytest.raises(TranslationError) as caught, group():
        build()
    assert str(caught.value) == message


def test_a_missing_code_file_is_refused_at_parse_time(dag, group, tmp_path):
    """Code that is not beside the Dag is found missing when the group ends."""
    with pytest.raises(TranslationError) as caught, group():
        SageMakerTrainingStepOperator(task_id="t", **COMMON, code="trian.py")
    assert str(caught.value) == (
        f"Dag 'd', task 'churn.t': there is no code file 'trian.py' (looked for {tmp_path}/trian.py). "
        "A relative path starts at the Dag file's directory; code already in S3 is given as 's3://bucket/key'."
    )


def test_a_step_in_both_branches_is_refused(dag, group):
    """A step belongs to one branch."""

    def build():
        with group():
            a = SageMakerStepOperator(task_id="a", step_type="Training", arguments=TRAINING)
            SageMakerConditionStepOperator(
                task_id="t", conditions=[Get("Execution.PipelineName").equals("x")], if_steps=[a], else_steps=[a]
            )

    assert refused(build) == TASK + (
        "'churn.a' is in both if_steps and else_steps. A step belongs to one branch; a step after both follows "
        "their ends with trigger_rule='none_failed_min_one_success'."
    )


def test_a_step_outside_a_group_is_refused(dag):
    """A step operator needs a pipeline around it."""
    assert refused(lambda: SageMakerStepOperator(task_id="t", step_type="Training", arguments=TRAINING)) == (
        "Dag 'd', task 't': SageMakerStepOperator is a step of a pipeline, but is not inside a "
        "SageMakerPipelineTaskGroup. Define it inside 'with SageMakerPipelineTaskGroup(...)'."
    )


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (SageMakerTrainingStepOperator, {"InputDataConfig": "{{ x }}"}, "'{{ x }}' for 'InputDataConfig'"),
        (SageMakerProcessingStepOperator, {"ProcessingInputs": {}}, "an object for 'ProcessingInputs'"),
        (
            SageMakerProcessingStepOperator,
            {"ProcessingOutputConfig": {"Outputs": "s3://box"}},
            "'s3://box' for 'Outputs'",
        ),
    ],
)
def test_raw_lists_are_lists(dag, group, make, arguments, message):
    """Keywords add to them, so something else would be taken apart; null is none."""

    def build():
        with group():
            make(task_id="t", **COMMON, arguments=arguments)

    assert refused(build) == (
        f"Dag 'd', task 'churn.t': arguments give {message}, which must be a list of objects. SageMaker accepts a "
        "parameter for a value inside the list, but not for the list: write the list out."
    )


def test_raw_lists_may_be_null(dag, group):
    """As boto3 takes nothing for them."""
    with group():
        train = SageMakerTrainingStepOperator(task_id="t", **COMMON, arguments={"InputDataConfig": None})
        process = SageMakerProcessingStepOperator(
            task_id="p", **COMMON, arguments={"ProcessingInputs": None, "ProcessingOutputConfig": None}
        )
    given = {"InputDataConfig", "ProcessingInputs", "ProcessingOutputConfig"}
    assert [given & made.to_step_node().arguments.keys() for made in (train, process)] == [set(), set()]
