"""Which members of the steps' requests are no text: Jinja there becomes a pipeline parameter of that type.

``request_types.json`` is taken from botocore's model by ``tests/oracles/request_types.py``, and held to it by a test.
The model itself takes 0.2 seconds to load, which every parse of a Dag file would pay.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

ANY: Final = "*"
"""In the table: any index of a list, any key of a map."""

_CHECK: Final = dict.fromkeys(("SkipCheck", "FailOnViolation", "RegisterNewBaseline"), "Boolean")
_STEP_KEYS: Final[Mapping[str, Mapping[str, str]]] = {"QualityCheck": _CHECK, "ClarifyCheck": _CHECK}
"""Those of a step's further keys that are no text and take parameters (``sagemaker.workflow.quality_check_step``)."""


def type_at(step_type: str, keys: Iterable[str | int]) -> str:
    """Return the type of pipeline parameter that fits a place in a step: ``String`` where nothing else is known.

    :param step_type: the step's type; of an unknown one no place is known.
    :param keys: the keys and indexes that lead to the place, from the step's arguments on, or from its further keys.
    """
    node: Any = {**_requests().get(step_type, {}), **_STEP_KEYS.get(step_type, {})}
    for key in keys:
        node = node.get(key, node.get(ANY)) if isinstance(node, Mapping) else None
    return node if isinstance(node, str) else "String"


@functools.cache
def _requests() -> Mapping[str, Any]:
    text = importlib.resources.files(__package__).joinpath("request_types.json").read_text(encoding="utf-8")
    requests: Mapping[str, Any] = json.loads(text)
    return requests
