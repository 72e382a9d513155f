"""Starting an execution: once for all tries of a task, with checked values and a name that SageMaker takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_sm_pipelines.compatibility.task_state_store import TaskStateStore
from airflow_sm_pipelines.definition.parameters import PipelineParameter, to_start_value
from airflow_sm_pipelines.definition.validation import did_you_mean
from airflow_sm_pipelines.documentation import see
from airflow_sm_pipelines.exceptions import PipelineExecutionError, PipelineParameterError, SageMakerServiceError
from airflow_sm_pipelines.execution.identity import execution_display_name, start_token
from airflow_sm_pipelines.execution.resume import OnRetry, token_after
from airflow_sm_pipelines.hooks.starting import (
    REQUEST_DIFFERS,
    Start,
    continue_after_failure,
    earlier_executions,
    require_definition,
    runs_definition,
    start,
    stop_earlier,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook

    Look = Callable[[str], ExecutionSnapshot]


class StartingTry:
    """
    A try of a task that starts an execution, among its other tries.

    All tries since the task was last cleared have one token, with which the service starts one execution. The service
    does not say for how long it remembers a token; so the ARN is kept in Airflow's task state store besides, from the
    first try that got as far. Executions of tries before the last clear, and of tries that Airflow lost, are known by
    their display name.

    :param context: Airflow's.
    :param log: the task's log.
    """

    def __init__(self, context: Context, log: Any) -> None:
        task_instance: Any = context["ti"]
        dag_run: Any = context["dag_run"]
        map_index = -1 if task_instance.map_index is None else int(task_instance.map_index)
        task = (task_instance.dag_id, task_instance.run_id, task_instance.task_id, map_index)
        self._log = log
        self._try_number: int = task_instance.try_number
        self._run_after: Any = getattr(dag_run, "run_after", None)
        self._store = TaskStateStore(context)
        self.token = start_token(*task, run_start=str(dag_run.start_date), max_tries=task_instance.max_tries)
        self.display_name = execution_display_name(*task)

    def begin(
        self,
        hook: SageMakerPipelineHook,
        wanted: Start,
        *,
        on_retry: OnRetry,
        look: Look,
        may_differ: bool,
    ) -> str:
        """Start an execution, or continue with the one that an earlier try started; leave no other one executing.

        May be called again after trouble.

        :param hook: where.
        :param wanted: the start, with :attr:`token` and :attr:`display_name`.
        :param on_retry: what to do with an execution of an earlier try that failed.
        :param look: looks at an execution.
        :param may_differ: an execution that continues may run another definition, when an earlier try started it.
        :return: the ARN of the execution that this try is about.
        :raises PipelineExecutionError: when it runs another definition, or cannot be resumed.
        :raises SageMakerServiceError: in the service's words.
        """
        if self._try_number == 1:
            arn = start(hook, wanted)
        else:
            name = wanted.request.pipeline_name
            earlier = earlier_executions(hook, name, self.display_name, self._run_after, self._log)
            executing = [arn for arn, status in (earlier or {}).items() if not status.is_terminal]
            known = self._store.get(self.token)
            try:
                arn = known or hook.start_execution(wanted.request)
            except SageMakerServiceError as error:
                if error.code != REQUEST_DIFFERS:
                    raise
                stop_earlier(hook, executing, self._log)
                raise PipelineExecutionError(
                    f"the Dag changed between two tries of this task, and so did its request to start: {error}. The "
                    "execution of the earlier try is not continued. Clear this task to start a new one. "
                    f"{see('another-definition')}"
                ) from None
            self._log.info("Execution %s", arn)
            if not may_differ or (known is None and earlier is not None and arn not in earlier):
                require_definition(hook, arn, wanted)
            arn = self._continue(hook, wanted, arn, on_retry=on_retry, look=look, may_differ=may_differ)
            stop_earlier(hook, [each for each in executing if each != arn], self._log)
        self._store.set(self.token, arn)
        return arn

    def _continue(
        self, hook: SageMakerPipelineHook, wanted: Start, arn: str, *, on_retry: OnRetry, look: Look, may_differ: bool
    ) -> str:
        """Return the execution that continues: the one found, or one instead of those that failed.

        At most as many were started instead as there were tries before, so no more are looked at.
        """
        for _ in range(self._try_number - 1):
            snapshot = look(arn)
            if not snapshot.status.is_terminal or snapshot.status.is_success:
                self._log.info("It is %s", snapshot.status)
                return arn
            same = not may_differ or runs_definition(hook, arn, wanted.definition)
            if on_retry is OnRetry.RESUME and same:
                self._log.info("An earlier try started it, and it ended %s: resuming it", snapshot.status)
                return continue_after_failure(hook, snapshot, on_retry, self._log)
            why = "" if same else ", with another definition"
            self._log.info("It ended %s in an earlier try%s: starting another instead", snapshot.status, why)
            arn = start(hook, wanted.with_token(token_after(snapshot, OnRetry.RESTART)))
        return arn

    def chosen_source(self, choose: Callable[[], str]) -> str:
        """Return the source execution that an earlier try asked for, or choose one and keep it.

        The service takes a token with one request only; what an earlier try started may be a source itself now.

        :param choose: finds a source.
        """
        key = f"{self.token}-source"
        source = self._store.get(key)
        if source is None:
            source = choose()
            self._store.set(key, source)
        return source


def start_values(
    values: Mapping[str, Any], declared: Sequence[PipelineParameter] | None, task_id: str
) -> dict[str, str]:
    """Return the start values as StartPipelineExecution wants them, each checked against its declaration.

    :param values: rendered values by pipeline parameter.
    :param declared: what the definition declares; ``None`` where it is not known.
    :param task_id: named in errors.
    :return: without those that are empty and so by default: SageMaker takes the empty text for a default only.
    :raises PipelineParameterError: for an unknown parameter, a wrong type, or a value that is empty or too long.
    """
    by_name = {parameter.name: parameter for parameter in declared or ()}
    texts: dict[str, str] = {}
    for name, value in values.items():
        if declared is not None and name not in by_name:
            raise PipelineParameterError(
                f"Task '{task_id}' gives a value for pipeline parameter '{name}', which the pipeline does not "
                f"declare{did_you_mean(name, by_name)}"
            )
        try:
            text = to_start_value(value)
        except PipelineParameterError as error:
            raise PipelineParameterError(f"Task '{task_id}', pipeline parameter '{name}': {error}") from None
        parameter = by_name.get(name, PipelineParameter(name, "String"))
        if parameter.is_left_out(text):
            continue
        try:
            parameter.parse_start_value(text)
        except PipelineParameterError as error:
            raise PipelineParameterError(f"Task '{task_id}': {error}") from None
        texts[name] = text
    return texts
