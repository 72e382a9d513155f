"""What a step that is over leaves for other tasks: the XComs ``step_report`` and ``property_files``.

Where its task asks for it, each member of one property file is an XCom as well.

====================  =============================================================================================
in ``step_report``
====================  =============================================================================================
``status``            the step's
``job_arn``           the job that ran it, or the model (package) that it made; or ``None``
``outputs``           S3 URIs. Processing outputs by their names; ``model_artifacts`` of a training job
``times``             ``start`` and ``end`` of the latest attempt as ISO 8601, in UTC; ``None`` where there is none
``attempt``           as the service counts: it begins with 0 or 1
``cache``             ``hit``, and the ARN of the ``source_execution`` whose result was taken over; ``miss``, why a step
                      with caching on ran again
``instance``          ``type`` and ``count``; ``None`` where the request names no instances, or several kinds of them
``reason``            why it failed, in the service's words; ``None`` where it did not
``job``               how long its job took, and what it measured: :func:`~.jobs.job_report`; ``None`` where it had none
``model_package``     ``group``, ``version`` and ``approval_status`` when the step ended; ``None`` where it made none
``request``           the step's arguments as they were sent; ``None`` where the service does not tell them. The values
                      in an ``Environment`` are masked, since secrets are given there
``left_out``          what was left out, here and of ``property_files``, because an XCom is for small values
====================  =============================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from airflow_sm_pipelines.execution.bounds import LARGEST_XCOM, bounded, size
from airflow_sm_pipelines.execution.jobs import time_text
from airflow_sm_pipelines.execution.json_file import problem_for_airflow
from airflow_sm_pipelines.execution.snapshot import StepSnapshot

STEP_REPORT: Final = "step_report"
PROPERTY_FILES: Final = "property_files"

_LONGEST_KEY: Final = 512
"""Characters of an XCom's key in Airflow's database."""

_KEYS_OF_TASKS: Final = frozenset({STEP_REPORT, PROPERTY_FILES, "return_value", "skipmixin_key"})
"""Keys of XComs that tasks and Airflow have. Those of links begin with ``_link_``."""

_MASK: Final = "***"
_ENVIRONMENT: Final = "Environment"


@dataclass(frozen=True)
class StepResult:
    """What a step left behind.

    :param step: the step; it is over.
    :param outputs: S3 URIs by name.
    :param request: the step's arguments as they were sent; ``None`` where the service does not tell them.
    :param property_files: the parsed contents of the property files by their names, whatever their size.
    :param property_file_uris: where each of them lies in S3.
    :param remarks: sentences for the task's log about what could not be had.
    :param cache_miss: why the step ran again, where caching is on and it did.
    :param job: how long its job took, and what it measured.
    :param model_package: what it registered.
    :param spread: the property file whose members are separate XComs, too; ``None`` for none.
    """

    step: StepSnapshot
    outputs: Mapping[str, str] = field(default_factory=dict)
    request: Mapping[str, Any] | None = None
    property_files: Mapping[str, Any] = field(default_factory=dict)
    property_file_uris: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    cache_miss: str | None = None
    job: Mapping[str, Any] | None = None
    model_package: Mapping[str, Any] | None = None
    spread: str | None = None

    def xcoms(self) -> dict[str, Any]:
        """Return the XComs that tell other tasks; none of them is larger than :data:`LARGEST_XCOM`.

        The members of a file that is left out are left out, too.
        """
        files, left_in_s3 = self._bounded_files()
        xcoms: dict[str, Any] = {STEP_REPORT: self._report([f"{PROPERTY_FILES}.{name}" for name in left_in_s3])}
        if files:
            xcoms[PROPERTY_FILES] = files
        members = self._spread_members(files)
        return xcoms | {key: value for key, value in members.items() if problem_of_key(key) is None}

    def log_lines(self) -> list[str]:
        """Return a sentence for the task's log about each thing that is not in the XComs and was asked for."""
        files, left_in_s3 = self._bounded_files()
        problems = {key: problem_of_key(key) for key in self._spread_members(files)}
        return [
            *self.remarks,
            *(f"{key[:100]!r} cannot be a separate XCom: {problem}" for key, problem in problems.items() if problem),
            *(
                f"Property file '{name}' is left in S3: as JSON it has {size(self.property_files[name])} characters, "
                f"and an XCom takes at most {LARGEST_XCOM} for all "
                f"property files. Read {self.property_file_uris[name]}"
                for name in left_in_s3
            ),
        ]

    def cache_lines(self) -> list[str]:
        """Return what the task's log tells of the cache."""
        return [] if self.cache_miss is None else [f"No cached result was taken: {self.cache_miss}"]

    def _spread_members(self, files: Mapping[str, Any]) -> Mapping[str, Any]:
        content = None if self.spread is None else files.get(self.spread)
        return content if isinstance(content, Mapping) else {}

    def _bounded_files(self) -> tuple[dict[str, Any], list[str]]:
        files: dict[tuple[str, ...], Any] = {(name,): content for name, content in self.property_files.items()}
        kept, left_out = bounded(files, LARGEST_XCOM)
        return {path[-1]: content for path, content in kept.items()}, [path[-1] for path in left_out]

    def _report(self, left_out: Sequence[str]) -> dict[str, Any]:
        step, request = self.step, self.request
        cache = {"hit": step.cache_hit_source is not None, "source_execution": step.cache_hit_source}
        report = {
            "status": step.status.value,
            "job_arn": step.job_arn,
            "times": {"start": time_text(step.start_time), "end": time_text(step.end_time)},
            "attempt": step.attempt_count,
            "cache": cache if self.cache_miss is None else {**cache, "miss": self.cache_miss},
            "instance": None if request is None else _instance(request),
            "reason": step.reason,
            "model_package": self.model_package,
        }
        parts: dict[tuple[str, ...], Any] = {("outputs", name): uri for name, uri in self.outputs.items()}
        parts |= {("request", member): _shown(member, value) for member, value in (request or {}).items()}
        parts |= {("metrics", name): value for name, value in (self.job or {}).get("metrics", {}).items()}
        unfit = [path for path, value in parts.items() if problem_for_airflow({path[-1]: value}) is not None]
        fit = {path: value for path, value in parts.items() if path not in unfit}
        kept, large = bounded(fit, LARGEST_XCOM - size([report, self._job({}), list(left_out), unfit]))
        given: dict[str, dict[str, Any]] = {"outputs": {}, "request": {}, "metrics": {}}
        for path, value in kept.items():
            given[path[0]][path[1]] = value
        return {
            **report,
            "job": self._job(given["metrics"]),
            "outputs": given["outputs"],
            "request": None if request is None else given["request"],
            "left_out": [*map(".".join, [*unfit, *large]), *left_out],
        }

    def _job(self, metrics: Mapping[str, Any]) -> dict[str, Any] | None:
        """What is reported of the job. A result that was taken over costs nothing again."""
        if self.job is None:
            return None
        taken_over = self.step.cache_hit_source is not None or self.step.selective_source is not None
        return {**self.job, "metrics": dict(metrics), **({"billable_seconds": 0} if taken_over else {})}


def problem_of_key(key: str) -> str | None:
    """Return why a member of a property file cannot be a separate XCom; ``None`` where it can.

    :param key: the member's.
    """
    if key in _KEYS_OF_TASKS or key.startswith("_link_"):
        return "tasks have an XCom of that name"
    return None if 0 < len(key) <= _LONGEST_KEY else f"the key of an XCom has 1 to {_LONGEST_KEY} characters"


def _shown(name: str, value: Any) -> Any:
    """The value of a member of a request as JSON, without what an environment may hold that nobody is to see."""
    if isinstance(value, Mapping):
        if name == _ENVIRONMENT:
            return dict.fromkeys(value, _MASK)
        return {key: _shown(key, each) for key, each in value.items()}
    if isinstance(value, datetime):
        return time_text(value)
    return [_shown(name, each) for each in value] if isinstance(value, list) else value


def _instance(request: Mapping[str, Any]) -> dict[str, Any] | None:
    """The instances that a request names in one place; lists of different ones are not looked into."""
    for part in _structures(request):
        if "InstanceType" in part:
            return {"type": part["InstanceType"], "count": part.get("InstanceCount", 1)}
    return None


def _structures(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield value
    for name, each in value.items():
        if isinstance(each, Mapping) and name != _ENVIRONMENT:
            yield from _structures(each)
