"""Whole XComs of steps, without what tests do not care about."""

from __future__ import annotations

from typing import Any


def step_report(status: str = "Succeeded", job_arn: str | None = None, **parts: Any) -> dict[str, Any]:
    """Return the XCom ``step_report`` of a step of the scripted service, which starts them all at the same time.

    :param parts: what else is in it; ``end`` is that of its times.
    """
    return {
        "status": status,
        "job_arn": job_arn,
        "outputs": {},
        "times": {"start": "2023-07-25T20:12:35+00:00", "end": parts.pop("end", None)},
        "attempt": 0,
        "cache": {"hit": False, "source_execution": None},
        "instance": None,
        "reason": None,
        "job": None,
        "model_package": None,
        "request": None,
        "left_out": [],
        **parts,
    }


def job_report(kind: str, **parts: Any) -> dict[str, Any]:
    """Return what a step's report tells of a job of which the service tells no times."""
    nothing = {"start": None, "end": None, "seconds": None, "billable_seconds": None, "best": None}
    return {"kind": kind, **nothing, "phases": [], "metrics": {}, **parts}
