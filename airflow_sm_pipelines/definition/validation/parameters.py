"""Rules for pipeline parameters.

Source: botocore's model of StartPipelineExecution, and AWS's JSON schema of the pipeline definition; quotas of older
pages of AWS are warnings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from airflow_sm_pipelines.definition.parameters import (
    MAXIMUM_NAME_LENGTH,
    MAXIMUM_START_PARAMETERS,
    MISSING,
    OLD_QUOTA_OF_ENUM_VALUES,
    PARAMETER_TYPES,
    PipelineParameter,
    is_valid_name,
    type_of,
)
from airflow_sm_pipelines.definition.problems import Problem, did_you_mean, error, shown, unknown_keys, warning

_FURTHER_KEYS: Final = ("DefaultValue", "EnumValues", "Description")
"""Those that may stand among the unknown ones: EnumValues when it is ``null``, and the description, which AWS's JSON
schema of the definition has and the SDK does not write."""


def parameter_problems(parameters: tuple[PipelineParameter, ...]) -> Iterator[Problem]:
    """Yield what is wrong with the parameters of a document.

    :param parameters: all of them.
    """
    if len(parameters) > MAXIMUM_START_PARAMETERS:
        yield warning(
            f"the pipeline has {len(parameters)} parameters; an execution can be started with values for at most "
            f"{MAXIMUM_START_PARAMETERS} of them",
            "$.Parameters",
        )
    seen: set[str] = set()
    for index, parameter in enumerate(parameters):
        path = f"$.Parameters[{index}]"
        if parameter.name in seen:
            yield error(f"two pipeline parameters are named '{parameter.name}'", f"{path}.Name")
        seen.add(parameter.name)
        if not is_valid_name(parameter.name):
            yield error(
                f"SageMaker refuses the parameter name {parameter.name!r}: 1 to {MAXIMUM_NAME_LENGTH} letters, "
                "digits, hyphens and underscores",
                f"{path}.Name",
            )
        start = f"pipeline parameter '{parameter.name}' has the key"
        yield from unknown_keys(parameter.extra, _FURTHER_KEYS, start, path, more="; it is kept as it is")
        if parameter.key_order and "Type" not in parameter.key_order:
            yield warning(
                f"pipeline parameter '{parameter.name}' has no 'Type'; it is read as {parameter.type}, the default of "
                "AWS's JSON schema. Write the type: the SDK always does",
                f"{path}.Type",
            )
        if parameter.type in PARAMETER_TYPES:
            yield from _value_problems(parameter, path)
        else:
            yield error(
                f"pipeline parameter '{parameter.name}' has the type '{parameter.type}'; "
                f"types are {', '.join(PARAMETER_TYPES)}{did_you_mean(parameter.type, PARAMETER_TYPES)}",
                f"{path}.Type",
            )


def _value_problems(parameter: PipelineParameter, path: str) -> Iterator[Problem]:
    values = parameter.enum_values or ()
    if len(values) > OLD_QUOTA_OF_ENUM_VALUES:
        yield warning(
            f"pipeline parameter '{parameter.name}' has {len(values)} enum values; older quotas of SageMaker allow "
            f"{OLD_QUOTA_OF_ENUM_VALUES}",
            f"{path}.EnumValues",
        )
    for index, value in enumerate(values):
        if not _fits(parameter, value):
            yield error(
                f"pipeline parameter '{parameter.name}' is declared {parameter.type} and has the enum value "
                f"{shown(value)}",
                f"{path}.EnumValues[{index}]",
            )
    default = parameter.default_value
    if default is MISSING:
        return
    if not _fits(parameter, default):
        yield error(
            f"pipeline parameter '{parameter.name}' is declared {parameter.type} and has the default {shown(default)}, "
            f"which is {type_of(default) or type(default).__name__}",
            f"{path}.DefaultValue",
        )
    elif parameter.enum_values is not None and default not in parameter.enum_values:
        yield error(
            f"the default {shown(default)} of pipeline parameter '{parameter.name}' is not among its enum values",
            f"{path}.DefaultValue",
        )


def _fits(parameter: PipelineParameter, value: object) -> bool:
    """Say whether a value is of the declared type; a whole number is a Float, too."""
    actual = type_of(value)
    return actual == parameter.type or (parameter.type, actual) == ("Float", "Integer")
