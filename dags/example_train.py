"""A model is trained, evaluated, and registered if it is good enough: one TaskGroup, one SageMaker pipeline.

The steps are script-mode scripts in ``steps/``, beside this file. After the group, ordinary Airflow tasks go
on with what the steps left in XCom. Parsing this file calls nobody.
"""

from __future__ import annotations

import os

from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow.sdk import Asset, Param, dag, task

from airflow_sm_pipelines import (
    ParameterFloat,
    SageMakerConditionStepOperator,
    SageMakerFailStepOperator,
    SageMakerPipelineTaskGroup,
    SageMakerProcessingStepOperator,
    SageMakerRegisterModelStepOperator,
    SageMakerTrainingStepOperator,
)

BUCKET = os.environ.get("EXAMPLE_BUCKET", "example-ml")
ROLE_ARN = os.environ.get("EXAMPLE_ROLE_ARN", "arn:aws:iam::123456789012:role/SageMakerPipelines")
# AWS's scikit-learn container in us-east-1. Other regions have other accounts: AWS's "Docker Registry Paths".
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
INSTANCE = "ml.m5.large"

RAW_DATA = Asset(name="breast_cancer_raw", uri=f"s3://{BUCKET}/breast-cancer/raw/breast_cancer.csv")
MODEL = Asset(name="breast_cancer_model")


@dag(
    schedule=[RAW_DATA],
    params={"min_accuracy": Param(0.9, type="number", minimum=0, maximum=1)},
    tags=["example"],
)
def example_train():
    """Train, evaluate, and register what is accurate enough."""
    with SageMakerPipelineTaskGroup(
        "breast_cancer",
        pipeline_name="breast-cancer",
        role_arn=ROLE_ARN,
        artifact_uri=f"s3://{BUCKET}/breast-cancer",
        parameters={
            "InputData": RAW_DATA.uri,
            "MinAccuracy": ParameterFloat("{{ params.min_accuracy }}", default_value=0.9),
        },
    ) as pipeline:
        prepare = SageMakerProcessingStepOperator(
            task_id="prepare",
            image_uri=IMAGE,
            instance_type=INSTANCE,
            code="steps/prepare.py",
            job_arguments=["--test-fraction", "0.2"],
            inputs={"raw": pipeline.parameters["InputData"]},
            outputs=["train", "test"],
        )
        train = SageMakerTrainingStepOperator(
            task_id="train",
            image_uri=IMAGE,
            instance_type=INSTANCE,
            code="steps/train.py",
            inputs={"train": prepare.outputs["train"]},
            hyperparameters={"trees": 100, "max_depth": 5},
        )
        evaluate = SageMakerProcessingStepOperator(
            task_id="evaluate",
            image_uri=IMAGE,
            instance_type=INSTANCE,
            code="steps/evaluate.py",
            inputs={"model": train.model_artifacts, "test": prepare.outputs["test"]},
            outputs=["evaluation"],
            property_files={"metrics": "evaluation/metrics.json"},
        )
        register = SageMakerRegisterModelStepOperator(
            task_id="register",
            model_package_group_name="breast-cancer",
            image_uri=IMAGE,
            model_data=train.model_artifacts,
        )
        reject = SageMakerFailStepOperator(
            task_id="reject", error_message="The model is less accurate than MinAccuracy asks for."
        )
        SageMakerConditionStepOperator(
            task_id="good_enough",
            if_steps=[register],
            else_steps=[reject],
            conditions=[
                evaluate.metric("metrics", "accuracy.value") >= pipeline.parameters["MinAccuracy"],
            ],
        )

    @task
    def announce_registered(ti=None):
        """Say which model is in the registry now, and how good it is."""
        metrics = ti.xcom_pull(task_ids="breast_cancer.evaluate", key="property_files")["metrics"]
        model_package_arn = ti.xcom_pull(task_ids="breast_cancer.register", key="step_report")["job_arn"]
        print(f"Registered {model_package_arn} with an accuracy of {metrics['accuracy']['value']:.3f}.")

    @task(trigger_rule="all_failed")
    def announce_rejected(ti=None, params=None):
        """Say that the model is not good enough. Has nothing to say where there is no model to judge."""
        property_files = ti.xcom_pull(task_ids="breast_cancer.evaluate", key="property_files")
        if property_files is None:
            raise AirflowSkipException("No model was evaluated: the pipeline failed before that.")
        accuracy = property_files["metrics"]["accuracy"]["value"]
        print(f"Rejected: the accuracy of {accuracy:.3f} is below {params['min_accuracy']}.")

    @task(trigger_rule="none_failed_min_one_success", outlets=[MODEL])
    def publish(ti=None, outlet_events=None):
        """Join both branches: tells downstream Dags of the new model, and fails the run if there is none."""
        report = ti.xcom_pull(task_ids="breast_cancer.register", key="step_report")
        outlet_events[MODEL].extra = {"model_package_arn": report["job_arn"]}

    register >> announce_registered()
    reject >> announce_rejected()
    [register, reject] >> publish()


training = example_train()
