from __future__ import annotations

import json
import re

import pytest

from airflow_sm_pipelines.plugins.prices import NO_PRICES, read_prices

PRICES = {"currency": "EUR", "per_hour": {"training": {"ml.m5.xlarge": 0.25, "ml.m5.large": 0}}}
FORM = '{"currency": "USD", "per_hour": {"training": {"ml.m5.xlarge": 0.23}}}'


@pytest.mark.parametrize("path", [None, ""])
def test_no_prices(path):
    """Without a file nothing is estimated: no prices are shipped."""
    assert read_prices(path) == NO_PRICES == {"currency": None, "per_hour": {}}


def test_the_prices_of_a_file(tmp_path):
    """They are read as they are; what else is in the file stays there."""
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({**PRICES, "comment": "list prices"}))
    assert read_prices(str(file)) == PRICES


@pytest.mark.parametrize(
    "prices",
    [
        [],
        {"per_hour": {}},
        {"currency": "USD"},
        {"currency": 1, "per_hour": {}},
        {"currency": "USD", "per_hour": {"training": 1}},
        {"currency": "USD", "per_hour": {"training": {"ml.m5.large": "1"}}},
        {"currency": "USD", "per_hour": {"training": {"ml.m5.large": True}}},
        {"currency": "USD", "per_hour": {"training": {"ml.m5.large": -1}}},
        {"currency": "USD", "per_hour": {"training": {"ml.m5.large": float("nan")}}},
    ],
)
def test_a_file_of_another_form(tmp_path, prices):
    """The message names the file, and says what it is to look like."""
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(prices))
    with pytest.raises(ValueError, match=f"^{re.escape(f'The file of prices {file} is not of the form {FORM}')}$"):
        read_prices(str(file))


@pytest.mark.parametrize("content", [None, "{", "[" * 500_000], ids=["none", "cut short", "too deep"])
def test_a_file_that_cannot_be_read(tmp_path, content):
    """The message names the file and the reason."""
    file = tmp_path / "prices.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ValueError, match=f"^{re.escape(f'The file of prices {file} cannot be read: ')}"):
        read_prices(str(file))
