"""Requests of tuning jobs as the SDK and the operators write them."""

from __future__ import annotations

from typing import Any

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"


def definition(source: str = "s3://ml-data/code/sourcedir.tar.gz", **changes: Any) -> dict[str, Any]:
    """A definition of training jobs in script mode, which print their score. ``static`` are further hyperparameters."""
    static = changes.pop("static", {})
    return {
        "AlgorithmSpecification": {
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/image:1",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "score", "Regex": "score=([-0-9.]+)"}],
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://ml-data/models"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "StaticHyperParameters": {
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": f'"{source}"',
            **static,
        },
        **changes,
    }


def config(
    ranges: dict[str, Any] | None = None, limits: dict[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    """The configuration of a tuning job that tries all choices, one after the other, for the highest score."""
    return {
        "Strategy": "Grid",
        "HyperParameterTuningJobObjective": objective(),
        "ResourceLimits": {"MaxParallelTrainingJobs": 1, **(limits or {})},
        **({} if ranges is None else {"ParameterRanges": ranges}),
        **changes,
    }


def objective(kind: str = "Maximize", metric: str = "score") -> dict[str, str]:
    """What training jobs are compared by."""
    return {"Type": kind, "MetricName": metric}


def choices(**values: list[str]) -> dict[str, Any]:
    """Ranges that are choices."""
    return {"CategoricalParameterRanges": [{"Name": name, "Values": each} for name, each in values.items()]}


def numbers(kind: str = "Continuous", *, scaling: str | None = None, **limits: tuple[str, str]) -> dict[str, Any]:
    """Ranges of numbers."""
    more = {} if scaling is None else {"ScalingType": scaling}
    ranges = [{"Name": name, "MinValue": low, "MaxValue": high, **more} for name, (low, high) in limits.items()]
    return {f"{kind}ParameterRanges": ranges}


def request(
    ranges: dict[str, Any] | None = None, limits: dict[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    """A request with one definition; ``changes`` are of the configuration."""
    return {
        "HyperParameterTuningJobName": "tune",
        "HyperParameterTuningJobConfig": config(ranges, limits, **changes),
        "TrainingJobDefinition": definition(),
    }
