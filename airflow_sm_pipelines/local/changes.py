"""Who receives what changes: records, as they change, and regions, when a request has changed what they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_sm_pipelines.local.store import ExecutionRecord, StepRecord


class Changes:
    """Takes note of nothing: nothing is kept."""

    def of_execution(self, execution: ExecutionRecord, step: StepRecord | None = None) -> None:
        """Take note that an execution has changed. Returns at once; the execution's lock is held.

        :param execution: the execution.
        :param step: the step that has changed; new steps and steps that are gone are seen without it.
        """

    def of_job(self, region: str, api: str, name: str) -> None:
        """Take note that a job has changed. Returns at once; the job's lock may be held.

        :param region: the region that it is in.
        :param api: how the API calls its kind.
        :param name: its name.
        """

    def of_region(self, region: str) -> None:
        """Take note that a request has changed what a region has. Returns when all is kept that has changed so far.

        :param region: the region's name. None of its locks is held.
        """
