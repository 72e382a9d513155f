"""Write the types of the members of steps, as airflow_sm_pipelines/translation/step_types.json has them.

From the repository's root: ``python -m tests.oracles.step_types``
"""

from __future__ import annotations

import json
from pathlib import Path

from botocore.model import ListShape, MapShape, StructureShape

from airflow_sm_pipelines.definition.step_types import EACH, STEP_TYPES
from airflow_sm_pipelines.requests.service_model import shape_of
from airflow_sm_pipelines.translation.argument_types import ANY

TARGET = Path(__file__).parents[2] / "airflow_sm_pipelines" / "translation" / "step_types.json"
TYPES = {
    "string": "String",
    "integer": "Integer",
    "long": "Integer",
    "float": "Float",
    "double": "Float",
    "boolean": "Boolean",
}


def types_in(shape, around=frozenset()):
    """Return the type of a member, or those in it by key; ``None`` for times, binary content and free JSON.

    What a structure has inside another one of its own kind is left out.
    """
    if isinstance(shape, StructureShape):
        if shape.name in around:
            return None
        members = {name: types_in(member, around | {shape.name}) for name, member in shape.members.items()}
        return {name: types for name, types in members.items() if types} or None
    if isinstance(shape, (ListShape, MapShape)):
        types = types_in(shape.member if isinstance(shape, ListShape) else shape.value, around)
        return {ANY: types} if types else None
    return TYPES.get(shape.type_name)


def step_types():
    """Return the types by step type and key."""
    found = {}
    for step_type, parts in ((row.name, row.requests) for row in STEP_TYPES.values() if row.requests):
        for part in parts:
            types = types_in(shape_of(part))
            for key in reversed(part.inside):
                types = {ANY if key == EACH else key: types} if types else None
            merge(found.setdefault(step_type, {}), types or {})
    return {step_type: types for step_type, types in found.items() if types}


def merge(into, more):
    """Put one tree into another."""
    for key, types in more.items():
        if isinstance(types, dict):
            merge(into.setdefault(key, {}), types)
        else:
            into[key] = types


if __name__ == "__main__":
    lines = (
        f"{json.dumps(step_type)}:{json.dumps(types, separators=(',', ':'))}"
        for step_type, types in step_types().items()
    )
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")
