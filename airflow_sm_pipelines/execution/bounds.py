"""XComs hold small values: what is left out of one that would be too large."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

LARGEST_XCOM: Final = 48 * 1024
"""Characters of an XCom as JSON. XComs are for small values: Airflow had this very limit for years, since MySQL's
columns took no more, and each is read whole wherever it is shown."""

Path = tuple[str, ...]


def bounded(parts: Mapping[Path, Any], at_most: int) -> tuple[dict[Path, Any], list[Path]]:
    """Return the parts that fit, and the paths of those left out: the biggest first, as many as it takes.

    Each part counts with its path, which is more than it takes, also when it is named as left out.

    :param parts: JSON by path.
    :param at_most: characters of all of them together.
    """
    sizes = {path: size([path, value]) for path, value in parts.items()}
    total, left_out = sum(sizes.values()), []
    for path in sorted(sizes, key=lambda path: (-sizes[path], path)):
        if total <= at_most:
            break
        left_out.append(path)
        total -= sizes[path] - size(path)
    return {path: value for path, value in parts.items() if path not in left_out}, left_out


def size(value: Any) -> int:
    """Return how many characters a value has as JSON.

    :param value: JSON.
    """
    return len(json.dumps(value))
