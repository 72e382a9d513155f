"""Step caching, as far as the document defines it: whether a step uses it, for how long, and what a result depends on.

Sources: the developer guide's pages "Caching pipeline steps" and "Default cache key attributes by pipeline step type".
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.step_types import step_type

CACHE_CONFIG: Final = "CacheConfig"

_DURATION: Final = re.compile(
    r"P?(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.IGNORECASE,
)
_DAYS: Final = {"years": 365, "months": 30, "weeks": 7, "days": 1}


def enabled_cache(type_name: str, extra: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the ``CacheConfig`` of a step that asks for caching and is of a type that can be cached, else ``None``.

    :param type_name: the step's type.
    :param extra: its further keys.
    """
    config = extra.get(CACHE_CONFIG)
    asked = isinstance(config, Mapping) and config.get("Enabled") is True
    return config if asked and CACHE_CONFIG in step_type(type_name).keys else None


def oldest_that_counts(config: Mapping[str, Any], moment: dt.datetime) -> dt.datetime | None:
    """Return when a result must not have ended before, to be taken; ``None`` where results do not expire.

    :param config: a ``CacheConfig``.
    :param moment: when it would be taken.
    :raises ValueError: ``ExpireAfter`` is not an ISO 8601 duration.
    """
    expires = config.get("ExpireAfter")
    return None if expires is None else moment - duration(expires)


def duration(text: str) -> dt.timedelta:
    """How long an ISO 8601 duration is. A year has 365 days and a month 30; a leading ``P`` may be missing.

    :param text: such as ``P30D`` or ``PT1H``.
    :raises ValueError: when the text is something else.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an ISO 8601 duration")
    given = {name: float(value) for name, value in match.groupdict().items() if value is not None}
    days = sum(given.pop(name, 0) * length for name, length in _DAYS.items())
    return dt.timedelta(days=days, **given)
