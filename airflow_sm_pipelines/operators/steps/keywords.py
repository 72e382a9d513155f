"""Checks of keyword arguments: text is not a list, and neither is a dict. Python would take either."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_sm_pipelines.definition.expressions import ItemReference

if TYPE_CHECKING:
    from airflow_sm_pipelines.operators.steps.base import BaseSageMakerStepOperator

Checked = TypeVar("Checked")

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


def _late(operator: BaseSageMakerStepOperator, keyword: str, example: str, what: str) -> str:
    if operator.mapped_group is not None:
        return (
            f"{keyword}=... is an argument of the mapped task group, but SageMaker must know {what}. Write it out with "
            f"what differs inside, as in {keyword}={example}, where the items are dicts."
        )
    return (
        f"{keyword}=... is expanded over values known only in a Dag run, but SageMaker must know {what}. Write it out "
        f"in partial(...) with CURRENT_ITEM inside, as in {keyword}={example}, and use expand(item=...)."
    )


def require_list(operator: BaseSageMakerStepOperator, keyword: str, value: Any) -> list[Any]:
    """Return a list argument as a list.

    :param operator: named in the error.
    :param keyword: the argument's name.
    :param value: a list or tuple.
    :raises TranslationError: for anything else; text would be taken letter by letter.
    """
    if isinstance(value, ItemReference):
        raise operator.error(_late(operator, keyword, "[CURRENT_ITEM['field']]", "how many there are"))
    if not isinstance(value, (list, tuple)):
        fix = f"Write {keyword}=[{value!r}]." if isinstance(value, str) else f"Give {keyword}=[...]."
        raise operator.error(f"{keyword}={value!r} is not a list. {fix}")
    return list(value)


def require_dict(operator: BaseSageMakerStepOperator, keyword: str, value: Any) -> dict[str, Any]:
    """Return a dict argument as a dict; ``None`` is empty.

    :param operator: named in the error.
    :param keyword: the argument's name.
    :param value: a mapping by name.
    :raises TranslationError: for anything else.
    """
    if value is None:
        return {}
    if isinstance(value, ItemReference):
        raise operator.error(_late(operator, keyword, "{'key': CURRENT_ITEM['key']}", "its keys"))
    if not isinstance(value, Mapping):
        raise operator.error(f"{keyword}={value!r} is not a dict. Give {keyword}={{'name': ...}}.")
    return dict(value)


def as_command_line(arguments: Iterable[Any]) -> list[Any]:
    """Return command line arguments with numbers written as text, as hyperparameters have them.

    :param arguments: text, numbers, references, Jinja, XComArgs.
    """
    return [json.dumps(each) if type(each) in (int, float) else each for each in arguments]


def optional(
    require: Callable[[BaseSageMakerStepOperator, str, Any], Checked],
    operator: BaseSageMakerStepOperator,
    keyword: str,
    value: Any,
) -> Checked | None:
    """Return a checked argument, and ``None`` as it is.

    :param require: the check, such as :func:`require_list`; it has the other arguments.
    """
    return None if value is None else require(operator, keyword, value)


def require_path(operator: BaseSageMakerStepOperator, keyword: str, value: Any) -> str | None:
    """Return a path argument as text.

    :param operator: named in the error.
    :param keyword: the argument's name.
    :param value: text, a path object, or ``None``.
    :raises TranslationError: for anything else, such as a reference: code has to be known while the Dag is parsed.
    """
    if value is None or isinstance(value, (str, os.PathLike)):
        return None if value is None else os.fspath(value)
    raise operator.error(
        f"{keyword}={value!r} is not a path. Give the path of a file beside the Dag, or an 's3://' URI, as text: it "
        "has to be known while the Dag is parsed."
    )


def require_names(operator: BaseSageMakerStepOperator, keyword: str, names: Iterable[Any]) -> None:
    """Raise for a name that cannot be a directory's, since inputs and outputs are directories of the job.

    :param operator: named in the error.
    :param keyword: the argument's name.
    :param names: the names.
    :raises TranslationError: naming the first that is none.
    """
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise operator.error(
                f"{keyword} has the name {name!r}. Names are letters, digits, '.', '-' and '_', and begin with a "
                "letter, a digit or '_'."
            )


def refuse_without_effect(operator: BaseSageMakerStepOperator, keyword: str, value: Any, reason: str) -> None:
    """Raise for an argument that would change nothing, and that its author has therefore misunderstood.

    What ``default_args`` say is for all tasks that have a use for it, and passes.

    :param operator: named in the error.
    :param keyword: the argument's name.
    :param value: the argument; ``None`` when it was not given.
    :param reason: why it has no effect, and what to do.
    :raises TranslationError: saying so.
    """
    if value is None:
        return
    group = operator.task_group
    defaults = {**operator.dag.default_args, **({} if group is None else group.default_args)}
    if keyword not in defaults or defaults[keyword] != value:
        raise operator.error(f"{keyword}={value!r} has no effect: {reason}")


def require_given(operator: BaseSageMakerStepOperator, keyword: str, value: Any, *arguments: str) -> None:
    """Raise when neither a keyword nor the raw ``arguments`` say something the API cannot do without.

    :param operator: named in the error; its ``arguments`` are looked into.
    :param keyword: the keyword's name.
    :param value: the keyword's value.
    :param arguments: where the raw request would have it, key by key.
    :raises TranslationError: saying so.
    """
    found: Any = getattr(operator, "arguments", {})
    for key in arguments:
        found = found.get(key) if isinstance(found, Mapping) else None
    if value is None and found is None:
        raise operator.error(f"{keyword} is missing. Give {keyword}=..., or {'.'.join(arguments)} in arguments.")
