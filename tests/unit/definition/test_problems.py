from __future__ import annotations

import pytest

from airflow_sm_pipelines.definition.problems import MOST_COMPARED
from airflow_sm_pipelines.definition.validation import did_you_mean

MANY = [f"train-model-{number}" for number in range(2000)]


@pytest.mark.parametrize(
    ("name", "candidates", "expected"),
    [
        ("trian", ["prepare", "train"], "train"),
        ("Trainin", ["prepare", "train", "Training"], "Training"),
        ("elsewhere", ["prepare", "train"], None),
        ("x", [], None),
        ("Int", ["String", "Integer"], "Integer"),
        ("train-mdoel-7", MANY, "train-model-7"),
        ("evalute", [*MANY, "evaluate", "evaluation"], "evaluate"),
        ("elsewhere", MANY, None),
        ("", MANY, None),
    ],
)
def test_the_nearest_name_is_offered(name, candidates, expected):
    """The name most like the one written is offered among few and among many; nothing where none is like it."""
    assert did_you_mean(name, candidates) == (f". Did you mean '{expected}'?" if expected else "")


def test_so_many_names_are_compared_and_no_more():
    """The last of the names that are compared is offered; the next is not, however near it is."""
    others = [f"{number:03}-zzzzzzzz" for number in range(MOST_COMPARED - 1)]
    assert did_you_mean("evalute-all", [*others, "evaluate-all"]) == ". Did you mean 'evaluate-all'?"
    assert did_you_mean("evalute-all", [*others, "x" * 11, "evaluate-all"]) == ""
