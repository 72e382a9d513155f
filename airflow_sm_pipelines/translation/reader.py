"""The interface to Airflow: reads a TaskGroup into neutral records and changes nothing in it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import MappedOperator, TriggerRule
from airflow.sdk import XComArg

from airflow_sm_pipelines.compatibility.mapped import mapped_group_around
from airflow_sm_pipelines.compatibility.sdk import DagParam, loop_around
from airflow_sm_pipelines.definition.comparisons import text_beside_a_number
from airflow_sm_pipelines.definition.conditions import Comparison, Condition, Expression, In, Not, Or
from airflow_sm_pipelines.definition.expressions import Join, JsonGet, find_references, task_of
from airflow_sm_pipelines.definition.json_text import MAXIMUM_LEVELS, TOO_DEEP
from airflow_sm_pipelines.definition.validation.for_each import NOT_IN_A_BODY
from airflow_sm_pipelines.documentation import see
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.mapped_groups import MappedGroup, mapped_groups_of
from airflow_sm_pipelines.translation.middle import MiddleTask, middle_output
from airflow_sm_pipelines.translation.nodes import (
    DeclaredParameter,
    PipelineOutline,
    RuntimeValue,
    StepNode,
    StepTask,
    TaskNode,
)
from airflow_sm_pipelines.translation.typed_parameters import TypedParameter
from airflow_sm_pipelines.translation.xcoms import (
    StepValue,
    a_step_of_another_pipeline,
    outside_its_pipeline,
    step_value_in_json,
    xcom_references,
)

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, TaskGroup


_LITERALS = (int, float, bool, NoneType)
_OF_AN_ITEM = re.compile(r"\b(map_index|expanded_ti_count|map_index_template)\b")
_ORDERINGS = ("GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo")


def read_steps(
    task_group: TaskGroup, launch_task_id: str, middle: Mapping[str, MiddleTask] = MappingProxyType({})
) -> dict[str, StepNode]:
    """Return the steps of a TaskGroup by task id, in the order they were defined.

    A mapped task group inside it is one step, by the group's id.

    :param task_group: the group; other TaskGroups inside it are only layout.
    :param launch_task_id: the id of the launch task. It is not a step, and need not exist yet.
    :param middle: the Airflow tasks in the middle by their full ids. What the steps use of them is noted there.
    :raises TranslationError: when another task in it is not a step, or a value inside it comes from a task inside it.
    """
    dag_id = task_group.dag.dag_id
    tasks = [task for task in task_group if task.task_id != launch_task_id and task.task_id not in middle]
    inside = {task.task_id for task in tasks} | middle.keys()
    # Not in the try below: operators name the Dag and the task themselves.
    nodes = [(task, _node_of(task)) for task in tasks]
    try:
        read = {
            task.task_id: _read_step(task, node, _Lifter(task.task_id, dag_id, inside, middle)) for task, node in nodes
        }
        steps = _in_mapped_groups(read, task_group, lambda name: _Lifter(name, dag_id, inside, middle))
        for each in middle.values():
            callback = steps[each.callback_task_id]
            extra = {**callback.extra, "OutputParameters": each.output_parameters}
            steps[each.callback_task_id] = dataclasses.replace(callback, extra=extra)
        return steps
    except TranslationError as error:
        raise TranslationError(f"Dag '{dag_id}', task group '{task_group.group_id}': {error}") from None


def _in_mapped_groups(
    read: Mapping[str, StepNode], task_group: TaskGroup, lifter: Callable[[str], _Lifter]
) -> dict[str, StepNode]:
    """Return the steps with one ForEach step in place of those of each mapped task group."""
    groups = mapped_groups_of(task_group)
    around = {task_id: each for each in groups.values() for task_id in each.task_ids}
    steps: dict[str, StepNode] = {}
    for task_id, node in read.items():
        group = around.get(task_id)
        if group is None:
            steps[task_id] = node
        elif group.group_id not in steps:
            made = group.step_node(
                [read[task.task_id] for task in group.tasks],
                lambda value: isinstance(to_runtime_value(value), RuntimeValue),
            )
            steps[group.group_id] = dataclasses.replace(made, arguments=lifter(group.group_id).lift(made.arguments))
    return steps


def _node_of(task: BaseOperator | MappedOperator) -> StepNode | None:
    try:
        return task.to_step_node() if isinstance(task, StepTask) else None
    except RecursionError:  # at some hundreds of levels
        raise TranslationError(f"Dag '{task.dag_id}', task '{task.task_id}': {TOO_DEEP}") from None


def read_outline(
    task_group: TaskGroup,
    steps: Mapping[str, StepNode],
    *,
    pipeline_name: str,
    parameters: Iterable[DeclaredParameter],
    launch_task_id: str,
    launch_trigger_rule: str = "all_success",
    middle: Mapping[str, MiddleTask] = MappingProxyType({}),
) -> PipelineOutline:
    """Read how Airflow's graph leads to the steps of a TaskGroup.

    :param task_group: the group.
    :param steps: its steps, as :func:`read_steps` returns them.
    :param pipeline_name: the pipeline it becomes.
    :param parameters: its declared pipeline parameters.
    :param launch_task_id: the id of the launch task.
    :param launch_trigger_rule: its trigger rule.
    :param middle: the Airflow tasks in the middle by their full ids: the Callback steps take their places.
    """
    tasks = []
    groups = mapped_groups_of(task_group)
    in_place_of = {each.callback_task_id: task_id for task_id, each in middle.items()}
    places = {task_id: each.callback_task_id for task_id, each in middle.items()}
    places.update({task_id: each.group_id for each in groups.values() for task_id in each.task_ids})
    for task_id, step in steps.items():
        place = groups.get(task_id) or task_group.dag.get_task(in_place_of.get(task_id, task_id))
        try:
            for group in groups.values():
                group.refuse_branch_into_group(task_id, step.if_task_ids)
                group.refuse_branch_into_group(task_id, step.else_task_ids)
            rule = TriggerRule(place.trigger_rule).value
        except TranslationError as error:
            raise TranslationError(
                f"Dag '{task_group.dag.dag_id}', task group '{task_group.group_id}': {error}"
            ) from None
        upstream = sorted({places.get(each, each) for each in place.upstream_task_ids - {launch_task_id}})
        tasks.append(
            TaskNode(
                step=_in_other_places(step, places, groups.get(task_id)) if places else step,
                upstream_task_ids=tuple(each for each in upstream if each in steps),
                trigger_rule=rule,
                outside_task_ids=tuple(each for each in upstream if each not in steps),
            )
        )
    return PipelineOutline(
        task_group.dag.dag_id,
        str(task_group.group_id),
        pipeline_name,
        tuple(parameters),
        tuple(tasks),
        launch_trigger_rule,
    )


def _in_other_places(step: StepNode, places: Mapping[str, str], group: MappedGroup | None) -> StepNode:
    """Return a step as the other steps see it.

    :param step: the step.
    :param places: the ids of the steps that stand for tasks, where those are others.
    :param group: the mapped task group that the step is; ``None`` for a task.
    """

    def led_to(task_ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(places.get(each, each) for each in task_ids))

    body = step.body
    if group is not None:
        names = {node.task_id: node.name for node in body}
        body = tuple(
            dataclasses.replace(
                node, follows=tuple(names[each] for each in sorted(task.upstream_task_ids & set(names)))
            )
            for node, task in zip(body, group.tasks, strict=True)
        )
    if_task_ids, else_task_ids = led_to(step.if_task_ids), led_to(step.else_task_ids)
    return dataclasses.replace(step, if_task_ids=if_task_ids, else_task_ids=else_task_ids, body=body)


def outside_upstream_task_ids(task_group: TaskGroup, launch_task_id: str) -> tuple[str, ...]:
    """Return the tasks outside the group that a step inside it follows directly.

    :param task_group: the group.
    :param launch_task_id: the id of the launch task.
    """
    tasks = [task for task in task_group if task.task_id != launch_task_id]
    inside = {task.task_id for task in tasks} | {launch_task_id}
    found = {upstream for task in tasks for upstream in task.upstream_task_ids if upstream not in inside}
    return tuple(sorted(found))


def to_runtime_value(value: Any) -> Any:
    """Return a :class:`RuntimeValue` for what becomes a pipeline parameter, and anything else as it is.

    That is Jinja text, an XComArg, a Dag param (an argument of a ``@dag`` function is one), and whatever the author
    gave a type, as with ``ParameterInteger(...)``.

    :param value: an argument as the Dag's author wrote it.
    """
    if isinstance(value, TypedParameter):
        default = value.default_value
        if default is None and not isinstance(to_runtime_value(value.value), RuntimeValue):
            default = value.value
        inner = outside_its_pipeline(value.value)
        return RuntimeValue(inner, value.type, default, getattr(value, "enum_values", None))
    if isinstance(value, (XComArg, DagParam)) or (isinstance(value, str) and is_template(value)):
        return RuntimeValue(value)
    return value


def is_template(text: str) -> bool:
    """Say whether Airflow would render a text.

    :param text: an argument as the Dag's author wrote it.
    """
    return "{{" in text or "{%" in text


def _read_step(task: BaseOperator | MappedOperator, node: StepNode | None, lifter: _Lifter) -> StepNode:
    if (loop := loop_around(task.task_group)) is not None:
        raise TranslationError(
            f"task '{task.task_id}' is in the loop '{loop.group_id}', and a pipeline has no loops. Define the "
            "steps as often as they are to run, or loop around a SageMakerPipelineOperator."
        )
    group = mapped_group_around(task.task_group)
    if group is not None and node is None:
        raise TranslationError(
            f"task '{task.task_id}' ({task.task_type}) is not a step, but is in the mapped task group "
            f"'{group.group_id}', which SageMaker runs as one ForEach step. Move it before or after that group."
        )
    if group is not None and node is not None and node.type in NOT_IN_A_BODY:
        raise TranslationError(
            f"task '{task.task_id}' is a {node.type} step and is in the mapped task group '{group.group_id}'. "
            f"SageMaker allows no {', '.join(NOT_IN_A_BODY[:-1])} or {NOT_IN_A_BODY[-1]} step inside a ForEach step. "
            "Move it before or after that group."
        )
    if node is None and isinstance(task, MappedOperator):
        raise TranslationError(
            f"task '{task.task_id}' is mapped and is not a step of a SageMaker pipeline, which waits for one task at a "
            "time. Move it before or after the group, or define one task for each item, in a Python loop."
        )
    if node is None:
        raise TranslationError(
            f"task '{task.task_id}' ({task.task_type}) is not a step of a SageMaker pipeline. Move it before or after "
            "the group, use one of the SageMaker...StepOperator classes, or give the group callback_queue_url: the "
            f"pipeline then waits for an Airflow task in its middle. {see('airflow-tasks-inside-a-group')}"
        )
    return lifter.lift_node(node, for_each_item=group is not None)


class _Lifter:
    """Finds in a task's arguments what becomes a pipeline parameter.

    :param task_id: the task.
    :param dag_id: its Dag.
    :param inside: all tasks of the group, whose XComs are there too late.
    :param middle: those of them that are Airflow tasks in the middle, whose XComs become references.
    """

    def __init__(self, task_id: str, dag_id: str, inside: set[str], middle: Mapping[str, MiddleTask]) -> None:
        self.task_id = task_id
        self.dag_id = dag_id
        self.inside = inside
        self.middle = middle
        self._for_each_item = False

    def lift_node(self, node: StepNode, *, for_each_item: bool = False) -> StepNode:
        """Return a step with everything lifted in it, and in the steps of its body.

        :param node: the step.
        :param for_each_item: whether the step runs once for each item of a ForEach step.
        """
        self._for_each_item = for_each_item or bool(node.body)
        return dataclasses.replace(
            node,
            arguments=self.lift(node.arguments),
            extra=self.lift(node.extra),
            conditions=tuple(map(self.lift_condition, node.conditions)),
            body=tuple(self.lift_node(each, for_each_item=True) for each in node.body),
        )

    def lift(self, value: Any, type_: str | None = None, levels: int = MAXIMUM_LEVELS) -> Any:
        """Return a value with a :class:`RuntimeValue` for whatever in it becomes a parameter.

        :param value: any part of a step's arguments.
        :param type_: the parameter's type, where the author gave none; ``None`` lets the place in the request decide.
        :param levels: how many levels it may still nest.
        """
        if value.__class__ in _LITERALS or (value.__class__ is str and not is_template(value)):
            return value
        value = self._outputs_for_xcoms(value)
        lifted = to_runtime_value(value)
        if isinstance(lifted, RuntimeValue):
            self._refuse_inner_xcoms(lifted.value)
            self._refuse_map_indexes(lifted.value)
            return dataclasses.replace(lifted, type=lifted.type or type_)
        if levels <= 0:
            raise TranslationError(f"task '{self.task_id}': {TOO_DEEP}")
        if isinstance(value, Expression):
            return self._lift_expression(value, levels)
        if isinstance(value, (dict, Mapping)):
            members = {}
            for key, inner in value.items():
                if not isinstance(key, str):
                    raise TranslationError(
                        f"task '{self.task_id}' has the key {key!r}, a {type(key).__name__}. Keys are text in JSON."
                    )
                if is_template(key):
                    raise TranslationError(
                        f"task '{self.task_id}' has the key {key!r}. SageMaker does not accept a parameter in place of "
                        "a key, so keys must be the same in every run. Write it out."
                    )
                members[key] = inner if inner.__class__ in _LITERALS else self.lift(inner, None, levels - 1)
            return members
        if isinstance(value, (list, tuple)):
            return [self.lift(inner, None, levels - 1) for inner in value]
        return value

    def _outputs_for_xcoms(self, value: Any) -> Any:
        """Return a reference instead of the XCom of an Airflow task in the middle, and any other value as it is.

        The value of a step of another pipeline is its XCom; in JSON, that of a step of this pipeline is a reference.
        """
        if isinstance(value, StepValue) and value.task_id not in self.inside:
            return outside_its_pipeline(value)
        if isinstance(value, RuntimeValue) and (inner := step_value_in_json(value.value)) is not None:
            return Join("", ['"', inner, '"']) if inner.task_id in self.inside else value
        output = middle_output(value, self.middle) if self.middle else None
        return value if output is None else output

    def lift_condition(self, condition: Condition, levels: int = MAXIMUM_LEVELS) -> Condition:
        """Lift the operands of a condition; those of an ordering are numbers, all others text.

        :param condition: of a Condition step.
        :param levels: how many levels it may still nest.
        :raises TranslationError: for what is none.
        """
        if levels <= 0:
            raise TranslationError(f"task '{self.task_id}': {TOO_DEEP}")
        if isinstance(condition, Comparison):
            type_ = "Float" if condition.type in _ORDERINGS else "String"
            left, right = self.lift(condition.left_value, type_), self.lift(condition.right_value, type_)
            lifted = Comparison(condition.type, left, right)
            if mistake := text_beside_a_number(lifted):
                raise TranslationError(f"task '{self.task_id}': {mistake}")
            return lifted
        if isinstance(condition, In):
            return In(
                self.lift(condition.query_value, "String"),
                tuple(self.lift(each, "String") for each in condition.values),
            )
        if isinstance(condition, Not):
            return Not(self.lift_condition(condition.condition, levels - 1))
        if isinstance(condition, Or):
            return Or(*[self.lift_condition(inner, levels - 2) for inner in condition.conditions])
        raise TranslationError(
            f"task '{self.task_id}' has {condition!r} among its conditions, which is not a condition. Compare "
            "references, as in evaluate.metric('metrics', 'accuracy') >= 0.9."
        )

    def _lift_expression(self, value: Expression, levels: int) -> Expression:
        step_task_id = task_of(value)
        if step_task_id is not None and step_task_id not in self.inside:
            # By its name it may be a step of this pipeline, too.
            [located, *_] = find_references(value)
            name = str(located.reference.step_name)
            raise TranslationError(a_step_of_another_pipeline(self.task_id, name, step_task_id))
        if isinstance(value, Join):
            values: list[Any] = []
            for inner in value.values:
                lifted = self.lift(inner, None, levels - 3)
                if isinstance(inner, RuntimeValue) and isinstance(lifted, Join):  # a reference in quotes, in JSON
                    values.extend(lifted.values)
                else:
                    values.append(lifted)
            return Join(value.on, values if value.on else _with_one_text(values))
        if isinstance(value, JsonGet) and isinstance(to_runtime_value(value.json_path), RuntimeValue):
            raise TranslationError(
                f"task '{self.task_id}' looks for a metric of step '{value.step_name}' at {value.json_path!r}, which "
                "is known only in a Dag run. SageMaker does not accept a parameter there. Let the job write what is "
                "compared to a path that is the same in every run, or compare in Airflow: "
                "SageMakerMetricBranchOperator renders the path."
            )
        return value

    def _refuse_map_indexes(self, value: Any) -> None:
        """Refuse Jinja that would be another text for each item."""
        text = getattr(value, "value", value)  # of JsonXComArg
        if self._for_each_item and isinstance(text, str) and (found := _OF_AN_ITEM.search(text)):
            raise TranslationError(
                f"task '{self.task_id}' has {text!r}. Jinja is rendered once, before the pipeline starts, and "
                f"{found[0]} does not exist then. For what differs between items use CURRENT_ITEM, or an argument of "
                "the mapped task group."
            )

    def _refuse_inner_xcoms(self, value: Any) -> None:
        for upstream, _ in xcom_references(value, self.dag_id):
            if upstream in self.middle:
                raise TranslationError(
                    f"task '{self.task_id}' uses the XCom of Airflow task '{upstream}' in text, which is rendered "
                    "before the pipeline starts. Join it instead: "
                    f"Join('', ['text', {self.middle[upstream].task.label}.output])."
                )
            if upstream in self.inside:
                raise TranslationError(
                    f"task '{self.task_id}' uses the XCom of '{upstream}', a step of the same pipeline. XComs are read "
                    "before the pipeline starts. Use a reference to the step instead, such as its outputs['name'], "
                    "model_artifacts, metric(...) or properties. Put it into text by Join('', ['text', reference]). "
                    f"{see('the-xcom-of-a-step-of-the-same-pipeline')}"
                )


def _with_one_text(values: Iterable[Any]) -> list[Any]:
    """Return joined values with one text for texts that stand beside one another.

    :param values: joined by nothing.
    """
    found: list[Any] = []
    for value in values:
        if isinstance(value, str) and found and isinstance(found[-1], str):
            found[-1] += value
        else:
            found.append(value)
    return found
