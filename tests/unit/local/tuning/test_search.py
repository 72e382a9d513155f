"""Which combinations of hyperparameters are tried."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from airflow_sm_pipelines.local.jobs.job import JobFailedError
from airflow_sm_pipelines.local.tuning.plan import Plan
from airflow_sm_pipelines.local.tuning.search import Search, search_of
from tests.tuning_requests import choices, numbers, objective, request

MANY = {"MaxNumberOfTrainingJobs": 100}


def searched(ranges: dict[str, Any], strategy: str = "Random", seed: int | None = 7, **changes: Any) -> Search:
    limits = {} if strategy == "Grid" else MANY
    (definition,) = Plan.of_request(request(ranges, limits, Strategy=strategy, **changes)).definitions
    return search_of(definition, strategy, seed)


def tried(search: Search, count: int, score: Callable[[Mapping[str, str]], float | None]) -> list[dict[str, str]]:
    found = []
    for _ in range(count):
        trial = search.ask()
        assert trial is not None
        trial.tell(score(trial.values))
        found.append(dict(trial.values))
    return found


def closeness(values: Mapping[str, str]) -> float:
    return -abs(float(values["x"]) - 0.3)


def test_a_grid_is_all_combinations():
    """In order, each once, as the texts that they are."""
    search = searched(choices(a=['"x"', '"y"'], b=["1", "2"]), "Grid")
    trials = [search.ask() for _ in range(5)]
    assert [None if trial is None else trial.values for trial in trials] == [
        {"a": '"x"', "b": "1"},
        {"a": '"x"', "b": "2"},
        {"a": '"y"', "b": "1"},
        {"a": '"y"', "b": "2"},
        None,
    ]
    assert trials[0] is not None
    assert trials[0].report(1) is False


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_the_same_seed_chooses_the_same_values(strategy: str):
    """Also after values of the objective have come in; another seed chooses others, and a seed may be any number."""
    ranges = {**numbers(x=("0", "1")), **numbers("Integer", n=("1", "9")), **choices(c=["a", "b"])}
    runs = [tried(searched(ranges, strategy, seed), 15, closeness) for seed in (7, 7, 8, 2**32 + 7)]
    assert runs[0] == runs[1] == runs[3]
    assert runs[0] != runs[2]


def test_bayesian_search_learns():
    """What it tries after the first trials lies closer to the best value than random values do."""

    def distance(strategy: str) -> float:
        return sum(-closeness(each) for each in tried(searched(numbers(x=("0", "1")), strategy), 40, closeness)[20:])

    assert distance("Bayesian") < 0.7 * distance("Random")


def test_bayesian_search_goes_the_way_of_the_objective():
    """Minimize tries low values where a high value is bad."""

    def mean(kind: str) -> float:
        search = searched(numbers(x=("0", "1")), "Bayesian", HyperParameterTuningJobObjective=objective(kind))
        return sum(float(each["x"]) for each in tried(search, 40, lambda values: float(values["x"]))[20:]) / 20

    assert mean("Minimize") < 0.35
    assert mean("Maximize") > 0.65


def test_trials_without_a_value_do_not_count():
    """Training jobs that fail tell nothing, and the search goes on."""
    assert len(tried(searched(numbers(x=("0", "1")), "Bayesian"), 15, lambda _: None)) == 15


@pytest.mark.parametrize(
    ("kind", "scaling", "limits", "below"),
    [
        ("Continuous", "Linear", ("0", "1000"), (400, 600)),
        ("Continuous", "Logarithmic", ("0.001", "1000"), (0.1, 10)),
        ("Continuous", "ReverseLogarithmic", ("0", "0.9999"), (0.95, 0.999)),
        ("Integer", "Linear", ("1", "999"), (400, 600)),
        ("Integer", "Logarithmic", ("1", "10000"), (40, 250)),
    ],
)
def test_scales(kind: str, scaling: str, limits: tuple[str, str], below: tuple[float, float]):
    """All values are in the range, and half of them below the middle of the scale; whole numbers have no point."""
    found = [each["x"] for each in tried(searched(numbers(kind, scaling=scaling, x=limits)), 400, lambda _: 1)]
    values = sorted(map(float, found))
    assert float(limits[0]) <= values[0]
    assert values[-1] <= float(limits[1])
    assert below[0] < values[200] < below[1]
    assert all(("." in text or "e" in text) == (kind == "Continuous") for text in found)


def test_a_range_of_one_value():
    """Whatever its kind and scale."""
    ranges = {
        **numbers(scaling="Logarithmic", a=("0.5", "0.5")),
        **numbers("Integer", scaling="Logarithmic", b=("3", "3")),
        **choices(c=["x"]),
    }
    assert tried(searched(ranges), 1, lambda _: 1) == [{"b": "3", "a": "0.5", "c": "x"}]
    assert tried(searched(numbers(scaling="ReverseLogarithmic", a=("0.1", "0.1"))), 1, lambda _: 1) == [{"a": "0.1"}]


def stopped_after(search: Search, values: list[float]) -> int | None:
    """After how many values a trial is stopped; ``None`` for one that comes to its end."""
    trial = search.ask()
    assert trial is not None
    for count, value in enumerate(values, start=1):
        if trial.report(value):
            trial.tell(value)
            return count
    trial.tell(values[-1])
    return None


def hyperband(least: int, most: int) -> Search:
    resources = {"MinResource": least, "MaxResource": most}
    return searched(numbers(x=("0", "1")), "Hyperband", StrategyConfig={"HyperbandStrategyConfig": resources})


def test_hyperband_stops_what_is_worse():
    """Not before the least resources; good trials come to their end, and the same seed decides the same."""

    def run() -> list[int | None]:
        search = hyperband(2, 9)
        return [stopped_after(search, [float(quality)] * 9) for quality in (9, 8, 1, 2, 1, 2, 1, 10, 1, 2, 1, 2)]

    ends = run()
    assert ends == run()
    assert (ends[0], ends[7]) == (None, None)
    assert set(ends) == {None, 2, 6}


def test_hyperband_stops_what_goes_on_for_too_long():
    """A trial may report as many values as there are resources: one that does so can still store its model."""
    search = hyperband(1, 3)
    assert stopped_after(search, [1, 2, 3]) is None
    assert stopped_after(search, [5, 6, 7, 8]) == 4


def test_other_strategies_stop_nothing():
    """Whatever is reported."""
    assert stopped_after(searched(numbers(x=("0", "1")), "Bayesian"), [1, 0, -1]) is None


def test_optuna_is_missing(monkeypatch: pytest.MonkeyPatch):
    """An environment that was made before it was needed: what to do."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(JobFailedError) as failure:
        searched(numbers(x=("0", "1")))
    assert str(failure.value) == (
        "ClientError: the local endpoint cannot search with the strategy Random: 'optuna' is not installed. Install the extra "
        "'local': pip install 'airflow-sm-pipelines[local]'"
    )


def test_optuna_is_loaded_when_a_search_begins():
    """Neither the start of the endpoint nor ``sm-pipelines validate --local`` waits for it."""
    code = "import sys, airflow_sm_pipelines.local.tuning.job; print('optuna' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"
