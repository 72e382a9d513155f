"""Pipeline definitions as the operators and the SDK write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
BUCKET = "ml-data"
REGION = "eu-west-1"
"""Tests elsewhere use moto in this process too, in us-east-1, and moto has one state for the whole process."""

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1"

XGBOOST_IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost"
BARE_IMAGE = f"{XGBOOST_IMAGE}:1.5-1"
"""The endpoint of the tests has an interpreter without packages for it."""


def document(*steps: Mapping[str, Any], parameters: tuple[Mapping[str, Any], ...] = ()) -> dict[str, Any]:
    """A definition of some steps."""
    return {"Version": "2020-12-01", "Metadata": {}, "Parameters": list(parameters), "Steps": list(steps)}


def processing_step(
    name: str,
    script: str | Mapping[str, Any],
    *,
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    arguments: tuple[Any, ...] = (),
    environment: Mapping[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A Processing step as the operators write it. ``script`` is the code's URI."""
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "RoleArn": ROLE,
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
            },
            "AppSpecification": {
                "ImageUri": IMAGE,
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/script.py"],
                **({"ContainerArguments": list(arguments)} if arguments else {}),
            },
            "ProcessingInputs": [
                {
                    "InputName": key,
                    "AppManaged": False,
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"/opt/ml/processing/input/{key}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                        "S3DataDistributionType": "FullyReplicated",
                        "S3CompressionType": "None",
                    },
                }
                for key, uri in {"code": script, **(inputs or {})}.items()
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": key,
                        "AppManaged": False,
                        "S3Output": {
                            "S3Uri": uri,
                            "LocalPath": f"/opt/ml/processing/output/{key}",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                    for key, uri in (outputs or {}).items()
                ]
            },
            **({"Environment": dict(environment)} if environment else {}),
        },
        **more,
    }


def training_step(
    name: str,
    source: str,
    *,
    program: str = "train.py",
    inputs: Mapping[str, Any] | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
    output_path: Any = f"s3://{BUCKET}/models",
    **more: Any,
) -> dict[str, Any]:
    """A Training step in script mode, as the SDK and the operators write it."""
    return {
        "Name": name,
        "Type": "Training",
        "Arguments": {
            "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "HyperParameters": {
                "sagemaker_program": json.dumps(program),
                "sagemaker_submit_directory": json.dumps(source),
                **(hyperparameters or {}),
            },
            "OutputDataConfig": {"S3OutputPath": output_path},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            **(
                {
                    "InputDataConfig": [
                        {
                            "ChannelName": key,
                            "DataSource": {
                                "S3DataSource": {
                                    "S3DataType": "S3Prefix",
                                    "S3Uri": uri,
                                    "S3DataDistributionType": "FullyReplicated",
                                }
                            },
                        }
                        for key, uri in inputs.items()
                    ]
                }
                if inputs
                else {}
            ),
        },
        **more,
    }


def fail_step(name: str, message: Any, **more: Any) -> dict[str, Any]:
    """A Fail step."""
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}, **more}


def condition_step(name: str, conditions: list[Any], if_steps: list[Any], else_steps: list[Any]) -> dict[str, Any]:
    """A Condition step."""
    arguments = {"Conditions": conditions, "IfSteps": if_steps, "ElseSteps": else_steps}
    return {"Name": name, "Type": "Condition", "Arguments": arguments}


TRUE = [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}]
FALSE = [{"Type": "Equals", "LeftValue": 1, "RightValue": 2}]


def instant_step(name: str, *depends_on: Any) -> dict[str, Any]:
    """A step that succeeds at once, without a job: a Condition step with nothing in its branches."""
    return {**condition_step(name, TRUE, [], []), "DependsOn": list(depends_on)}


FAIL_ONLY = document(
    {"Name": "no", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.Message"}}},
    parameters=(
        {"Name": "Message", "Type": "String", "DefaultValue": "no"},
        {"Name": "Depth", "Type": "Integer", "DefaultValue": 5},
    ),
)
