"""What the signature of a function says: what the job reads, writes, receives, and whether it returns something."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from airflow_sm_pipelines.definition.problems import did_you_mean
from airflow_sm_pipelines.exceptions import TranslationError

PATH: Final = "path"
"""The kind of a parameter that is a directory of the job."""

JSON: Final = "json"
"""The kind of a parameter that is a list or a dict."""

ANY: Final = "any"
"""The kind of a parameter that is any JSON value."""

_KINDS: Final[Mapping[Any, str]] = {Path: PATH, str: "str", int: "int", float: "float", bool: "bool", Any: ANY}
_LISTS: Final = (list, Sequence)
_DICTS: Final = (dict, Mapping)
_FOR_TYPE_CHECKERS: Final = "Import what it names at the top of the file, outside 'if TYPE_CHECKING'."


@dataclass(frozen=True)
class FunctionParameter:
    """A parameter of a function.

    :param name: its name.
    :param kind: ``path``, ``str``, ``int``, ``float``, ``bool``, ``json`` or ``any``.
    :param is_required: whether a call has to give it a value.
    :param is_optional: whether it may be ``None``.
    :param choices: the only values, where a ``Literal`` says them.
    """

    name: str
    kind: str
    is_required: bool
    is_optional: bool = False
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True)
class FunctionSignature:
    """The signature of a function.

    :param parameters: in order.
    :param returns: whether it returns a dict, which becomes JSON.
    :param keys: the keys of the dict, where a ``TypedDict`` says them.
    """

    parameters: tuple[FunctionParameter, ...]
    returns: bool
    keys: tuple[str, ...] | None = None


def read_signature(function: Callable[..., Any]) -> FunctionSignature:
    """Read the signature of a function.

    :param function: defined by ``def``.
    :raises TranslationError: rule and fix, for parameters that a job cannot be given, and for what it cannot return.
    """
    try:
        hints = typing.get_type_hints(function)
    except (NameError, TypeError, AttributeError, SyntaxError) as error:
        raise TranslationError(f"its annotations cannot be read: {error}. {_FOR_TYPE_CHECKERS}") from None
    returned = hints.get("return", types.NoneType)
    if returned is not types.NoneType and not _is_dict(returned):
        raise TranslationError(
            f"it is annotated to return {_shown(returned)}. A processing function returns a dict of JSON values "
            "or None, a training function None. Write files into the directories of Path parameters."
        )
    keys = tuple(sorted(returned.__required_keys__ | returned.__optional_keys__)) if _is_typed_dict(returned) else None
    return FunctionSignature(tuple(_parameters(function, hints)), returned is not types.NoneType, keys)


def arguments_of_call(
    name: str, signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a call by name, without those that are left out.

    :param name: the function's.
    :param signature: of the function.
    :param args: positional arguments.
    :param kwargs: arguments by name.
    :raises TranslationError: too many, unknown ones, or one given twice.
    """
    names = list(signature.parameters)
    for given in kwargs:
        if given not in names:
            raise TranslationError(
                f"{name}() has no parameter '{given}'{did_you_mean(given, names) or '.'} It has "
                f"{', '.join(map(repr, names)) or 'none'}."
            )
    try:
        return dict(signature.bind_partial(*args, **kwargs).arguments)
    except TypeError as error:
        raise TranslationError(f"{name}() cannot be called with these arguments: {error}.") from None


def _parameters(function: Callable[..., Any], hints: Mapping[str, Any]) -> Iterator[FunctionParameter]:
    for parameter in inspect.signature(function).parameters.values():
        name = parameter.name
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise TranslationError(f"its parameter '{parameter}' cannot be given by name. Write out each parameter.")
        if name not in hints:
            raise TranslationError(
                f"its parameter '{name}' has no annotation. Write {name}: Path for a directory, or str, int, float, "
                "bool, a list or a dict."
            )
        hint, is_optional = _without_none(hints[name])
        kind = _kind_of(hint)
        if kind is None:
            raise TranslationError(
                f"its parameter '{name}' has a type that cannot be passed to a job: {_shown(hints[name])}. Use Path, "
                "str, int, float, bool, a list or a dict of JSON values."
            )
        is_required = parameter.default is parameter.empty
        if kind == PATH and not is_required and parameter.default is not None:
            raise TranslationError(
                f"its parameter '{name}' is a directory of the job and has a default. Leave the default out, or let it "
                "be None."
            )
        choices = typing.get_args(hint) if typing.get_origin(hint) is Literal else ()
        yield FunctionParameter(name, kind, is_required, is_optional or parameter.default is None, choices)


def _without_none(hint: Any) -> tuple[Any, bool]:
    """Return what an optional annotation may be besides ``None``, and whether it is one."""
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return hint, False
    others = [each for each in typing.get_args(hint) if each is not types.NoneType]
    return (others[0], True) if len(others) == 1 else (hint, False)


def _kind_of(hint: Any) -> str | None:
    """Return the kind of an annotation; ``None`` for what cannot be given to a job."""
    origin = typing.get_origin(hint)
    if origin is Literal:
        kinds = {_KINDS.get(type(each)) for each in typing.get_args(hint)}
        return kinds.pop() if len(kinds) == 1 else None
    if _is_dict(hint) or (_is_one_of(hint, _LISTS) and all(map(_is_json, typing.get_args(hint)))):
        return JSON
    try:
        return _KINDS.get(hint)
    except TypeError:  # what cannot be hashed is not one of these types
        return None


def _is_dict(hint: Any) -> bool:
    if _is_typed_dict(hint):
        return True
    inner = typing.get_args(hint)
    return _is_one_of(hint, _DICTS) and (not inner or (inner[0] in (str, Any) and _is_json(inner[1])))


def _is_one_of(hint: Any, containers: tuple[type, ...]) -> bool:
    return any(hint is each or typing.get_origin(hint) is each for each in containers)


def _is_typed_dict(hint: Any) -> bool:
    """Whether an annotation is a ``TypedDict``, also one of ``typing_extensions``."""
    return isinstance(hint, type) and hasattr(hint, "__required_keys__")


def _is_json(hint: Any) -> bool:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return all(map(_is_json, typing.get_args(hint)))
    return hint in (object, types.NoneType) or _kind_of(hint) not in (None, PATH)


def _shown(hint: Any) -> str:
    return inspect.formatannotation(hint)
