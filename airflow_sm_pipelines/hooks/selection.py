"""Which execution of a pipeline is meant when none is named, and where a step is in one."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.graph import PipelineGraph, ancestors
from airflow_sm_pipelines.definition.validation import did_you_mean, selected_step_problem
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, PipelineExecutionError, SageMakerServiceError
from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.outcome import StepTarget
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
from airflow_sm_pipelines.hooks.service_errors import NOT_FOUND

_SOURCE_STATUSES: Final = ("Succeeded", "Failed")
"""A selective execution copies from an execution of these statuses (API_SelectiveExecutionConfig)."""

_SOURCES_LOOKED_INTO: Final = 50
"""How many executions are looked into for a source; each costs a call."""


def latest_execution(
    hook: SageMakerPipelineHook,
    pipeline_name: str,
    started_from: datetime | None = None,
    started_before: datetime | None = None,
) -> str | None:
    """Return the ARN of a pipeline's latest execution; ``None`` while there is none, or no such pipeline.

    :param hook: where.
    :param pipeline_name: the pipeline, or its ARN.
    :param started_from: leave out what started earlier.
    :param started_before: leave out what started then or later.
    :raises SageMakerServiceError: in the service's words.
    """
    second = timedelta(seconds=1)
    executions = hook.list_executions(
        pipeline_name,
        # Whether the limits include the moment itself is said nowhere: asked for a little more, and sorted out.
        created_after=None if started_from is None else started_from - second,
        created_before=None if started_before is None else started_before + second,
        page_size=1 if started_from is None and started_before is None else 10,
    )
    try:
        for execution in executions:
            start = execution["StartTime"]
            if (started_from is None or start >= started_from) and (started_before is None or start < started_before):
                return str(execution["PipelineExecutionArn"])
    except SageMakerServiceError as error:
        if error.code not in NOT_FOUND:
            raise
    return None


def needed_steps(definition: PipelineDefinition, selected_steps: Sequence[str]) -> tuple[str, ...]:
    """Return the steps that selected ones wait for without being selected themselves, in order.

    Their outputs come from another execution.

    :param definition: the pipeline's.
    :param selected_steps: the steps that are to run.
    :raises PipelineExecutionError: for a step that the pipeline does not have.
    """
    nodes = PipelineGraph.of(definition).nodes
    for name in selected_steps:
        if problem := selected_step_problem(name, nodes):
            raise PipelineExecutionError(problem)
    needed = {
        dependency.step
        for name in selected_steps
        for dependency in nodes[name].dependencies
        if dependency.step not in selected_steps
    }
    return tuple(name for name in nodes if name in needed)


def latest_source(hook: SageMakerPipelineHook, pipeline_name: str, needed: Collection[str]) -> str:
    """Return the latest execution from which a selective execution can take what it needs.

    That is one that Succeeded or Failed, in which each of the steps succeeded.

    :param hook: where.
    :param pipeline_name: the pipeline.
    :param needed: the steps whose outputs are needed.
    :raises PipelineExecutionError: when there is none among the latest fifty that are over.
    :raises SageMakerServiceError: in the service's words.
    """
    looked_into = 0
    for execution in hook.list_executions(pipeline_name):
        if execution["PipelineExecutionStatus"] not in _SOURCE_STATUSES:
            continue
        if looked_into == _SOURCES_LOOKED_INTO:
            break
        looked_into += 1
        arn = str(execution["PipelineExecutionArn"])
        succeeded = {step["StepName"] for step in hook.list_steps(arn) if step["StepStatus"] == "Succeeded"}
        if succeeded.issuperset(needed):
            return arn
    raise PipelineExecutionError(
        f"no execution of pipeline '{pipeline_name}' can be the source of a selective execution: none of the latest "
        f"{looked_into} that Succeeded or Failed has run {', '.join(map(repr, sorted(needed)))} with success. Select "
        "these steps too, or name a source: source_pipeline_execution_arn='arn:...'"
    )


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
        nodes = PipelineGraph.of(hook.parsed_definition(pipeline_execution_arn)).nodes
    except PipelineDefinitionError as error:
        raise PipelineExecutionError(f"the definition of {pipeline_execution_arn} cannot be read: {error}") from None
    found = [(nodes[step_name].step, step_name)] if step_name in nodes else []
    # A step of a ForEach body by its name for one item.
    found = found or [
        (body_step, name)
        for name, node in nodes.items()
        for body_step in node.step.body
        if re.fullmatch(rf"{re.escape(body_step.name)}-\d+", step_name)
    ]
    if not found:
        raise PipelineExecutionError(
            f"execution {pipeline_execution_arn} has no step '{step_name}'"
            f"{did_you_mean(step_name, nodes) or '.'} Its definition has {', '.join(map(repr, nodes))}"
        )
    step, owner = found[0]
    around = tuple(ancestors(owner, nodes))[::-1]
    target = StepTarget(step_name, around, started_elsewhere=True)
    return replace(awaited, target=target, property_files=step.property_files)
