"""One pipeline, written twice: for this package and for the SageMaker SDK. `alike` holds one against the other."""

from __future__ import annotations

import json
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/benchmark"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/ml:1"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
BUCKET = "s3://data"
STEPS_IN_A_BLOCK = 10

_SAID_BY_ONE_SIDE = {"AppManaged": False, "CompressionType": "GZIP", "MlflowConfig": None}
"""What the SDK writes although the service takes it for granted, and what Airflow's side writes so."""


def blocks(steps: int) -> range:
    """Return the numbers of the blocks of ten steps that a pipeline has.

    :param steps: how many steps the pipeline has.
    """
    if steps < STEPS_IN_A_BLOCK or steps % STEPS_IN_A_BLOCK:
        raise ValueError(f"steps={steps}: the pipeline is made of blocks of {STEPS_IN_A_BLOCK} steps")
    return range(steps // STEPS_IN_A_BLOCK)


def alike(text: str) -> dict[str, Any]:
    """Return a document without what each side decides by itself; the rest has to be equal.

    Left out are three members whose value is the service's default. Each side says some of them.

    :param text: the document, as JSON.
    """
    document = _without(json.loads(text))
    if not isinstance(document, dict):
        raise TypeError(f"a pipeline definition is a JSON object, not {type(document).__name__}")
    return document


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without(inner)
            for key, inner in value.items()
            if not (key in _SAID_BY_ONE_SIDE and inner == _SAID_BY_ONE_SIDE[key])
        }
    return [_without(inner) for inner in value] if isinstance(value, list) else value
