"""The TaskGroup that becomes a SageMaker pipeline."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import TriggerRule

from airflow_sm_pipelines.definition.expressions import ParameterReference, find_references
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, TranslationError
from airflow_sm_pipelines.execution.resume import OnRetry, definition_digest
from airflow_sm_pipelines.operators.steps.references import NamedReferences
from airflow_sm_pipelines.task_groups.base import BasePipelineTaskGroup
from airflow_sm_pipelines.task_groups.existing import ExistingPipelineTaskGroup
from airflow_sm_pipelines.task_groups.items import items_task
from airflow_sm_pipelines.task_groups.mapped import connect_mapped_groups, refuse_late_edges_of_mapped_groups
from airflow_sm_pipelines.task_groups.middle import (
    add_callback_tasks,
    connect_callback_tasks,
    middle_of,
    refuse_late_edges,
    refuse_outputs_before_the_start,
)
from airflow_sm_pipelines.task_groups.parameters import declare
from airflow_sm_pipelines.translation.compile import CompiledPipeline, compile_pipeline, without_collections
from airflow_sm_pipelines.translation.given import GivenDefinition
from airflow_sm_pipelines.translation.mapped_groups import mapped_groups_of
from airflow_sm_pipelines.translation.nodes import RuntimeValue, StepTask, identical
from airflow_sm_pipelines.translation.reader import is_template, read_outline, read_steps, to_runtime_value
from airflow_sm_pipelines.translation.xcoms import ItemsXComArg, a_step_of_another_pipeline

if TYPE_CHECKING:
    from airflow.sdk import XComArg

    from airflow_sm_pipelines.translation.nodes import PipelineOutline, StepNode


class SageMakerPipelineTaskGroup(BasePipelineTaskGroup):
    """
    A TaskGroup of step operators that runs as one SageMaker pipeline.

    When its ``with`` block ends, the group draws the edges that follow from references between steps, checks that
    SageMaker can run the graph, and adds the task ``launch`` at the start. ``launch`` uploads the steps' code, creates
    or updates the pipeline and starts one execution. Every step task then follows its step. Nothing here uses the
    network: only tasks call AWS.

    Values known only in a Dag run (Jinja, XComArgs) may be anywhere in ``parameters`` and in the steps' arguments. They
    become pipeline parameters, so the definition is the same in every run.

    A mapped step, ``partial(...).expand(...)``, becomes a ForEach step, and so does a mapped ``@task_group``. A
    task that is not a step needs ``callback_queue_url``.

    :param group_id: the group's id.
    :param pipeline_name: the pipeline; by default Dag id and group id, with hyphens for characters that SageMaker does
        not allow.
    :param role_arn: the role that the pipeline and its jobs run with.
    :param artifact_uri: ``s3://bucket/prefix``: code goes to ``code/`` below it, outputs and models below
        ``<execution id>/``. A literal.
    :param parameters: pipeline parameters and their values: literals, Jinja, XComArgs, or
        :class:`~airflow_sm_pipelines.translation.typed_parameters.ParameterFloat` and the like where Jinja renders to a
        value that is not text.
    :param aws_conn_id: the Airflow connection for all calls.
    :param region_name: overrides the connection's region.
    :param verify: overrides the connection's TLS verification, as boto3's ``verify``.
    :param botocore_config: keyword arguments of botocore's ``Config``.
    :param studio_domain_id: the SageMaker Studio domain that links to executions lead to, such as ``d-ndkfwlyrojeq``;
        by default ``studio_domain_id`` in the connection's extra. Without one they lead to the pipeline in the console.
    :param waiter_delay: seconds between two looks at a waiting execution, at most. Short waits look more often.
    :param waiter_max_attempts: a waiting step task fails after ``waiter_delay`` times this; ``None`` for no limit.
    :param log_lines: lines of a job's log that its task's log shows, however it ended.
    :param on_retry: what happens to a failed (or stopped) execution when a step's task is tried again, by its
        ``retries`` or since it was cleared. ``"resume"``: SageMaker continues it and runs only the steps that failed or
        never started. ``"restart"``: another execution is started with the same definition and parameters; all its
        steps run, while tasks that have succeeded stay as they are.
    :param stop_on_kill: stop the execution when a person marks a step's task or the Dag run failed. Clearing a task or
        marking it successful never does.
    :param end_tasks: where the steps' tasks end. ``"auto"``: on a worker, unless the step succeeded on the first try
        and nothing else waits for their end: no callback, no listener, no outlet. ``"worker"``, ``"triggerer"``: always
        there.
    :param pipeline_display_name: the pipeline's name in SageMaker Studio. This and the next four are rendered when the
        launch task runs.
    :param pipeline_description: the pipeline's description.
    :param tags: ``[{"Key": ..., "Value": ...}]`` of the pipeline. When they change in the Dag, those of the pipeline
        follow; tags that others have given it stay.
    :param max_parallel_execution_steps: how many steps run at once; by default what the pipeline says.
    :param mlflow_experiment_name: the MLflow experiment of each execution.
    :param callback_queue_url: the URL of an SQS queue for this group alone. With it, an Airflow task may be in the
        middle of the group: the pipeline has a Callback step in its place, and waits there for its end.
    :param launch_arguments: further arguments of the launch task, such as ``retries`` and ``pool``.
    :raises TranslationError: at parse time, for everything SageMaker could not run.
    """

    def __init__(
        self,
        group_id: str,
        *,
        role_arn: str,
        artifact_uri: str,
        parameters: Mapping[str, Any] | None = None,
        callback_queue_url: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(group_id, role_arn=role_arn, artifact_uri=artifact_uri, **kwargs)
        self._require_artifact_uri(artifact_uri)
        if callback_queue_url is not None and not _is_queue_url(callback_queue_url):
            raise TranslationError(
                f"{self._subject}: callback_queue_url={callback_queue_url!r} is not the URL of a queue; give "
                "'https://sqs.<region>.amazonaws.com/<account>/<name>'."
            )
        self._callback_queue_url = callback_queue_url
        self._compiled: tuple[PipelineOutline, CompiledPipeline] | None = None
        self._declared = declare(parameters or {}, self._subject)

    @classmethod
    def from_definition(
        cls,
        group_id: str,
        *,
        definition: GivenDefinition,
        role_arn: str,
        parameters: Mapping[str, Any] | None = None,
        code: Mapping[str, str | Path] | None = None,
        **kwargs: Any,
    ) -> ExistingPipelineTaskGroup:
        """Return a finished group that runs a pipeline defined elsewhere: one task for each step, named as the step.

        The pipeline gets exactly this definition; only the URIs of ``code`` are changed in it. No
        ``with`` block is needed; ``group >> task`` and ``task >> group`` work as with any TaskGroup, and
        ``group.get_child_by_label("train")`` is the task of step ``train``.

        :param group_id: the group's id.
        :param definition: the path of a JSON file (a relative one starts at the Dag file's directory), JSON text, the
            parsed document, or a ``Pipeline`` object of the SageMaker SDK.
        :param role_arn: the role that the pipeline runs with. The jobs' own roles are in the definition.
        :param parameters: values of pipeline parameters the definition declares: literals, Jinja or XComArgs. Those
            that are left out have their defaults.
        :param code: local files and directories by the S3 URIs that the definition has:
            ``{"s3://bucket/code/preprocess.py": "steps/preprocess.py"}``. They are uploaded under their hash to
            ``code/`` below ``artifact_uri``, which is needed then, and the definition refers to them there. A relative
            path starts at the Dag file's directory.
        :param kwargs: further settings as for the class itself: ``pipeline_name``, ``aws_conn_id``, ``waiter_delay``,
            ``launch_arguments`` and so on.
        :raises TranslationError: for a definition that cannot be read, and a parameter that does not fit it.
        :raises PipelineDefinitionError: for every rule the definition breaks, all at once.
        """
        return ExistingPipelineTaskGroup(
            group_id, definition=definition, role_arn=role_arn, parameters=parameters, code=code, **kwargs
        )

    @property
    def parameters(self) -> NamedReferences[ParameterReference]:
        """The pipeline parameters, for steps: ``pipeline.parameters["InputData"]``."""
        references = {
            declared.name: ParameterReference(f"Parameters.{declared.name}", declared.type)
            for declared in self._declared
        }
        return NamedReferences(
            references,
            f"{self._subject}: there is no pipeline parameter",
            ". Declare it in the group: parameters={{'{name}': ...}}",
        )

    def items(self, name: str) -> XComArg:
        """Return the list that a pipeline parameter holds as JSON, for a step to be mapped over.

        ``train = ...partial(...).expand(item=pipeline.items("Depths"))``. It is what a small task before the launch
        task returns: Airflow maps over what tasks return, and refuses Dag params and Jinja. The ForEach step takes the
        pipeline parameter itself.

        :param name: the parameter, with JSON such as ``"[3, 5, 7]"``, Jinja that renders to it, as in
            ``"{{ params.depths | tojson }}"``, or a Dag param that is a list.
        :raises TranslationError: when there is no such parameter, or its value is not a list.
        """
        reference = self.parameters[name]
        declared = next(each for each in self._declared if each.name == name)
        if declared.type != "String":
            raise TranslationError(
                f"{self._subject}: pipeline parameter '{name}' is {declared.type}, and a step is mapped over a list. "
                'Give it as JSON, as in "[3, 5, 7]".'
            )
        late = isinstance(declared.value, RuntimeValue)
        value = declared.value.value if late else declared.value
        operator = items_task(self, reference, value)
        if operator.items is value and late and not isinstance(value, str):
            as_json = dataclasses.replace(declared.value, value=ItemsXComArg(value))
            replaced = dataclasses.replace(declared, value=as_json)
            self._declared = tuple(replaced if each is declared else each for each in self._declared)
        return operator.output

    @property
    def definition_digest(self) -> str | None:
        """What tells the group's pipeline definition, as it was last compiled, from others."""
        return None if self._compiled is None else definition_digest(self._compiled[1].text)

    def compile(self) -> CompiledPipeline:
        """Translate the group as it is now. Changes nothing.

        :raises TranslationError: when SageMaker cannot run the graph.
        :raises PipelineDefinitionError: when the definition breaks rules.
        """
        from airflow_sm_pipelines.requests import type_of_property

        with without_collections():
            return compile_pipeline(self._outline(self._steps()), type_of_property)

    def compile_changes(self) -> CompiledPipeline:
        """As :meth:`compile`; translates only a group that is not as it was when this was last called."""
        with without_collections():
            return self._compile_changes(self._steps())

    def complete(self) -> CompiledPipeline:
        """Make each step's task follow the tasks of the steps it refers to, and translate the group.

        Before that, make the tasks beside Airflow tasks in the middle.
        """
        with without_collections():
            try:
                if self._callback_queue_url is not None:
                    add_callback_tasks(self, self.settings, self._callback_queue_url)
                middle = middle_of(self)
                refuse_outputs_before_the_start({each.name: each.value for each in self._declared}, middle)
            except TranslationError as error:
                raise TranslationError(f"{self._subject}: {error}") from None
            if middle and self.settings.wait.on_retry == OnRetry.RESTART.value:
                raise TranslationError(
                    f"{self._subject}: on_retry='restart' starts another execution, which waits for Airflow "
                    f"task '{next(iter(middle))}' in the middle again. A task that has ended does not run again. "
                    "Use on_retry='resume'."
                )
            steps = self._steps()
            self._draw_edges(steps)
            connect_mapped_groups(self)
            try:
                connect_callback_tasks(self, middle)
            except TranslationError as error:
                raise TranslationError(f"{self._subject}: {error}") from None
            return self._compile_changes(steps)

    def check_complete(self) -> None:
        """Check the group once more, when its whole Dag file has run.

        :raises TranslationError: when SageMaker cannot run the graph as it is now.
        """
        try:
            refuse_late_edges(self, middle_of(self))
            refuse_late_edges_of_mapped_groups(self)
        except TranslationError as error:
            raise TranslationError(f"{self._subject}: {error}") from None
        super().check_complete()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what can be compiled again."""
        return {**super().__getstate__(), "_compiled": None}

    def _steps(self) -> dict[str, StepNode]:
        return read_steps(self, self.settings.launch_task_id, middle_of(self))

    def _outline(self, steps: Mapping[str, StepNode]) -> PipelineOutline:
        return read_outline(
            self,
            steps,
            pipeline_name=self.settings.pipeline_name,
            parameters=self._declared,
            launch_task_id=self.settings.launch_task_id,
            launch_trigger_rule=self._launch_trigger_rule,
            middle=middle_of(self),
        )

    def _compile_changes(self, steps: Mapping[str, StepNode]) -> CompiledPipeline:
        from airflow_sm_pipelines.requests import require_requests, type_of_property

        outline = self._outline(steps)
        if self._compiled is None or not identical(self._compiled[0], outline):
            compiled = compile_pipeline(outline, type_of_property)
            literals = {
                name: value
                for name, value in compiled.values.items()
                if not isinstance(to_runtime_value(value), RuntimeValue)
            }
            require_requests(
                compiled.definition,
                f"{self._subject}, pipeline '{self.settings.pipeline_name}'",
                given=literals,
                buckets_may_be_old=self._buckets_may_be_old,
            )
            self._compiled = (outline, compiled)
        return self._compiled[1]

    def _draw_edges(self, steps: Mapping[str, StepNode]) -> None:
        groups = mapped_groups_of(self)
        task_ids = {node.name: task_id for task_id, node in steps.items()}
        task_ids.update({each.step_name: task_id for task_id, each in middle_of(self).items()})
        for task_id, node in steps.items():
            inside = {each.name: each.task_id for each in node.body if task_id in groups}
            for each in node.body if inside else ():
                for name in self._referenced_steps(each):
                    if name in inside and inside[name] != each.task_id:
                        self.dag.get_task(each.task_id).set_upstream(self.dag.get_task(inside[name]))
            for name in self._referenced_steps(node):
                upstream = task_ids.get(name)
                if name in inside or upstream == task_id:
                    continue
                if upstream is None:
                    self._refuse_a_step_of_a_mapped_group(task_id, name, steps)
                    self._refuse_a_step_of_another_pipeline(task_id, name)
                else:
                    before, behind = groups.get(upstream), groups.get(task_id)
                    lasts = before.last_tasks if before else (self.dag.get_task(upstream),)
                    for first in behind.first_tasks if behind else (self.dag.get_task(task_id),):
                        first.set_upstream(lasts)

    def _refuse_a_step_of_a_mapped_group(self, task_id: str, name: str, steps: Mapping[str, StepNode]) -> None:
        for group_id, for_each in steps.items():
            found = next((each for each in for_each.body if each.name == name), None)
            if found is not None:
                label = str(self.dag.get_task(found.task_id).label)
                raise TranslationError(
                    f"{self._subject}: task '{task_id}' refers to step '{name}', which runs once for each item of the "
                    f"mapped task group '{group_id}'. Refer to one of its runs: {label}.best(max_by=...) or "
                    f"{label}.iterations[0]."
                )

    def _refuse_a_step_of_another_pipeline(self, task_id: str, name: str) -> None:
        for task in self.dag.tasks:
            if isinstance(task, StepTask) and task.to_step_node().name == name:
                raise TranslationError(f"{self._subject}: {a_step_of_another_pipeline(task_id, name, task.task_id)}")

    def _referenced_steps(self, node: StepNode) -> dict[str, None]:
        """Return the names of the steps a step refers to, in order."""
        try:
            found = [located for place, part in node.parts.items() for located in find_references(part, place)]
        except PipelineDefinitionError as error:
            raise TranslationError(f"{self._subject}: task '{node.task_id}': {error.problems[0]}") from None
        return dict.fromkeys(
            located.reference.step_name for located in found if located.reference.step_name is not None
        )

    @property
    def _launch_trigger_rule(self) -> str:
        arguments = {**self.dag.default_args, **self.default_args, **self._launch_arguments}
        return TriggerRule(arguments.get("trigger_rule", TriggerRule.ALL_SUCCESS)).value


def _is_queue_url(value: object) -> bool:
    """Whether a value is a URL. The tasks that answer read it without rendering, so Jinja is none."""
    return isinstance(value, str) and value.startswith(("https://", "http://")) and not is_template(value)
