"""Rules for the keys of a step, by its type.

Source: AWS's JSON schema of the pipeline definition, the SageMaker SDK, and botocore for lengths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.parameters import MISSING, PARAMETER_TYPES
from airflow_sm_pipelines.definition.problems import Problem, did_you_mean, error, shown, unknown_keys, warning
from airflow_sm_pipelines.definition.step_types import STEP_TYPES, step_type
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.definition.validation.conditions import condition_problems
from airflow_sm_pipelines.definition.validation.lineage import lineage_problems
from airflow_sm_pipelines.definition.validation.names import step_name_problem
from airflow_sm_pipelines.definition.validation.property_files import property_file_problems
from airflow_sm_pipelines.definition.validation.scope import Place, Scope
from airflow_sm_pipelines.definition.validation.settings import cache_problems, retry_problems

_COMMON_KEYS: Final = ("Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description")
MAXIMUM_OUTPUT_PARAMETERS: Final = 50
"""botocore: OutputParameterList."""
MAXIMUM_OUTPUT_NAME_LENGTH: Final = 256
"""botocore: OutputParameter, member Name."""
_TEXT_LIMITS: Final = {"DisplayName": 256, "Description": 3072}
"""botocore: StepDisplayName, StepDescription."""


def step_problems(place: Place, scope: Scope) -> Iterator[Problem]:
    """Yield what is wrong with a step by itself.

    :param place: the step.
    :param scope: all names.
    """
    step, path = place.step, place.path
    if problem := step_name_problem(step.name):
        yield error(problem, f"{path}.Name")
    yield from _key_problems(place)
    for key, limit in _TEXT_LIMITS.items():
        text: Any = step.display_name if key == "DisplayName" else step.description
        if text is not None and not isinstance(text, str):
            yield error(f"'{key}' of step '{step.name}' must be text, not {shown(text)}", f"{path}.{key}")
        elif text is not None and len(text) > limit:
            yield error(f"'{key}' of step '{step.name}' has {len(text)} characters; at most {limit}", f"{path}.{key}")
    yield from property_file_problems(place)
    yield from _output_parameter_problems(place)
    yield from cache_problems(step, path)
    yield from retry_problems(step, path)
    if step.type == "Condition":
        yield from condition_problems(step, path)
    elif step.type == "Lineage":
        yield from lineage_problems(step, path)
    elif step.type == "AutoML":
        yield from _automl_problems(step, path)
    elif step.type == "Cleanup":
        yield from _cleanup_problems(place, scope)


def _key_problems(place: Place) -> Iterator[Problem]:
    step, path = place.step, place.path
    known = step_type(step.type)
    if step.type not in STEP_TYPES:
        yield warning(
            f"step '{step.name}' is of the type '{step.type}', which this version does not know; it is kept as it is"
            f"{did_you_mean(step.type, STEP_TYPES)}",
            f"{path}.Type",
        )
        return
    if step.arguments is MISSING and not known.needs_arguments:
        pass
    elif step.arguments is MISSING or not isinstance(step.arguments, Mapping):
        yield error(
            f"{step.type} step '{step.name}' has no 'Arguments', or they are not an object", f"{path}.Arguments"
        )
    elif step.type == "Fail":
        yield from _error_message_problems(step, f"{path}.Arguments.ErrorMessage")
    more = f" of {step.type} steps; it is kept as it is"
    yield from unknown_keys(
        step.extra, (*_COMMON_KEYS, *known.keys), f"step '{step.name}' has the key", path, more=more
    )
    for key in known.required_keys:
        if step.extra.get(key) is None:
            yield error(f"{step.type} step '{step.name}' lacks '{key}'", path)
    check_type, types = step.extra.get("CheckType"), known.check_types
    if types and check_type is not None and check_type not in types:
        hint = did_you_mean(check_type, types)
        yield error(
            f"step '{step.name}' has the check type {shown(check_type)}; for a {step.type} step it must be one of "
            f"{', '.join(types)}{hint}",
            f"{path}.CheckType",
        )


def _error_message_problems(step: Step, path: str) -> Iterator[Problem]:
    message = step.arguments.get("ErrorMessage")
    if message is None:
        yield warning(f"Fail step '{step.name}' has no 'ErrorMessage'", path)
    elif not isinstance(message, (str, Mapping)):
        start = f"the 'ErrorMessage' of Fail step '{step.name}'"
        yield error(f"{start} must be text or an expression, not {shown(message)}", path)


def _automl_problems(step: Step, path: str) -> Iterator[Problem]:
    config = step.arguments.get("AutoMLJobConfig") if isinstance(step.arguments, Mapping) else None
    mode = config.get("Mode") if isinstance(config, Mapping) else None
    if isinstance(mode, str) and mode != "ENSEMBLING":
        yield warning(
            f"AutoML step '{step.name}' has the mode '{mode}'; the SDK allows only ENSEMBLING in a pipeline",
            f"{path}.Arguments.AutoMLJobConfig.Mode",
        )


def _output_parameter_problems(place: Place) -> Iterator[Problem]:
    step, path = place.step, f"{place.path}.OutputParameters"
    declared = step.extra.get("OutputParameters") if "OutputParameters" in step_type(step.type).keys else None
    if declared is None:
        return
    if not isinstance(declared, list):
        yield error(f"'OutputParameters' of step '{step.name}' must be a list, not {shown(declared)}", path)
        return
    if len(declared) > MAXIMUM_OUTPUT_PARAMETERS:
        yield error(
            f"step '{step.name}' has {len(declared)} output parameters; at most {MAXIMUM_OUTPUT_PARAMETERS}", path
        )
    seen: set[str] = set()
    for index, output in enumerate(declared):
        where = f"{path}[{index}]"
        name = output.get("OutputName") if isinstance(output, Mapping) else None
        if not isinstance(output, Mapping) or not isinstance(name, str):
            yield error(f"an output parameter of step '{step.name}' has no 'OutputName'", where)
            continue
        if name in seen:
            yield error(f"step '{step.name}' declares output parameter '{name}' twice", f"{where}.OutputName")
        seen.add(name)
        if len(name) > MAXIMUM_OUTPUT_NAME_LENGTH:
            yield error(
                f"an output parameter of step '{step.name}' has a name of {len(name)} characters; "
                f"at most {MAXIMUM_OUTPUT_NAME_LENGTH}",
                f"{where}.OutputName",
            )
        type_ = output.get("OutputType")
        if type_ not in PARAMETER_TYPES:
            hint = did_you_mean(type_, PARAMETER_TYPES)
            yield error(
                f"output parameter '{name}' of step '{step.name}' has the type {shown(type_)}; "
                f"types are {', '.join(PARAMETER_TYPES)}{hint}",
                f"{where}.OutputType",
            )


def _cleanup_problems(place: Place, scope: Scope) -> Iterator[Problem]:
    try:
        resources = list(place.step.arguments["Resources"]["S3"])
    except (KeyError, TypeError):
        return
    steps = scope.visible(place)
    for index, resource in enumerate(resources):
        name = resource.get("StepName") if isinstance(resource, Mapping) else None
        if isinstance(name, str) and name not in steps:
            yield error(
                f"step '{place.step.name}' cleans up after '{name}': there is no such step{did_you_mean(name, steps)}",
                f"{place.path}.Arguments.Resources.S3[{index}].StepName",
            )
