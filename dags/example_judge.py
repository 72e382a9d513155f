"""The latest model that ``example_train`` evaluated is judged anew, whoever started that pipeline.

A sensor waits for the step; a branch reads what it wrote. Run it with another ``min_accuracy`` to see the other branch.
Parsing this file calls nobody.
"""

from __future__ import annotations

from airflow.sdk import Param, dag, task

from airflow_sm_pipelines import Metric, SageMakerMetricBranchOperator, SageMakerPipelineStepSensor


@dag(
    schedule=None,
    params={"min_accuracy": Param(0.9, type="number", minimum=0, maximum=1)},
    tags=["example"],
)
def example_judge():
    """Wait for the latest evaluation, and branch over its accuracy."""
    evaluated = SageMakerPipelineStepSensor(
        task_id="evaluated", pipeline_name="breast-cancer", step_name="evaluate", poke_interval=10, timeout=3600
    )
    judge = SageMakerMetricBranchOperator(
        task_id="judge",
        pipeline_execution_arn=evaluated.output,
        step_name="evaluate",
        property_file="metrics",
        conditions=[Metric("accuracy.value") >= "{{ params.min_accuracy }}"],
        if_task_ids=["keep"],
        else_task_ids=["train_again"],
    )

    @task
    def keep(ti=None):
        """Say which execution has the model that stays."""
        print(f"The model of {ti.xcom_pull(task_ids='evaluated')} is good enough.")

    @task
    def train_again(ti=None):
        """Say which execution's model is to be replaced."""
        print(f"The model of {ti.xcom_pull(task_ids='evaluated')} is not good enough.")

    judge >> [keep(), train_again()]


judgement = example_judge()
