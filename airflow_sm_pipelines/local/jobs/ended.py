"""A job of an earlier endpoint, as it was at its end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_sm_pipelines.definition.step_types import RESOURCES, Resource


@dataclass(frozen=True)
class EndedJob:
    """A job that has ended and can be looked at, like any other.

    :param api: how the API calls its kind.
    :param name: its name.
    :param arn: its ARN.
    :param tags: those of its create request.
    :param description: what its Describe operation answers.
    :param modified_time: when its status has last changed.
    :param training_jobs: of a tuning job, what is known of its training jobs.
    """

    api: str
    name: str
    arn: str
    tags: list[dict[str, str]]
    description: Mapping[str, Any]
    modified_time: dt.datetime
    training_jobs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def resource(self) -> Resource:
        """What kind of job it is."""
        return next(each for each in RESOURCES.values() if each.api == self.api)

    @property
    def request(self) -> dict[str, Any]:
        """What is still known of its create request."""
        return {"Tags": self.tags} if self.tags else {}

    @property
    def status(self) -> str:
        """How it has ended."""
        return str(self.description[f"{self.api}Status"])

    def describe(self) -> dict[str, Any]:
        """The job as its Describe operation shows it."""
        return dict(self.description)

    def summaries(self) -> list[dict[str, Any]]:
        """What is known of the training jobs of a tuning job."""
        return list(self.training_jobs)

    def stop(self) -> bool:
        """Answer that there is nothing to stop."""
        return False

    def kill(self) -> None:
        """Do nothing: nothing of it runs."""

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - as jobs that run are asked
        """Answer that it has ended."""
        return True
