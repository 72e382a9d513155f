"""Mapped operators with their own methods.

Airflow makes a ``MappedOperator`` of every operator that is expanded (``OperatorPartial._expand``), and its arguments
differ from version to version. So Airflow makes it here as well, and then it gets another class.

The function of a mapped ``@task_group`` is called once, with a ``MappedArgument`` in place of each argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.sdk import BaseOperator, XComArg
from airflow.sdk.definitions._internal.expandinput import (
    DictOfListsExpandInput,
    ListOfDictsExpandInput,
    MappedArgument,
)
from airflow.sdk.definitions.mappedoperator import MappedOperator, OperatorPartial
from airflow.sdk.definitions.taskgroup import MappedTaskGroup

if TYPE_CHECKING:
    from airflow.sdk import TaskGroup

__all__ = [
    "Expansion",
    "MappedArgument",
    "MappedOperator",
    "MappedTaskGroup",
    "OperatorPartial",
    "argument_name",
    "expand_over",
    "expanded_for",
    "expansion_of",
    "holds_text_of_an_argument",
    "is_one_of_a_mapped_task",
    "mapped_by",
    "mapped_group_around",
    "mapped_task_group",
    "set_operator_name",
    "take_own_arguments",
]


class Expansion(NamedTuple):
    """What a mapped task group is expanded over.

    :param method: ``expand`` or ``expand_kwargs``.
    :param value: what that was given: the keywords, or a list of dicts or an XComArg.
    """

    method: str
    value: Any


def expansion_of(group: MappedTaskGroup) -> Expansion:
    """Return what a mapped task group is expanded over.

    :param group: the group.
    """
    given: Any = group._expand_input  # noqa: SLF001 - there is no other way
    return Expansion("expand_kwargs" if isinstance(given, ListOfDictsExpandInput) else "expand", given.value)


def mapped_task_group(group_id: str, parent: TaskGroup, items: Any) -> MappedTaskGroup:
    """Return a new mapped task group, as Airflow makes one for a ``@task_group`` that is expanded.

    :param group_id: its id, without the parent's prefix.
    :param parent: the group it is in.
    :param items: what it is expanded over: a list that is JSON, or an XComArg.
    """
    return MappedTaskGroup(
        group_id=group_id, parent_group=parent, dag=parent.dag, expand_input=DictOfListsExpandInput({"item": items})
    )


def expanded_for(group: MappedTaskGroup, context: Any) -> dict[str, Any]:
    """Return the arguments of a mapped task group for one item; reads XComs where the items come from tasks.

    :param group: the group.
    :param context: that of a task instance in it.
    """
    return dict(group._expand_input.resolve(context)[0])  # noqa: SLF001


def mapped_group_around(group: TaskGroup | None) -> MappedTaskGroup | None:
    """Return the outermost mapped task group among a group and those around it; ``None`` when there is none.

    :param group: such as that of a task.
    """
    return None if group is None else next(reversed([*group.iter_mapped_task_groups()]), None)


def argument_name(value: MappedArgument) -> str:
    """Return the name of an argument of a mapped task group's function.

    :param value: what stands for the argument.
    """
    return str(value._key)  # noqa: SLF001


def holds_text_of_an_argument(text: str) -> bool:
    """Whether what stands for an argument of a mapped task group was written into a text, as in an f-string.

    :param text: any text.
    """
    return f"{MappedArgument.__name__}(_input=" in text


def mapped_by(partial: OperatorPartial, mapped_class: type[Any]) -> Any:
    """Return what ``partial`` of an operator returned, such that ``expand`` makes mapped operators of another class.

    :param partial: as Airflow made it.
    :param mapped_class: a subclass of ``MappedOperator`` without slots and fields. Its class method ``check_place`` is
        called first, with the task's full id and its task group. Its method ``begin`` is called once, with ``expand``
        and the dict of its keywords, or ``expand_kwargs`` and a list of dicts or an XComArg.
    """

    class Partial(OperatorPartial):
        def _expand(self, expand_input: Any, *, strict: bool) -> Any:
            self._expand_called = True
            mapped_class.check_place(self.kwargs["task_id"], self.kwargs.get("task_group"))
            given = expand_input.value
            late = _is_xcom(given) or (isinstance(given, dict) and any(map(_is_xcom, given.values())))
            # Airflow looks into all that is expanded for XComs, and cannot iterate over references.
            shown = expand_input if late else DictOfListsExpandInput({"item": [""]})
            operator: Any = super()._expand(shown, strict=strict)
            operator.__class__ = mapped_class
            # Airflow takes these from the operator's class, where they may be properties of its instances. A mapped
            # task that started in the triggerer would get the keywords of the class, whatever its item is.
            operator.start_trigger_args = None
            operator.start_from_trigger = False
            operator.begin("expand_kwargs" if isinstance(expand_input, ListOfDictsExpandInput) else "expand", given)
            return operator

    partial._expand_called = True  # noqa: SLF001 - or it warns that it was never expanded
    return Partial(operator_class=partial.operator_class, kwargs=partial.kwargs, params=partial.params)


def _is_xcom(value: Any) -> bool:
    return isinstance(value, XComArg)


def expand_over(operator: MappedOperator, keyword: str, values: list[str]) -> None:
    """Let Airflow make task instances for other values, which only show.

    :param operator: the mapped operator.
    :param keyword: what the list is called.
    :param values: one for each task instance.
    """
    operator.expand_input = DictOfListsExpandInput({keyword: values})


def take_own_arguments(operator: MappedOperator) -> dict[str, Any]:
    """Take the arguments of ``partial`` that not every operator has, and return them.

    Airflow writes all into the serialised Dag, as text if they are not JSON. Only workers need them, which have the
    operator itself.

    :param operator: the mapped operator.
    """
    of_all = vars(BaseOperator.__init__)["_BaseOperatorMeta__param_names"]
    own = {name: value for name, value in operator.partial_kwargs.items() if name not in of_all}
    for name in own:
        del operator.partial_kwargs[name]
    return own


def set_operator_name(operator: MappedOperator, name: str) -> None:
    """Set what Airflow's graph calls a mapped operator.

    :param operator: the mapped operator.
    :param name: the name.
    """
    operator._operator_name = name  # noqa: SLF001 - there is no other way


def is_one_of_a_mapped_task(operator: Any) -> bool:
    """Whether an operator was made out of a mapped one, for one of its items.

    :param operator: an operator.
    """
    return bool(getattr(operator, "_BaseOperator__from_mapped", False))
