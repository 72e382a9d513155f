"""Why a step with caching on ran again: what the service does not say.

It tells a hit (``CacheHitResult``) and nothing about a step that is not one. So the step is held against its latest
success in the same pipeline:

===============================================  ===================================================================
its latest success                               why it ran again
===============================================  ===================================================================
there is none                                    that
ended longer ago than ``ExpireAfter``            that it has expired
had other attributes of the cache key            which, with their values
had the same                                     the service has a reason that it does not tell
===============================================  ===================================================================
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_sm_pipelines.definition.caching import oldest_that_counts
from airflow_sm_pipelines.definition.changes import value_changes
from airflow_sm_pipelines.definition.step_types import step_type

MOST_EXECUTIONS: Final = 20
"""In so many earlier executions of the pipeline the step is looked for. Each costs a call, and AWS has been reported to
answer about two a second for each list operation and account."""

MOST_ATTRIBUTES: Final = 5
"""So many attributes that differ are listed."""

_OF_THE_RUN: Final = ("ExperimentConfig", "Tags")
"""Members of requests that the pipeline itself adds."""


@dataclass(frozen=True)
class EarlierSuccess:
    """A success of the step, by its own run, in an earlier execution.

    :param execution_arn: the execution.
    :param end_time: when the step ended.
    """

    execution_arn: str
    end_time: dt.datetime

    def __str__(self) -> str:
        return f"its latest success, in execution {self.execution_arn}"


def never_succeeded(executions: int) -> str:
    """Say that there is no success that could have been taken.

    :param executions: in how many earlier executions it was looked for.
    """
    if executions < MOST_EXECUTIONS:
        return "the step has not succeeded in an earlier execution of the pipeline"
    return f"the step has not succeeded in the {executions} executions of the pipeline before"


def expired(config: Mapping[str, Any], earlier: EarlierSuccess, start_time: dt.datetime) -> str | None:
    """Say that the latest success has expired; ``None`` where it has not.

    :param config: the step's ``CacheConfig``.
    :param earlier: its latest success.
    :param start_time: when it ran again.
    :raises ValueError: ``ExpireAfter`` is not an ISO 8601 duration.
    """
    oldest = oldest_that_counts(config, start_time)
    if oldest is None or earlier.end_time >= oldest:
        return None
    ended = earlier.end_time.astimezone(dt.timezone.utc).isoformat(timespec="seconds")
    return f"{earlier}, has expired: it ended at {ended}, and results are kept for {config['ExpireAfter']}"


def different(
    type_name: str, before: Mapping[str, Any], after: Mapping[str, Any], earlier: EarlierSuccess, *, values: bool = True
) -> str:
    """Say which attributes of the cache key differ.

    :param type_name: the step's type.
    :param before: the request of the latest success.
    :param after: the step's own.
    :param earlier: its latest success.
    :param values: whether values are shown, besides their places.
    """
    key_before, key_after = _key(type_name, before), _key(type_name, after)
    differences = value_changes(key_before, key_after, values=values)
    if not differences:
        return f"the service does not say why: all that it shows of the cache key is the same as in {earlier}"
    more = len(differences) - MOST_ATTRIBUTES
    told = "; ".join(differences[:MOST_ATTRIBUTES]) + (f"; and {more} more" if more > 0 else "")
    return f"{told}; compared with {earlier}"


def _key(type_name: str, request: Mapping[str, Any]) -> dict[str, Any]:
    known = step_type(type_name)
    if known.cache_attributes is not None:
        return {member: request[member] for member in known.cache_attributes if member in request}
    name = None if known.resource is None else f"{known.resource.api}Name"
    return {member: value for member, value in request.items() if member not in (name, *_OF_THE_RUN)}
