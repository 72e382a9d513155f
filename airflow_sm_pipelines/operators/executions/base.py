"""The base of operators for a whole pipeline execution: they wait for it, and end as it did."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.killing import Kill
from airflow_sm_pipelines.execution.outcome import ExecutionTarget
from airflow_sm_pipelines.execution.time_limit import TimeLimit, waiter_limit
from airflow_sm_pipelines.links.sagemaker import SageMakerPipelineExecutionLink, console_of, link_xcoms
from airflow_sm_pipelines.settings import WaitSettings
from airflow_sm_pipelines.tasks.connected import ConnectedTask

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
    from airflow_sm_pipelines.tasks.waiting import WorkerWait


class BasePipelineExecutionOperator(ConnectedTask):
    """
    A task about one pipeline execution, which it may wait for.

    Pushes the execution's ARN as the XCom ``pipeline_execution_arn`` as soon as it is known; the console link comes
    with it.

    :param wait_for_completion: wait until the execution is over; otherwise the task ends once it has done its own part.
    :param deferrable: wait in the triggerer, without a worker.
    :param waiter_delay: seconds between two looks at the execution, at most. Short executions are looked at more often.
    :param waiter_max_attempts: give up after ``waiter_delay`` times this; ``None`` for no limit. The execution keeps
        running then, as it does when ``execution_timeout`` has passed.
    :param log_lines: lines of a step's job log that the task's log shows.
    :param on_retry: what another try does with a failed execution; only of operators that start one.
    :param stop_on_kill: stop the execution when a person fails the task or its Dag run while the task waits.
    :param end_tasks: where the task ends after a wait in the triggerer. ``"auto"``: on a worker, unless it succeeds and
        nothing waits for its end: no callback, no listener. ``"worker"``, ``"triggerer"``: always there.
    :param kwargs: the connection; see :class:`~airflow_sm_pipelines.tasks.connected.ConnectedTask`.
    """

    operator_extra_links = (SageMakerPipelineExecutionLink(),)
    ui_color = "#d8e4f0"

    awaited: ClassVar[Awaited] = Awaited(ExecutionTarget())
    """What the task waits for."""

    def __init__(
        self,
        *,
        wait_for_completion: bool = True,
        deferrable: bool = True,
        waiter_delay: float = 30,
        waiter_max_attempts: int | None = None,
        log_lines: int = 20,
        on_retry: str = "resume",
        stop_on_kill: bool = True,
        end_tasks: str = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.wait = WaitSettings(waiter_delay, waiter_max_attempts, log_lines, on_retry, stop_on_kill, end_tasks)
        self._waiting: tuple[str, WorkerWait] | None = None
        if problem := self.wait.problem:
            raise self.error(problem)

    @abstractmethod
    def begin(self, hook: SageMakerPipelineHook, context: Context) -> str:
        """Do this operator's own part; done again when the service was unavailable, so that must do no harm.

        :param hook: asks AWS.
        :param context: Airflow's.
        :return: the ARN of the execution to wait for.
        """

    def report(self, context: Context, arn: str) -> None:  # most have nothing to report
        """Leave what there is to show of an execution that this task has started.

        :param context: Airflow's.
        :param arn: the execution.
        """

    def execute(self, context: Context) -> str | None:
        """Do the operator's own part, then wait as asked.

        :param context: Airflow's.
        :raises AirflowFailException: in one sentence, when trying again cannot help.
        :raises PipelineExecutionError: when the execution did not end well.
        """
        return self._begin(context)

    def _begin(self, context: Context) -> str | None:
        arn = self.act(lambda hook: self.begin(hook, context))
        self.link_addresses = link_xcoms(console_of(self.hook), arn)
        context["ti"].xcom_push(key="pipeline_execution_arn", value=arn)
        self.report(context, arn)
        if not self.wait_for_completion:
            return arn
        if self.deferrable:
            from airflow_sm_pipelines.triggers.memory import empty_memory

            for key, value in empty_memory([self.task_id]).items():
                context["ti"].xcom_push(key=key, value=value)
            self.defer_to_trigger(
                self.awaited,
                self.wait,
                limit=self._waiter_limit,
                timeout=self.execution_timeout,
                pipeline_execution_arn=arn,
                masked=self.masked_values(context),
            )
        return self._wait(arn, context)

    def _wait(self, arn: str, context: Context) -> str | None:
        from airflow_sm_pipelines.tasks.finish import finish
        from airflow_sm_pipelines.tasks.waiting import WorkerWait

        waiting = WorkerWait(self, arn, self.awaited, self.wait, limit=self._waiter_limit, task_instance=context["ti"])
        self._waiting = (arn, waiting)
        try:
            ending = waiting.until_over()
        finally:
            self._waiting = None
        return finish(self, context, ending, self.wait.log_lines)

    @property
    def _waiter_limit(self) -> TimeLimit | None:
        return waiter_limit(time.time(), self.wait.waiter_delay, self.wait.waiter_max_attempts)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> str | None:
        """Look at the execution once more, on a worker, and end as it did; for tasks that the triggerer did not end.

        :param context: Airflow's.
        :param event: what the trigger said; only for the ARN, and for what was not seen.
        :raises PipelineExecutionError: when the execution did not end well, or was not followed to its end.
        """
        from airflow_sm_pipelines.tasks.finish import end_after_trigger, is_left_over

        if is_left_over(event, context):
            return self._begin(context)
        arn = event["pipeline_execution_arn"]
        return end_after_trigger(self, context, self.awaited, arn, event=event, log_lines=self.wait.log_lines)

    def on_kill(self) -> None:
        """Stop the execution waited for on this worker, when a person failed the task or its Dag run."""
        if self._waiting is None or not self.wait.stop_on_kill:
            return
        arn, waiting = self._waiting
        kill: Kill = waiting.kill()
        if not kill.stops:
            self.log.info("Execution %s was not stopped: %s", arn, kill.reason)
            return
        # Its own hook: this runs in a signal handler, maybe in the midst of a call of the other.
        asked = self.new_hook().stop_execution(arn)
        self.log.info("Stopping execution %s" if asked else "Nothing to stop: execution %s is over", arn)
