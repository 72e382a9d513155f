"""What is known of an expression's value before the pipeline runs: its type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.expressions import Reference, is_expression, reference_of
from airflow_sm_pipelines.definition.parameters import MISSING, PipelineParameter
from airflow_sm_pipelines.definition.steps import Step, walk_body
from airflow_sm_pipelines.definition.validation.references import FOR_EACH_COUNTS, output_parameter_types
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, PipelineParameterError
from airflow_sm_pipelines.requests.properties import property_shape

TYPES_OF_SHAPES: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("String",),
    "integer": ("Integer",),
    "long": ("Integer",),
    "float": ("Float", "Integer"),
    "double": ("Float", "Integer"),
    "boolean": ("Boolean",),
    "structure": (),
    "list": (),
    "map": (),
}
"""The types of expressions that a member of the API takes. Times and binary content take any."""


@dataclass(frozen=True)
class KnownValue:
    """The value of a pipeline parameter.

    :param parameter: its name.
    :param value: the value.
    :param is_default: whether it is the document's, in place of which an execution may be given another.
    """

    parameter: str
    value: Any
    is_default: bool


class ExpressionTypes:
    """The types of the expressions of one document.

    :param definition: the document.
    :param given: the values of pipeline parameters that are known, by name; as text where they are start values.
    """

    def __init__(self, definition: PipelineDefinition, given: Mapping[str, Any] | None = None) -> None:
        self._parameters = {parameter.name: parameter for parameter in definition.parameters}
        self._given = given or {}
        self.steps: dict[str, Step] = {}
        for located in definition.walk():
            self.steps.setdefault(located.step.name, located.step)
            for child in walk_body(located):
                self.steps.setdefault(child.step.name, child.step)

    def type_of(self, expression: Any) -> str | None:
        """Return ``String``, ``Integer``, ``Float`` or ``Boolean``; ``None`` where only the run can tell.

        :param expression: an expression of the document.
        """
        if not is_expression(expression):
            return None
        function, content = next(iter(expression.items()))
        if function == "Std:Join":
            return "String"
        reference = reference_of(function, content)
        return None if reference is None else self._type_of_reference(reference)

    def known_value(self, expression: Mapping[str, Any]) -> KnownValue | None:
        """Return the value of a pipeline parameter, as far as it is known; ``None`` for any other expression.

        :param expression: an expression of the document.
        """
        reference = reference_of(*next(iter(expression.items())))
        if reference is None or reference.root != "Parameters" or len(reference.keys) != 1:
            return None
        parameter = self._parameters.get(str(reference.name))
        if parameter is None:
            return None
        if parameter.name in self._given:
            value = self._given[parameter.name]
            return KnownValue(parameter.name, _parsed(parameter, value), is_default=False)
        if parameter.default_value is MISSING:
            return None
        return KnownValue(parameter.name, parameter.default_value, is_default=True)

    def _type_of_reference(self, reference: Reference) -> str | None:
        name = reference.name or ""
        if reference.root in ("Execution", "PipelineExperimentConfig"):
            return "String"
        if reference.root == "Parameters":
            return self._parameters[name].type if name in self._parameters else None
        step = self.steps.get(name) if reference.root == "Steps" else None
        return None if step is None else type_of_property(step, reference)


def _parsed(parameter: PipelineParameter, value: Any) -> Any:
    """A start value as what it stands for. What is none is found when the execution starts."""
    if not isinstance(value, str) or parameter.type == "String":
        return value
    try:
        return parameter.parse(value)
    except PipelineParameterError:
        return value


def type_of_property(step: Step, reference: Reference) -> str | None:
    """Return ``String``, ``Integer``, ``Float`` or ``Boolean``; ``None`` where only the run can tell.

    :param step: the step that is read.
    :param reference: to one of its properties.
    """
    try:
        return _type_of_property(step, reference)
    except PipelineDefinitionError:
        return None


def _type_of_property(step: Step, reference: Reference) -> str | None:
    if len(reference.keys) < 2:
        return None
    if step.type == "ForEach" and reference.keys[1] in FOR_EACH_COUNTS:
        return "String" if reference.keys[1] == "Status" else "Integer"
    if reference.keys[1] == "OutputParameters" and len(reference.keys) == 3:
        declared = output_parameter_types(step).get(str(reference.keys[2]))
        return declared if isinstance(declared, str) else None
    shape = property_shape(step, reference.keys[1:])
    return None if shape is None else next(iter(TYPES_OF_SHAPES.get(shape.type_name, ())), None)
