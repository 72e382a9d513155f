"""What it means to wait for a step of some execution, told from the definition that the execution runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.graph import PipelineGraph, ancestors
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.definition.validation import did_you_mean
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, PipelineExecutionError
from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.outcome import StepTarget
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook

#: How the service numbers the steps that a ForEach step's body becomes, one for each item.
_ITEM = re.compile(r"-\d+")


def step_place(hook: SageMakerPipelineHook, pipeline_execution_arn: str, awaited: Awaited) -> Awaited:
    """Return what it means to wait for a step: the branches that hold it, and its property files.

    :param hook: where.
    :param pipeline_execution_arn: the execution.
    :param awaited: the step by its name; one of a ForEach body by the name it has for one item, ``<body>-<index>``.
    :raises PipelineExecutionError: when the definition has no such step, or cannot be read.
    :raises SageMakerServiceError: in the service's words.
    """
    step_name = str(awaited.step_name)
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
    target = StepTarget(step_name, around, started_elsewhere=True)
    return replace(awaited, target=target, property_files=step.property_files)


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
