"""One task for a whole pipeline execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from airflow.sdk import XComArg

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.graph import PipelineGraph
from airflow_sm_pipelines.definition.parameters import to_start_value
from airflow_sm_pipelines.definition.validation import pipeline_name_problem, selected_step_problem
from airflow_sm_pipelines.exceptions import PipelineExecutionError
from airflow_sm_pipelines.execution.resume import OnRetry
from airflow_sm_pipelines.operators.executions.base import BasePipelineExecutionOperator
from airflow_sm_pipelines.settings import CHOICES, PipelineOptions
from airflow_sm_pipelines.tasks.connected import masked_among
from airflow_sm_pipelines.translation.given import GivenDefinition, ReadDefinition, given_values, read_definition
from airflow_sm_pipelines.translation.reader import is_template
from airflow_sm_pipelines.translation.typed_parameters import TypedParameter

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_sm_pipelines.hooks.executions import StartRequest
    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook, UpsertResult
    from airflow_sm_pipelines.operators.executions.starting import StartingTry


_OF_A_DEFINITION = ("role_arn", "pipeline_display_name", "pipeline_description", "tags", "artifact_uri")


class SageMakerPipelineOperator(BasePipelineExecutionOperator):
    """
    Starts one execution of a pipeline and waits until it is over; returns the execution's ARN.

    With a ``definition`` the task first creates the pipeline or updates it to this definition. The definition is read
    and validated while the Dag file is parsed, without a call to AWS. The execution is started with a token made of
    Dag, run, task and map index, so that a retry after a lost worker finds the execution that was started before.
    Clearing the task starts a new one, as does a retry with ``on_retry="restart"``.

    Fails when the execution ended Failed, Stopped or CompletedWithFailures, with the failed steps and their reasons.
    Pushes the ARN as the XCom ``pipeline_execution_arn``, too, as soon as there is one.

    Does not upload code: what the definition's steps read from S3 has to be there. The name of a SageMaker experiment
    cannot be given at the start: it is in the definition, as ``PipelineExperimentConfig``, and may be a pipeline
    parameter there.

    :param pipeline_name: the pipeline. Templated.
    :param definition: the path of a JSON file (a relative one starts at the Dag file's directory), JSON text, the
        parsed document, or a ``Pipeline`` object of the SageMaker SDK. ``None`` runs the pipeline as it is.
    :param role_arn: the role that the pipeline runs with; needed with a definition, and only then. Templated.
    :param parameters: values of pipeline parameters: literals, Jinja or XComArgs. Those that are left out have their
        defaults. Templated.
    :param pipeline_version_id: run this version of the pipeline. Not together with a definition. Templated.
    :param pipeline_version_alias: run the version with this alias. Not together with a definition. Templated.
    :param max_parallel_execution_steps: how many steps run at once; by default what the pipeline says.
    :param selected_steps: run these steps only (selective execution). Templated.
    :param source_pipeline_execution_arn: where a selective execution takes the outputs of other steps from; by default
        the latest execution that Succeeded or Failed in which the steps needed succeeded. Templated.
    :param mlflow_experiment_name: the MLflow experiment of the execution. Templated.
    :param pipeline_display_name: the pipeline's name in SageMaker Studio. Templated.
    :param pipeline_description: the pipeline's description. Templated.
    :param tags: ``[{"Key": ..., "Value": ...}]`` of the pipeline. When they change, those of the pipeline follow; tags
        that others have given it stay. ``None`` leaves all tags alone. Templated.
    :param artifact_uri: ``s3://bucket/prefix``, where a definition of 100 KiB or more goes.
    :param on_retry: what another try does with the execution that failed: ``"resume"`` has SageMaker run the failed
        steps again under the same ARN, ``"restart"`` starts another. An execution that ended in a Fail step cannot be
        resumed; one whose definition is not the task's any more is not.
    :param kwargs: how to wait, and the connection; see :class:`BasePipelineExecutionOperator`.
    :raises TranslationError: while the Dag is parsed, for arguments that do not fit each other.
    :raises PipelineDefinitionError: while the Dag is parsed, for every rule the definition breaks, all at once.
    """

    custom_operator_name = "Pipeline execution"
    template_fields: Sequence[str] = (
        "pipeline_name",
        "role_arn",
        "parameters",
        "pipeline_version_id",
        "pipeline_version_alias",
        "selected_steps",
        "source_pipeline_execution_arn",
        "mlflow_experiment_name",
        "pipeline_display_name",
        "pipeline_description",
        "tags",
    )
    template_fields_renderers = {"parameters": "json", "tags": "json"}  # noqa: RUF012  # an instance variable in BaseOperator

    def __init__(
        self,
        *,
        pipeline_name: str,
        definition: GivenDefinition | None = None,
        role_arn: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        pipeline_version_id: int | str | None = None,
        pipeline_version_alias: str | None = None,
        max_parallel_execution_steps: int | None = None,
        selected_steps: Sequence[str] | XComArg | None = None,
        source_pipeline_execution_arn: str | XComArg | None = None,
        mlflow_experiment_name: str | None = None,
        pipeline_display_name: str | None = None,
        pipeline_description: str | None = None,
        tags: Sequence[Mapping[str, str]] | None = None,
        artifact_uri: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_name = pipeline_name
        self.role_arn = role_arn
        self.pipeline_version_id = pipeline_version_id
        self.pipeline_version_alias = pipeline_version_alias
        self.max_parallel_execution_steps = max_parallel_execution_steps
        self.selected_steps: Any = selected_steps
        self.source_pipeline_execution_arn: Any = source_pipeline_execution_arn
        self.mlflow_experiment_name = mlflow_experiment_name
        self.pipeline_display_name = pipeline_display_name
        self.pipeline_description = pipeline_description
        self.tags = tags
        self.artifact_uri = artifact_uri
        self._asked_for = tuple(name for name in CHOICES if getattr(self, name) is not None)
        self._check(definition is not None)
        self._given: ReadDefinition | None = None
        self._upserted: UpsertResult | None = None
        values = dict(parameters or {})
        if definition is not None:
            folder = str(self.dag.folder) if self.has_dag() else ""  # type: ignore[no-untyped-call]
            self._given = read_definition(definition, folder, self.subject, str(pipeline_name))
            values = given_values(self._given.definition, values, self.subject)
            self._check_selected_steps(self._given.definition)
        self.parameters = {
            name: value.value if isinstance(value, TypedParameter) else value for name, value in values.items()
        }

    def _check(self, has_definition: bool) -> None:
        """Refuse arguments that do not fit each other."""
        name: object = self.pipeline_name
        literal = isinstance(name, str) and not is_template(name) and not name.startswith("arn:")
        if literal and (problem := pipeline_name_problem(str(name))):
            raise self.error(f"{problem}. Set pipeline_name.")
        if has_definition and self.role_arn is None:
            raise self.error("a definition needs the role that the pipeline runs with: role_arn='arn:aws:iam::...'.")
        for keyword in () if has_definition else _OF_A_DEFINITION:
            if getattr(self, keyword) is not None:
                raise self.error(f"{keyword} belongs to a definition. Give definition=..., or leave {keyword} out.")
        if problem := self._options.problem:
            raise self.error(problem)
        self._check_version(has_definition)
        self._check_selection()

    def _check_version(self, has_definition: bool) -> None:
        given = [name for name in ("pipeline_version_id", "pipeline_version_alias") if getattr(self, name) is not None]
        if len(given) > 1:
            raise self.error("pipeline_version_id and pipeline_version_alias both name a version. Give one of them.")
        if given and has_definition:
            raise self.error(f"a given definition runs as its own version. Leave out {given[0]}, or the definition.")
        version: object = self.pipeline_version_id
        if isinstance(version, str) and not is_template(version) and not version.isdecimal():
            raise self.error(f"pipeline_version_id must be the number of a version, such as 1, got {version!r}.")

    def _check_selection(self) -> None:
        steps: object = self.selected_steps
        if isinstance(steps, str) and not is_template(steps):
            raise self.error(f"selected_steps={steps!r} is not a list. Write selected_steps=[{steps!r}].")
        if isinstance(steps, (list, tuple)) and not steps:
            raise self.error("selected_steps=[] selects nothing. Name steps, or leave selected_steps out.")
        if self.source_pipeline_execution_arn is not None and steps is None:
            raise self.error("source_pipeline_execution_arn is for a selective execution. Give selected_steps=[...].")

    def _check_selected_steps(self, definition: PipelineDefinition) -> None:
        """Refuse steps that the definition does not have; those of an XComArg or a template are known later."""
        steps: object = self.selected_steps
        names = PipelineGraph.of(definition).nodes
        for step in steps if isinstance(steps, (list, tuple)) else ():
            literal = isinstance(step, str) and not is_template(step)
            if literal and (problem := selected_step_problem(step, names)):
                raise self.error(f"{problem}.")

    def begin(self, hook: SageMakerPipelineHook, context: Context) -> str:
        """Create or update the pipeline, and start an execution, or continue with that of an earlier try.

        :param hook: asks AWS.
        :param context: Airflow's.
        """
        from airflow_sm_pipelines.hooks.starting import Start
        from airflow_sm_pipelines.operators.executions.starting import StartingTry
        from airflow_sm_pipelines.tasks.waiting import settled

        for name in self._asked_for:
            if getattr(self, name) is None:
                raise PipelineExecutionError(f"{name} is None: the task it comes from left no value")
        if self._given is not None:
            self._upserted = hook.upsert_pipeline(
                pipeline_name=self.pipeline_name,
                definition=self._given.text,
                role_arn=str(self.role_arn),
                options=self._options,
                artifact_uri=self.artifact_uri,
            )
            for line in self._upserted.log_lines():
                self.log.info("%s", line)
        this_try = StartingTry(context, self.log)
        definition = None if self._given is None else self._given.text
        return this_try.begin(
            hook,
            Start(self._request(hook, this_try), definition, f"task '{self.task_id}'", self.log),
            on_retry=OnRetry(self.wait.on_retry),
            look=lambda arn: settled(self, arn, self.awaited, self.wait),
            may_differ=True,
        )

    def report(self, context: Context, arn: str) -> None:
        """Push the XCom ``pipeline_report``.

        :param context: Airflow's.
        :param arn: the execution.
        """
        from airflow_sm_pipelines.operators.executions.reporting import report_start

        report_start(
            context,
            self.hook,
            self.log,
            arn,
            pipeline_name=self.pipeline_name,
            definition=lambda: self.hook.parsed_definition(arn),
            sent={name: to_start_value(value) for name, value in self.parameters.items()},
            masked=self.masked_values(context),
            connection=self.connection,
            links=self.link_addresses,
            upserted=self._upserted,
        )

    def masked_values(self, context: Context) -> Mapping[str, str]:
        """Return the values that the execution is started with and that hold secrets.

        :param context: Airflow's.
        """
        return masked_among({name: to_start_value(value) for name, value in self.parameters.items()})

    def _request(self, hook: SageMakerPipelineHook, this_try: StartingTry) -> StartRequest:
        from airflow_sm_pipelines.hooks.executions import StartRequest
        from airflow_sm_pipelines.operators.executions.starting import start_values

        version = self._version()
        declared = None if self._given is None else self._given.definition.parameters
        steps, source = self._selection(hook, version, this_try)
        return StartRequest(
            pipeline_name=self.pipeline_name,
            parameters=start_values(self.parameters, declared, self.task_id),
            client_request_token=this_try.token,
            display_name=this_try.display_name,
            pipeline_version_id=version,
            pipeline_version_alias=self.pipeline_version_alias,
            max_parallel_execution_steps=self.max_parallel_execution_steps,
            selected_steps=steps,
            source_pipeline_execution_arn=source,
            mlflow_experiment_name=self.mlflow_experiment_name,
        )

    @property
    def _options(self) -> PipelineOptions:
        return PipelineOptions(**{each.name: getattr(self, each.name) for each in fields(PipelineOptions)})

    def _version(self) -> int | None:
        if self.pipeline_version_id is None:
            return None
        try:
            return int(self.pipeline_version_id)
        except ValueError:
            raise PipelineExecutionError(
                f"pipeline_version_id is {self.pipeline_version_id!r}, not the number of a version"
            ) from None

    def _selection(
        self, hook: SageMakerPipelineHook, version: int | None, this_try: StartingTry
    ) -> tuple[Sequence[str], str | None]:
        """Return the steps of a selective execution, and its source, which is looked for where none is named."""
        from airflow_sm_pipelines.hooks.selection import latest_source, needed_steps

        if self.selected_steps is None:
            return (), None
        if isinstance(self.selected_steps, str) or not self.selected_steps:
            raise PipelineExecutionError(f"selected_steps is {self.selected_steps!r}, not a list of steps")
        steps = list(self.selected_steps)
        if self.source_pipeline_execution_arn is not None:
            return steps, self.source_pipeline_execution_arn
        needed = needed_steps(self._definition(hook, version), steps)
        if not needed:
            return steps, None
        source = this_try.chosen_source(lambda: latest_source(hook, self.pipeline_name, needed))
        self.log.info("Steps that are not selected are taken from %s", source)
        return steps, source

    def _definition(self, hook: SageMakerPipelineHook, version: int | None) -> PipelineDefinition:
        if self._given is not None:
            return self._given.definition
        described = hook.describe_pipeline(
            self.pipeline_name, pipeline_version_id=version, pipeline_version_alias=self.pipeline_version_alias
        )
        if described is None:
            raise PipelineExecutionError(f"there is no pipeline '{self.pipeline_name}', or no such version of it")
        return PipelineDefinition.from_json(described["PipelineDefinition"])
