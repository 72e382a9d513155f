"""Waiting in a triggerer: what it takes, beside amazon's trigger that waits for an execution as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.triggers.side_by_side import measure
from benchmarks.triggers.waiting import AMAZON, IDLE, OURS, Plan, Waited

SIZES = (1, 100, 1000)
WAITER_DELAY = 10
NO_LISTS = "ours without lists of jobs"
NAMES = {
    OURS: "ours, ten step tasks each",
    NO_LISTS: "ours, when jobs may not be listed",
    AMAZON: "amazon's, one task each",
    IDLE: "ten tasks each that do nothing",
}
CASES = [
    *((executions, side) for executions in SIZES for side in (OURS, AMAZON)),
    *((SIZES[-1], side) for side in (NO_LISTS, IDLE)),
]


@pytest.fixture(scope="module")
def waited() -> dict[tuple[int, str], Waited]:
    """What every side took, by number of executions."""
    return {}


@pytest.mark.parametrize(("executions", "side"), CASES)
def test_waiting(
    request: pytest.FixtureRequest, waited: dict[tuple[int, str], Waited], tmp_path: Path, executions: int, side: str
) -> None:
    """Triggers run as in the triggerer until the time is over, against an endpoint that counts their calls."""
    quick, report = request.getfixturevalue("quick"), request.getfixturevalue("report")
    if side == AMAZON:
        pytest.importorskip("aiobotocore", reason="amazon's trigger needs it")
    if quick and executions > 1:
        pytest.skip("--quick")
    each = waited[executions, side] = measure(
        OURS if side == NO_LISTS else side,
        executions,
        directory=tmp_path,
        waiter_delay=WAITER_DELAY,
        start_seconds=5 if quick else Plan.start_seconds,
        steady_seconds=2 if quick else Plan.steady_seconds,
        refused=("ListProcessingJobs", "ListTrainingJobs") if side == NO_LISTS else (),
    )
    tasks = executions * (1 if side == AMAZON else 10)
    assert each.triggers <= tasks
    if side != AMAZON:
        assert each.triggers == tasks
    report.put(
        f"Waiting for executions, looking every {WAITER_DELAY} s; per minute, from {Plan.start_seconds:.0f} s "
        "after the creation of the last trigger on",
        (
            "executions",
            "",
            "calls per execution and interval",
            "calls",
            "CPU s",
            "memory MB",
            "longest stall s",
            "of it own",
            "stalls over 0.1 s",
            "start: CPU s",
            "start: longest own stall s",
        ),
        [_row(*key, value) for key, value in waited.items()],
    )
    report.put(
        "Ratio of amazon's one task to our ten",
        ("executions", "calls", "CPU time", "memory", "longest own stall", "start: CPU time"),
        [
            _ratios(size, waited[size, AMAZON], waited[size, OURS])
            for size in SIZES
            if {(size, AMAZON), (size, OURS)} <= waited.keys()
        ],
    )


def _row(executions: int, side: str, waited: Waited) -> list[object]:
    start, steady = waited.start, waited.steady
    minute = 60 / steady.seconds
    calls = sum(steady.calls.values())
    operations = ", ".join(f"{operation} {count * minute:.0f}" for operation, count in steady.calls.items() if count)
    return [
        executions,
        NAMES[side],
        calls / executions / (steady.seconds / WAITER_DELAY),
        operations,
        steady.cpu_seconds * minute,
        waited.memory / 1e6,
        steady.longest_stall,
        steady.longest_own_stall,
        steady.stalls,
        start.cpu_seconds,
        start.longest_own_stall,
    ]


def _ratios(executions: int, amazon: Waited, ours: Waited) -> list[object]:
    pairs = (
        (sum(amazon.steady.calls.values()), sum(ours.steady.calls.values())),
        (amazon.steady.cpu_seconds, ours.steady.cpu_seconds),
        (amazon.memory, ours.memory),
        (amazon.steady.longest_own_stall, ours.steady.longest_own_stall),
        (amazon.start.cpu_seconds, ours.start.cpu_seconds),
    )
    return [executions, *(theirs / mine if mine else None for theirs, mine in pairs)]
