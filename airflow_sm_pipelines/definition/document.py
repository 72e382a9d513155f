"""The pipeline definition as a whole: read and written without loss.

Source: AWS's JSON schema of the pipeline definition, and what the SageMaker SDK writes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import NoneType
from typing import Any, Final

from airflow_sm_pipelines.definition.json_text import (
    TOO_DEEP,
    RepeatedKeysError,
    TooDeepError,
    read_json,
    too_deep,
    write_json,
)
from airflow_sm_pipelines.definition.layout import in_order, other_order
from airflow_sm_pipelines.definition.parameters import MISSING, PipelineParameter
from airflow_sm_pipelines.definition.problems import error
from airflow_sm_pipelines.definition.step_types import step_type
from airflow_sm_pipelines.definition.steps import LocatedStep, Step, walk_steps
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, Problem

DEFINITION_VERSION: Final = "2020-12-01"
TOP_LEVEL_KEYS: Final = ("Version", "Metadata", "Parameters", "PipelineExperimentConfig", "MlflowConfig", "Steps")
"""How much of a place that is too deep is shown, in characters."""

DEFAULT_EXPERIMENT_CONFIG: Final[Mapping[str, Any]] = {
    "ExperimentName": {"Get": "Execution.PipelineName"},
    "TrialName": {"Get": "Execution.PipelineExecutionId"},
}
"""What the SageMaker SDK writes when nothing else is asked for."""


@dataclass(frozen=True)
class PipelineDefinition:
    """A pipeline definition document.

    :param parameters: the pipeline parameters declared.
    :param steps: the steps at the top level; branches lie inside their Condition step.
    :param version: of the document's format.
    :param metadata: ``Metadata``.
    :param pipeline_experiment_config: ``PipelineExperimentConfig``; ``None`` is ``null``.
    :param mlflow_config: ``MlflowConfig``; ``None`` is ``null``.
    :param extra: top-level keys this version does not know, kept as they are; also ``Parameters`` when it is ``null``.
    :param key_order: of a document whose keys are not the usual ones in the usual order; one without ``Version`` is of
        the only version there is.
    """

    parameters: tuple[PipelineParameter, ...] = ()
    steps: tuple[Step, ...] = ()
    version: str = DEFINITION_VERSION
    metadata: Any = field(default_factory=dict)
    pipeline_experiment_config: Any = field(default_factory=lambda: dict(DEFAULT_EXPERIMENT_CONFIG))
    mlflow_config: Any = MISSING
    extra: Mapping[str, Any] = field(default_factory=dict)
    key_order: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def from_json(cls, text: str) -> PipelineDefinition:
        """Read a document from JSON text.

        :param text: as CreatePipeline takes it.
        :raises PipelineDefinitionError: when it is not JSON, has an object with a key more than once, or has an outline
            that is not that of a definition.
        """
        try:
            document = read_json(text)
        except RepeatedKeysError as repeated:
            raise PipelineDefinitionError(
                [
                    error(f"an object has the key '{key}' more than once; keep one of them", f"{path}.{key}")
                    for path, key in repeated.places
                ]
            ) from None
        except TooDeepError:
            raise PipelineDefinitionError([error(TOO_DEEP, "$")]) from None
        except ValueError as unreadable:
            raise PipelineDefinitionError([error(f"the document is not JSON: {unreadable}", "$")]) from None
        return cls.from_document(document)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PipelineDefinition:
        """Read a document from the value JSON text holds.

        Checks the outline only, as far as reading needs it; :func:`.validation.validate` checks the rest.

        :param document: an object with ``Steps``.
        :raises PipelineDefinitionError: when the outline is not that of a definition.
        """
        problems = list(_outline_problems(document))
        if problems:
            raise PipelineDefinitionError(problems)
        definition = cls(
            parameters=tuple(map(PipelineParameter.from_document, document.get("Parameters") or ())),
            steps=tuple(map(Step.from_document, document["Steps"])),
            version=document.get("Version", DEFINITION_VERSION),
            metadata=document.get("Metadata", MISSING),
            pipeline_experiment_config=document.get("PipelineExperimentConfig", MISSING),
            mlflow_config=document.get("MlflowConfig", MISSING),
            extra={
                key: value
                for key, value in document.items()
                if key not in TOP_LEVEL_KEYS or (key == "Parameters" and value is None)
            },
        )
        order = other_order(document, definition.to_document())
        return replace(definition, key_order=order) if order else definition

    def to_document(self) -> dict[str, Any]:
        """Return the document, its keys in the order it was read with, or else in the SDK's."""
        document: dict[str, Any] = {}
        if self.has_version:
            document["Version"] = self.version
        if self.metadata is not MISSING:
            document["Metadata"] = self.metadata
        if self.parameters or not self.key_order or "Parameters" in self.key_order:
            document["Parameters"] = [parameter.to_document() for parameter in self.parameters]
        if self.pipeline_experiment_config is not MISSING:
            document["PipelineExperimentConfig"] = self.pipeline_experiment_config
        if self.mlflow_config is not MISSING:
            document["MlflowConfig"] = self.mlflow_config
        document["Steps"] = [step.to_document() for step in self.steps]
        return in_order({**document, **self.extra}, self.key_order)

    @property
    def has_version(self) -> bool:
        """Whether the document names its version; AWS's JSON schema lets it leave that out."""
        return not self.key_order or "Version" in self.key_order

    def to_json(self) -> str:
        """Return the document as text; equal definitions give equal text."""
        return self._text

    @functools.cached_property
    def _text(self) -> str:
        return write_json(self.to_document())

    def walk(self) -> Iterator[LocatedStep]:
        """Yield all steps depth first, branches included, each with its path and the branch it belongs to.

        The steps of a ForEach body are not steps of the pipeline, and are left out: see :func:`.steps.walk_body`.
        """
        return walk_steps(self.steps)


def _outline_problems(document: Any) -> Iterator[Problem]:
    if not isinstance(document, Mapping):
        yield error(f"a definition must be a JSON object, not {type(document).__name__}", "$")
        return
    if (place := too_deep(document)) is not None:
        yield error(TOO_DEEP, place)
        return
    if not isinstance(document.get("Version", ""), str):
        yield error(f"'Version' must be text; write '{DEFINITION_VERSION}'", "$.Version")
    yield from _parameter_problems(document.get("Parameters"))
    if not isinstance(document.get("Steps"), list):
        yield error("'Steps' is missing, or not a list", "$.Steps")
        return
    stack = [(step, f"$.Steps[{index}]") for index, step in enumerate(document["Steps"])][::-1]
    while stack:
        step, path = stack.pop()
        problems = [*_missing_strings(step, ("Name", "Type"), path)]
        yield from problems
        if problems:
            continue
        yield from _dependency_problems(step, path)
        inner: list[tuple[Any, str]] = []
        yield from _inner_steps(step, path, inner)
        stack.extend(reversed(inner))


def _inner_steps(step: Mapping[str, Any], path: str, found: list[tuple[Any, str]]) -> Iterator[Problem]:
    """Collect the steps inside a Condition or ForEach step, and yield what keeps them from being read."""
    keys = step_type(step["Type"]).steps_inside
    arguments = step.get("Arguments")
    if keys and not isinstance(arguments, Mapping):
        yield error(f"{step['Type']} step '{step['Name']}' has no 'Arguments'", f"{path}.Arguments")
        return
    for key in keys:
        where = f"{path}.Arguments.{key}"
        steps = arguments.get(key) if isinstance(arguments, Mapping) else None
        if isinstance(steps, list):
            found.extend((inner, f"{where}[{index}]") for index, inner in enumerate(steps))
        elif steps is not None:
            yield error(f"'{key}' of {step['Type']} step '{step['Name']}' must be a list", f"{where}")


def _parameter_problems(parameters: Any) -> Iterator[Problem]:
    if parameters is None:
        return
    if not isinstance(parameters, list):
        yield error("'Parameters' must be a list", "$.Parameters")
        return
    for index, parameter in enumerate(parameters):
        path = f"$.Parameters[{index}]"
        yield from _missing_strings(parameter, ("Name",), path)
        if isinstance(parameter, Mapping):
            if not isinstance(parameter.get("Type", ""), str):
                yield error("'Type' must be text", f"{path}.Type")
            if not isinstance(parameter.get("EnumValues"), (list, NoneType)):
                yield error("'EnumValues' must be a list", f"{path}.EnumValues")


def _missing_strings(value: Any, keys: tuple[str, ...], path: str) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield error(f"expected an object, not {type(value).__name__}", path)
        return
    for key in keys:
        if not isinstance(value.get(key), str):
            yield error(f"'{key}' is missing, or not a string", f"{path}.{key}")


def _dependency_problems(step: Mapping[str, Any], path: str) -> Iterator[Problem]:
    depends_on = step.get("DependsOn")
    if depends_on is not None and not isinstance(depends_on, list):
        yield error(f"'DependsOn' of step '{step['Name']}' must be a list", f"{path}.DependsOn")
        return
    for index, dependency in enumerate(depends_on or ()):
        if not isinstance(dependency, str):
            yield from _missing_strings(dependency, ("Step",), f"{path}.DependsOn[{index}]")
