"""The types that the members of a step have.

``step_types.json`` is taken from botocore's model by ``tests/oracles/step_types.py``, and held to it by a test. The
model itself takes 0.2 seconds to load, which every parse of a Dag file would pay; this table takes a millisecond.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

ANY: Final = "*"
"""In the table: any index of a list, any key of a map."""

Types = Mapping[str | int, Any] | str | None
"""What is known of a place: the types in it by key, its own type (as pipeline parameters have them), or nothing."""


def types_of(step_type: str) -> Types:
    """Return the types in a step: below ``Arguments``, and of its further keys.

    :param step_type: the step's type; of an unknown one nothing is known.
    """
    return _table().get(step_type)


def types_in(types: Types, key: str | int) -> Types:
    """Return what is known of a place in another.

    :param types: what is known of the outer place.
    :param key: the key or index that leads to the inner one.
    """
    return types.get(key, types.get(ANY)) if isinstance(types, (dict, Mapping)) else None


@functools.cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = json.loads(Path(__file__).with_name("step_types.json").read_text(encoding="utf-8"))
    return table
