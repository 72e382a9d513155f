"""Pipelines, executions and steps as documents, and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus
from airflow_sm_pipelines.local.persistence.plain import from_plain, to_plain
from airflow_sm_pipelines.local.store import ExecutionRecord, Iteration, PipelineRecord, PipelineVersion, StepRecord

Document = dict[str, Any]
"""An object of JSON."""

_OF_VERSIONS = ("version_id", "aliases", "attributes", "creation_time", "last_execution_arn")
_OF_PIPELINES = ("name", "arn", "role_arn", "attributes", "creation_time", "last_modified_time", "last_run_time")
_OF_EXECUTIONS = (
    *("start_parameters", "parameters", "role_arn", "attributes", "creation_time", "last_modified_time"),
    *("failure_reason", "experiment_config", "attempts"),
)
_OF_STEPS = tuple(each.name for each in fields(StepRecord) if each.name not in ("status", "iteration"))


def pipeline_document(pipeline: PipelineRecord) -> Document:
    """A pipeline without the texts of its definitions, which are documents themselves: they never change.

    :param pipeline: the pipeline.
    """
    return {
        **_plain(pipeline, _OF_PIPELINES),
        "versions": [_plain(version, _OF_VERSIONS) for version in pipeline.versions],
    }


def pipeline_of(document: Document, texts: Mapping[int, str]) -> PipelineRecord:
    """The pipeline of a document.

    :param document: as :func:`pipeline_document` makes it.
    :param texts: its definitions, by the number of the version.
    """
    given = from_plain(document)
    versions = [
        PipelineVersion(**each, text=texts[each["version_id"]], definition=_parsed(texts[each["version_id"]]))
        for each in given.pop("versions")
    ]
    return PipelineRecord(**given, versions=versions)


def execution_document(execution: ExecutionRecord) -> Document:
    """An execution with the names of its steps, which are documents themselves. Its lock is held.

    :param execution: the execution.
    """
    return {
        **_plain(execution, _OF_EXECUTIONS),
        "arn": str(execution.arn),
        "version_id": execution.version.version_id,
        "selected": None if execution.selected is None else sorted(execution.selected),
        "status": execution.status.value,
        "steps": list(execution.steps),
    }


def execution_of(
    document: Document, pipelines: Mapping[str, PipelineRecord], steps: Mapping[str, StepRecord]
) -> ExecutionRecord:
    """The execution of a document.

    :param document: as :func:`execution_document` makes it.
    :param pipelines: all pipelines, by their ARNs.
    :param steps: its steps, by their names. One that the document does not name yet comes after those that it does.
    :raises KeyError: there is no such pipeline.
    :raises ResourceNotFoundError: the pipeline has no such version.
    """
    given = from_plain(document)
    names, selected = given.pop("steps"), given.pop("selected")
    arn = PipelineExecutionArn.parse(given.pop("arn"))
    others = sorted((step for step in steps.values() if step.name not in names), key=lambda step: step.start_time)
    return ExecutionRecord(
        arn=arn,
        version=pipelines[arn.pipeline_arn].version(given.pop("version_id")),
        selected=None if selected is None else frozenset(selected),
        status=ExecutionStatus.parse(given.pop("status")),
        steps={step.name: step for step in (*(steps[name] for name in names if name in steps), *others)},
        **given,
    )


def step_document(step: StepRecord) -> Document:
    """A step.

    :param step: the step. The lock of its execution is held.
    """
    turn = step.iteration
    return {
        **_plain(step, _OF_STEPS),
        "status": step.status.value,
        "iteration": None
        if turn is None
        else {"parent": turn.parent, "index": turn.index, "item": to_plain(turn.item), "body": sorted(turn.body)},
    }


def step_of(document: Document) -> StepRecord:
    """The step of a document.

    :param document: as :func:`step_document` makes it.
    """
    given = from_plain(document)
    status, turn = StepStatus.parse(given.pop("status")), given.pop("iteration")
    if turn is not None:
        turn = Iteration(**{**turn, "body": frozenset(turn["body"])})
    return StepRecord(**given, status=status, iteration=turn)


def _plain(record: object, members: tuple[str, ...]) -> Document:
    return {name: to_plain(getattr(record, name)) for name in members}


def _parsed(text: str) -> PipelineDefinition:
    return PipelineDefinition.from_json(text)
