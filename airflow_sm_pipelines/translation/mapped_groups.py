"""Mapped task groups inside a pipeline group: each is a ForEach step with several steps in its body.

Airflow calls the function of such a group once, with something that stands for each argument. That becomes a reference
to the item, or to a field of it.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.common.compat.sdk import TriggerRule

from airflow_sm_pipelines.compatibility.mapped import (
    MappedArgument,
    MappedTaskGroup,
    argument_name,
    expansion_of,
    holds_text_of_an_argument,
    mapped_group_around,
)
from airflow_sm_pipelines.definition.conditions import Expression
from airflow_sm_pipelines.definition.expressions import CURRENT_ITEM, ItemReference, Join
from airflow_sm_pipelines.definition.parameters import type_of
from airflow_sm_pipelines.definition.problems import shown
from airflow_sm_pipelines.definition.steps import MAXIMUM_STEP_NAME_LENGTH
from airflow_sm_pipelines.definition.validation import step_name_problem
from airflow_sm_pipelines.definition.validation.for_each import MAXIMUM_CONCURRENCY, MAXIMUM_ITEMS
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.items import combinations, is_late, late_items
from airflow_sm_pipelines.translation.mapping import field_of, for_each_arguments
from airflow_sm_pipelines.translation.nodes import StepNode

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, TaskGroup

_LONGEST_NUMBER: Final = "-999"
"""Of a run. A list that only the run has may be longer than one in the document."""

_SHORT: Final = f"at most {MAXIMUM_STEP_NAME_LENGTH - len(_LONGEST_NUMBER)} characters"


@dataclass(frozen=True)
class GroupItems:
    """What a mapped task group runs over.

    :param subject: how errors name the group.
    :param field: the argument whose value is the item; ``None`` where an item is an object with several arguments.
    :param rows: the arguments for each item, in the order of map indexes; ``None`` where only the run has them.
    :param late: what is a list of items once the launch task runs; ``None`` where the Dag file has them.
    """

    subject: str
    field: str | None
    rows: tuple[Mapping[str, Any], ...] | None
    late: Any = None

    def reference(self, argument: str) -> ItemReference:
        """Return what stands for an argument of the group's function: the item, or a field of it.

        :param argument: the argument's name.
        """
        return CURRENT_ITEM if argument == self.field else CURRENT_ITEM[argument]

    def in_document(self, is_rendered: Callable[[Any], bool]) -> Any:
        """Return the items as a ForEach step takes them.

        :param is_rendered: whether Airflow renders a value, which is not known yet.
        :raises TranslationError: for what cannot be an item of a ForEach step.
        """
        if self.rows is None:
            return self.late
        items = [self._item(row) for row in self.rows]
        if not any(isinstance(item, Mapping) for item in items):
            for index, item in enumerate(items):
                if isinstance(item, Expression):
                    raise TranslationError(
                        f"{self.subject}: item {index} is a reference, and newer versions of Airflow do not expand a "
                        "task group over one. Read it in the steps of the group, or map a single step."
                    )
                is_infinite = isinstance(item, float) and not math.isfinite(item)
                if is_infinite or (type_of(item) is None and not is_rendered(item)):
                    raise self._no_item(index, item)
            return items
        return [self._as_json(index, item, is_rendered) for index, item in enumerate(items)]

    def typed(self, reference: ItemReference) -> ItemReference:
        """Return a reference to the item with the type of what it reads, where the Dag file has the items.

        :param reference: the item, or a field of it.
        :raises TranslationError: for an item that has no such field, or no single value there.
        """
        values = []
        for row in self.rows or ():
            item = self._item(row)
            found = field_of(item, reference)
            if found is None or isinstance(found, (Mapping, list, tuple)):
                raise TranslationError(
                    f"it reads {shown(found)} of the item {repr(item)[:120]}, but SageMaker inserts only one text, "
                    "number or boolean. Write lists and objects out, with CURRENT_ITEM['...'] inside"
                )
            values.append(found)
        types = {type_of(each) for each in values}
        return ItemReference(reference.path, types.pop() if len(types) == 1 else None, tuple(values))

    def _item(self, row: Mapping[str, Any]) -> Any:
        return row if self.field is None else row[self.field]

    def _as_json(self, index: int, item: Any, is_rendered: Callable[[Any], bool]) -> str:
        for field, value in item.items() if isinstance(item, Mapping) else ():
            if is_rendered(value):
                raise TranslationError(
                    f"{self.subject}: its items have several fields, and '{field}' is {shown(value)}, known only when "
                    "the pipeline runs. An item is then one value: expand over that alone."
                )
        if not isinstance(item, Mapping):
            raise self._no_item(index, item)
        try:
            return json.dumps(item, allow_nan=False)
        except (TypeError, ValueError):
            raise self._no_item(index, item) from None

    def _no_item(self, index: int, item: Any) -> TranslationError:
        return TranslationError(
            f"{self.subject}: item {index} is {shown(item)}. Items are text, numbers, True and False, or all of them "
            "dicts that are JSON."
        )


def items_of(group: MappedTaskGroup) -> GroupItems:
    """Return what a mapped task group runs over.

    :param group: the group.
    :raises TranslationError: for what SageMaker cannot map.
    """
    subject = f"mapped task group '{group.group_id}'"
    method, value = expansion_of(group)
    if is_late(value):
        return GroupItems(subject, None, None, late_items(value))
    if method == "expand":
        late = [key for key, given in value.items() if is_late(given)]
        if late and len(value) > 1:
            raise TranslationError(
                f"{subject}: expand({', '.join(f'{key}=...' for key in value)}) means every combination, but SageMaker "
                "cannot combine lists that are known only in a Dag run. Let the task return the combinations as dicts, "
                "and use expand_kwargs(...)."
            )
        if late:
            return GroupItems(subject, late[0], None, late_items(value[late[0]]))
        for key, given in value.items():
            if not isinstance(given, Sequence) or isinstance(given, str):
                raise TranslationError(f"{subject}: expand({key}=...) is given {shown(given)}. Give a list.")
        count, fields = math.prod(map(len, value.values())), set(value)
    else:
        if any(map(is_late, value)):
            raise TranslationError(
                f"{subject}: expand_kwargs(...) is given a list whose items are known only in a Dag run. Let one task "
                "return the whole list."
            )
        count, fields = len(value), {key for row in value for key in row}
    if not 1 <= count <= MAXIMUM_ITEMS:
        raise TranslationError(
            f"{subject}: it is mapped over {count} items, and a ForEach step takes 1 to {MAXIMUM_ITEMS}. "
            + ("Leave the group out where there is nothing to do." if not count else "Map over fewer.")
        )
    rows = combinations(value) if method == "expand" else [dict(row) for row in value]
    is_one_value = len(fields) == 1 and all(rows)
    return GroupItems(subject, next(iter(fields)) if is_one_value else None, tuple(rows))


def refuse_nested_mapping(group: TaskGroup | None, task: str) -> None:
    """Raise for a mapped task group in a mapped task group.

    :param group: the task group of a task.
    :param task: how errors name the task.
    :raises TranslationError: naming both groups.
    """
    groups = [] if group is None else [*group.iter_mapped_task_groups()]
    if len(groups) > 1:
        raise TranslationError(
            f"{task} is in the mapped task group '{groups[0].group_id}', which is in another, '{groups[1].group_id}'. "
            "SageMaker does not allow a ForEach step inside a ForEach step. Map once, over the combinations."
        )


def with_item_references(value: Any, items: Callable[[], GroupItems], task: str) -> Any:
    """Return a value with references to the item in place of the arguments of a mapped task group.

    Where the Dag file has the items, these references, and those that the author wrote, have types.

    :param value: any argument of an operator.
    :param items: returns what the group runs over.
    :param task: how errors name the operator.
    :raises TranslationError: for an argument that was written into text, and for what an item does not have.
    """
    if isinstance(value, (MappedArgument, ItemReference)):
        known = items()
        reference = known.reference(argument_name(value)) if isinstance(value, MappedArgument) else value
        try:
            return known.typed(reference)
        except TranslationError as error:
            raise TranslationError(f"{task}: {error}.") from None
    if isinstance(value, str) and holds_text_of_an_argument(value):
        raise TranslationError(
            f"{task}: an argument of its mapped task group is used inside text, such as an f-string, but is known only "
            "in a Dag run. Join it instead: Join('', ['text', argument])."
        )
    if isinstance(value, Join):
        return Join(value.on, [with_item_references(inner, items, task) for inner in value.values])
    if type(value) is dict:
        return {key: with_item_references(inner, items, task) for key, inner in value.items()}
    if type(value) in (list, tuple):
        return type(value)(with_item_references(inner, items, task) for inner in value)
    return value


@dataclass(frozen=True)
class MappedGroup:
    """A mapped task group inside a pipeline group.

    :param group: the group.
    :param step_name: the name of the ForEach step.
    :param tasks: the tasks in it, in the order they were defined.
    """

    group: MappedTaskGroup
    step_name: str
    tasks: tuple[BaseOperator, ...]

    @property
    def group_id(self) -> str:
        """The group's full id."""
        return str(self.group.group_id)

    @property
    def task_ids(self) -> frozenset[str]:
        """The full ids of the tasks."""
        return frozenset(task.task_id for task in self.tasks)

    @property
    def first_tasks(self) -> tuple[BaseOperator, ...]:
        """The tasks that follow no other in the group."""
        return tuple(task for task in self.tasks if not task.upstream_task_ids & self.task_ids)

    @property
    def last_tasks(self) -> tuple[BaseOperator, ...]:
        """The tasks that no other in the group follows."""
        return tuple(task for task in self.tasks if not task.downstream_task_ids & self.task_ids)

    @property
    def upstream_task_ids(self) -> frozenset[str]:
        """The tasks outside the group that any in it follows directly."""
        return frozenset(each for task in self.tasks for each in task.upstream_task_ids) - self.task_ids

    @property
    def trigger_rule(self) -> str:
        """The trigger rule of the group as a whole, which its first tasks have.

        :raises TranslationError: where there is none.
        """
        first = self.first_tasks
        for task in self.tasks:
            rule = TriggerRule(task.trigger_rule).value
            if task not in first and rule != "all_success":
                raise TranslationError(
                    f"task '{task.task_id}' has trigger_rule='{rule}' and follows another task of the mapped task "
                    f"group '{self.group_id}'. A ForEach step fails with the first step in it that fails. Leave it "
                    "trigger_rule='all_success', and handle failures in a step after the whole group."
                )
        rules = {TriggerRule(task.trigger_rule).value: task.task_id for task in first}
        if len(rules) > 1:
            (one, one_id), (other, other_id), *_ = rules.items()
            raise TranslationError(
                f"tasks '{one_id}' and '{other_id}' are the first of the mapped task group '{self.group_id}' and have "
                f"trigger_rule='{one}' and '{other}'. The group is one ForEach step, which starts once: give them the "
                "same."
            )
        return next(iter(rules), "all_success")

    def refuse_branch_into_group(self, condition_id: str, led_to: Iterable[str]) -> None:
        """Raise where a condition leads to some of the first tasks, and not to all.

        :param condition_id: the condition's task.
        :param led_to: the full ids of the tasks that one of its branches begins with.
        """
        entered = self.task_ids & set(led_to)
        if entered and not entered >= {task.task_id for task in self.first_tasks}:
            raise TranslationError(
                f"Condition task '{condition_id}' leads to '{min(entered)}', a part of the mapped task group "
                f"'{self.group_id}', which is one step in SageMaker. Give the whole group: if_steps=[group]."
            )

    def step_node(self, body: Sequence[StepNode], is_rendered: Callable[[Any], bool]) -> StepNode:
        """Return the ForEach step.

        :param body: the steps of the tasks, in their order.
        :param is_rendered: whether Airflow renders a value, which is not known yet.
        :raises TranslationError: for what SageMaker cannot take.
        """
        items = items_of(self.group)
        if problem := step_name_problem(self.step_name):
            raise TranslationError(f"{items.subject} gives its step its name: {problem}. Set another group_id.")
        for node in body:
            if len(f"{node.name}{_LONGEST_NUMBER}") > MAXIMUM_STEP_NAME_LENGTH:
                raise TranslationError(
                    f"task '{node.task_id}': its step '{node.name}' runs once for each item, and SageMaker adds a "
                    f"number to the name for each run. Set a step_name of {_SHORT}."
                )
        limits = [task.max_active_tis_per_dagrun for task in self.tasks if task.max_active_tis_per_dagrun is not None]
        if limits and not 1 <= min(limits) <= MAXIMUM_CONCURRENCY:
            raise TranslationError(
                f"{items.subject}: the lowest max_active_tis_per_dagrun of its tasks, {min(limits)}, becomes the "
                f"MaxConcurrency of a ForEach step, which is 1 to {MAXIMUM_CONCURRENCY}. Set another."
            )
        selectors = [each for task in self.tasks if (each := getattr(task, "selector", None)) is not None]
        return StepNode(
            task_id=self.group_id,
            name=self.step_name,
            type="ForEach",
            arguments=for_each_arguments(
                items.in_document(is_rendered),
                concurrency=min(limits, default=None),
                selector=next(iter(selectors), None),
            ),
            display_name=self.group.group_display_name or None,
            uploads=tuple(upload for node in body for upload in node.uploads),
            body=tuple(dataclasses.replace(node, uploads=()) for node in body),
        )


def for_each_name(group: MappedTaskGroup, pipeline_group_id: str) -> str:
    """Return the name of the ForEach step of a mapped task group.

    :param group: the group.
    :param pipeline_group_id: the full id of the pipeline group around it.
    """
    return str(group.group_id).removeprefix(f"{pipeline_group_id}.").replace(".", "-")


def mapped_groups_of(task_group: TaskGroup) -> dict[str, MappedGroup]:
    """Return the mapped task groups in a pipeline group by their full ids.

    :param task_group: the pipeline group.
    """
    tasks: dict[str, list[BaseOperator]] = {}
    groups: dict[str, MappedTaskGroup] = {}
    for task in task_group:
        if (group := mapped_group_around(task.task_group)) is not None:
            groups[str(group.group_id)] = group
            tasks.setdefault(str(group.group_id), []).append(task)
    pipeline = str(task_group.group_id)
    return {
        group_id: MappedGroup(group, for_each_name(group, pipeline), tuple(tasks[group_id]))
        for group_id, group in groups.items()
    }
