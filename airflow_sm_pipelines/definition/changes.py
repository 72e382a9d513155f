"""What differs between two pipeline definitions, or two values in them, as lines that people read.

Things that have names are matched by them: steps, wherever they stand, pipeline parameters, inputs, outputs, channels,
tags. Objects are compared key by key, so the smallest value that differs is shown. What an ``Environment`` holds
is not told, since secrets are given there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.parameters import MISSING, PipelineParameter
from airflow_sm_pipelines.definition.step_types import step_type
from airflow_sm_pipelines.definition.steps import LocatedStep, walk_body

MOST_LINES: Final = 20
"""So many changes are listed; of the others, how many there are."""

LONGEST_VALUE: Final = 80
"""Characters of a value that are shown."""

_NAMING_KEYS: Final = (
    *("InputName", "OutputName", "ChannelName", "PropertyFileName", "RuleConfigurationName", "VariantName", "Key"),
    *("StepName", "Name"),
)
"""What names the entries of a list in the requests of SageMaker and in steps."""

_EXPRESSIONS: Final = ("Get", "Std:Join", "Std:JsonGet")
_ENVIRONMENT: Final = "Environment"
_CODE: Final = re.compile(r"(?P<before>\"?s3://.*/)[0-9a-f]{64}(?P<after>/.*|\"?)", re.DOTALL)
"""A URI, also one encoded as JSON in a hyperparameter, of what lies in S3 under the hash of its content."""

_PATH_KEY: Final = re.compile(r"[\w:-]+")


@dataclass(frozen=True)
class Change:
    """One thing that differs.

    :param subject: what it is of, such as ``step 'train'``.
    :param what: what happened to it, such as ``HyperParameters.trees 100 → 200``, or ``added``.
    """

    subject: str
    what: str

    def __str__(self) -> str:
        return f"{self.subject} {self.what}"


def changes(before: PipelineDefinition, after: PipelineDefinition) -> tuple[Change, ...]:
    """Return what differs between two definitions; nothing exactly where their documents have equal values.

    :param before: the one.
    :param after: the other.
    """
    first, second = before.to_document(), after.to_document()
    if first == second:
        return ()
    found = [
        *_parameter_changes(before.parameters, after.parameters),
        *_step_changes(before, after),
        *(
            Change("pipeline", line)
            for line in value_changes(_without_named_parts(first), _without_named_parts(second))
        ),
    ]
    # What is left is how the same parts are written, such as null for a key that is not there.
    return tuple(dict.fromkeys(found)) or (Change("pipeline", "is written differently"),)


def told(found: Sequence[Change], most: int = MOST_LINES) -> list[str]:
    """Return changes as lines, of which the last says how many are left out.

    :param found: the changes.
    :param most: how many are listed.
    """
    lines = [str(each) for each in found[:most]]
    return [*lines, f"and {len(found) - most} more"] if len(found) > most else lines


def value_changes(before: Any, after: Any, path: str = "", *, values: bool = True) -> list[str]:
    """Return what differs between two values as JSON holds them, each with its place.

    :param before: the one; :data:`~.parameters.MISSING` where there is none.
    :param after: the other.
    :param path: where they stand.
    :param values: whether the values are shown, besides their places.
    """
    hidden = not values or path.rpartition(".")[2] == _ENVIRONMENT
    return list(_differences(before, after, path, hidden=hidden))


def shown_change(before: Any, after: Any) -> str:
    """Return two values as ``1 → 2``, cut where they are long: there to what differs.

    :param before: the one.
    :param after: the other.
    """
    one, other = _text(before), _text(after)
    if one == other:
        one, other = json.dumps(before), json.dumps(after)
    start = 0
    if max(len(one), len(other)) > LONGEST_VALUE:
        alike = next(
            (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
        )
        start = max(0, alike - LONGEST_VALUE // 4)
    return f"{_cut(one, start)} → {_cut(other, start)}"


def _without_named_parts(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in ("Parameters", "Steps")}


def _parameter_changes(before: Sequence[PipelineParameter], after: Sequence[PipelineParameter]) -> Iterator[Change]:
    old, new = ({each.name: each for each in parameters} for parameters in (before, after))
    for name, parameter in new.items():
        subject = f"parameter '{name}'"
        if name not in old:
            default = parameter.default_value
            yield Change(subject, "added" if default is MISSING else f"added, default {_cut(_text(default))}")
            continue
        words = {"DefaultValue": "default", "Type": "type", "EnumValues": "allowed values"}
        first, second = old[name].to_document(), parameter.to_document()
        for key in dict.fromkeys([*first, *second]):
            lines = _differences(first.get(key, MISSING), second.get(key, MISSING), words.get(key, key), hidden=False)
            yield from (Change(subject, line) for line in lines)
    yield from (Change(f"parameter '{name}'", "removed") for name in old if name not in new)
    if _in_another_order(list(old), list(new)):
        yield Change("parameters", "in another order")


@dataclass(frozen=True)
class _PlacedStep:
    """A step without the steps inside it.

    :param place: what holds it, as messages name it.
    :param document: its document, with nothing in the lists that hold steps.
    """

    place: str
    document: Mapping[str, Any]

    @property
    def type(self) -> str:
        return str(self.document["Type"])


def _placed_steps(definition: PipelineDefinition) -> dict[tuple[str, int], _PlacedStep]:
    """Return all steps by their names; of a document that has a name twice, the second has another number."""
    placed: dict[tuple[str, int], _PlacedStep] = {}
    left = list(definition.walk())[::-1]
    places: dict[str, str] = {}
    while left:
        located = left.pop()
        document = dict(located.step.to_document())
        for key in step_type(located.step.type).steps_inside:
            if document["Arguments"].get(key):
                document["Arguments"] = {**document["Arguments"], key: []}
        inner = list(walk_body(located))
        places.update({each.path: f"the body of '{located.step.name}'" for each in inner})
        left.extend(inner[::-1])
        number = 0
        while (located.step.name, number) in placed:
            number += 1
        placed[located.step.name, number] = _PlacedStep(places.get(located.path) or _branch(located), document)
    return placed


def _branch(located: LocatedStep) -> str:
    owner = located.owner
    if owner is None:
        return "the top level"
    return f"the {'IfSteps' if owner.outcome else 'ElseSteps'} of '{owner.condition}'"


def _step_changes(before: PipelineDefinition, after: PipelineDefinition) -> Iterator[Change]:
    old, new = _placed_steps(before), _placed_steps(after)
    for key, step in new.items():
        subject = f"step '{key[0]}'"
        if key not in old:
            where = "" if step.place == "the top level" else f" in {step.place}"
            yield Change(subject, f"({step.type}) added{where}")
            continue
        earlier = old[key]
        if earlier.place != step.place:
            yield Change(subject, f"moved from {earlier.place} to {step.place}")
        yield from (Change(subject, line) for line in _inside_a_step(earlier.document, step.document))
    yield from (Change(f"step '{key[0]}'", f"({step.type}) removed") for key, step in old.items() if key not in new)
    for place in dict.fromkeys(step.place for step in new.values()):
        orders = [[key for key, step in steps.items() if step.place == place] for steps in (old, new)]
        if _in_another_order(*orders):
            yield Change(f"steps of {place}", "in another order")


def _inside_a_step(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys([*before, *after]):
        first, second = before.get(key, MISSING), after.get(key, MISSING)
        if key == "DependsOn" and all(value is MISSING or isinstance(value, list) for value in (first, second)):
            yield from _dependency_changes(first, second)
        elif key == "Arguments" and isinstance(first, Mapping) and isinstance(second, Mapping):
            yield from _differences(first, second, "", hidden=False)
        else:
            yield from _differences(first, second, key, hidden=key == _ENVIRONMENT)


def _dependency_changes(before: Any, after: Any) -> Iterator[str]:
    if before == after:
        return
    old, new = (dict(map(_dependency, () if value is MISSING else value)) for value in (before, after))
    named = [f"dependency on '{name}' added{_unusual(trigger)}" for name, trigger in new.items() if name not in old]
    named += [f"dependency on '{name}' removed" for name in old if name not in new]
    named += [
        f"dependency on '{name}' {old[name]} → {trigger}"
        for name, trigger in new.items()
        if name in old and old[name] != trigger
    ]
    yield from named or ["DependsOn in another order" if list(old) != list(new) else "DependsOn written differently"]


def _dependency(entry: Any) -> tuple[str, str]:
    return (entry, "Completed") if isinstance(entry, str) else (entry["Step"], str(entry.get("Trigger", "Completed")))


def _unusual(trigger: str) -> str:
    return "" if trigger == "Completed" else f" ({trigger})"


def _differences(before: Any, after: Any, path: str, *, hidden: bool) -> Iterator[str]:
    if before == after:
        return
    if _is_object(before) and _is_object(after):
        for key in dict.fromkeys([*before, *after]):
            yield from _differences(
                before.get(key, MISSING),
                after.get(key, MISSING),
                _below(path, key),
                hidden=hidden or key == _ENVIRONMENT,
            )
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_differences(before, after, path, hidden=hidden)
    elif before is MISSING or after is MISSING:
        value, what = (after, "added") if before is MISSING else (before, "removed")
        brief = not hidden and before is MISSING and not _is_object(value) and not isinstance(value, list)
        yield f"{path} {what}: {_cut(_text(value))}" if brief else f"{path} {what}"
    elif _is_other_code(before, after):
        yield f"{path} code changed"
    else:
        yield f"{path} changed" if hidden else f"{path} {shown_change(before, after)}"


def _list_differences(before: list[Any], after: list[Any], path: str, *, hidden: bool) -> Iterator[str]:
    key = _naming_key(before, after)
    if key is not None:
        old, new = ({each[key]: each for each in values} for values in (before, after))
        for name in dict.fromkeys([*old, *new]):
            yield from _differences(old.get(name, MISSING), new.get(name, MISSING), _below(path, name), hidden=hidden)
        if _in_another_order(list(old), list(new)):
            yield f"{path} in another order"
    elif len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(one, other, f"{path}[{index}]", hidden=hidden)
    else:
        yield f"{path} changed" if hidden else f"{path} {shown_change(before, after)}"


def _naming_key(before: list[Any], after: list[Any]) -> str | None:
    """The key by which the entries of both lists have names, each list every name once."""
    for key in _NAMING_KEYS:
        names = [[each.get(key) if _is_object(each) else None for each in values] for values in (before, after)]
        if all(all(isinstance(name, str) for name in each) and len(set(each)) == len(each) for each in names):
            return key
    return None


def _in_another_order(before: Sequence[Any], after: Sequence[Any]) -> bool:
    both = set(before) & set(after)
    return [each for each in before if each in both] != [each for each in after if each in both]


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping) and not (len(value) == 1 and next(iter(value)) in _EXPRESSIONS)


def _is_other_code(before: Any, after: Any) -> bool:
    if not isinstance(before, str) or not isinstance(after, str):
        return False
    one, other = _CODE.fullmatch(before), _CODE.fullmatch(after)
    return one is not None and other is not None and one.groups() == other.groups()


def _below(path: str, key: str) -> str:
    if not _PATH_KEY.fullmatch(key):
        return f"{path}[{key!r}]"
    return f"{path}.{key}" if path else key


def _text(value: Any) -> str:
    """A value as a line shows it: text that could be nothing else without quotes, references by what they read."""
    if isinstance(value, str):
        return value if value and value.isprintable() and " " not in value else json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping) and len(value) == 1 and isinstance(value.get("Get"), str):
        return str(value["Get"])
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _cut(text: str, start: int = 0) -> str:
    end = start + LONGEST_VALUE
    return f"{'...' if start else ''}{text[start:end]}{'...' if len(text) > end else ''}"
