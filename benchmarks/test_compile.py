"""From a task group to the document, beside the SageMaker SDK: the same pipeline, the same document, one run."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.pipelines import alike, ours
from benchmarks.report import Report

SIZES = (10, 200, 2000)
OURS, SDK = "this package", "SageMaker SDK 3"


@pytest.fixture(scope="module")
def seconds() -> dict[tuple[str, int], float]:
    """The median of every side and size."""
    return {}


@pytest.fixture(autouse=True)
def silent_sdk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make the SDK neither log nor call home, which is in its favour."""
    telemetry = pytest.importorskip("sagemaker.core.telemetry.telemetry_logging", reason="the SDK is not installed")
    monkeypatch.setattr(telemetry, "_send_telemetry_request", lambda *_arguments, **_keywords: None)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def quick_sdk_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the SDK's ProcessingStep share the client for local mode that it makes for itself each time.

    It takes a third of a second, and has nothing to do with what is measured.
    """
    from sagemaker.mlops.workflow import steps

    monkeypatch.setattr(steps, "LocalSagemakerClient", functools.cache(steps.LocalSagemakerClient))


def compiler_of(side: str, steps: int) -> Callable[[], str]:
    """Make the pipeline's objects, and return what makes the document of them."""
    if side == OURS:
        group = ours.task_group(steps)
        return lambda: group.compile().text
    from benchmarks.pipelines import sdk

    definition: Callable[[], str] = sdk.pipeline(steps).definition
    return definition


@pytest.mark.parametrize("steps", SIZES)
@pytest.mark.usefixtures("quick_sdk_objects")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_both_sides_make_the_same_document(steps: int) -> None:
    """What is compared is the same work: equal documents, but for what each side decides by itself."""
    documents = [alike(compiler_of(side, steps)()) for side in (OURS, SDK)]
    assert documents[0] == documents[1]


@pytest.mark.parametrize("side", [OURS, SDK])
@pytest.mark.parametrize("steps", SIZES)
@pytest.mark.usefixtures("quick_sdk_objects")
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.benchmark(timer=time.process_time, warmup=True)
def test_compile(
    benchmark: BenchmarkFixture, seconds: dict[tuple[str, int], float], report: Report, side: str, steps: int
) -> None:
    """`group.compile()` and `Pipeline.definition()`; the objects are there already. Ours validates, too."""
    benchmark.group = f"the document of {steps} steps"
    if benchmark.disabled and steps > 200:
        pytest.skip("--quick")
    benchmark(compiler_of(side, steps))
    _keep(benchmark, seconds, (side, steps))
    rows = [
        (size, 1.0, seconds[SDK, size] / seconds[OURS, size], *(_growth(seconds, each, size) for each in (OURS, SDK)))
        for size in SIZES
        if {(OURS, size), (SDK, size)} <= seconds.keys()
    ]
    report.put(
        "CPU time of making the document, as ratio to this package's; and per step, as ratio to 10 steps'",
        ("steps", OURS, SDK, f"{OURS}: growth per step", f"{SDK}: growth per step"),
        rows,
    )


@pytest.mark.parametrize("side", [OURS, SDK])
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.benchmark(group="objects and document of 10 steps", timer=time.process_time, warmup=True)
def test_from_nothing(
    benchmark: BenchmarkFixture, seconds: dict[tuple[str, int], float], report: Report, side: str
) -> None:
    """What parsing a file of 10 steps takes besides its imports: making all objects, and the document."""

    def make() -> str:
        return compiler_of(side, SIZES[0])()

    benchmark(make)
    _keep(benchmark, seconds, (side, 0))
    if {(OURS, 0), (SDK, 0)} <= seconds.keys():
        report.put(
            "CPU time of making the objects and the document of 10 steps, as ratio",
            (OURS, SDK),
            [(1.0, seconds[SDK, 0] / seconds[OURS, 0])],
        )


def _keep(benchmark: BenchmarkFixture, seconds: dict[tuple[str, int], float], key: tuple[str, int]) -> None:
    if benchmark.stats is not None:  # None with --benchmark-disable.
        stats: Any = benchmark.stats
        seconds[key] = stats.stats.median


def _growth(seconds: dict[tuple[str, int], float], side: str, steps: int) -> float | None:
    first = seconds.get((side, SIZES[0]))
    return None if first is None else (seconds[side, steps] / steps) / (first / SIZES[0])
