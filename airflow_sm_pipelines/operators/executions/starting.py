"""Starting an execution: once for all tries of a task, with checked values and a name that SageMaker takes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow_sm_pipelines.definition.parameters import PipelineParameter, to_start_value
from airflow_sm_pipelines.definition.validation import did_you_mean
from airflow_sm_pipelines.exceptions import PipelineParameterError
from airflow_sm_pipelines.translation.names import hyphenated

if TYPE_CHECKING:
    from airflow.sdk import Context

MAXIMUM_DISPLAY_NAME_LENGTH: Final = 82


class StartingTry:
    """
    A try of a task that starts an execution, among the other tries since the task was last cleared.

    They all have one token, with which the service starts one execution. The service does not say for how long it
    remembers a token; so the ARN is kept in Airflow's task state store besides, from the first try that got as far.

    :param context: Airflow's.
    :param retries: the task's.
    """

    def __init__(self, context: Context, retries: int) -> None:
        task_instance: Any = context["ti"]
        self.dag_id: str = task_instance.dag_id
        self.run_id: str = task_instance.run_id
        self.map_index = -1 if task_instance.map_index is None else int(task_instance.map_index)
        # Airflow raises max_tries when a task is cleared and leaves it alone on a retry.
        generation = max(0, task_instance.max_tries - retries)
        self.earlier_tries: int = task_instance.try_number - generation - 1
        self.token = client_request_token(
            dag_id=self.dag_id,
            run_id=self.run_id,
            run_start=str(context["dag_run"].start_date),
            task_id=task_instance.task_id,
            map_index=self.map_index,
            generation=generation,
        )
        self._store: Any = context.get("task_state_store")

    @property
    def started_before(self) -> str | None:
        """The ARN of the execution that an earlier try is known to have started."""
        if self.earlier_tries == 0 or self._store is None:
            return None
        arn: str | None = self._store.get(self.token)
        return arn

    def chosen_source(self, choose: Callable[[], str]) -> str:
        """Return the source execution that an earlier try asked for, or choose one and keep it.

        The service takes a token with one request only; what an earlier try started may be a source itself by now.

        :param choose: finds a source.
        """
        key = f"{self.token}-source"
        known: str | None = None if self._store is None else self._store.get(key)
        if known is not None:
            return known
        source = choose()
        if self._store is not None:
            self._store.set(key, source)
        return source

    def remember(self, pipeline_execution_arn: str) -> None:
        """Keep the execution for later tries.

        :param pipeline_execution_arn: what this try started, or found.
        """
        if self._store is not None:
            self._store.set(self.token, pipeline_execution_arn)


def start_values(values: Mapping[str, Any], declared: Sequence[PipelineParameter], task_id: str) -> dict[str, str]:
    """Return the start values as StartPipelineExecution wants them, each checked against its declaration.

    :param values: rendered values by pipeline parameter.
    :param declared: what the definition declares.
    :param task_id: named in errors.
    :raises PipelineParameterError: for an unknown parameter, a wrong type, or a value that is too long.
    """
    by_name = {parameter.name: parameter for parameter in declared}
    texts: dict[str, str] = {}
    for name, value in values.items():
        if name not in by_name:
            raise PipelineParameterError(
                f"Task '{task_id}' gives a value for pipeline parameter '{name}', which the pipeline does not "
                f"declare{did_you_mean(name, by_name)}"
            )
        try:
            texts[name] = to_start_value(value)
        except PipelineParameterError as error:
            raise PipelineParameterError(f"Task '{task_id}', pipeline parameter '{name}': {error}") from None
        try:
            by_name[name].parse(texts[name])
        except PipelineParameterError as error:
            raise PipelineParameterError(f"Task '{task_id}': {error}") from None
    return texts


def client_request_token(
    *, dag_id: str, run_id: str, run_start: str, task_id: str, map_index: int, generation: int
) -> str:
    """Return the token that makes a start happen once.

    :param dag_id: the Dag.
    :param run_id: the Dag run.
    :param run_start: when the Dag run started: a run that was deleted and made again has the same id. Airflow sets
        it once, and anew only when a finished run is cleared.
    :param task_id: the launch task.
    :param map_index: the launch task's map index.
    :param generation: how many tries were made before the task was last cleared. Airflow raises ``max_tries``
        when a task is cleared and leaves it alone on a retry, so ``max_tries - retries`` is just that number.
    :return: 64 hexadecimal digits.
    """
    identity = json.dumps([dag_id, run_id, run_start, task_id, map_index, generation])
    return hashlib.sha256(identity.encode()).hexdigest()


def execution_display_name(dag_id: str, run_id: str) -> str:
    """Return a display name that SageMaker takes: at most 82 letters, digits and hyphens.

    :param dag_id: the Dag.
    :param run_id: the Dag run; run ids do not fit as they are.
    """
    return hyphenated(f"{dag_id}-{run_id}")[-MAXIMUM_DISPLAY_NAME_LENGTH:].strip("-")
