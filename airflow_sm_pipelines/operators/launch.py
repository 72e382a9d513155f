"""The launch task: makes the pipeline be as the task group says, and starts one execution of it."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_sm_pipelines.definition.parameters import PipelineParameter, to_start_value
from airflow_sm_pipelines.definition.validation import did_you_mean
from airflow_sm_pipelines.exceptions import (
    PipelineExecutionError,
    PipelineParameterError,
    SageMakerPipelinesError,
    SageMakerServiceError,
    TranslationError,
)
from airflow_sm_pipelines.links.sagemaker import SageMakerPipelineExecutionLink, link_xcoms
from airflow_sm_pipelines.operators.settings import PipelineGroup, PipelineSettings
from airflow_sm_pipelines.translation.names import hyphenated

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
    from airflow_sm_pipelines.translation.compile import CompiledPipeline

MAXIMUM_DISPLAY_NAME_LENGTH: Final = 82


class SageMakerPipelineLaunchOperator(BaseOperator):
    """
    Uploads the steps' code, creates or updates the pipeline, and starts one execution.

    Before that it holds the steps' arguments against botocore's model of the requests, and warns of what does not fit.

    Made by :class:`~airflow_sm_pipelines.task_groups.pipeline.SageMakerPipelineTaskGroup`; Dags do not use it
    themselves. The pipeline is updated only when its definition changed. The execution is started with a
    token made of Dag, run, task and generation, so that a retry after a lost worker finds the execution that
    was started before instead of starting another; when that one has failed by then, it is gone on with as the group's
    ``on_retry`` says. Clearing the task starts a new one. Returns the execution's ARN as its XCom. Does not wait for
    the execution, and does not stop it when the task is killed: the next try finds it again.

    :param settings: the group's settings.
    :param parameters: the values the execution is started with, by pipeline parameter. Templated.
    """

    template_fields: Sequence[str] = ("parameters",)
    template_fields_renderers = {"parameters": "json"}  # noqa: RUF012  # an instance variable in BaseOperator
    operator_extra_links = (SageMakerPipelineExecutionLink(),)
    ui_color = "#d8e4f0"

    def __init__(self, *, settings: PipelineSettings, parameters: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settings = settings
        self.parameters = dict(parameters)
        self.link_addresses: dict[str, str] = {}

    def execute(self, context: Context) -> str:
        """Upload, upsert, start.

        :param context: Airflow's.
        :return: the execution's ARN.
        :raises AirflowFailException: in one sentence, when the group cannot be translated, a value does not
            fit its parameter, or a service refuses.
        :raises SageMakerServiceError: when a service is in trouble for longer than a task waits.
        """
        from airflow_sm_pipelines.patience import persist

        try:
            # Harmless to repeat: uploads are named by their content, and the token starts one execution.
            return persist(functools.partial(self._launch, context), self.log)
        except SageMakerServiceError as error:
            if error.retryable:
                raise  # Airflow retries the task, with the same token
            raise AirflowFailException(str(error)) from None
        except SageMakerPipelinesError as error:
            raise AirflowFailException(str(error)) from None

    def _launch(self, context: Context) -> str:
        from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
        from airflow_sm_pipelines.requests import check_requests

        compiled = self._compile()
        # Warnings only: the installed botocore may be older than the service, which has the last word.
        for problem in check_requests(compiled.definition):
            self.log.warning("%s", problem)
        values = start_values(self.parameters, compiled.definition.parameters, self.task_id)
        hook = SageMakerPipelineHook(**self.settings.hook_arguments)
        for upload in compiled.uploads:
            hook.upload(upload.content, upload.uri)
            self.log.info("Code is at %s", upload.uri)
        result = hook.upsert_pipeline(
            pipeline_name=self.settings.pipeline_name,
            definition=compiled.text,
            role_arn=self.settings.role_arn,
        )
        self.log.info("Pipeline %s: %s", result.pipeline_arn, result.action)
        task_instance = context["ti"]
        earlier_tries = max(0, task_instance.max_tries - (self.retries or 0))
        arn = hook.start_execution(
            pipeline_name=self.settings.pipeline_name,
            parameters=values,
            client_request_token=client_request_token(
                dag_id=task_instance.dag_id,
                run_id=task_instance.run_id,
                run_start=str(context["dag_run"].start_date),
                task_id=task_instance.task_id,
                map_index=-1 if task_instance.map_index is None else task_instance.map_index,
                generation=earlier_tries,
            ),
            display_name=execution_display_name(task_instance.dag_id, task_instance.run_id),
        )
        self.log.info("Execution %s", arn)
        self._require_definition(hook, arn, compiled.text)
        if task_instance.try_number > earlier_tries + 1:
            arn = self._go_on_if_it_failed(hook, arn)
        self.link_addresses = link_xcoms(arn)
        return arn

    def _require_definition(self, hook: SageMakerPipelineHook, arn: str, text: str) -> None:
        """Stop the execution when it does not run this group's definition.

        That is so when someone else updated the pipeline between our update and our start, and when the Dag file
        changed between two tries of this task.

        :raises PipelineExecutionError: saying so.
        """
        if json.loads(hook.execution_definition(arn)) == json.loads(text):
            return
        try:
            hook.stop_execution(arn)
        except SageMakerServiceError as error:
            self.log.warning("The execution could not be stopped: %s", error)
        raise PipelineExecutionError(
            f"execution {arn} runs another definition than task group '{self.settings.group_id}' has now, and was "
            f"stopped: pipeline '{self.settings.pipeline_name}' was updated by someone else in the same moment, or the "
            "Dag file changed since the first try. Clear this task to start anew; give each task group a pipeline_name "
            "of its own"
        )

    def _go_on_if_it_failed(self, hook: SageMakerPipelineHook, arn: str) -> str:
        """Go on with an execution that an earlier try started, and that failed before this one found it."""
        from airflow_sm_pipelines.hooks.resumption import OnRetry, go_on

        snapshot = hook.snapshot(arn)
        if not snapshot.status.is_terminal or snapshot.status.is_success:
            return arn
        self.log.info("It is %s already: going on with it (on_retry=%r)", snapshot.status, self.settings.on_retry)
        return go_on(hook, snapshot, OnRetry(self.settings.on_retry))

    def _compile(self) -> CompiledPipeline:
        """Translate the group as the Dag file says now; it may have got more edges since it was closed."""
        group: object = self.task_group
        if not isinstance(group, PipelineGroup):
            raise TranslationError(
                f"Task '{self.task_id}' launches no pipeline: it stands in no SageMakerPipelineTaskGroup. The group "
                "makes its launch task itself."
            )
        group.require_launch_follows_outside_upstreams()
        return group.compile()


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
