from __future__ import annotations

import time

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.nearest import FEW
from airflow_sm_pipelines.definition.validation import did_you_mean, validate

MANY = [f"train-model-{number}" for number in range(2000)]


@pytest.mark.parametrize(
    ("name", "candidates", "expected"),
    [
        ("trian", ["prepare", "train"], "train"),
        ("Trainin", ["prepare", "train", "Training"], "Training"),
        ("elsewhere", ["prepare", "train"], None),
        ("x", [], None),
        ("trian-model-1234", MANY, "train-model-1234"),
        ("train-mdoel-7", MANY, "train-model-7"),
        ("train-model-1999x", MANY, "train-model-1999"),
        ("evalute", [*MANY, "evaluate", "evaluation"], "evaluate"),
        ("elsewhere", MANY, None),
        ("", MANY, None),
    ],
)
def test_the_nearest_name_is_offered(name, candidates, expected):
    """The name most like the one written is offered among few and among thousands; nothing where none is like it."""
    assert did_you_mean(name, candidates) == (f". Did you mean '{expected}'?" if expected else "")


def test_among_many_names_the_offer_is_the_one_found_among_few():
    """A typo in any of many names is offered the same name as if each had been compared."""
    names = [
        f"{verb}-{noun}-{number}" for verb in ("load", "train", "check") for noun in ("a", "b") for number in range(40)
    ]
    assert len(names) > FEW
    for name in names:
        for typo in (name[1:], name[0] + name[2:], f"{name[1]}{name[0]}{name[2:]}", f"{name[:3]}x{name[3:]}"):
            nearby = [other for other in names if other.rpartition("-")[2] == name.rpartition("-")[2]]
            assert did_you_mean(typo, names) == did_you_mean(typo, nearby), typo


def test_thousands_of_broken_references_do_not_take_minutes():
    """A typo in each reference of 2000 steps is reported in seconds; comparing each with each takes two minutes."""
    steps = [
        {"Name": name, "Type": "Model", "Arguments": {"x": {"Get": f"Steps.{name.replace('train', 'trian')}.A"}}}
        for name in MANY
    ]
    definition = PipelineDefinition.from_document({"Version": "2020-12-01", "Steps": steps})
    started = time.process_time()
    found = [problem.message for problem in validate(definition) if problem.severity == "error"]
    assert time.process_time() - started < 15
    assert found == [
        (
            f"step '{name}' reads 'Steps.{name.replace('train', 'trian')}.A': there is no step "
            f"'{name.replace('train', 'trian')}'. Did you mean '{name}'?"
        )
        for name in MANY
    ]
