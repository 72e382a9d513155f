"""A pipeline definition as a Dag's author hands it over: a path, JSON, a dict, or an object of the SageMaker SDK."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.json_text import TOO_DEEP
from airflow_sm_pipelines.definition.parameters import MISSING, PipelineParameter, to_start_value
from airflow_sm_pipelines.definition.validation import did_you_mean, require_valid
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, PipelineParameterError, TranslationError
from airflow_sm_pipelines.translation.nodes import RuntimeValue
from airflow_sm_pipelines.translation.reader import to_runtime_value
from airflow_sm_pipelines.translation.typed_parameters import TypedParameter
from airflow_sm_pipelines.translation.xcoms import outside_its_pipeline


@runtime_checkable
class SdkPipeline(Protocol):
    """What a ``Pipeline`` object of the SageMaker SDK offers; the SDK itself is not needed here."""

    def definition(self) -> str:
        """Return the document as JSON text."""


GivenDefinition = str | Path | Mapping[str, Any] | SdkPipeline


@dataclass(frozen=True)
class ReadDefinition:
    """A valid definition.

    :param text: as it was given, as JSON text.
    :param definition: what it holds.
    """

    text: str
    definition: PipelineDefinition


def read_definition(given: GivenDefinition, folder: str, subject: str, pipeline_name: str) -> ReadDefinition:
    """Read and validate a definition. Calls nobody, except the SDK for an SDK object.

    :param given: the definition.
    :param folder: where relative paths start.
    :param subject: leads errors about how it was given: the Dag and the task or group.
    :param pipeline_name: the pipeline; named in errors about the definition.
    :raises TranslationError: when it cannot be read.
    :raises PipelineDefinitionError: for every rule it breaks, all at once.
    """
    from airflow_sm_pipelines.requests import require_requests

    text = _text(given, folder, subject)
    whole = f"{subject}, pipeline '{pipeline_name}'"
    try:
        definition = PipelineDefinition.from_json(text)
    except PipelineDefinitionError as error:
        raise PipelineDefinitionError(error.problems, whole) from None
    require_valid(definition, whole)
    require_requests(definition, whole)
    return ReadDefinition(text, definition)


def given_values(definition: PipelineDefinition, parameters: Mapping[str, Any], subject: str) -> dict[str, Any]:
    """Return the values of pipeline parameters, checked as far as they are known while a Dag is parsed.

    :param definition: declares the parameters.
    :param parameters: literals, Jinja and XComArgs by name, also with a type around them.
    :param subject: leads errors.
    :raises TranslationError: for an unknown parameter, a literal that does not fit, and a missing value.
    """
    values = {
        name: outside_its_pipeline(_value_of(definition, name, value, subject)) for name, value in parameters.items()
    }
    declared = {parameter.name: parameter for parameter in definition.parameters}
    for name, value in values.items():
        if name not in declared:
            raise TranslationError(
                f"{subject}: the definition declares no pipeline parameter '{name}'"
                f"{did_you_mean(name, declared) or '.'} It declares "
                f"{', '.join(map(repr, declared)) or 'none'}."
            )
        _check_value(declared[name], value, subject)
    missing = [
        name for name, parameter in declared.items() if parameter.default_value is MISSING and name not in values
    ]
    if missing:
        raise TranslationError(
            f"{subject}: the definition has no default for {', '.join(map(repr, missing))}. "
            "Give a value in parameters={...}."
        )
    return values


def _value_of(definition: PipelineDefinition, name: str, given: Any, subject: str) -> Any:
    """Return a parameter's value; one with a type is taken for its value, where it has the type declared."""
    if not isinstance(given, TypedParameter):
        return given
    declared = {parameter.name: parameter.type for parameter in definition.parameters}.get(name)
    if declared not in (None, given.type):
        raise TranslationError(
            f"{subject}: pipeline parameter '{name}' is {declared} in the definition, and is given "
            f"{given!r}. Give Parameter{declared}(...), or the value alone."
        )
    if given.default_value is not None or getattr(given, "enum_values", None) is not None:
        raise TranslationError(
            f"{subject}: pipeline parameter '{name}' is given {given!r}. Defaults and allowed values are in the "
            "definition, which is not changed. Give the value alone."
        )
    return given.value


def _check_value(parameter: PipelineParameter, value: Any, subject: str) -> None:
    if isinstance(to_runtime_value(value), RuntimeValue):
        return  # checked when the task runs, once rendered
    try:
        text = to_start_value(value)
        if not parameter.is_left_out(text):
            parameter.parse_start_value(text)
    except PipelineParameterError as error:
        raise TranslationError(f"{subject}: {error}") from None


def _text(given: GivenDefinition, folder: str, subject: str) -> str:
    if isinstance(given, Mapping):
        try:
            return json.dumps(given, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise TranslationError(f"{subject}: the definition is not JSON: {error}.") from None
        except RecursionError:
            raise TranslationError(f"{subject}: {TOO_DEEP}.") from None
    if isinstance(given, str) and given.lstrip().startswith("{"):
        return given
    if isinstance(given, (str, Path)):
        return _file_text(given, folder, subject)
    if isinstance(given, SdkPipeline):
        return given.definition()
    raise TranslationError(
        f"{subject}: definition={given!r} is not a pipeline definition. Give the path of a JSON file, JSON "
        "text, a dict, or a Pipeline object of the SageMaker SDK."
    )


def _file_text(given: str | Path, folder: str, subject: str) -> str:
    path = Path(folder, given)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TranslationError(
            f"{subject}: cannot read the definition '{given}' (looked for {path}): {error}. A relative "
            "path starts at the Dag file's directory; download a definition that is in S3 first."
        ) from None
