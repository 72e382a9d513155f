"""Tasks that call AWS by one Airflow connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import BaseOperator

from airflow_sm_pipelines.compatibility.audience import has_listeners, states_told
from airflow_sm_pipelines.compatibility.version import TASKS_LIVE_IN_TRIGGERER
from airflow_sm_pipelines.exceptions import SageMakerPipelinesError, SageMakerServiceError, TranslationError
from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.quiet import states_ended_here
from airflow_sm_pipelines.execution.time_limit import TimeLimit, earliest, execution_limit, later
from airflow_sm_pipelines.settings import AwsConnection, WaitSettings

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook

Result = TypeVar("Result")


class CallingTask(BaseOperator):
    """A task that calls AWS. Subclasses set :attr:`connection`, and the addresses of their links as they learn them."""

    connection: AwsConnection
    link_addresses: Mapping[str, str] = MappingProxyType({})

    _hook: SageMakerPipelineHook | None = None

    @property
    def subject(self) -> str:
        """How errors name this task."""
        has_dag: bool = self.has_dag()  # type: ignore[no-untyped-call]
        return f"Dag '{self.dag.dag_id}', task '{self.task_id}'" if has_dag else f"Task '{self.task_id}'"

    def error(self, message: str) -> TranslationError:
        """Return an error that names the Dag and this task.

        :param message: the rule broken and the fix.
        """
        return TranslationError(f"{self.subject}: {message}")

    def masked_values(self, context: Context) -> Mapping[str, str]:  # noqa: ARG002 - for those who know
        """Return the values of the task's execution that hold secrets; none for a task that did not start it.

        :param context: Airflow's.
        :return: by pipeline parameter, as Airflow shows them; see :mod:`airflow_sm_pipelines.execution.secrets`.
        """
        return {}

    def take_report(self, report: Mapping[str, Any]) -> None:
        """Take note of what the task's step left; nothing by default.

        :param report: the XCom ``step_report``.
        """

    def new_hook(self) -> SageMakerPipelineHook:
        """Return a hook that shares nothing with :attr:`hook`; its connection is not read yet."""
        from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook

        return SageMakerPipelineHook(**self.connection.hook_arguments)

    @property
    def hook(self) -> SageMakerPipelineHook:
        """The task's hook, made when first asked for."""
        if self._hook is None:
            self._hook = self.new_hook()
        return self._hook

    def ask(self, function: Callable[[SageMakerPipelineHook], Result]) -> Result:
        """Call a function with the hook. Expired credentials are read again, once.

        :param function: what to call; calling it again must do no harm.
        :raises SageMakerServiceError: in the service's words.
        """
        from airflow_sm_pipelines.hooks.service_errors import BAD_CREDENTIALS

        try:
            return function(self.hook)
        except SageMakerServiceError as error:
            if error.code not in BAD_CREDENTIALS:
                raise
            self.log.info("Reading connection %r again: %s", self.connection.aws_conn_id, error)
        self._hook = None
        return function(self.hook)

    def persist(self, function: Callable[[SageMakerPipelineHook], Result]) -> Result:
        """Call a function with the hook, again and again while the service is unavailable, for a while.

        :param function: what to call; calling it again must do no harm.
        :raises SageMakerServiceError: when trying again cannot help, or did not; in the service's words.
        """
        from airflow_sm_pipelines.hooks.patience import persist

        return persist(lambda: self.ask(function), self.log)

    def act(self, function: Callable[[SageMakerPipelineHook], Result]) -> Result:
        """Call a function as :meth:`persist` does, and leave to Airflow what another try of the task may help.

        :param function: what to call; calling it again must do no harm.
        :raises SageMakerServiceError: when the service stays unavailable; Airflow tries the task again.
        :raises AirflowFailException: in one sentence, when trying again cannot help.
        """
        try:
            return self.persist(function)
        except SageMakerPipelinesError as error:
            raise_for_airflow(error)


class ConnectedTask(CallingTask):
    """
    A task that is given its connection.

    The keywords stand here once, for all operators and sensors, so that a Dag's ``default_args`` reach them.

    :param aws_conn_id: the Airflow connection; ``None`` leaves it to boto3.
    :param region_name: overrides the connection's region.
    :param verify: overrides the connection's TLS verification, as boto3's ``verify``.
    :param botocore_config: keyword arguments of botocore's ``Config``.
    :param studio_domain_id: the SageMaker Studio domain that links to executions lead to; by default
        ``studio_domain_id`` in the connection's extra.
    """

    def __init__(
        self,
        *,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: Mapping[str, Any] | None = None,
        studio_domain_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.connection = AwsConnection(aws_conn_id, region_name, verify, botocore_config, studio_domain_id)
        if region_name is not None:
            from airflow_sm_pipelines.requests.regions import region_problem

            if problem := region_problem(region_name):
                raise self.error(problem)

    def defer_to_trigger(
        self, awaited: Awaited, wait: WaitSettings, *, limit: TimeLimit | None, timeout: timedelta | None, **which: Any
    ) -> NoReturn:
        """Wait in the triggerer for an execution, or for a step of one.

        :param awaited: what is waited for.
        :param wait: how to wait.
        :param limit: when to give up; ``execution_timeout`` ends the wait besides.
        :param timeout: when Airflow ends it, should the trigger not.
        :param which: keywords of the trigger that say which execution is meant.
        """
        from airflow_sm_pipelines.triggers.execution import SageMakerPipelineExecutionTrigger

        first = earliest([limit, execution_limit(time.time(), self.execution_timeout)])
        told = {"success", "skipped"} if has_listeners() else states_told(self)
        ends_here = states_ended_here(wait.end_tasks, told, has_outlets=bool(self.outlets))
        self.defer(
            trigger=SageMakerPipelineExecutionTrigger(
                awaited=awaited,
                connection=self.connection,
                wait=wait,
                time_limit=None if first is None else first.to_dict(),
                ends_here=ends_here if self.do_xcom_push and TASKS_LIVE_IN_TRIGGERER else (),
                **which,
            ),
            method_name="execute_complete",
            timeout=later(timeout),
        )


def masked_among(values: Mapping[str, str]) -> dict[str, str]:
    """Return those of some values that hold secrets which this worker has read, as Airflow shows them.

    :param values: by pipeline parameter.
    """
    # Late: the package that it is from loads much of Airflow.
    from airflow.providers.common.compat.sdk import redact

    shown = {name: str(redact(value)) for name, value in values.items()}
    return {name: text for name, text in shown.items() if text != values[name]}


def raise_for_airflow(error: SageMakerPipelinesError) -> NoReturn:
    """Raise what tells Airflow whether another try of the task may help.

    :param error: what happened.
    :raises SageMakerServiceError: the error itself, when the service was unavailable.
    :raises AirflowFailException: in one sentence, for everything else.
    """
    if isinstance(error, SageMakerServiceError) and error.retryable:
        raise error
    raise AirflowFailException(str(error)) from None
