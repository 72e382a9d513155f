"""What Airflow's providers manager reads about this package (entry point ``apache_airflow_provider``)."""

from __future__ import annotations

from typing import Any

from airflow_sm_pipelines import _MODULES

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
        "operators": _modules(
            "operators.",
            "operators.items",
            "operators.launch",
            "operators.steps.airflow_task",
            "operators.steps.existing",
            "operators.steps.functions",
        ),
        "sensors": _modules("sensors."),
        "hooks": _modules("hooks."),
        "triggers": _modules("triggers.", "triggers.answering", "triggers.execution", "triggers.step"),
        "task-decorators": [
            {"name": name, "class-name": f"{_MODULES[name]}.{name}"}
            for name in ("sagemaker_processing", "sagemaker_training")
        ],
        "plugins": [
            {
                "name": "sagemaker_pipelines",
                "plugin-class": "airflow_sm_pipelines.plugins.pages.SageMakerPipelinesPlugin",
            }
        ],
        "config": {
            "sagemaker_pipelines": {
                "description": "Options of the pages that show SageMaker pipelines.",
                "options": {
                    "prices": {
                        "description": (
                            "A JSON file with the prices of instances, from which pages estimate costs: "
                            '{"currency": "USD", "per_hour": {"training": {"ml.m5.xlarge": 0.23}}}'
                        ),
                        "version_added": None,
                        "type": "string",
                        "example": "/opt/airflow/prices.json",
                        "default": None,
                    }
                },
            }
        },
        "extra-links": [
            "airflow_sm_pipelines.links.sagemaker.CloudWatchLogLink",
            "airflow_sm_pipelines.links.sagemaker.SageMakerJobLink",
            "airflow_sm_pipelines.links.sagemaker.SageMakerPipelineExecutionLink",
        ],
    }


def _modules(room: str, *further: str) -> list[dict[str, Any]]:
    """Return the modules of a room that have public names, and those whose names no author writes."""
    base = "airflow_sm_pipelines."
    public = {
        module for name, module in _MODULES.items() if module.startswith(base + room) and name.startswith("SageMaker")
    }
    return [{"integration-name": _INTEGRATION, "python-modules": sorted(public | {base + each for each in further})}]
