"""The launch task: creates or updates the pipeline of the task group, and starts one execution of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow_sm_pipelines.compatibility.audience import has_listeners
from airflow_sm_pipelines.compatibility.health import triggerer_runs
from airflow_sm_pipelines.compatibility.states import own_states
from airflow_sm_pipelines.definition.items import counts_of_items, item_problems
from airflow_sm_pipelines.documentation import see
from airflow_sm_pipelines.exceptions import PipelineParameterError, TranslationError
from airflow_sm_pipelines.execution.quiet import LAUNCHED, Launched
from airflow_sm_pipelines.execution.resume import OnRetry
from airflow_sm_pipelines.links.sagemaker import SageMakerPipelineExecutionLink, console_of, link_xcoms
from airflow_sm_pipelines.operators.steps.settings import PipelineGroup, PipelineSettings
from airflow_sm_pipelines.settings import PipelineOptions, to_dict
from airflow_sm_pipelines.tasks.connected import CallingTask, masked_among

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook, UpsertResult
    from airflow_sm_pipelines.translation.compile import CompiledPipeline

RETRIES: Final = 2
"""Launching may be repeated without harm, and a launch that is lost leaves an execution alone."""

_ENDED: Final = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})

RETRY_DELAY: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class _Begun:
    """The execution that continues, what it runs, its values, and what happened to the pipeline."""

    arn: str
    compiled: CompiledPipeline
    values: Mapping[str, str]
    upserted: UpsertResult


class SageMakerPipelineLaunchOperator(CallingTask):
    """
    Uploads the steps' code, creates or updates the pipeline, and starts one execution.

    Before that it holds the steps' arguments against botocore's model of the requests, and warns of what does not fit.

    Made by :class:`~airflow_sm_pipelines.task_groups.pipeline.SageMakerPipelineTaskGroup`; Dags do not use it
    themselves. The pipeline is updated only when its definition changed. The execution is started with a
    token, so that a retry after a lost worker finds the execution that was started before instead of starting another;
    when that one has failed by then, it is resumed or restarted as the group's ``on_retry`` says. Clearing the task
    starts a new one, and stops an earlier one of the same Dag run that is still executing. Returns the execution's ARN
    as its XCom. Does not wait for the execution, and does not stop it when the task is killed: the next try finds it
    again.

    :param settings: the group's settings.
    :param parameters: the values the execution is started with, by pipeline parameter. Templated.
    :param retries: by default 2, unless the Dag's ``default_args`` say otherwise.
    :param retry_delay: by default half a minute, unless the Dag's ``default_args`` say otherwise.
    """

    template_fields: Sequence[str] = ("parameters", "options")
    template_fields_renderers = {"parameters": "json", "options": "json"}  # noqa: RUF012  # an instance variable in BaseOperator
    operator_extra_links = (SageMakerPipelineExecutionLink(),)
    custom_operator_name = "Launch pipeline"
    ui_color = "#d8e4f0"

    def __init__(
        self,
        *,
        settings: PipelineSettings,
        parameters: Mapping[str, Any],
        retries: int | None = None,
        retry_delay: timedelta | float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            retries=RETRIES if retries is None else retries,
            retry_delay=RETRY_DELAY if retry_delay is None else retry_delay,
            **kwargs,
        )
        self.settings = settings
        self.connection = settings.connection
        self.parameters = dict(parameters)
        self.options = to_dict(settings.options)

    def execute(self, context: Context) -> str:
        """Upload, upsert, start.

        :param context: Airflow's.
        :return: the execution's ARN.
        :raises AirflowFailException: in one sentence, when the group cannot be translated, a value does not
            fit its parameter, or a service refuses.
        :raises SageMakerServiceError: when a service is unavailable for longer than a task waits.
        """
        from airflow_sm_pipelines.triggers.memory import empty_memory

        # Harmless to repeat: uploads are named by their content, and the token starts one execution.
        begun = self.act(lambda hook: self._launch(hook, context))
        arn = begun.arn
        clears = getattr(context["dag_run"], "clear_number", None)
        launched = Launched(time.time(), clears, has_listeners(), masked_among(begun.values))
        tasks = [task for task in self.task_group or () if task is not self]
        steps = [task.task_id for task in tasks]
        for_each = {task.task_id: getattr(task, "for_each_step_name", None) for task in tasks}
        items = counts_of_items(begun.compiled.definition, begun.values)
        counts = {task_id: items.get(name, 0) for task_id, name in for_each.items() if name is not None}
        for key, value in {LAUNCHED: asdict(launched), **empty_memory(steps, counts)}.items():
            context["ti"].xcom_push(key=key, value=value)
        self.link_addresses = link_xcoms(console_of(self.hook), arn)
        self._report(context, begun, launched.masked)
        self._warn_of_what_keeps_the_steps(context, steps)
        return arn

    def _report(self, context: Context, begun: _Begun, masked: Mapping[str, str]) -> None:
        from airflow_sm_pipelines.operators.executions.reporting import report_start

        followers = {getattr(task, "step_name", None): task.task_id for task in self.task_group or ()}
        report_start(
            context,
            self.hook,
            self.log,
            begun.arn,
            pipeline_name=self.settings.pipeline_name,
            definition=lambda: begun.compiled.definition,
            sent=begun.values,
            masked=masked,
            connection=self.connection,
            links=self.link_addresses,
            upserted=begun.upserted,
            task_ids={name: task_id for name, task_id in followers.items() if name is not None},
            code=[upload.uri for upload in begun.compiled.uploads],
        )

    def _warn_of_what_keeps_the_steps(self, context: Context, steps: list[str]) -> None:
        """Warn where the tasks of the steps will not follow the execution, and say what to do."""
        if triggerer_runs() is False:
            self.log.warning(
                "No triggerer is running: the tasks of the steps stay deferred until one does. Start it with 'airflow "
                "triggerer'. %s",
                see("stays-deferred"),
            )
        if int(context["ti"].try_number) == 1:
            return
        ended = [task_id for task_id, state in own_states(context["ti"], steps).items() if state in _ENDED]
        if ended:
            self.log.warning(
                "These tasks do not follow the execution, because they have already ended: %s. Clear '%s' with its "
                "downstream tasks. %s",
                ", ".join(f"'{task_id}'" for task_id in ended),
                self.task_id,
                see("these-tasks-do-not-follow-the-execution"),
            )

    def _launch(self, hook: SageMakerPipelineHook, context: Context) -> _Begun:
        from airflow_sm_pipelines.hooks.executions import StartRequest
        from airflow_sm_pipelines.hooks.starting import Start
        from airflow_sm_pipelines.operators.executions.starting import StartingTry, start_values
        from airflow_sm_pipelines.requests import require_requests

        compiled = self._compile()
        subject = f"Task '{self.task_id}', pipeline '{self.settings.pipeline_name}'"
        values = start_values(self.parameters, compiled.definition.parameters, self.task_id)
        for wrong in item_problems(compiled.definition, values):
            raise PipelineParameterError(f"Task '{self.task_id}': {wrong}")
        for problem in require_requests(compiled.definition, subject, given=values):
            self.log.warning("%s", problem)
        for upload in compiled.uploads:
            hook.upload(upload.content, upload.uri)
            self.log.info("Code is at %s", upload.uri)
        options = PipelineOptions(**self.options)
        result = hook.upsert_pipeline(
            pipeline_name=self.settings.pipeline_name,
            definition=compiled.text,
            role_arn=self.settings.role_arn,
            options=options,
            artifact_uri=self.settings.artifact_uri or None,
        )
        for line in result.log_lines():
            self.log.info("%s", line)
        this_try = StartingTry(context, self.log)
        request = StartRequest(
            pipeline_name=self.settings.pipeline_name,
            parameters=values,
            client_request_token=this_try.token,
            display_name=this_try.display_name,
            max_parallel_execution_steps=options.max_parallel_execution_steps,
            mlflow_experiment_name=options.mlflow_experiment_name,
        )
        arn = this_try.begin(
            hook,
            Start(request, compiled.text, f"task group '{self.settings.group_id}'", self.log),
            on_retry=OnRetry(self.settings.wait.on_retry),
            look=hook.snapshot,
            may_differ=False,
        )
        return _Begun(arn, compiled, values, result)

    def _compile(self) -> CompiledPipeline:
        """Translate the group as the Dag file says now; it may have got more edges since it was closed."""
        group: object = self.task_group
        if not isinstance(group, PipelineGroup):
            raise TranslationError(
                f"Task '{self.task_id}' is not inside a SageMakerPipelineTaskGroup. The group makes its launch task "
                "itself: remove this one."
            )
        group.require_launch_follows_outside_upstreams()
        return group.compile_changes()
