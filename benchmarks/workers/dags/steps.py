"""Processing jobs, one after the other: as steps of one pipeline, and as tasks of amazon's operator."""

from __future__ import annotations

import os

from airflow.providers.amazon.aws.operators.sagemaker import SageMakerProcessingOperator
from airflow.sdk import DAG, chain

from airflow_sm_pipelines import SageMakerPipelineTaskGroup, SageMakerProcessingStepOperator

ROLE = "arn:aws:iam::123456789012:role/benchmark"
JOB = {
    # Long enough that amazon's operator has something to wait for when it looks for the first time.
    "AppSpecification": {
        "ImageUri": "benchmark",
        "ContainerEntrypoint": ["python3", "-c", "import time; time.sleep(8)"],
    },
    "ProcessingResources": {
        "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    },
    "RoleArn": ROLE,
}
NUMBERS = range(int(os.environ["BENCHMARK_STEPS"]))
SECONDS_BETWEEN_LOOKS = 5

with (
    DAG("steps_ours", schedule=None),
    SageMakerPipelineTaskGroup(
        "pipeline", role_arn=ROLE, artifact_uri="s3://example-ml/benchmark", waiter_delay=SECONDS_BETWEEN_LOOKS
    ),
):
    chain(*(SageMakerProcessingStepOperator(task_id=f"step_{number}", arguments=JOB) for number in NUMBERS))

with DAG("steps_amazon", schedule=None):
    chain(
        *(
            SageMakerProcessingOperator(
                task_id=f"step_{number}",
                config={"ProcessingJobName": f"step-{number}", **JOB},
                deferrable=True,
                print_log=False,
                check_interval=SECONDS_BETWEEN_LOOKS,
            )
            for number in NUMBERS
        )
    )
