"""What it means to wait for a step of some execution, told from the definition that the execution runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.graph import PipelineGraph, ancestors
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.definition.validation import did_you_mean
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, PipelineExecutionError
from airflow_sm_pipelines.execution.outcome import Branch, StepTarget
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook

#: How the service numbers the steps that a ForEach step's body becomes, one for each item.
_ITEM = re.compile(r"-\d+")


@dataclass(frozen=True)
class StepPlace:
    """A step as an execution's definition has it.

    :param target: what to wait for.
    :param type: the step type.
    :param property_file_places: where its property files lie: ``{name: {"output_name", "file_path"}}``.
    """

    target: StepTarget
    type: str
    property_file_places: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def step_place(hook: SageMakerPipelineHook, pipeline_execution_arn: str, step_name: str) -> StepPlace:
    """Find a step in the definition that an execution runs.

    :param hook: where.
    :param pipeline_execution_arn: the execution.
    :param step_name: the step; one of a ForEach body by the name it has for one item, ``<body>-<index>``.
    :raises PipelineExecutionError: when the definition has no such step, or cannot be read.
    :raises SageMakerServiceError: in the service's words.
    """
    try:
        definition = PipelineDefinition.from_json(hook.execution_definition(pipeline_execution_arn))
        graph = PipelineGraph.of(definition)
    except PipelineDefinitionError as error:
        raise PipelineExecutionError(f"the definition of {pipeline_execution_arn} cannot be read: {error}") from None
    node = graph.nodes.get(step_name)
    step, owner_of = (node.step, step_name) if node is not None else _step_of_a_body(graph, step_name)
    if step is None:
        raise PipelineExecutionError(
            f"execution {pipeline_execution_arn} has no step '{step_name}'"
            f"{did_you_mean(step_name, graph.nodes) or '.'} Its definition has {', '.join(map(repr, graph.nodes))}"
        )
    around = tuple(ancestors(owner_of, graph.nodes))[::-1]
    return StepPlace(
        StepTarget(
            step_name,
            tuple(Branch(owner.condition, owner.outcome) for owner in around),
            started_elsewhere=True,
        ),
        step.type,
        {each.name: {"output_name": each.output_name, "file_path": each.file_path} for each in step.property_files},
    )


def _step_of_a_body(graph: PipelineGraph, step_name: str) -> tuple[Step | None, str]:
    """The step of a ForEach body that has some name for one item, and the name of the ForEach step."""
    for body_step, for_each in _body_steps(graph):
        rest = step_name.removeprefix(body_step.name)
        if rest != step_name and _ITEM.fullmatch(rest):
            return body_step, for_each
    return None, step_name


def _body_steps(graph: PipelineGraph) -> Iterator[tuple[Step, str]]:
    for name, node in graph.nodes.items():
        for step in node.step.body:
            yield step, name
