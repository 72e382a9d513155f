"""Rules for the cache and for retries.

Source: AWS's guides to caching and to retry policies, and the SageMaker SDK.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.expressions import is_expression
from airflow_sm_pipelines.definition.problems import Problem, did_you_mean, error, shown, unknown_keys, warning
from airflow_sm_pipelines.definition.step_types import step_type
from airflow_sm_pipelines.definition.steps import Step

_DURATION: Final = re.compile(
    r"P?(?=.)(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?", re.IGNORECASE
)
"""ISO 8601, with the lower case and the missing ``P`` of the SDK's own examples (``p30d``, ``T12H``)."""

STEP_EXCEPTIONS: Final = ("Step.SERVICE_FAULT", "Step.THROTTLING")
JOB_EXCEPTIONS: Final = (
    "SageMaker.JOB_INTERNAL_ERROR",
    "SageMaker.CAPACITY_ERROR",
    "SageMaker.RESOURCE_LIMIT",
)
OTHER_EXCEPTIONS: Final = {
    "Emr.RESOURCE_LIMIT": "only AWS's JSON schema of the definition names it",
    "SageMaker.JOB_CAPACITY_ERROR": "an old page names it; newer ones write SageMaker.CAPACITY_ERROR",
}
"""Exceptions that the SDK does not have, and where they come from."""

_POLICY_KEYS: Final = ("ExceptionType", "IntervalSeconds", "BackoffRate", "MaxAttempts", "ExpireAfterMin")
_WHOLE_NUMBERS: Final = {"MaxAttempts": (0, 20), "ExpireAfterMin": (0, 14400)}
_NUMBERS: Final = ("IntervalSeconds", "BackoffRate")
LONGEST_INTERVAL_SECONDS: Final = 43200
"""The limits are those of the guide's page on retry policies: there, 0 means never, a policy with neither attempts nor
an end has five attempts, and one with both is refused."""


def cache_problems(step: Step, path: str) -> Iterator[Problem]:
    """Yield what is wrong with a step's ``CacheConfig``.

    :param step: the step.
    :param path: where it stands.
    """
    config = step.extra.get("CacheConfig")
    where = f"{path}.CacheConfig"
    if config is None:
        return
    if not isinstance(config, Mapping):
        yield error(f"'CacheConfig' of step '{step.name}' must be an object, not {shown(config)}", where)
        return
    yield from unknown_keys(
        config, ("Enabled", "ExpireAfter"), f"'CacheConfig' of step '{step.name}' has the key", where
    )
    enabled = config.get("Enabled")
    if enabled is None:
        yield warning(f"'CacheConfig' of step '{step.name}' does not say whether it is 'Enabled'", where)
    elif not isinstance(enabled, bool):
        yield error(f"'Enabled' of the cache of step '{step.name}' must be true or false", f"{where}.Enabled")
    after = config.get("ExpireAfter")
    if after is not None and not (isinstance(after, str) and _DURATION.fullmatch(after)):
        yield error(
            f"the cache of step '{step.name}' expires after {shown(after)}, which is not a duration; "
            "write an ISO 8601 duration such as 'P30D' or 'PT12H'",
            f"{where}.ExpireAfter",
        )


def retry_problems(step: Step, path: str) -> Iterator[Problem]:
    """Yield what is wrong with a step's ``RetryPolicies``.

    :param step: the step.
    :param path: where it stands.
    """
    policies = step.extra.get("RetryPolicies")
    where = f"{path}.RetryPolicies"
    if policies is None:
        return
    if not isinstance(policies, list):
        yield error(f"'RetryPolicies' of step '{step.name}' must be a list, not {shown(policies)}", where)
        return
    for index, policy in enumerate(policies):
        if isinstance(policy, Mapping):
            yield from _policy_problems(step, policy, f"{where}[{index}]")
        else:
            yield error(
                f"a retry policy of step '{step.name}' must be an object, not {shown(policy)}", f"{where}[{index}]"
            )


def _policy_problems(step: Step, policy: Mapping[str, Any], path: str) -> Iterator[Problem]:
    yield from unknown_keys(policy, _POLICY_KEYS, f"a retry policy of step '{step.name}' has the key", path)
    exceptions = policy.get("ExceptionType")
    if isinstance(exceptions, list) and exceptions:
        for index, exception in enumerate(exceptions):
            yield from _exception_problems(step, exception, f"{path}.ExceptionType[{index}]")
    else:
        yield error(f"a retry policy of step '{step.name}' lists no exceptions to retry on", f"{path}.ExceptionType")
    if policy.get("MaxAttempts") is not None and policy.get("ExpireAfterMin") is not None:
        yield error(
            f"a retry policy of step '{step.name}' has both 'MaxAttempts' and 'ExpireAfterMin'; keep one of them", path
        )
    for key, (least, most) in _WHOLE_NUMBERS.items():
        value = policy.get(key)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if value is not None and not is_expression(value) and not (whole and least <= value <= most):
            yield error(
                f"'{key}' of a retry policy of step '{step.name}' must be a whole number from {least} to {most}, "
                f"not {shown(value)}",
                f"{path}.{key}",
            )
    if policy.get("MaxAttempts") == 0 and policy.get("MaxAttempts") is not False:
        yield warning(
            f"'MaxAttempts' of a retry policy of step '{step.name}' is 0. SageMaker's guide says that 0 means never, "
            "and the SDK refuses it. Leave the policy out, or give at least 1",
            f"{path}.MaxAttempts",
        )
    yield from _number_problems(step, policy, path)


def _number_problems(step: Step, policy: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for key in _NUMBERS:
        value = policy.get(key)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if value is not None and not is_expression(value) and not (number and value >= 0):
            yield error(
                f"'{key}' of a retry policy of step '{step.name}' must be 0 or a positive number, not {shown(value)}",
                f"{path}.{key}",
            )
        elif key == "IntervalSeconds" and isinstance(value, (int, float)) and value > LONGEST_INTERVAL_SECONDS:
            yield warning(
                f"'{key}' of a retry policy of step '{step.name}' is {shown(value)}; SageMaker's guide allows "
                f"{LONGEST_INTERVAL_SECONDS}",
                f"{path}.{key}",
            )


def _exception_problems(step: Step, exception: Any, path: str) -> Iterator[Problem]:
    known = (*STEP_EXCEPTIONS, *JOB_EXCEPTIONS)
    if isinstance(exception, str) and exception in OTHER_EXCEPTIONS:
        yield warning(f"step '{step.name}' retries on '{exception}': {OTHER_EXCEPTIONS[exception]}", path)
    elif exception not in known:
        hint = did_you_mean(exception, known)
        yield error(
            f"step '{step.name}' retries on {shown(exception)}; a retry policy may name {', '.join(known)}{hint}", path
        )
    elif not step_type(step.type).retries_jobs and exception in JOB_EXCEPTIONS:
        yield error(
            f"{step.type} step '{step.name}' retries on '{exception}', but runs no job; "
            f"it can retry on {', '.join(STEP_EXCEPTIONS)}",
            path,
        )
