"""Whether a task that is killed stops its execution: only when a person failed the task or its Dag run.

Airflow kills a task also when it is cleared or marked successful, when its worker or triggerer shuts down, and when it
takes the task's process for dead, since that stood still for too long. In doubt nothing is stopped.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kill:
    """What is known about a task when it is killed.

    :param task_state: the task's state in Airflow, as it is now.
    :param run_state: the state of its Dag run; needed only for a task that is skipped.
    :param ended_by_itself: this try has ended without a person: in another triggerer, or since its time was up.
    :param stood_still: the process has not run for so long that Airflow may have failed the task for that.
    """

    task_state: str | None
    run_state: str | None = None
    ended_by_itself: bool = False
    stood_still: bool = False

    @property
    def stops(self) -> bool:
        """Whether the execution is to be stopped.

        When a Dag run is marked failed, or its ``dagrun_timeout`` is over, Airflow skips the tasks that were running.
        """
        failed = self.task_state == "failed" or (self.task_state == "skipped" and self.run_state == "failed")
        return failed and not self.ended_by_itself and not self.stood_still

    @property
    def reason(self) -> str:
        """Why the execution is left alone, for the task's log."""
        if self.ended_by_itself:
            return "the task had ended before"
        if self.stood_still:
            return "this process was paused for so long that Airflow may have failed the task for that"
        return f"the task was not failed; it is {self.task_state}"
