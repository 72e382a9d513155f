"""What the operators do that deal with a whole pipeline execution: wait for it, in any way, and end as it did."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowTaskTimeout

from airflow_sm_pipelines.connection import ConnectedTask
from airflow_sm_pipelines.exceptions import (
    PipelineExecutionError,
    SageMakerPipelinesError,
    SageMakerServiceError,
)
from airflow_sm_pipelines.execution.outcome import ExecutionTarget, Fail, Wait, decide
from airflow_sm_pipelines.execution.time_limit import TimeLimit, earliest, waiter_limit
from airflow_sm_pipelines.links.sagemaker import SageMakerPipelineExecutionLink, link_xcoms
from airflow_sm_pipelines.operators.steps.settings import waiting_problem

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot

EXECUTION_TIMEOUT = "execution_timeout"
EXECUTION_XCOM = "pipeline_execution_arn"

#: How much later than our own trigger Airflow may end a deferred task: it cannot say what was last seen.
_AIRFLOW_LATER = timedelta(minutes=5)

#: Of how many failed steps the log's end is shown.
_STEPS_REPORTED = 5


class BasePipelineExecutionOperator(ConnectedTask, BaseOperator):
    """
    A task about one pipeline execution, which it may wait for.

    Pushes the execution's ARN as the XCom ``pipeline_execution_arn`` as soon as it is known; the console link comes
    with it.

    :param wait_for_completion: wait until the execution is over; otherwise the task ends once it has done its own part.
    :param deferrable: wait in the triggerer, without a worker.
    :param waiter_delay: seconds between two looks at the execution, at most. Short executions are looked at more often.
    :param waiter_max_attempts: give up after ``waiter_delay`` times this; ``None`` for no limit. The execution is left
        alone then, as it is when ``execution_timeout`` is over.
    :param stop_on_kill: stop the execution when a person fails the task or its Dag run while the task waits.
    :param log_lines: lines of a failed step's job log that the task's log shows.
    :param aws_conn_id: the Airflow connection; ``None`` leaves it to boto3.
    :param region_name: overrides the connection's region.
    :param verify: overrides the connection's TLS verification, as boto3's ``verify``.
    :param botocore_config: keyword arguments of botocore's ``Config``.
    """

    operator_extra_links = (SageMakerPipelineExecutionLink(),)
    ui_color = "#d8e4f0"

    #: Whether the triggerer can end the task: it does so as the execution ended. Airflow registers asset events of
    #: ``outlets`` on workers only.
    ends_in_triggerer = True

    def __init__(
        self,
        *,
        wait_for_completion: bool = True,
        deferrable: bool = True,
        waiter_delay: float = 30,
        waiter_max_attempts: int | None = None,
        stop_on_kill: bool = True,
        log_lines: int = 20,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.waiter_delay = waiter_delay
        self.waiter_max_attempts = waiter_max_attempts
        self.stop_on_kill = stop_on_kill
        self.log_lines = log_lines
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verify = verify
        self.botocore_config = botocore_config
        self.link_addresses: dict[str, str] = {}
        self._awaited: tuple[str, Any] | None = None
        if problem := waiting_problem(waiter_delay, waiter_max_attempts, log_lines):
            raise self.error(problem)

    @abstractmethod
    def begin(self, context: Context) -> str:
        """Do this operator's own part; done again when the service was in trouble, so that must do no harm.

        :param context: Airflow's.
        :return: the ARN of the execution to wait for.
        """

    def result(self, snapshot: ExecutionSnapshot) -> str:
        """Return what the task returns for an execution that is over.

        :param snapshot: the execution.
        :raises PipelineExecutionError: when it did not succeed, with the failed steps and their reasons.
        """
        decision = decide(snapshot, ExecutionTarget())
        if isinstance(decision, Wait):
            raise PipelineExecutionError(
                f"execution {snapshot.arn} is {snapshot.status}, although its trigger ended. Clear the task"
            )
        if isinstance(decision, Fail):
            for step in (snapshot.failed_steps or snapshot.stopped_steps)[:_STEPS_REPORTED]:
                for line in self.hook.failure_report(step, self.log_lines):
                    self.log.error("%s", line)
            raise PipelineExecutionError(decision.reason)
        return str(snapshot.arn)

    def execute(self, context: Context) -> str:
        """Do the operator's own part, then wait as asked.

        :param context: Airflow's.
        :raises AirflowFailException: in one sentence, when trying again cannot help.
        :raises PipelineExecutionError: when the execution did not end well.
        """
        from airflow_sm_pipelines.hooks.patience import persist

        try:
            arn = persist(lambda: self.begin(context), self.log)
        except SageMakerServiceError as error:
            if error.retryable:
                raise  # Airflow tries the task again, with the same token
            raise AirflowFailException(str(error)) from None
        except SageMakerPipelinesError as error:
            raise AirflowFailException(str(error)) from None
        self.link_addresses = link_xcoms(arn)
        context["ti"].xcom_push(key=EXECUTION_XCOM, value=arn)
        if not self.wait_for_completion:
            return arn
        if self.deferrable:
            self._defer(arn)
        return self._wait(arn, context)

    def _defer(self, arn: str) -> None:
        from airflow_sm_pipelines.triggers.execution import SageMakerPipelineExecutionTrigger

        limit = earliest([self._waiter_limit, self._timeout_limit])
        self.defer(
            trigger=SageMakerPipelineExecutionTrigger(
                pipeline_execution_arn=arn,
                waiter_delay=self.waiter_delay,
                time_limit=None if limit is None else limit.to_dict(),
                stop_on_kill=self.stop_on_kill,
                end_from_trigger=self.ends_in_triggerer and self.do_xcom_push and not self.outlets,
                log_lines=self.log_lines,
                **self.connection_arguments,
            ),
            method_name="execute_complete",
            timeout=None if self.execution_timeout is None else self.execution_timeout + _AIRFLOW_LATER,
        )

    def _wait(self, arn: str, context: Context) -> str:
        from airflow_sm_pipelines.operators.executions.waiting import wait_on_worker

        self._awaited = (arn, context["ti"])
        try:
            snapshot = wait_on_worker(
                self, arn, waiter_delay=self.waiter_delay, time_limit=self._waiter_limit, log=self.log
            )
        except SageMakerServiceError as error:
            raise AirflowFailException(str(error)) from None
        finally:
            self._awaited = None
        return self.result(snapshot)

    @property
    def _waiter_limit(self) -> TimeLimit | None:
        return waiter_limit(time.time(), self.waiter_delay, self.waiter_max_attempts)

    @property
    def _timeout_limit(self) -> TimeLimit | None:
        if self.execution_timeout is None:
            return None
        return TimeLimit.starting(time.time(), EXECUTION_TIMEOUT, self.execution_timeout.total_seconds())

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> str:
        """Look at the execution once more, on a worker, and end as it did; for tasks that the triggerer did not end.

        :param context: Airflow's.
        :param event: what the trigger said; only for the ARN, and for what was not seen.
        :raises PipelineExecutionError: when the execution did not end well, or was not followed to its end.
        """
        arn = event["pipeline_execution_arn"]
        self.link_addresses = link_xcoms(arn)
        if event["status"] == "timeout":
            # Airflow's own exception, where it is Airflow's own limit.
            timeout = event["limit"] == EXECUTION_TIMEOUT
            raise (AirflowTaskTimeout if timeout else PipelineExecutionError)(event["reason"])
        try:
            snapshot = self.persist(lambda hook: hook.snapshot(arn))
        except SageMakerServiceError as error:
            if error.retryable:
                raise  # the next try finds the execution
            raise AirflowFailException(str(error)) from None
        self.link_addresses = link_xcoms(arn, studio_domain=snapshot.created_by_domain)
        return self.result(snapshot)

    def on_kill(self) -> None:
        """Stop the execution waited for on this worker, when a person failed the task or its Dag run."""
        if self._awaited is None or not self.stop_on_kill:
            return
        from airflow_sm_pipelines.operators.executions.killed import was_failed_by_a_person

        arn, task_instance = self._awaited
        if not was_failed_by_a_person(task_instance):
            self.log.info("Execution %s is left alone: the task was not failed", arn)
            return
        # A hook of its own: this runs in a signal handler, maybe in the midst of a call of the other.
        asked = self.new_hook().stop_execution(arn)
        self.log.info("Stopping execution %s" if asked else "Nothing to stop: execution %s is over", arn)
