"""What Airflow maps over, as a ForEach step runs over it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from airflow.sdk import XComArg

from airflow_sm_pipelines.translation.xcoms import ItemsXComArg

ITEM: Final = "item"
"""The keyword of step operators that goes nowhere by itself: ``CURRENT_ITEM`` says where."""

LABEL: Final = "{{ task.item_label }}"
"""How Airflow shows a mapped task instance, unless its author says otherwise (``map_index_template``)."""

_LABEL_LENGTH: Final = 250
"""Of ``rendered_map_index``, in Airflow's database."""


def late_items(given: Any) -> Any:
    """Return what is a list of items once the launch task runs, as a pipeline parameter has it.

    :param given: an XComArg. That of ``pipeline.items(...)`` stands for the pipeline parameter.
    """
    operators = [operator for operator, _ in given.iter_references()]
    reference = getattr(operators[0], "items_of", None) if len(operators) == 1 else None
    return ItemsXComArg(given) if reference is None else reference


def is_late(given: Any) -> bool:
    """Whether a list of items, or one of them, is known only in a Dag run.

    :param given: what ``expand`` or ``expand_kwargs`` is given for a keyword.
    """
    return isinstance(given, XComArg)


def combinations(lists: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return every combination of the values of keywords, in the order of Airflow's map indexes.

    :param lists: the values by keyword.
    """
    return [dict(zip(lists, row, strict=True)) for row in itertools.product(*lists.values())]


def item_label(keywords: Mapping[str, Any]) -> str:
    """Return how a mapped task instance is shown: its item.

    :param keywords: what is expanded, for the item.
    """
    if isinstance(keywords.get(ITEM), Mapping):
        keywords = keywords[ITEM]
    elif len(keywords) == 1:
        return _shown(next(iter(keywords.values())))[:_LABEL_LENGTH]
    return ", ".join(f"{key}={_shown(value)}" for key, value in keywords.items())[:_LABEL_LENGTH]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)
