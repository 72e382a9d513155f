"""What Airflow's providers manager is told about this package (entry point ``apache_airflow_provider``)."""

from __future__ import annotations

from typing import Any

_INTEGRATION = "Amazon SageMaker Pipelines"


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata, as Airflow's ``provider_info.schema.json`` has it."""
    return {
        "package-name": "airflow-sm-pipelines",
        "name": _INTEGRATION,
        "description": "An Airflow TaskGroup becomes one SageMaker pipeline; every step stays an Airflow task.",
        "integrations": [
            {
                "integration-name": _INTEGRATION,
                "external-doc-url": "https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines.html",
                "tags": ["aws"],
            }
        ],
        "operators": [
            {
                "integration-name": _INTEGRATION,
                "python-modules": [
                    "airflow_sm_pipelines.operators.executions.existing",
                    "airflow_sm_pipelines.operators.executions.metric_branch",
                    "airflow_sm_pipelines.operators.executions.pipeline",
                    "airflow_sm_pipelines.operators.launch",
                    "airflow_sm_pipelines.operators.steps.automl",
                    "airflow_sm_pipelines.operators.steps.checks",
                    "airflow_sm_pipelines.operators.steps.decisions",
                    "airflow_sm_pipelines.operators.steps.emr",
                    "airflow_sm_pipelines.operators.steps.existing",
                    "airflow_sm_pipelines.operators.steps.generic",
                    "airflow_sm_pipelines.operators.steps.hosting",
                    "airflow_sm_pipelines.operators.steps.lambda_and_callback",
                    "airflow_sm_pipelines.operators.steps.model",
                    "airflow_sm_pipelines.operators.steps.processing",
                    "airflow_sm_pipelines.operators.steps.training",
                    "airflow_sm_pipelines.operators.steps.transform",
                    "airflow_sm_pipelines.operators.steps.tuning",
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": _INTEGRATION,
                "python-modules": [
                    "airflow_sm_pipelines.sensors.execution",
                    "airflow_sm_pipelines.sensors.step",
                ],
            }
        ],
        "hooks": [
            {
                "integration-name": _INTEGRATION,
                "python-modules": ["airflow_sm_pipelines.hooks.pipeline"],
            }
        ],
        "triggers": [
            {
                "integration-name": _INTEGRATION,
                "python-modules": ["airflow_sm_pipelines.triggers.execution", "airflow_sm_pipelines.triggers.step"],
            }
        ],
        "extra-links": [
            "airflow_sm_pipelines.links.sagemaker.CloudWatchLogLink",
            "airflow_sm_pipelines.links.sagemaker.SageMakerJobLink",
            "airflow_sm_pipelines.links.sagemaker.SageMakerPipelineExecutionLink",
        ],
    }
