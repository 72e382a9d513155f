"""The items of a ForEach step that are known only in an execution: JSON in a pipeline parameter."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.expressions import find_references, reference_of
from airflow_sm_pipelines.definition.problems import shown
from airflow_sm_pipelines.definition.steps import Step, walk_body

_SHOWN: Final = 120
"""Characters of an item in a message."""


def count_of_items(step: Step, values: Mapping[str, Any]) -> int:
    """Return how many items a ForEach step runs over; 0 where that is not known.

    :param step: the ForEach step.
    :param values: the values of pipeline parameters, by name.
    """
    return len(known_items(step, values) or ())


def known_items(step: Step, values: Mapping[str, Any]) -> list[Any] | None:
    """Return what a ForEach step runs over; ``None`` where that is not known.

    :param step: the ForEach step.
    :param values: the values of pipeline parameters, by name.
    """
    given = step.arguments["IterableItems"]
    items = given if isinstance(given, list) else _read(values.get(items_parameter(step) or ""))
    return items if isinstance(items, list) else None


def counts_of_items(definition: PipelineDefinition, values: Mapping[str, Any]) -> dict[str, int]:
    """Return how many items each ForEach step runs over, by the step's name; 0 where that is not known.

    :param definition: the document; valid.
    :param values: the values of pipeline parameters, by name; others have their defaults.
    """
    known = {**{each.name: each.default_value for each in definition.parameters}, **values}
    steps = (located.step for located in definition.walk())
    return {step.name: count_of_items(step, known) for step in steps if step.type == "ForEach"}


def item_problems(definition: PipelineDefinition, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the items that an execution would be given, one sentence for each ForEach step.

    A step of the body would fail for it, or, without any item, nothing would run although steps after it expect
    something.

    :param definition: the document; valid.
    :param values: the values of pipeline parameters, by name.
    """
    for located in definition.walk():
        name = items_parameter(located.step)
        if located.step.type != "ForEach" or name is None or name not in values:
            continue
        what = f"pipeline parameter '{name}', over which ForEach step '{located.step.name}' runs,"
        items = _read(values[name])
        if not isinstance(items, list):
            yield f"{what} is {shown(values[name])}, which is not a JSON list"
        elif not items:
            yield f"{what} is an empty list. Skip the launch task when there is nothing to run"
        else:
            bodies = [child.step.to_document() for child in walk_body(located)]
            fields = {
                found.reference.keys[1:] for found in find_references(bodies) if found.reference.root == "ForEach"
            }
            wrong = ((item, why) for item in items if (why := _problem(item, fields)) is not None)
            for item, why in itertools.islice(wrong, 1):
                yield f"{what} has the item {json.dumps(item)[:_SHOWN]}, {why}"


def _problem(item: Any, fields: set[tuple[str | int, ...]]) -> str | None:
    """Return why an item does not have what the body reads of it."""
    for keys in sorted(fields, key=str):
        found = _read(item) if keys and isinstance(item, str) else item
        for key in keys:
            if not isinstance(found, Mapping) or key not in found:
                return f"which has no field '{key}'"
            found = found[key]
        if isinstance(found, (list, dict)) or found is None:
            return "where the step reads one text, number or boolean"
    return None


def items_parameter(step: Step) -> str | None:
    """Return the pipeline parameter that is a ForEach step's list of items; ``None`` where it is none.

    :param step: any step.
    """
    given = step.arguments.get("IterableItems") if isinstance(step.arguments, Mapping) else None
    reference = reference_of(*next(iter(given.items()))) if isinstance(given, Mapping) and len(given) == 1 else None
    return reference.name if reference is not None and reference.root == "Parameters" else None


def _read(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return None
