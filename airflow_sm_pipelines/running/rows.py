"""An execution as rows for people: every step of the definition, also those that have not started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.execution.step_lines import step_remark

WAITING: Final = "Waiting"
"""A step that may still start."""

NOT_TAKEN: Final = "Not taken"
"""A step of the branch that its condition has not taken."""

NOT_RUN: Final = "Not run"
"""A step that has not started by the end of the execution."""


@dataclass(frozen=True)
class Row:
    """A step.

    :param depth: how many steps it lies in.
    :param name: its name.
    :param type: its type.
    :param state: its status, or one of :data:`WAITING`, :data:`NOT_TAKEN` and :data:`NOT_RUN`.
    :param branch: ``if`` or ``else``, of a step of a condition's branch.
    :param seconds: how long it took, or has taken so far; ``None`` when it has not started.
    :param attempt: which attempt it is; 0 when it has not started.
    :param remark: why it failed, what a condition came to, where a result was taken from.
    """

    depth: int
    name: str
    type: str
    state: str
    branch: str = ""
    seconds: float | None = None
    attempt: int = 0
    remark: str = ""


def rows_of(definition: PipelineDefinition, snapshot: ExecutionSnapshot, now: datetime) -> list[Row]:
    """Return a row for each step, in the order of the document; what a ForEach step runs stands below it.

    :param definition: what the execution runs.
    :param snapshot: how far it is.
    :param now: the time, with a time zone.
    """
    look = _Look(snapshot, now)
    return [row for step in definition.steps for row in look.rows(step, _Place())]


@dataclass(frozen=True)
class _Place:
    """Where a step stands, and what it is to be called when it has not started.

    :param is_reachable: whether the conditions around it leave it a chance.
    """

    depth: int = 0
    branch: str = ""
    is_reachable: bool = True


@dataclass(frozen=True)
class _Look:
    snapshot: ExecutionSnapshot
    now: datetime

    def rows(self, step: Step, place: _Place) -> Iterator[Row]:
        yield self._row(step.name, step.type, place)
        seen = self.snapshot.steps.get(step.name)
        outcome = None if seen is None else seen.condition_outcome
        for inner, branch, taken_when in ((step.if_steps, "if", True), (step.else_steps, "else", False)):
            is_reachable = place.is_reachable and outcome in (None, taken_when)
            for each in inner:
                yield from self.rows(each, _Place(place.depth + 1, branch, is_reachable))
        for name, type_ in _children(step, self.snapshot.steps):
            yield self._row(name, type_, _Place(place.depth + 1))

    def _row(self, name: str, type_: str, place: _Place) -> Row:
        seen = self.snapshot.steps.get(name)
        if seen is None:
            unstarted = NOT_RUN if self.snapshot.status.is_terminal else WAITING
            return Row(place.depth, name, type_, unstarted if place.is_reachable else NOT_TAKEN, place.branch)
        seconds = None
        if seen.start_time is not None:
            seconds = max(0.0, ((seen.end_time or self.now) - seen.start_time).total_seconds())
        remark = step_remark(seen)
        return Row(place.depth, name, type_, str(seen.status), place.branch, seconds, seen.attempt_count, remark)


def _children(step: Step, seen: Mapping[str, StepSnapshot]) -> list[tuple[str, str]]:
    """The steps that a ForEach step has started, ``<body step>-<index>``, the first turn first."""
    found = []
    for position, child in enumerate(step.body):
        for name in seen:
            index = name.removeprefix(f"{child.name}-")
            if index != name and index.isdecimal():
                found.append((int(index), position, name, child.type))
    return [(name, type_) for _, _, name, type_ in sorted(found)]
