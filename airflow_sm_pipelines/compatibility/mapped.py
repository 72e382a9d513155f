"""Mapped operators with methods of their own.

Airflow makes a ``MappedOperator`` of every operator that is expanded (``OperatorPartial._expand``), and its arguments
differ from version to version. So Airflow makes it here as well, and then it gets another class.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator, XComArg
from airflow.sdk.definitions._internal.expandinput import DictOfListsExpandInput, ListOfDictsExpandInput
from airflow.sdk.definitions.mappedoperator import MappedOperator, OperatorPartial

__all__ = [
    "MappedOperator",
    "OperatorPartial",
    "expand_over",
    "is_mapped",
    "is_one_of_a_mapped_task",
    "mapped_by",
    "set_operator_name",
    "take_own_arguments",
]


def mapped_by(partial: OperatorPartial, mapped_class: type[Any]) -> Any:
    """Return what ``partial`` of an operator returned, such that ``expand`` makes mapped operators of another class.

    :param partial: as Airflow made it.
    :param mapped_class: a subclass of ``MappedOperator`` without slots and fields. Its method ``begin`` is called once,
        with ``expand`` and the dict of its keywords, or ``expand_kwargs`` and a list of dicts or an XComArg.
    """

    class Partial(OperatorPartial):
        def _expand(self, expand_input: Any, *, strict: bool) -> Any:
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
    """Take the arguments of ``partial`` that are no arguments of every operator, and return them.

    Airflow writes all into the serialised Dag, as text where they are no JSON. Only workers need them, which have the
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


def is_mapped(task: Any) -> bool:
    """Whether a task is a mapped one, of which Airflow makes a task instance for each item.

    :param task: any task of a Dag.
    """
    return isinstance(task, MappedOperator)


def is_one_of_a_mapped_task(operator: Any) -> bool:
    """Whether an operator was made out of a mapped one, for one of its items.

    :param operator: an operator.
    """
    return bool(getattr(operator, "_BaseOperator__from_mapped", False))
