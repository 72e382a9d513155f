"""What a step's properties are: the answer of the API that describes what the step made.

Source: botocore's model of the Describe operations' answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from botocore.model import ListShape, MapShape, Shape, StructureShape

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.expressions import Reference, find_expressions, reference_of
from airflow_sm_pipelines.definition.problems import Problem, did_you_mean, error
from airflow_sm_pipelines.definition.step_types import step_type
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.exceptions import PipelineDefinitionError
from airflow_sm_pipelines.requests.service_model import shape_named

_OF_PIPELINES: Final = ("PropertyFiles", "BestCandidateProperties")
"""Properties that pipelines have and the API does not: those of Processing and of AutoML steps."""


def property_shape(step: Step, keys: tuple[str | int, ...]) -> Shape | None:
    """Return what a property is, or ``None`` where the model does not say.

    :param step: the step that is read.
    :param keys: what follows the step's name in the reference.
    :raises PipelineDefinitionError: when the API's answer has no such member.
    """
    names = step_type(step.type).properties
    if not names or keys[0] in _OF_PIPELINES:
        return None
    tops = [shape_named(of, name) for of, name in names]
    if None in tops:
        return None
    members = {name: shape for top in tops if isinstance(top, StructureShape) for name, shape in top.members.items()}
    current = _member(members, keys[0], f"{'an' if step.type[0] in 'AEIOU' else 'a'} {step.type} step")
    for key in keys[1:]:
        if isinstance(current, StructureShape) and not getattr(current, "is_document_type", False):
            current = _member(current.members, key, current.name)
        elif isinstance(current, ListShape):
            current = current.member  # by index, or by the name of a named thing: Outputs['train']
        elif isinstance(current, MapShape):
            current = current.value
        else:
            return None  # a Job's document, which is text to the API, is read into
    return current


def property_problems(definition: PipelineDefinition, steps: Mapping[str, Step]) -> Iterator[Problem]:
    """Yield the references to properties that the API's answer does not have.

    :param definition: the document.
    :param steps: its steps by name.
    """
    for expression in find_expressions([step.to_document() for step in definition.steps], "$.Steps"):
        reference = reference_of(expression.function, expression.content)
        read = _property_read(reference, steps) if reference is not None else None
        if reference is None or read is None:
            continue
        try:
            property_shape(*read)
        except PipelineDefinitionError as problem:
            yield error(f"'{reference.path}' is not a property: {problem.problems[0]}", expression.path)


def _property_read(reference: Reference, steps: Mapping[str, Step]) -> tuple[Step, tuple[str | int, ...]] | None:
    """Return the step that makes what a reference reads, and the property of it; steps of ForEach bodies as well."""
    keys = reference.keys
    step = steps.get(reference.name or "") if reference.root in ("Steps", "IterationOutput") else None
    if step is not None and step.type == "ForEach" and keys[1:2] == ("IterationOutputs",) and len(keys) > 3:
        step, keys = steps.get(str(keys[3])), keys[3:]
    return None if step is None or len(keys) < 2 else (step, keys[1:])


def _member(members: Mapping[str, Shape], key: str | int, of: str) -> Shape:
    if key not in members:
        raise PipelineDefinitionError([error(f"{of} has no '{key}'{did_you_mean(str(key), members)}")])
    return members[str(key)]
