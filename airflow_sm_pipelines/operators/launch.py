"""The launch task: makes the pipeline be as the task group says, and starts one execution of it."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_sm_pipelines.exceptions import (
    PipelineExecutionError,
    SageMakerPipelinesError,
    SageMakerServiceError,
    TranslationError,
)
from airflow_sm_pipelines.execution.resume import OnRetry
from airflow_sm_pipelines.links.sagemaker import SageMakerPipelineExecutionLink, link_xcoms
from airflow_sm_pipelines.operators.executions.starting import StartingTry, execution_display_name, start_values
from airflow_sm_pipelines.operators.steps.settings import PipelineGroup, PipelineSettings

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
    from airflow_sm_pipelines.translation.compile import CompiledPipeline


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
        from airflow_sm_pipelines.hooks.patience import persist

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
            artifact_uri=self.settings.artifact_uri or None,
        )
        self.log.info("Pipeline %s: %s", result.pipeline_arn, result.action)
        this_try = StartingTry(context, self.retries or 0)
        arn = this_try.started_before or hook.start_execution(
            pipeline_name=self.settings.pipeline_name,
            parameters=values,
            client_request_token=this_try.token,
            display_name=execution_display_name(this_try.dag_id, this_try.run_id),
        )
        self.log.info("Execution %s", arn)
        self._require_definition(hook, arn, compiled.text)
        if this_try.earlier_tries:
            arn = self._go_on_if_it_failed(hook, arn)
        this_try.remember(arn)
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
        from airflow_sm_pipelines.hooks.resumption import go_on

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
