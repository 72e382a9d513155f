"""Airflow tasks in the middle of a pipeline: which they are, and what later steps use of them.

The pipeline has a Callback step in the place of each. The task of that step stands beside the Airflow task; it is made
by the group.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin, get_type_hints, is_typeddict

from airflow.providers.common.compat.sdk import BranchMixIn, MappedOperator, TriggerRule
from airflow.sdk import XComArg

from airflow_sm_pipelines.compatibility.sdk import PlainXComArg, loop_around
from airflow_sm_pipelines.definition.expressions import Join, PropertyReference
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.branches import SUPPORTED_RULES
from airflow_sm_pipelines.translation.nodes import RuntimeValue, StepTask
from airflow_sm_pipelines.translation.typed_parameters import TypedParameter
from airflow_sm_pipelines.translation.xcoms import ItemsXComArg, JsonXComArg

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, TaskGroup

RULES_BEHIND: Final = ("all_success", "none_failed", "none_failed_min_one_success")
"""The trigger rules of tasks directly behind an Airflow task in the middle."""

_TYPES: Final = {str: "String", int: "Integer", float: "Float", bool: "Boolean"}


@dataclass
class MiddleTask:
    """An Airflow task in the middle of a pipeline, and the Callback step in its place.

    :param task: the Airflow task.
    :param callback_task_id: the full id of the step's task.
    :param step_name: the step.
    :param used: the types of the outputs that other steps use, by their names.
    """

    task: BaseOperator
    callback_task_id: str
    step_name: str
    used: dict[str, str] = field(default_factory=dict)

    def output(self, key: str, type_: str | None) -> PropertyReference:
        """Return a reference to an XCom of the task, as an output of the step.

        :param key: the XCom's.
        :param type_: the type that the author gave it; ``None`` where the task's own annotations decide.
        :raises TranslationError: it was given another type elsewhere, or no reference can name it.
        """
        if "'" in key:
            raise TranslationError(
                f"the XCom {key!r} of task '{self.task.task_id}' has a quote in its name, and no reference to an "
                "output of a step can. Let the task return it under another name."
            )
        wanted = type_ or self.used.get(key) or _annotated_type(self.task, key)
        if self.used.setdefault(key, wanted) != wanted:
            raise TranslationError(
                f"the XCom '{key}' of task '{self.task.task_id}' is used as {self.used[key]} and as {wanted}. It "
                "becomes one output of a Callback step, which has one type: give it the same type everywhere."
            )
        return PropertyReference(f"Steps.{self.step_name}").OutputParameters[key]

    @property
    def output_parameters(self) -> list[dict[str, str]]:
        """The outputs, as the Callback step declares them."""
        return [{"OutputName": name, "OutputType": type_} for name, type_ in self.used.items()]


def tasks_in_the_middle(task_group: TaskGroup, launch_task_id: str) -> list[BaseOperator]:
    """Return the tasks of a group that are not steps, in the order they were defined.

    A task that is mapped or in a loop is left out: the reader refuses it, step or not.

    :param task_group: the group.
    :param launch_task_id: the id of the launch task.
    """
    return [
        task
        for task in task_group
        if not isinstance(task, (StepTask, MappedOperator))
        and task.task_id != launch_task_id
        and task.get_closest_mapped_task_group() is None
        and loop_around(task.task_group) is None
    ]


def refuse_unsupported_task(task: BaseOperator, inside: set[str]) -> None:
    """Raise for an Airflow task for which no Callback step can stand.

    :param task: the task, all edges drawn.
    :param inside: the full ids of the tasks of the group.
    :raises TranslationError: naming the task and what to do.
    """
    task_id = task.task_id
    if task.is_setup or task.is_teardown:
        kind = "setup" if task.is_setup else "teardown"
        raise TranslationError(
            f"task '{task_id}' is a {kind}, and a pipeline cannot hold one. Let it "
            f"{'precede' if task.is_setup else 'follow'} the whole group."
        )
    rule = TriggerRule(task.trigger_rule).value
    if rule not in SUPPORTED_RULES:
        raise TranslationError(
            f"Airflow task '{task_id}' has trigger_rule='{rule}', which SageMaker cannot follow. It can follow "
            f"{', '.join(SUPPORTED_RULES)}."
        )
    if isinstance(task, BranchMixIn):
        raise TranslationError(
            f"task '{task_id}' ({type(task).__name__}) chooses among the tasks after it, but a pipeline branches only "
            "with Condition steps. Let an ordinary task return the value to choose by, and compare it in a "
            "SageMakerConditionStepOperator: Join('', [choose.output]).equals('large')."
        )
    for upstream, where, fix in (
        (task.upstream_task_ids, "before", f"{task.label} >> group"),
        (task.downstream_task_ids, "behind", f"group >> {task.label}"),
    ):
        if not upstream & inside:
            raise TranslationError(
                f"Airflow task '{task_id}' has no step {where} it in the group, so the pipeline does not need to wait "
                f"for it. Define it outside the group: {fix}."
            )


def middle_output(value: Any, middle: Mapping[str, MiddleTask]) -> PropertyReference | Join | None:
    """Return the reference that stands for an XCom of an Airflow task in the middle; ``None`` for any other value.

    In JSON, as in a hyperparameter that is a list, text has quotes around it.

    :param value: any part of a step's arguments.
    :param middle: the Airflow tasks in the middle by their full ids.
    :raises TranslationError: for what SageMaker has no reference for, such as ``approve().map(...)``.
    """
    type_ = None
    if isinstance(value, (TypedParameter, RuntimeValue)):
        type_, value = value.type, value.value
    if not isinstance(value, XComArg):
        return None
    tasks = {operator.task_id for operator, _ in value.iter_references()}
    found = [middle[task_id] for task_id in tasks if task_id in middle]
    if not found:
        return None
    if isinstance(value, ItemsXComArg):
        raise TranslationError(
            f"a step is mapped over the XCom of '{found[0].task.task_id}', which is there only after the pipeline has "
            "started, and Airflow has to know the items before. Map over what a task outside the group returns."
        )
    in_json = isinstance(value, JsonXComArg)
    xcom = value.value if isinstance(value, JsonXComArg) else value
    if isinstance(xcom, str):
        return None
    if not isinstance(xcom, PlainXComArg):
        raise TranslationError(
            f"{xcom!r} computes with the XCom of '{found[0].task.task_id}', which exists only after the pipeline has "
            "started. SageMaker uses the XCom as it is: let the task return what the step needs."
        )
    reference = found[0].output(xcom.key, type_)
    return Join("", ['"', reference, '"']) if in_json and found[0].used[xcom.key] == "String" else reference


def _annotated_type(task: BaseOperator, key: str) -> str:
    """Return the type of an XCom, as the annotations of a ``@task`` function have it; ``String`` without any.

    :raises TranslationError: it is a list or a dict.
    """
    function = getattr(task, "python_callable", None)
    if not inspect.isfunction(function):
        return "String"
    try:
        returned = get_type_hints(function).get("return")
        if key != "return_value" and get_origin(returned) is dict:
            returned = get_args(returned)[1]
        elif key != "return_value":
            returned = get_type_hints(returned).get(key) if is_typeddict(returned) else None
    except (NameError, TypeError):  # an annotation for type checkers only
        return "String"
    container = get_origin(returned) or returned
    if isinstance(container, type) and issubclass(container, (Mapping, Sequence)) and container is not str:
        raise TranslationError(
            f"the XCom '{key}' of task '{task.task_id}' is a {container.__name__}, as its annotation says, and an "
            "output of a Callback step is one text, number or boolean. Let the task return a dict of those, and use "
            f"its members: {task.label}()['name']."
        )
    return _TYPES.get(returned, "String") if isinstance(returned, type) else "String"
