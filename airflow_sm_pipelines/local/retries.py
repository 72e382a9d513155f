"""RetryPolicies of steps: whether and when a failed step is tried again.

Sources: the developer guide's page on retry policies and the SageMaker SDK (``sagemaker.workflow.retry``). MaxAttempts
counts the tries after the first one; the first wait is IntervalSeconds, each further one BackoffRate times as long.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.validation.settings import LONGEST_INTERVAL_SECONDS

SERVICE_FAULT: Final = "Step.SERVICE_FAULT"
THROTTLING: Final = "Step.THROTTLING"
RESOURCE_LIMIT: Final = "SageMaker.RESOURCE_LIMIT"

_BY_CODE: Final[Mapping[str, str]] = {
    "Throttling": THROTTLING,
    "ThrottlingException": THROTTLING,
    "TooManyRequestsException": THROTTLING,
    "RequestLimitExceeded": THROTTLING,
    "ResourceLimitExceeded": RESOURCE_LIMIT,
}
_BY_REASON: Final[Mapping[str, str]] = {
    "InternalServerError": "SageMaker.JOB_INTERNAL_ERROR",
    "CapacityError": "SageMaker.CAPACITY_ERROR",
    "ResourceLimitExceeded": RESOURCE_LIMIT,
}
_DEFAULT_ATTEMPTS: Final = 5
_ALWAYS: Final[Mapping[str, Any]] = {"ExceptionType": [SERVICE_FAULT, THROTTLING]}
"""The service tries these again for every step. How often is documented nowhere; here it is the default of a policy."""


def exception_of_refusal(code: str, http_status: int) -> str | None:
    """The exception, as retry policies name it, that a refused request is.

    :param code: the error's code.
    :param http_status: the answer's HTTP status.
    """
    if code in _BY_CODE:
        return _BY_CODE[code]
    return SERVICE_FAULT if http_status >= 500 else None


def exception_of_job(failure_reason: str) -> str | None:
    """The exception that a failed job is.

    :param failure_reason: such as ``CapacityError: Unable to provision requested ML compute capacity.``
    """
    kind, colon, _ = failure_reason.partition(":")
    return _BY_REASON.get(kind) if colon else None


class Retries:
    """The tries that one step has left.

    The first policy that lists an exception decides about it, and each policy counts for itself.

    :param policies: the step's ``RetryPolicies``, expressions evaluated.
    :param began: when the first try began; ExpireAfterMin counts from here.
    """

    def __init__(self, policies: list[Mapping[str, Any]], began: dt.datetime) -> None:
        self._policies = [*policies, _ALWAYS]
        self._began = began
        self._used = [0] * len(self._policies)

    def next_wait(self, exception: str | None, moment: dt.datetime) -> float | None:
        """How long to wait before the next try, which is used up by this.

        :param exception: what the last try failed with; ``None`` for what no policy is about.
        :param moment: the time now.
        :return: seconds; ``None`` when there is no next try.
        """
        for index, policy in enumerate(self._policies):
            if exception in policy["ExceptionType"]:
                used = self._used[index]
                # Capped before it is raised to a power: a backoff rate may be large.
                interval: float = policy.get("IntervalSeconds", 1)
                rate: float = policy.get("BackoffRate", 2.0)
                for _ in range(used):
                    interval = min(interval * rate, LONGEST_INTERVAL_SECONDS)
                interval = min(interval, LONGEST_INTERVAL_SECONDS)
                if policy.get("ExpireAfterMin") is not None:
                    end = self._began + dt.timedelta(minutes=policy["ExpireAfterMin"])
                    if moment + dt.timedelta(seconds=interval) > end:
                        return None
                elif used >= policy.get("MaxAttempts", _DEFAULT_ATTEMPTS):
                    return None
                self._used[index] += 1
                return interval
        return None
