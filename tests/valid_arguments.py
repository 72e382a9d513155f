"""The least arguments of steps that the API takes, for tests that are not about arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TRAINING = {
    "RoleArn": "arn:aws:iam::123456789012:role/r",
    "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://box/models"},
    "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}
"""What CreateTrainingJob requires, by older versions of botocore too."""

PROCESSING = {
    "RoleArn": "arn:aws:iam::123456789012:role/r",
    "AppSpecification": {"ImageUri": "i"},
    "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}},
}
"""What CreateProcessingJob requires."""

_CONTAINER = {"Image": "i", "ModelDataUrl": "s3://box/model.tar.gz"}
_RANGES = {"ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0", "MaxValue": "1"}]}

LEAST: Mapping[str, Mapping[str, Any]] = {
    "AutoML": {
        "RoleArn": PROCESSING["RoleArn"],
        "OutputDataConfig": {"S3OutputPath": "s3://box/models"},
        "InputDataConfig": [
            {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://box/data"}},
                "TargetAttributeName": "y",
            }
        ],
    },
    "ClarifyCheck": PROCESSING,
    "EMR": {"ClusterId": "j-1", "StepConfig": {"HadoopJarStep": {"Jar": "s3://box/job.jar"}}},
    "EMRServerless": {
        "ApplicationId": "a",
        "ExecutionRoleArn": PROCESSING["RoleArn"],
        "JobConfig": {"jobDriver": {"sparkSubmit": {"entryPoint": "s3://box/job.py"}}},
    },
    "Endpoint": {"EndpointName": "e", "EndpointConfigName": "e"},
    "EndpointConfig": {"ProductionVariants": [{"VariantName": "all", "ModelName": "m"}]},
    "InferenceComponent": {"EndpointName": "e", "VariantName": "all", "Specification": {"ModelName": "m"}},
    "Job": {
        "RoleArn": PROCESSING["RoleArn"],
        "JobCategory": "AgentRFT",
        "JobConfigSchemaVersion": "1.0.0",
        "JobConfigDocument": "{}",
    },
    "Model": {"PrimaryContainer": _CONTAINER},
    "Processing": PROCESSING,
    "QualityCheck": PROCESSING,
    "RegisterModel": {"ModelPackageGroupName": "g"},
    "Training": TRAINING,
    "Transform": {
        "ModelName": "m",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://box/data"}}},
        "TransformOutput": {"S3OutputPath": "s3://box/predictions"},
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
    },
    "Tuning": {
        "HyperParameterTuningJobConfig": {"Strategy": "Random", "ResourceLimits": {"MaxParallelTrainingJobs": 1}},
        "TrainingJobDefinition": {
            **TRAINING,
            "HyperParameterRanges": _RANGES,
        },
    },
}
"""What each type of step requires whose arguments are a request of the API."""
