"""What every TaskGroup that runs as a pipeline does, wherever its definition comes from."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import TaskGroup

from airflow_sm_pipelines.compatibility.task_group import CheckedTaskGroup
from airflow_sm_pipelines.definition.validation import did_you_mean, pipeline_name_problem
from airflow_sm_pipelines.definition.validation.names import bucket_problem, hyphenated
from airflow_sm_pipelines.documentation import see
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.operators.launch import SageMakerPipelineLaunchOperator
from airflow_sm_pipelines.operators.steps.settings import PipelineGroup, PipelineSettings
from airflow_sm_pipelines.settings import CHOICES, AwsConnection, PipelineOptions, WaitSettings, take
from airflow_sm_pipelines.task_groups.launch_values import follow_the_tasks_of_values
from airflow_sm_pipelines.task_groups.place import (
    refuse_depends_on_past,
    refuse_enclosing_groups,
    refuse_shared_pipeline,
)
from airflow_sm_pipelines.translation.compile import CompiledPipeline
from airflow_sm_pipelines.translation.reader import is_template, outside_upstream_task_ids

if TYPE_CHECKING:
    from typing_extensions import Self

LAUNCH = "launch"

_SETTINGS = (AwsConnection, WaitSettings, PipelineOptions)
"""The values that are made of a group's keywords."""


def default_pipeline_name(dag_id: str, group_id: str) -> str:
    """Return a name for a group's pipeline that no other Dag's group has: pipelines are the account's, not the Dag's.

    :param dag_id: the Dag.
    :param group_id: the group's full id.
    """
    return hyphenated(f"{dag_id}-{group_id}")[:256].rstrip("-")


_OF_WHOLE_EXECUTIONS: Final = (
    ". A group runs its own definition as a whole. SageMakerPipelineOperator runs another version of a pipeline, or "
    "some of its steps."
)


class BasePipelineTaskGroup(CheckedTaskGroup, PipelineGroup):
    """
    A TaskGroup with one task for each step of a pipeline, and one that launches it.

    The keywords are those of :class:`~airflow_sm_pipelines.task_groups.pipeline.SageMakerPipelineTaskGroup`.

    :param artifact_uri: ``s3://bucket/prefix`` for what the group itself puts into S3; empty when that is nothing.
    """

    def __init__(
        self,
        group_id: str,
        *,
        role_arn: str,
        artifact_uri: str = "",
        pipeline_name: str | None = None,
        launch_arguments: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        connection, wait = take(AwsConnection, kwargs), take(WaitSettings, kwargs)
        options = take(PipelineOptions, kwargs)
        unknown = self._unknown(kwargs)
        super().__init__(group_id=group_id, **{name: kwargs[name] for name in kwargs if name not in unknown})
        for keyword, suggestion in unknown.items():
            raise TranslationError(
                f"{self._subject}: {type(self).__name__} has no keyword '{keyword}'{suggestion or '. Leave it out.'}"
            )
        full_id = str(self.group_id)
        name = pipeline_name if pipeline_name is not None else default_pipeline_name(self.dag.dag_id, full_id)
        self.tooltip = self.tooltip or f"SageMaker pipeline {name}"
        refuse_enclosing_groups(self, self._subject)
        self._check_settings(name, role_arn, connection, wait.problem or options.problem)
        refuse_shared_pipeline(self, name, self._subject)
        self.settings = PipelineSettings(
            group_id=full_id,
            pipeline_name=name,
            launch_task_id=str(self.child_id(LAUNCH)),  # type: ignore[no-untyped-call]
            role_arn=role_arn,
            artifact_uri=str(artifact_uri).rstrip("/"),
            connection=connection,
            wait=wait,
            options=options,
        )
        self.launch_label = LAUNCH
        self._launch_arguments = dict(launch_arguments or {})

    def _unknown(self, keywords: Mapping[str, Any]) -> dict[str, str]:
        """Return the keywords that are none, with what may be meant: Airflow's own error names not even the group."""
        known = {
            name
            for kind in (type(self), BasePipelineTaskGroup, TaskGroup, *_SETTINGS)
            for name in inspect.signature(kind).parameters
        }
        return {
            keyword: _OF_WHOLE_EXECUTIONS if keyword in CHOICES else did_you_mean(keyword, known)
            for keyword in keywords
            if keyword not in known
        }

    @property
    def launch(self) -> SageMakerPipelineLaunchOperator:
        """The launch task; there once the ``with`` block has ended."""
        task = self.children.get(self.settings.launch_task_id)
        if not isinstance(task, SageMakerPipelineLaunchOperator):
            raise TranslationError(f"{self._subject}: the launch task is made when the 'with' block ends.")
        return task

    @property
    @abstractmethod
    def definition_digest(self) -> str | None:
        """What tells the group's pipeline definition from others; ``None`` until the group is complete."""

    @property
    def task_ids(self) -> set[str]:
        """The full ids of all tasks in the group and in those inside it."""
        return {task.task_id for task in self}

    @abstractmethod
    def compile(self) -> CompiledPipeline:
        """Return the document the group stands for, and the values an execution is started with. Changes nothing."""

    def compile_changes(self) -> CompiledPipeline:
        """As :meth:`compile`, where nothing has to be translated again."""
        return self.compile()

    def complete(self) -> CompiledPipeline:
        """Draw the edges that are known only when all steps are there (none by default), and compile."""
        return self.compile()

    def require_launch_follows_outside_upstreams(self) -> None:
        """Raise when a step waits in Airflow for a task that the launch task does not wait for.

        Such an edge, drawn after the ``with`` block, would hold back the task but not its step.

        :raises TranslationError: naming both tasks.
        """
        followed = self.launch.get_flat_relative_ids(upstream=False)
        for task in self:
            if task is not self.launch and task.task_id not in followed:
                raise TranslationError(
                    f"{self._subject}: step '{task.task_id}' was added after the 'with' block ended, and its task "
                    "waits for nothing. Define all steps inside the block."
                )
        known = self.launch.upstream_task_ids
        for task_id in outside_upstream_task_ids(self, self.settings.launch_task_id):
            if task_id not in known:
                raise TranslationError(
                    f"{self._subject}: a step was made to follow task '{task_id}' after the 'with' block ended. The "
                    "pipeline would start its step without waiting. Draw the edge inside the block, or to the whole "
                    f"group: {task_id} >> group."
                )

    if TYPE_CHECKING:
        # Airflow's own says TaskGroup, which would hide `parameters` from whoever checks types.
        def __enter__(self) -> Self: ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super().__exit__(exc_type, exc_value, traceback)  # type: ignore[no-untyped-call]
        if exc_type is None:
            self._refuse_a_second_launch()
            refuse_depends_on_past(self, self._subject)
            self._add_launch(self.complete())

    def check_complete(self) -> None:
        """Check the group once more, when its whole Dag file has run.

        So what came after the ``with`` block, and would be refused at launch, is an import error of the Dag.

        :raises TranslationError: when SageMaker cannot run the graph as it is now.
        """
        if self._has_launch:
            self.require_launch_follows_outside_upstreams()
            self.compile_changes()

    def add(self, task: Any) -> Any:
        """Add a task or group; called by Airflow.

        :param task: what is added.
        :raises TranslationError: once the pipeline has been compiled.
        """
        if self._has_launch:
            raise TranslationError(
                f"{self._subject}: '{task.node_id}' was added after the group was complete. Define all steps inside "
                "its 'with' block; a group made by from_definition accepts no more."
            )
        return super().add(task)

    def get_child_by_label(self, label: str) -> Any:
        """Return a task or group by its id without the group's prefix; of a given definition that is the step's name.

        :param label: the id.
        :raises TranslationError: when there is none; names those there are.
        """
        try:
            return super().get_child_by_label(label)
        except KeyError:
            there = sorted(str(child.label) for child in self.children.values())
            raise TranslationError(
                f"{self._subject}: there is no '{label}' in it{did_you_mean(label, there) or '.'} There are "
                f"{', '.join(map(repr, there)) or 'no tasks'}."
            ) from None

    @property
    def _has_launch(self) -> bool:
        return isinstance(self.children.get(self.settings.launch_task_id), SageMakerPipelineLaunchOperator)

    def _refuse_a_second_launch(self) -> None:
        if self._has_launch:
            raise TranslationError(
                f"{self._subject}: its 'with' block was entered a second time. Define all steps in one block."
            )
        if self.settings.launch_task_id in self.children:
            raise TranslationError(
                f"{self._subject}: task '{self.settings.launch_task_id}' has the id of the launch task. "
                "Give it another task_id."
            )

    def _refuse_outside_task_in_the_middle(self, outside: Iterable[str]) -> None:
        inside = {task.task_id for task in self} - {self.settings.launch_task_id}
        for task_id in outside:
            before = self.dag.get_task(task_id).get_flat_relative_ids(upstream=True)
            if steps := sorted(inside & before):
                raise TranslationError(
                    f"{self._subject}: task '{task_id}' outside the group follows step '{steps[0]}', and a step "
                    f"follows '{task_id}' or uses its XCom. The whole pipeline starts at once, so no task outside can "
                    f"run in the middle of it. Make two groups, one before and one after '{task_id}', or define it "
                    f"inside the group and give the group callback_queue_url. {see('airflow-tasks-inside-a-group')}"
                )

    def _add_launch(self, compiled: CompiledPipeline) -> None:
        roots = list(self.get_roots())
        outside = outside_upstream_task_ids(self, self.settings.launch_task_id)
        launch = SageMakerPipelineLaunchOperator(
            task_id=self.launch_label,
            task_group=self,
            dag=self.dag,
            settings=self.settings,
            parameters=compiled.values,
            **self._launch_arguments,
        )
        for root in roots:
            launch.set_downstream(root)
        for task_id in outside:
            launch.set_upstream(self.dag.get_task(task_id))
        follow_the_tasks_of_values(launch, compiled.values, self._subject)
        self._apply_edges_of_the_empty_group(launch)
        self._refuse_outside_task_in_the_middle(sorted(launch.upstream_task_ids))

    def _apply_edges_of_the_empty_group(self, launch: SageMakerPipelineLaunchOperator) -> None:
        """Draw the edges that were declared on the group before it had tasks."""
        groups = self.dag.task_group.get_task_group_dict()
        for task_id in self.upstream_task_ids:
            launch.set_upstream(self.dag.get_task(task_id))
        for group_id in self.upstream_group_ids:
            for leaf in groups[str(group_id)].get_leaves():
                launch.set_upstream(leaf)
        leaves = list(self.get_leaves())
        downstream = [self.dag.get_task(task_id) for task_id in self.downstream_task_ids]
        for group_id in self.downstream_group_ids:
            downstream.extend(groups[str(group_id)].get_roots())
        for task in downstream:
            for leaf in leaves:
                if leaf.task_id not in task.upstream_task_ids:
                    leaf.set_downstream(task)

    @property
    def _subject(self) -> str:
        return f"Dag '{self.dag.dag_id}', task group '{self.group_id}'"

    def _require_artifact_uri(self, artifact_uri: str) -> None:
        if not str(artifact_uri).startswith("s3://") or is_template(artifact_uri):
            raise TranslationError(
                f"{self._subject}: artifact_uri={artifact_uri!r} is not an S3 URI; give 's3://bucket/prefix', the same "
                "in every run (what differs from run to run goes into inputs and outputs)."
            )
        if problem := bucket_problem(artifact_uri, may_be_old=self._buckets_may_be_old):
            raise TranslationError(f"{self._subject}: artifact_uri={problem}.")

    @property
    def _buckets_may_be_old(self) -> bool:
        """Whether the author says that the buckets are where some have names that no bucket can get any more."""
        return self.settings.connection.region_name == "us-east-1"

    def _check_settings(self, name: str, role_arn: object, connection: AwsConnection, of_settings: str | None) -> None:
        if problem := pipeline_name_problem(name):
            raise TranslationError(f"{self._subject}: {problem}. Set pipeline_name.")
        if not isinstance(role_arn, str) or not role_arn.startswith("arn:") or is_template(role_arn):
            raise TranslationError(
                f"{self._subject}: role_arn={role_arn!r} is not a role ARN; give 'arn:aws:iam::<account>:role/<name>'."
            )
        if connection.region_name is not None:
            from airflow_sm_pipelines.requests.regions import region_problem

            of_settings = region_problem(connection.region_name) or of_settings
        if of_settings:
            raise TranslationError(f"{self._subject}: {of_settings}")
