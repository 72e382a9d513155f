"""What every step operator does: describe its step, then follow it from the triggerer."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, redact

from airflow_sm_pipelines.compatibility.audience import states_told
from airflow_sm_pipelines.compatibility.mapped import (
    MappedTaskGroup,
    expanded_for,
    is_one_of_a_mapped_task,
    mapped_by,
    mapped_group_around,
)
from airflow_sm_pipelines.compatibility.supervisor import show_rendered_fields
from airflow_sm_pipelines.compatibility.triggerer import StartTriggerArgs, start_in
from airflow_sm_pipelines.compatibility.version import TASKS_LIVE_IN_TRIGGERER
from airflow_sm_pipelines.definition.expressions import EXECUTION_ID, PropertyReference
from airflow_sm_pipelines.definition.problems import shown
from airflow_sm_pipelines.definition.steps import BranchOwner, PropertyFile
from airflow_sm_pipelines.definition.validation import step_name_problem
from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerServiceError, TranslationError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.ending import Awaited, Ending
from airflow_sm_pipelines.execution.outcome import StepTarget
from airflow_sm_pipelines.execution.quiet import LAUNCHED, Launched, nothing_launched, states_ended_here
from airflow_sm_pipelines.execution.time_limit import execution_limit, later
from airflow_sm_pipelines.links.sagemaker import (
    CloudWatchLogLink,
    SageMakerJobLink,
    SageMakerPipelineExecutionLink,
    console_of,
    link_xcoms,
)
from airflow_sm_pipelines.operators.steps.mapped import Iterations, MappedStepOperator, selector_of
from airflow_sm_pipelines.operators.steps.settings import group_around, settings_around
from airflow_sm_pipelines.settings import to_dict
from airflow_sm_pipelines.tasks.connected import CallingTask
from airflow_sm_pipelines.translation.code import LocalCode
from airflow_sm_pipelines.translation.items import LABEL, item_label
from airflow_sm_pipelines.translation.mapped_groups import (
    for_each_name,
    items_of,
    refuse_nested_mapping,
    with_item_references,
)
from airflow_sm_pipelines.translation.mapping import SUFFIX
from airflow_sm_pipelines.translation.nodes import StepNode, StepTask
from airflow_sm_pipelines.translation.reader import is_template

if TYPE_CHECKING:
    from airflow.sdk import BaseOperatorLink, Context

    from airflow_sm_pipelines.operators.steps.mapped import StepPartial
    from airflow_sm_pipelines.triggers.step import SageMakerPipelineStepTrigger

STEP_TRIGGER = "airflow_sm_pipelines.triggers.step.SageMakerPipelineStepTrigger"


class BaseSageMakerStepOperator(CallingTask, StepTask):
    """
    A task that is one step of a SageMaker pipeline.

    It starts nothing itself: the launch task of its
    :class:`~airflow_sm_pipelines.task_groups.pipeline.SageMakerPipelineTaskGroup` starts the whole pipeline, and this
    task then follows its step. It waits in the triggerer, without a worker. There it also ends when its step succeeded
    on the first try and nothing waits for its end. In every other case a worker ends it, with all that belongs to the
    end of a task: the exception, callbacks, listeners, asset events, retries.

    Another try of the task, by ``retries`` or after it was cleared, resumes the failed execution; the group's
    ``on_retry`` says how.

    XComs: ``step_report`` (:mod:`airflow_sm_pipelines.execution.report` has its parts) and ``property_files`` (contents
    by name).

    :param step_name: the step's name in the pipeline; by default the task id without the group's prefix. Those of
        further groups inside stay, with a hyphen: ``model_a-train``.
    :param display_name: the step's name in SageMaker Studio.
    :param description: the step's description in SageMaker Studio, and the task's documentation in Airflow.
    :param doc_md: the task's documentation, where it is to be another.
    :param item: of a mapped step, as in ``expand(item=[3, 5, 7])``: it stands where ``CURRENT_ITEM`` does.
    :raises TranslationError: outside a pipeline task group, or when SageMaker would refuse the name.
    """

    template_fields: Sequence[str] = ("pipeline_execution_arn", "request")
    template_fields_renderers = {"request": "json"}  # noqa: RUF012  # an instance variable in BaseOperator

    operator_extra_links: tuple[BaseOperatorLink, ...] = (
        SageMakerPipelineExecutionLink(),
        SageMakerJobLink(),
        CloudWatchLogLink(),
    )
    ui_color = "#e8f0d8"

    step_type: str
    """The step's ``Type``. Each subclass sets it."""

    trigger_path = STEP_TRIGGER
    """The class path of the trigger that the task starts in; :meth:`new_trigger` makes one."""

    selector: Mapping[str, Any] | None = None
    """The ``Selector`` of the ForEach step that the mapped task group around is; of none by default."""

    branches: tuple[BranchOwner, ...] = ()
    """The branches that hold the step, outermost first. Needed only where Airflow may start the task although its
    branch is not taken; then the task is skipped."""

    def __init__(
        self,
        *,
        step_name: str | None = None,
        display_name: str | None = None,
        description: str | None = None,
        doc_md: str | None = None,
        item: Any = None,
        **kwargs: Any,
    ) -> None:
        group = mapped_group_around(kwargs.get("task_group"))
        if group is not None and kwargs.get("map_index_template") is None:
            kwargs["map_index_template"] = LABEL
        super().__init__(doc_md=description if doc_md is None else doc_md, **kwargs)
        self.item = item
        if item is not None and not is_one_of_a_mapped_task(self):
            raise self.error("item=... is for mapped steps: partial(...).expand(item=[...]).")
        self.settings = settings_around(self)
        self.connection = self.settings.connection
        self.step_name: str = step_name if step_name is not None else self._default_step_name()
        self.display_name = display_name
        self.description = description
        if problem := step_name_problem(self.step_name):
            raise self.error(f"{problem}. Set step_name.")
        for keyword, text in (("display_name", display_name), ("description", description)):
            if text is not None and is_template(text):
                raise self.error(
                    f"{keyword}={text!r} holds Jinja. SageMaker does not accept a parameter there, so the value must "
                    "be the same in every run. Write it out."
                )
        self.pipeline_execution_arn = (
            f"{{{{ ti.xcom_pull(task_ids='{self.settings.launch_task_id}', map_indexes=-1) }}}}"
        )
        self.request: Any = None
        self.iteration: int | None = None
        self.item_label: str | None = None
        self.reference_root = f"Steps.{self.step_name}"
        # By how it was asked for. The operators of a mapped step have one dict together.
        self.code_read: dict[tuple[str, str | None], LocalCode] = {}
        # All instances of a task in a mapped group would get the same trigger, whatever their item is.
        self.start_from_trigger = TASKS_LIVE_IN_TRIGGERER and group is None

    def _hook_apply_defaults(self, **kwargs: Any) -> tuple[tuple[()], dict[str, Any]]:
        """Put references to the item in place of a mapped task group's arguments; called by Airflow."""
        group = mapped_group_around(kwargs.get("task_group"))
        if group is None:
            return (), kwargs
        dag_id, task_id = group.dag.dag_id, kwargs["task_group"].child_id(kwargs.get("task_id"))
        task = f"task '{task_id}'"
        try:
            refuse_nested_mapping(kwargs.get("task_group"), task)
            return (), {key: with_item_references(each, lambda: items_of(group), task) for key, each in kwargs.items()}
        except TranslationError as error:
            raise TranslationError(f"Dag '{dag_id}', {error}") from None

    @classmethod
    def partial(cls, **kwargs: Any) -> StepPartial:
        """Begin a mapped step, which becomes a ForEach step: ``partial(...).expand(...)``.

        :param kwargs: the arguments that are the same for all items; with ``CURRENT_ITEM`` where the item stands.
        """
        begun: StepPartial = mapped_by(super().partial(**kwargs), MappedStepOperator)
        return begun

    def _default_step_name(self) -> str:
        inside = str(self.task_id).removeprefix(f"{self.settings.group_id}.")
        return inside.replace(".", "-")

    @property
    def start_trigger_args(self) -> StartTriggerArgs:  # type: ignore[override]  # Airflow only ever reads it
        """How Airflow starts the task in the triggerer; made when asked, since edges are drawn after ``__init__``."""
        return start_in(self.trigger_path, self.trigger_arguments(), self.execution_timeout)

    @property
    def custom_operator_name(self) -> str:
        """What Airflow's graph calls the operator: the type of the step."""
        return self.step_type

    @property
    def properties(self) -> PropertyReference:
        """The step's properties, for other steps: ``step.properties.ModelArtifacts.S3ModelArtifacts``.

        They are those of the Describe operation of the job (or model, ...) that the step makes.
        """
        return PropertyReference(self.reference_root, self.task_id)

    @property
    def mapped_group(self) -> MappedTaskGroup | None:
        """The mapped task group around, which is a ForEach step; ``None`` where there is none."""
        return mapped_group_around(self.task_group)

    @property
    def for_each_step_name(self) -> str | None:
        """The ForEach step that the step runs in, once for each item; ``None`` where it runs once."""
        if is_one_of_a_mapped_task(self):
            return f"{self.step_name}{SUFFIX}"
        group = self.mapped_group
        return None if group is None else for_each_name(group, self.settings.group_id)

    @property
    def runs_for_each_item(self) -> bool:
        """Whether the step runs once for each item of a ForEach step."""
        return is_one_of_a_mapped_task(self) or self.mapped_group is not None

    @property
    def iterations(self) -> Iterations:
        """Of a step in a mapped task group: the references of each of its runs, by item.

        :raises TranslationError: for a step that runs once.
        """
        group = self._require_mapped_group("iterations")
        root = f"Steps.{self.for_each_step_name}.IterationOutputs[{{}}].{self.step_name}"
        rows = items_of(group).rows
        return Iterations(
            lambda index: self._referring(root.format(index)), None if rows is None else len(rows), self.error
        )

    def best(self, *, max_by: str | None = None, min_by: str | None = None) -> Any:
        """Of a step in a mapped task group: return the references of its run with the highest or lowest value.

        The mapped task group is one ForEach step, which selects by one value of one step.

        :param max_by: a metric of a training job, as ``MetricDefinitions`` name it; of other steps a property, as in
            ``OutputParameters['score']``. The run with the highest value is selected, of equal ones the first.
        :param min_by: the same, for the lowest value.
        :raises TranslationError: for a step that runs once, for none or both, and for another value than before.
        """
        group = self._require_mapped_group("best")
        known = [each for task in group if (each := getattr(task, "selector", None)) is not None]
        try:
            self.selector = selector_of(self, next(iter(known), None), max_by=max_by, min_by=min_by)
        except TranslationError as error:
            raise self.error(f"{error}.") from None
        return self._referring(f"Steps.{self.for_each_step_name}.Selected")

    def _require_mapped_group(self, name: str) -> MappedTaskGroup:
        group = self.mapped_group
        if group is None:
            raise self.error(
                f"{name} is for steps that run once for each item. This one runs once: use its references directly."
            )
        return group

    def _referring(self, root: str) -> BaseSageMakerStepOperator:
        """Return an operator whose references begin with a root. It is in no Dag."""
        operator = copy.copy(self)
        operator.reference_root = root
        return operator

    @property
    def followed_step(self) -> str:
        """The step of the execution that the task follows: of a mapped step the run for the task's item."""
        return self.step_name if self.iteration is None else f"{self.step_name}-{self.iteration}"

    @property
    def own_place(self) -> tuple[Any, ...]:
        """What leads to the place in S3 that is the step's in each execution, to be joined by slashes."""
        return (self.settings.artifact_uri, EXECUTION_ID, self.step_name)

    @property
    def declared_property_files(self) -> tuple[PropertyFile, ...]:
        """The step's property files."""
        return ()

    @property
    def cache_config(self) -> Mapping[str, Any] | None:
        """The step's ``CacheConfig``, where caching is on."""
        return None

    @property
    def skipped_task_ids(self) -> dict[str, list[str]]:
        """For a Condition step: the direct downstream tasks to skip for the outcomes ``"True"`` and ``"False"``."""
        return {}

    @property
    def awaited(self) -> Awaited:
        """What the task waits for."""
        return Awaited(
            StepTarget(self.followed_step, self.branches, for_each=self.for_each_step_name),
            self.declared_property_files,
            self.skipped_task_ids,
            returns_arn=False,
            cache_config=self.cache_config,
        )

    def step_node(self, **parts: Any) -> StepNode:
        """Return the description of the step.

        :param parts: what else :class:`~airflow_sm_pipelines.translation.nodes.StepNode` takes.
        """
        texts: dict[str, Any] = {"display_name": self.display_name, "description": self.description}
        return StepNode(task_id=self.task_id, name=self.step_name, type=self.step_type, **texts, **parts)

    def trigger_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of the trigger of a task that starts and ends in the triggerer, as JSON."""
        timeout, wait = self.execution_timeout, self.settings.wait
        arguments = {
            "awaited": self.awaited.to_dict(),
            "connection": to_dict(self.settings.connection),
            "wait": to_dict(wait),
            "ends_here": list(states_ended_here(wait.end_tasks, states_told(self), has_outlets=bool(self.outlets))),
            "launch_task_id": self.settings.launch_task_id,
            "definition_digest": group_around(self).definition_digest,
            "execution_timeout": timeout and timeout.total_seconds(),
        }
        # What is as by default is left out, as to_dict() does and says why.
        return {"deferred_by_worker": False, **{keyword: value for keyword, value in arguments.items() if value}}

    def new_trigger(self, arguments: Mapping[str, Any]) -> SageMakerPipelineStepTrigger:
        """Return the trigger that a worker hands the task over to.

        :param arguments: its keyword arguments.
        """
        from airflow_sm_pipelines.triggers.step import SageMakerPipelineStepTrigger

        return SageMakerPipelineStepTrigger(**arguments)

    def take_report(self, report: Mapping[str, Any]) -> None:
        """Show the step's request in "Rendered Templates".

        :param report: the XCom ``step_report``.
        """
        # Before Airflow 3.2 a long request is text by the time that Airflow looks for keys such as "password".
        self.request = redact(report["request"])
        show_rendered_fields(self)

    def given_list(self, arguments: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
        """Return a list of the raw ``arguments``, to which keywords add; empty where there is none.

        :param arguments: the object that holds it.
        :param key: its name.
        :raises TranslationError: it is something else, such as Jinja for a whole list.
        """
        value = arguments.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(
                f"arguments give {shown(value)} for '{key}', which must be a list of objects. SageMaker accepts a "
                "parameter for a value inside the list, but not for the list: write the list out."
            )
        return value

    def masked_values(self, context: Context) -> Mapping[str, str]:
        """Return the values that the launch task started the execution with and that hold secrets.

        :param context: Airflow's.
        """
        kept = context["ti"].xcom_pull(task_ids=self.settings.launch_task_id, key=LAUNCHED, map_indexes=-1)
        return {} if kept is None else Launched(**kept).masked

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Render as any task; in a mapped task group, follow the run of the step for the instance's item.

        :param context: Airflow's.
        :param jinja_env: Airflow's.
        """
        super().render_template_fields(context, jinja_env)
        if (group := self.mapped_group) is not None:
            self.iteration = context["ti"].map_index
            self.item_label = item_label(expanded_for(group, context))

    def execute(self, context: Context) -> None:
        """Begin on a worker, where the task does not start from its trigger: end at once, or wait in the triggerer.

        :param context: Airflow's.
        :raises AirflowFailException: when the launch task left no execution.
        :raises AirflowSkipException: when the step was never to run.
        """
        self._begin(context)

    def _begin(self, context: Context) -> None:
        from airflow_sm_pipelines.tasks.finish import finish

        try:
            arn = str(PipelineExecutionArn.parse(self.pipeline_execution_arn))
        except PipelineExecutionError:
            raise AirflowFailException(nothing_launched(self.settings.launch_task_id, self.followed_step)) from None
        if (ending := self._seen_now()) is not None:
            finish(self, context, ending, self.settings.wait.log_lines)
            return
        self.link_addresses = link_xcoms(self.act(console_of), arn)
        limit = execution_limit(time.time(), self.execution_timeout)
        on_a_worker = {
            "pipeline_execution_arn": arn,
            "ends_here": (),
            "deferred_by_worker": True,
            "execution_timeout": None,
            "time_limit": None if limit is None else limit.to_dict(),
        }
        self.defer(
            trigger=self.new_trigger({**self.trigger_arguments(), **on_a_worker}),
            method_name="execute_complete",
            timeout=later(self.execution_timeout),
        )

    def _seen_now(self) -> Ending | None:
        """Return how the task ends, where its step is over already.

        A failure may be that of an earlier try, and an unavailable service is waited for: both are the trigger's.
        """
        try:
            ending = self.awaited.ending(self.ask(lambda hook: hook.snapshot(self.pipeline_execution_arn)))
        except SageMakerServiceError as error:
            self.log.info("The step cannot be read now: %s", error)
            return None
        return None if ending is None or ending.state == "failed" else ending

    def execute_complete(self, context: Context, event: Any = None) -> None:
        """Look at the step once more, on a worker, and end as it did.

        The event is not believed: ``dag.test()`` leaves out what the trigger says. It only tells why the trigger gave
        up on a step that is not over.

        :param context: Airflow's.
        :param event: what the trigger said.
        :raises PipelineExecutionError: when the step failed, with its reason.
        :raises AirflowSkipException: when the step was never to run.
        """
        from airflow_sm_pipelines.tasks.finish import end_after_trigger, is_left_over

        if is_left_over(event, context):
            self._begin(context)
            return
        end_after_trigger(
            self,
            context,
            self.awaited,
            self.pipeline_execution_arn,
            event=event,
            log_lines=self.settings.wait.log_lines,
        )


def merge_arguments(arguments: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request with the raw ``arguments`` merged under what the keywords say.

    Dicts are merged key by key; anything else the keywords say replaces what is in ``arguments``.

    :param arguments: the raw boto3 request.
    :param over: the request made from keywords; ``None`` values are left out.
    """
    merged = dict(arguments)
    for key, value in over.items():
        if value is None:
            continue
        below = merged.get(key)
        if isinstance(value, Mapping):
            merged[key] = merge_arguments(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged
