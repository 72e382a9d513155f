"""Neutral records between the two worlds: neither Airflow objects nor the document yet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from typing import Any

from airflow_sm_pipelines.definition.conditions import Condition


@dataclass(frozen=True)
class RuntimeValue:
    """A value that becomes a pipeline parameter: Jinja text, an XComArg, or what the author gave a type.

    :param value: what Airflow renders when the launch task runs; or a literal.
    :param type: the pipeline parameter's type: ``String``, ``Integer``, ``Float`` or ``Boolean``; ``None`` where its
        place decides.
    :param default_value: the document's default; ``None`` for none, or the value, where that is a literal.
    :param enum_values: the only values allowed.
    """

    value: Any
    type: str | None = None
    default_value: Any = None
    enum_values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class DeclaredParameter:
    """A pipeline parameter of the task group.

    :param name: the key in the group's ``parameters``.
    :param type: ``String``, ``Integer``, ``Float`` or ``Boolean``.
    :param value: a literal, which also becomes the document's default, or a :class:`RuntimeValue`.
    :param default_value: the document's default; ``None`` for none, where the value is a runtime value.
    :param enum_values: the only values allowed.
    """

    name: str
    type: str
    value: Any
    default_value: Any = None
    enum_values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class CodeUpload:
    """A file that has to be in S3 before the pipeline starts.

    :param uri: where, with the content's hash in it: the same URI always holds the same bytes.
    :param content: what.
    """

    uri: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class StepNode:
    """One step as its operator describes it.

    :param task_id: the full id of the Airflow task; used in errors and edges.
    :param name: the step's name.
    :param type: ``Processing``, ``Training``, ... exactly as the document wants it.
    :param arguments: the boto3 request; may hold expressions and :class:`RuntimeValue`. Empty for a condition.
    :param extra: further keys of the step, such as ``CacheConfig`` and ``PropertyFiles``.
    :param display_name: ``DisplayName``.
    :param description: ``Description``.
    :param conditions: of a Condition step; all must hold.
    :param if_task_ids: tasks directly behind the condition that run when it holds.
    :param else_task_ids: tasks directly behind the condition that run when it does not.
    :param uploads: files the step needs in S3.
    :param body: of a ForEach step, which a mapped task or task group is: the steps that run for each item. Their
        uploads are in it.
    :param follows: of a step in a body: the names of the other steps of the body that its task follows directly.
    """

    task_id: str
    name: str
    type: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    display_name: str | None = None
    description: str | None = None
    conditions: tuple[Condition, ...] = ()
    if_task_ids: tuple[str, ...] = ()
    else_task_ids: tuple[str, ...] = ()
    uploads: tuple[CodeUpload, ...] = ()
    body: tuple[StepNode, ...] = ()
    follows: tuple[str, ...] = ()

    @property
    def parts(self) -> dict[str, Any]:
        """Everything of the step that may hold expressions, by place; with what is in the steps of its body."""
        own = {
            "Arguments": self.arguments,
            **self.extra,
            "Conditions": [condition.to_document() for condition in self.conditions],
        }
        return own | ({"ForEachBody": [step.parts for step in self.body]} if self.body else {})


class StepTask(ABC):
    """Base of the Airflow tasks that are steps."""

    task_id: str

    @abstractmethod
    def to_step_node(self) -> StepNode:
        """Describe the step, as neutral records; must not change the operator."""


@dataclass(frozen=True)
class TaskNode:
    """A step and how Airflow's graph leads to it.

    :param step: the step.
    :param upstream_task_ids: direct upstream tasks inside the group, without the launch task, in Dag order.
    :param trigger_rule: Airflow's name of the trigger rule.
    :param outside_task_ids: direct upstream tasks outside the group. The launch task follows them, too.
    """

    step: StepNode
    upstream_task_ids: tuple[str, ...]
    trigger_rule: str = "all_success"
    outside_task_ids: tuple[str, ...] = ()


def identical(one: Any, other: Any) -> bool:
    """Say whether two records come to the same document: equal, of the same types, and keys in the same order.

    To Python ``1``, ``True`` and ``1.0`` are equal, and so are dicts in any order.

    :param one: a record, or part of one.
    :param other: what it is compared with.
    """
    if one is other:
        return True
    if one.__class__ is not other.__class__:
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(identical, one.values(), other.values()))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(identical, one, other))
    if is_dataclass(one):
        return identical(vars(one), vars(other))
    return bool(one == other)


@dataclass(frozen=True)
class PipelineOutline:
    """A whole TaskGroup, read.

    :param dag_id: the Dag; leads every error.
    :param group_id: the TaskGroup.
    :param pipeline_name: the pipeline it becomes.
    :param parameters: declared by the author.
    :param tasks: in the order they were defined.
    :param launch_trigger_rule: of the launch task.
    """

    dag_id: str
    group_id: str
    pipeline_name: str
    parameters: tuple[DeclaredParameter, ...]
    tasks: tuple[TaskNode, ...]
    launch_trigger_rule: str = "all_success"

    @property
    def subject(self) -> str:
        """How errors name the group."""
        return f"Dag '{self.dag_id}', task group '{self.group_id}'"
