"""Whether and when a failed step is tried again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from airflow_sm_pipelines.local.retries import Retries, exception_of_job, exception_of_refusal

NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.timezone.utc)
INTERNAL = "SageMaker.JOB_INTERNAL_ERROR"
LIMIT = "SageMaker.RESOURCE_LIMIT"


def waits(exception: str | None, *policies: dict[str, Any]) -> list[float]:
    """How long each try is waited for, when each fails with the same exception at once."""
    retries, moment, found = Retries(list(policies), NOON), NOON, []
    while (wait := retries.next_wait(exception, moment)) is not None:
        found.append(wait)
        moment += dt.timedelta(seconds=wait)
    return found


def policy(*exceptions: str, **more: Any) -> dict[str, Any]:
    """A retry policy."""
    return {"ExceptionType": list(exceptions), **more}


def test_each_wait_is_longer_by_the_backoff_rate() -> None:
    """MaxAttempts tries after the first, the first of them after IntervalSeconds."""
    assert waits(INTERNAL, policy(INTERNAL, IntervalSeconds=3, BackoffRate=1.5, MaxAttempts=4)) == [
        3,
        4.5,
        6.75,
        10.125,
    ]


def test_what_a_policy_leaves_out() -> None:
    """One second, doubled each time, five times."""
    assert waits(INTERNAL, policy(INTERNAL)) == [1, 2, 4, 8, 16]


def test_no_attempts_are_none() -> None:
    """MaxAttempts 0."""
    assert waits(INTERNAL, policy(INTERNAL, MaxAttempts=0)) == []


def test_a_policy_may_end_after_a_time() -> None:
    """ExpireAfterMin: no try begins later than that after the first one began."""
    assert waits(INTERNAL, policy(INTERNAL, ExpireAfterMin=1, IntervalSeconds=10)) == [10, 20]
    assert waits(INTERNAL, policy(INTERNAL, ExpireAfterMin=1, IntervalSeconds=20, BackoffRate=1)) == [20, 20, 20]


def test_no_wait_is_longer_than_twelve_hours() -> None:
    """However large the backoff rate."""
    found = waits(INTERNAL, policy(INTERNAL, BackoffRate=1e9, MaxAttempts=20))
    assert found == [1, *[43200] * 19]


def test_only_what_a_policy_lists_is_tried_again() -> None:
    """An algorithm's own failure is in no policy's list."""
    assert waits(LIMIT, policy(INTERNAL)) == []
    assert waits(None, policy(INTERNAL, LIMIT)) == []


def test_the_first_policy_that_fits_decides_and_each_counts_for_itself() -> None:
    """Two tries for internal errors, one for limits, in whatever order they come."""
    retries = Retries(
        [
            policy(INTERNAL, MaxAttempts=2, IntervalSeconds=1),
            policy(INTERNAL, LIMIT, MaxAttempts=1, IntervalSeconds=7),
        ],
        NOON,
    )
    failures = (INTERNAL, LIMIT, INTERNAL, LIMIT, INTERNAL)
    assert [retries.next_wait(each, NOON) for each in failures] == [1, 7, 2, None, None]


@pytest.mark.parametrize("exception", ["Step.SERVICE_FAULT", "Step.THROTTLING"])
def test_faults_of_the_service_are_always_tried_again(exception: str) -> None:
    """Without a policy as by its defaults; a policy overrides that."""
    assert waits(exception) == [1, 2, 4, 8, 16]
    assert waits(exception, policy(exception, MaxAttempts=1, IntervalSeconds=0)) == [0]


@pytest.mark.parametrize(
    ("code", "status", "exception"),
    [
        ("ThrottlingException", 400, "Step.THROTTLING"),
        ("ResourceLimitExceeded", 400, "SageMaker.RESOURCE_LIMIT"),
        ("InternalFailure", 500, "Step.SERVICE_FAULT"),
        ("ServiceUnavailable", 503, "Step.SERVICE_FAULT"),
        ("ValidationException", 400, None),
    ],
)
def test_a_refusal_is_an_exception_by_its_code(code: str, status: int, exception: str | None) -> None:
    """What is wrong with the request itself is not tried again."""
    assert exception_of_refusal(code, status) == exception


@pytest.mark.parametrize(
    ("reason", "exception"),
    [
        ("InternalServerError: We encountered an internal error. Please try again.", INTERNAL),
        ("CapacityError: Unable to provision requested ML compute capacity.", "SageMaker.CAPACITY_ERROR"),
        ("ResourceLimitExceeded: too many", LIMIT),
        ("AlgorithmError: InternalServerError: exit code: 1", None),
        ("InternalServerError", None),
        ("", None),
    ],
)
def test_a_failed_job_is_an_exception_by_the_first_word_of_its_reason(reason: str, exception: str | None) -> None:
    """What a script prints is no exception of the service."""
    assert exception_of_job(reason) == exception
