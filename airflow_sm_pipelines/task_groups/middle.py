"""Making the tasks of the Callback steps that stand for Airflow tasks in the middle of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import TriggerRule
from airflow.sdk import XComArg

from airflow_sm_pipelines.definition.validation import step_name_problem
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.operators.steps.airflow_task import AirflowTaskCallbackOperator
from airflow_sm_pipelines.operators.steps.decisions import BranchingStepOperator
from airflow_sm_pipelines.translation.middle import (
    RULES_BEHIND,
    MiddleTask,
    refuse_unsupported_task,
    tasks_in_the_middle,
)

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, TaskGroup

    from airflow_sm_pipelines.operators.steps.settings import PipelineSettings


def add_callback_tasks(group: TaskGroup, settings: PipelineSettings, queue_url: str) -> None:
    """Make a task beside each Airflow task in the middle of a group. Draws no edges.

    :param group: the pipeline group.
    :param settings: its settings.
    :param queue_url: the queue that the Callback steps send their messages to.
    :raises TranslationError: when an id is taken, or the step cannot have the task's name.
    """
    for task in tasks_in_the_middle(group, settings.launch_task_id):
        name = task.task_id.removeprefix(f"{settings.group_id}.").replace(".", "-")
        if problem := step_name_problem(name):
            raise TranslationError(
                f"Airflow task '{task.task_id}' gives its step its name: {problem}. Rename the task."
            )
        if (callback := callback_task_id(task)) in group.dag.task_dict:
            raise TranslationError(
                f"task '{callback}' has the id of the task that the group adds for Airflow task '{task.task_id}'. Give "
                "it another task_id."
            )
        AirflowTaskCallbackOperator(
            task_id=f"{task.label}_callback",
            task_group=task.task_group,
            dag=group.dag,
            step_name=name,
            answered_task_id=task.task_id,
            may_skip=task.inherits_from_skipmixin,
            sqs_queue_url=queue_url,
            trigger_rule=task.trigger_rule,
        )


def callback_task_id(task: BaseOperator) -> str:
    """Return the full id of the task beside an Airflow task.

    :param task: the Airflow task.
    """
    return f"{task.task_id}_callback"


def middle_of(group: TaskGroup) -> dict[str, MiddleTask]:
    """Return the Airflow tasks in the middle of a group that have a task beside them, by their full ids.

    :param group: the pipeline group.
    """
    found = {}
    for callback in group:
        if isinstance(callback, AirflowTaskCallbackOperator):
            task: Any = group.dag.get_task(callback.answered_task_id)
            found[callback.answered_task_id] = MiddleTask(task, callback.task_id, callback.step_name)
    return found


def connect_callback_tasks(group: TaskGroup, middle: Mapping[str, MiddleTask]) -> None:
    """Have the tasks beside Airflow tasks follow what these follow, and be followed where Airflow needs it.

    A step behind an Airflow task does not follow the task beside it: it waits for its own step anyway. A task beside
    that nothing follows makes the Dag run fail when the pipeline does, also where a rejected approval has skipped all
    the rest. It is followed where a step's trigger rule would run that although the Airflow task was skipped, and by
    the next Airflow task.

    :param group: the pipeline group, all other edges drawn.
    :param middle: its Airflow tasks in the middle.
    :raises TranslationError: for a task that cannot be in the middle, or after one.
    """
    inside = {task.task_id for task in group} - {each.callback_task_id for each in middle.values()}
    for task_id, each in middle.items():
        refuse_unsupported_task(each.task, inside)
        for follower_id in sorted(each.task.downstream_task_ids & inside):
            rule = TriggerRule(group.dag.get_task(follower_id).trigger_rule).value
            if rule not in RULES_BEHIND:
                raise TranslationError(
                    f"task '{follower_id}' has trigger_rule='{rule}' and follows Airflow task '{task_id}'. The "
                    "pipeline would get a failure where Airflow sees a skip, so the two would run different steps. Use "
                    f"one of {', '.join(RULES_BEHIND)}."
                )
    for task_id, each in middle.items():
        callback: Any = group.dag.get_task(each.callback_task_id)
        for upstream_id in sorted(each.task.upstream_task_ids & inside):
            if upstream_id not in middle:
                _follow(group, callback, upstream_id, instead_of=task_id)
        for follower_id in sorted(each.task.downstream_task_ids & inside):
            follower = group.dag.get_task(follower_id)
            if follower_id in middle:
                callback.set_downstream([follower, group.dag.get_task(middle[follower_id].callback_task_id)])
            elif TriggerRule(follower.trigger_rule) is not TriggerRule.ALL_SUCCESS:
                callback.set_downstream(follower)


def refuse_late_edges(group: TaskGroup, middle: Mapping[str, MiddleTask]) -> None:
    """Raise for a step that an Airflow task was made to follow after the ``with`` block: the task beside it would not.

    :param group: the pipeline group.
    :param middle: its Airflow tasks in the middle.
    :raises TranslationError: naming both tasks.
    """
    inside = {task.task_id for task in group}
    for task_id, each in middle.items():
        followed = group.dag.get_task(each.callback_task_id).upstream_task_ids
        for upstream_id in sorted(each.task.upstream_task_ids & inside):
            expected = middle[upstream_id].callback_task_id if upstream_id in middle else upstream_id
            if expected not in followed:
                raise TranslationError(
                    f"Airflow task '{task_id}' was made to follow '{upstream_id}' after the 'with' block ended. Draw "
                    "the edge inside the block."
                )


def refuse_outputs_before_the_start(values: Mapping[str, object], middle: Mapping[str, MiddleTask]) -> None:
    """Raise for a pipeline parameter that is given an XCom of an Airflow task in the middle.

    :param values: what is declared, by pipeline parameter.
    :param middle: the Airflow tasks in the middle.
    :raises TranslationError: naming the parameter and the task.
    """
    for name, value in values.items():
        for operator, _ in XComArg.iter_xcom_references(value):
            if operator.task_id in middle:
                raise TranslationError(
                    f"pipeline parameter '{name}' is given the XCom of '{operator.task_id}', which exists only after "
                    "the pipeline has started. Use it in the step's arguments instead: it becomes a reference there."
                )


def _follow(group: TaskGroup, callback: BaseOperator, upstream_id: str, *, instead_of: str) -> None:
    upstream = group.dag.get_task(upstream_id)
    if isinstance(upstream, BranchingStepOperator) and instead_of in (*upstream.if_task_ids, *upstream.else_task_ids):
        # Skipped together.
        if instead_of in upstream.if_task_ids:
            upstream.lead_to([callback], ())
        else:
            upstream.lead_to((), [callback])
        return
    callback.set_upstream(upstream)
