"""What jobs leave in S3."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sm_pipelines.execution.outputs import outputs_of


@pytest.mark.parametrize(
    ("job", "outputs"),
    [
        (
            {
                "ProcessingOutputConfig": {
                    "Outputs": [
                        {"OutputName": "train", "S3Output": {"S3Uri": "s3://box/train"}},
                        {"OutputName": "store", "FeatureStoreOutput": {"FeatureGroupName": "g"}},
                    ]
                }
            },
            {"train": "s3://box/train"},
        ),
        (
            {"ModelArtifacts": {"S3ModelArtifacts": "s3://box/model.tar.gz"}},
            {"model_artifacts": "s3://box/model.tar.gz"},
        ),
        ({"TransformOutput": {"S3OutputPath": "s3://box/out"}}, {"predictions": "s3://box/out"}),
        ({"ModelArn": "arn:aws:sagemaker:us-east-1:123456789012:model/m"}, {}),
    ],
    ids=["processing", "training", "transform", "model"],
)
def test_the_outputs_of_each_kind_of_job(job: dict[str, Any], outputs: dict[str, str]):
    """Outputs in S3 by name; the model of a training job, the predictions of a transform job."""
    assert outputs_of(job) == outputs
