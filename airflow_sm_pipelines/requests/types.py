"""What is known of an expression's value before the pipeline runs: its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.expressions import Reference, is_expression, reference_of
from airflow_sm_pipelines.definition.steps import Step, walk_body
from airflow_sm_pipelines.definition.validation.references import FOR_EACH_COUNTS, output_parameter_types
from airflow_sm_pipelines.exceptions import PipelineDefinitionError
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


class ExpressionTypes:
    """The types of the expressions of one document.

    :param definition: the document.
    """

    def __init__(self, definition: PipelineDefinition) -> None:
        self._parameters = {parameter.name: parameter.type for parameter in definition.parameters}
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

    def _type_of_reference(self, reference: Reference) -> str | None:
        name = reference.name or ""
        if reference.root in ("Execution", "PipelineExperimentConfig"):
            return "String"
        if reference.root == "Parameters":
            return self._parameters.get(name)
        step = self.steps.get(name) if reference.root == "Steps" else None
        return None if step is None else type_of_property(step, reference)


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
