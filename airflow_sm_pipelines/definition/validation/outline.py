"""Rules for the document as a whole.

Source: botocore's model of CreatePipeline; quotas of older pages of AWS are warnings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from airflow_sm_pipelines.definition.document import DEFINITION_VERSION, TOP_LEVEL_KEYS, PipelineDefinition
from airflow_sm_pipelines.definition.parameters import MISSING
from airflow_sm_pipelines.definition.problems import Problem, error, shown, unknown_keys, warning
from airflow_sm_pipelines.definition.validation.scope import Scope

MAXIMUM_DEFINITION_BYTES: Final = 1_048_576
"""botocore: PipelineDefinition."""
OLD_QUOTA_OF_STEPS: Final = 50
OLD_QUOTA_OF_PROPERTY_FILES: Final = 10
_CONFIGS: Final = {
    "PipelineExperimentConfig": ("ExperimentName", "TrialName"),
    "MlflowConfig": ("MlflowResourceArn", "MlflowExperimentName"),
}


def outline_problems(definition: PipelineDefinition) -> Iterator[Problem]:
    """Yield what is wrong with the top level of a document.

    :param definition: the document.
    """
    if not definition.has_version:
        yield warning(f"'Version' is missing; write '{DEFINITION_VERSION}'", "$.Version")
    elif definition.version != DEFINITION_VERSION:
        yield error(f"'Version' is '{definition.version}'; write '{DEFINITION_VERSION}'", "$.Version")
    if not definition.steps:
        yield error("a pipeline has at least one step", "$.Steps")
    yield from unknown_keys(
        definition.extra, TOP_LEVEL_KEYS, "the document has the key", "$", more="; it is kept as it is"
    )
    yield from _config_problems(definition)


def _config_problems(definition: PipelineDefinition) -> Iterator[Problem]:
    for key, members in _CONFIGS.items():
        config = definition.mlflow_config if key == "MlflowConfig" else definition.pipeline_experiment_config
        if config is MISSING or config is None:
            continue
        if not isinstance(config, Mapping):
            yield error(f"'{key}' must be an object or null, not {shown(config)}", f"$.{key}")
            continue
        yield from unknown_keys(config, members, f"'{key}' has the key", f"$.{key}")


def size_problems(definition: PipelineDefinition, scope: Scope) -> Iterator[Problem]:
    """Yield what is too large, by the service model, or too many, by older quotas.

    :param definition: the document.
    :param scope: all names.
    """
    size = len(definition.to_json().encode("utf-8", "surrogatepass"))
    if size > MAXIMUM_DEFINITION_BYTES:
        yield error(f"the document has {size} bytes; SageMaker takes at most {MAXIMUM_DEFINITION_BYTES}", "$")
    property_files = sum(len(place.step.property_files) for place in scope.places)
    for count, quota, what in (
        (len(scope.places), OLD_QUOTA_OF_STEPS, "steps"),
        (property_files, OLD_QUOTA_OF_PROPERTY_FILES, "property files"),
    ):
        if count > quota:
            yield warning(f"the pipeline has {count} {what}; older quotas of SageMaker allow {quota}", "$.Steps")
