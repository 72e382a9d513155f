"""What the API reference says: every keyword of a public name, with its text, from the docstrings.

Operators hand keywords on to the classes they are made from, and those document them. A reader of the site gets all in
one place.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

PACKAGE = "airflow_sm_pipelines"
MADE_BY = {
    "sagemaker_processing": "SageMakerProcessingStepOperator",
    "sagemaker_training": "SageMakerTrainingStepOperator",
}
"""The operator whose keywords a decorator takes."""
_FIELD = re.compile(r":param (?P<name>\w+):(?P<text>.*?)(?=^:|\n\n(?!\s)|\Z)", re.DOTALL | re.MULTILINE)
_VARIADIC = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def documented(callable_: Callable[..., Any]) -> dict[str, str]:
    """Return what a docstring itself says of each parameter, on one line each."""
    text = inspect.cleandoc(callable_.__doc__ or "")
    if inspect.isclass(callable_):
        text += "\n" + inspect.cleandoc(vars(callable_).get("__init__", object).__doc__ or "")
    return {match["name"]: " ".join(match["text"].split()) for match in _FIELD.finditer(text)}


def makers(callable_: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Yield the callable, and if it is a class the classes of this package that it is made from, nearest first."""
    if inspect.isclass(callable_):
        yield from (each for each in callable_.__mro__ if each.__module__.startswith(PACKAGE))
        return
    yield callable_
    if operator := MADE_BY.get(callable_.__name__):
        yield from makers(getattr(importlib.import_module(PACKAGE), operator))


def _own_parameters(callable_: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    maker = vars(callable_).get("__init__") if inspect.isclass(callable_) else callable_
    if maker is None or not inspect.isfunction(maker):
        return
    yield from (each for each in inspect.signature(maker).parameters.values() if each.name != "self")


def parameters(callable_: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return every parameter of a public callable by name, those of the classes it is made from included.

    What Airflow's own base classes take is not listed.
    """
    found: dict[str, inspect.Parameter] = {}
    for maker in [callable_] if callable_.__name__ in MADE_BY else makers(callable_):
        own = list(_own_parameters(maker))
        found.update({each.name: each for each in own if each.name not in found and each.kind not in _VARIADIC})
        found.update(
            {each.name: each for each in own if each.kind is each.VAR_POSITIONAL and each.name in documented(maker)}
        )
        if own and not any(each.kind is each.VAR_KEYWORD for each in own):
            break
    return found


def keywords(callable_: Callable[..., Any]) -> dict[str, str | None]:
    """Return the text of each parameter of a public callable; ``None`` where no docstring says anything.

    What a docstring documents and no signature names (settings that a class collects in ``**kwargs``) is there as well.
    """
    texts: dict[str, str | None] = {}
    for maker in makers(callable_):
        for name, text in documented(maker).items():
            texts.setdefault(name, text)
    texts.pop("kwargs", None)
    taken = parameters(callable_)
    others = [] if callable_.__name__ in MADE_BY else [each for each in texts if each not in taken]
    return {name: texts.get(name) for name in [*taken, *others]}
