"""Processing jobs as steps of pipelines, and as tasks of amazon's operator."""

from __future__ import annotations

import os
from typing import Any

from airflow.providers.amazon.aws.operators.sagemaker import SageMakerProcessingOperator
from airflow.sdk import DAG, chain

from airflow_sm_pipelines import SageMakerPipelineTaskGroup, SageMakerProcessingStepOperator

ROLE = "arn:aws:iam::123456789012:role/benchmark"
NUMBERS = range(int(os.environ["BENCHMARK_STEPS"]))
SECONDS_BETWEEN_LOOKS = 5


def job(program: str) -> dict[str, Any]:
    """The request of a Processing job that runs a Python program."""
    return {
        "AppSpecification": {"ImageUri": "benchmark", "ContainerEntrypoint": ["python3", "-c", program]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        },
        "RoleArn": ROLE,
    }


# Long enough that amazon's operator has something to wait for when it looks for the first time.
WAITS = job("import time; time.sleep(8)")
FAILS = job("raise SystemExit(1)")


def told(context: Any) -> None:
    """Say in the task's log that it has ended."""
    print(f"{context['ti'].task_id} has ended")


def steps(dag_id: str, arguments: dict[str, Any], **keywords: Any) -> list[SageMakerProcessingStepOperator]:
    """A Dag with one pipeline of as many steps as there are numbers."""
    with (
        DAG(dag_id, schedule=None),
        SageMakerPipelineTaskGroup(
            "pipeline", role_arn=ROLE, artifact_uri="s3://example-ml/benchmark", waiter_delay=SECONDS_BETWEEN_LOOKS
        ),
    ):
        return [
            SageMakerProcessingStepOperator(task_id=f"step_{number}", arguments=arguments, **keywords)
            for number in NUMBERS
        ]


chain(*steps("steps_ours", WAITS))
chain(*steps("steps_told", WAITS, on_success_callback=told))
steps("steps_failing", FAILS)

with DAG("steps_amazon", schedule=None):
    chain(
        *(
            SageMakerProcessingOperator(
                task_id=f"step_{number}",
                config={"ProcessingJobName": f"step-{number}", **WAITS},
                deferrable=True,
                print_log=False,
                check_interval=SECONDS_BETWEEN_LOOKS,
            )
            for number in NUMBERS
        )
    )
