"""A pipeline that was written down elsewhere, as JSON, and what follows it in Airflow."""

from __future__ import annotations

from airflow.sdk import Param, dag, task

from airflow_sm_pipelines import SageMakerPipelineTaskGroup


@dag(schedule=None, params={"score": Param(0.8, type="number")})
def given_definition():
    @task
    def least_score() -> float:
        return 0.7

    pipeline = SageMakerPipelineTaskGroup.from_definition(
        "given",
        definition="given.json",
        role_arn="arn:aws:iam::123456789012:role/SageMakerPipelines",
        parameters={"Score": "{{ params.score }}", "Least": f"{least_score()}"},
        waiter_delay=2,
    )

    @task(trigger_rule="none_failed_min_one_success")
    def report() -> None:
        print("done")

    pipeline >> report()


given_definition()
