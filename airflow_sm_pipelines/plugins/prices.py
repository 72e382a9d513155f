"""What instances cost, by a file of the deployment's own: prices change, and differ by region and contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

NO_PRICES: Final[dict[str, Any]] = {"currency": None, "per_hour": {}}

_FORM: Final = '{"currency": "USD", "per_hour": {"training": {"ml.m5.xlarge": 0.23}}}'


def read_prices(path: str | None) -> dict[str, Any]:
    """Return the prices of a JSON file: ``currency``, and ``per_hour`` by kind of job and instance type.

    :param path: the file; ``None`` or empty for no prices.
    :raises ValueError: the file cannot be read, or is not of that form; in one sentence.
    """
    if not path:
        return NO_PRICES
    try:
        prices = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"The file of prices {path} cannot be read: {error}") from None
    if not _is_of_the_form(prices):
        raise ValueError(f"The file of prices {path} is not of the form {_FORM}")
    return {"currency": prices["currency"], "per_hour": prices["per_hour"]}


def _is_of_the_form(prices: Any) -> bool:
    if not isinstance(prices, dict) or not isinstance(prices.get("currency"), str):
        return False
    kinds = prices.get("per_hour")
    return isinstance(kinds, dict) and all(
        isinstance(types, dict) and all(_is_price(price) for price in types.values()) for types in kinds.values()
    )


def _is_price(price: Any) -> bool:
    return isinstance(price, (int, float)) and not isinstance(price, bool) and 0 <= price < float("inf")
