"""The script that calls a function in a job: plain Python of version 3.8, the standard library only.

It is made of the function's source, of which arguments are given, and of where directories are, so that equal functions
give equal bytes on every machine. No package of this project, no SDK and no pickle has a part in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airflow_sm_pipelines.translation.functions.signature import PATH
from airflow_sm_pipelines.translation.functions.source import StepFunction


def script_of(
    function: StepFunction, paths: Mapping[str, str], *, is_training: bool, returned: str | None = None
) -> bytes:
    """Return the script that calls a function.

    :param function: the function.
    :param paths: where the directories of its path parameters are in the container, by name.
    :param is_training: whether its other parameters are hyperparameters, as script mode's toolkit gives them in
        ``SM_HPS``; otherwise they are command line arguments, each behind its name.
    :param returned: the path of the JSON file for what the function returns.
    """
    kinds = {each.name: each.kind for each in function.parameters if each.kind != PATH}
    optional = tuple(each.name for each in function.parameters if each.is_optional and each.name in kinds)
    parts = [
        "from __future__ import annotations",
        "from pathlib import Path",
        function.source,
        f"_PATHS = {_literal(paths)}\n_KINDS = {_literal(kinds)}\n_OPTIONAL = {optional!r}",
        _CONVERT.replace("NAME", function.name).strip("\n"),
        (_OF_TRAINING if is_training else _OF_PROCESSING).strip("\n"),
    ]
    main = _MAIN.replace("NAME", function.name).strip("\n")
    choices = {each.name: each.choices + (None,) * each.is_optional for each in function.parameters if each.choices}
    if choices:
        parts += [f"_CHOICES = {_literal(choices)}", _CHOOSE.replace("NAME", function.name).strip("\n")]
        main = main.replace("_converted(name, value)", "_chosen(name, _converted(name, value))")
    if returned is not None:
        parts.append(_PLAIN.strip("\n"))
        main += _RETURN.replace("PATH", repr(returned)).replace("NAME", function.name).rstrip("\n")
    return ("\n\n\n".join([*parts, main, _CALL.strip("\n")]) + "\n").encode()


_CONVERT: Final = """
def _converted(name, value):
    import json
    import sys

    kind = _KINDS[name]
    if kind == "any":
        return value
    if kind == "str":
        return str(value)
    if name in _OPTIONAL and value in (None, "None", "null"):
        return None
    try:
        if kind == "json":
            return json.loads(value) if isinstance(value, str) else value
        if kind == "bool":
            return {"true": True, "false": False}[str(value).lower()]
        if kind == "int" and isinstance(value, float) and not value.is_integer():
            raise ValueError
        return {"int": int, "float": float}[kind](value)
    except (KeyError, TypeError, ValueError):
        sys.exit("NAME() was given %r for '%s', which cannot be read as %s" % (value, name, kind))
"""

_CHOOSE: Final = """
def _chosen(name, value):
    import sys

    if name in _CHOICES and value not in _CHOICES[name]:
        choices = ", ".join(map(repr, _CHOICES[name]))
        sys.exit("NAME() was given %r for '%s', which is one of %s" % (value, name, choices))
    return value
"""

_OF_PROCESSING: Final = """
def _given():
    import json
    import sys

    flags, values = sys.argv[1::2], sys.argv[2::2]
    for name, text in zip((flag[2:] for flag in flags), values):
        if _KINDS[name] == "str":
            yield name, text
            continue
        try:
            yield name, json.loads(text)
        except ValueError:
            yield name, text
"""

_OF_TRAINING: Final = """
def _given():
    import json
    import os

    for name, value in json.loads(os.environ["SM_HPS"]).items():
        if name in _KINDS:
            yield name, value
"""

_PLAIN: Final = """
def _plain(value):  # numbers of NumPy and the like
    if hasattr(value, "item"):
        return value.item()
    raise TypeError("%r is a %s" % (value, type(value).__name__))
"""

_MAIN: Final = """
def _main():
    arguments = {name: Path(path) for name, path in _PATHS.items()}
    arguments.update((name, _converted(name, value)) for name, value in _given())
    for path in _PATHS.values():
        Path(path).mkdir(parents=True, exist_ok=True)
    returned = NAME(**arguments)
"""

_RETURN: Final = """
    import json
    import sys

    if not isinstance(returned, dict):
        sys.exit("NAME() returned %r, which is not a dict" % (returned,))
    try:
        text = json.dumps(returned, allow_nan=False, default=_plain)
    except (RecursionError, TypeError, ValueError) as error:
        sys.exit("what NAME() returned is not JSON: %s" % error)
    Path(PATH).parent.mkdir(parents=True, exist_ok=True)
    Path(PATH).write_text(text, encoding="utf-8")
"""

_CALL: Final = """
if __name__ == "__main__":
    _main()
"""


def _literal(values: Mapping[str, Any]) -> str:
    lines = "".join(f"    {name!r}: {value!r},\n" for name, value in values.items())
    return f"{{\n{lines}}}" if lines else "{}"
