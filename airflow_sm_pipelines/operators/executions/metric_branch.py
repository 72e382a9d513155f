"""Branching in Airflow over the metrics of a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.common.compat.sdk import AirflowFailException, BaseBranchOperator
from airflow.sdk import BaseOperator, TaskGroup, XComArg

from airflow_sm_pipelines.definition.comparisons import ShownComparison, outcome_xcom, text_beside_a_number
from airflow_sm_pipelines.definition.conditions import Comparison, Condition
from airflow_sm_pipelines.definition.expressions import Get, Join, JsonGet, PropertyReference
from airflow_sm_pipelines.definition.validation import did_you_mean
from airflow_sm_pipelines.links.sagemaker import SageMakerPipelineExecutionLink, console_of, link_xcoms
from airflow_sm_pipelines.operators.executions.metrics import (
    Metric,
    TemplateOperand,
    TemplatePath,
    decide_branch,
    leaves_of,
)
from airflow_sm_pipelines.tasks.connected import ConnectedTask
from airflow_sm_pipelines.translation.nodes import RuntimeValue
from airflow_sm_pipelines.translation.reader import to_runtime_value
from airflow_sm_pipelines.translation.typed_parameters import TypedParameter

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_sm_pipelines.hooks.metrics import MetricLookup
    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook

Branch = str | BaseOperator | TaskGroup

_PLACES: Final = ("pipeline_execution_arn", "step_name", "property_file", "metrics_uri", "model_package_arn")


class SageMakerMetricBranchOperator(ConnectedTask, BaseBranchOperator):
    """
    Compares metrics, and skips the downstream tasks of the branch that must not run.

    The conditions are those of a Condition step, and are decided as SageMaker decides them. They compare
    ``Metric("accuracy.value")``, a value in one JSON file, which is one of these:

    - a property file of a step: ``pipeline_execution_arn``, ``step_name`` and ``property_file``;
    - the metrics of the model package that a RegisterModel step made: ``pipeline_execution_arn`` and ``step_name``;
    - the metrics of a model package: ``model_package_arn``;
    - a file: ``metrics_uri``.

    With ``pipeline_execution_arn`` they may also compare ``evaluate.metric("metrics", "accuracy.value")`` and
    ``pipeline.parameters["MinAccuracy"]``, as a Condition step of that pipeline would. What they compare with may be
    Jinja or an XComArg; rendered text takes the type of the metric. The path of a metric may be, too.

    Every comparison is written into the log with its values. A file, a path or a step that is not there is an error
    that lists what there is. It never counts as a false condition. The XCom ``outcome`` has whether the conditions
    hold, and the comparisons.

    :param conditions: all of them must hold for the first branch to run.
    :param if_task_ids: the tasks, or task groups, that run when the conditions hold: full ids, or the objects. They
        have to be directly downstream; this operator draws no edges.
    :param else_task_ids: those that run when they do not.
    :param pipeline_execution_arn: the execution. Templated.
    :param step_name: the step whose metrics are compared. Templated.
    :param property_file: the name of its property file. Templated.
    :param metrics_uri: ``s3://bucket/key`` of a JSON file of at most two MiB. Templated.
    :param model_package_arn: the model package. Templated.
    :param model_metrics: which of a model package's ``ModelMetrics``.
    :param kwargs: the connection; see :class:`~airflow_sm_pipelines.tasks.connected.ConnectedTask`.
    :raises TranslationError: while the Dag is parsed, when nothing says where the metrics are, and when a branch is
        not directly downstream.
    """

    custom_operator_name = "Metric branch"
    template_fields: Sequence[str] = (*_PLACES, "condition_values")
    operator_extra_links = (SageMakerPipelineExecutionLink(),)
    ui_color = "#f5e8c7"

    def __init__(
        self,
        *,
        conditions: Sequence[Condition],
        if_task_ids: Branch | Sequence[Branch],
        else_task_ids: Branch | Sequence[Branch] = (),
        pipeline_execution_arn: str | XComArg | None = None,
        step_name: str | None = None,
        property_file: str | None = None,
        metrics_uri: str | XComArg | None = None,
        model_package_arn: str | XComArg | None = None,
        model_metrics: str = "ModelQuality.Statistics",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_execution_arn: Any = pipeline_execution_arn
        self.step_name = step_name
        self.property_file = property_file
        self.metrics_uri: Any = metrics_uri
        self.model_package_arn: Any = model_package_arn
        self.model_metrics = model_metrics
        self._given_places = tuple(name for name in _PLACES if getattr(self, name) is not None)
        self.if_task_ids = self._ids("if_task_ids", if_task_ids)
        self.else_task_ids = self._ids("else_task_ids", else_task_ids)
        if both := sorted(set(self.if_task_ids) & set(self.else_task_ids)):
            raise self.error(f"{', '.join(map(repr, both))} is in both if_task_ids and else_task_ids.")
        values: list[Any] = []
        self.conditions = self._without_templates(conditions, values)
        # Airflow renders these, and follows the tasks of the XComArgs among them.
        self.condition_values = values
        self._check_places()

    def choose_branch(self, context: Context) -> Iterable[str]:
        """Decide the conditions.

        :param context: Airflow's.
        :return: the ids of the branch that is to run.
        :raises AirflowFailException: when they cannot be decided.
        :raises SageMakerServiceError: when the service is unavailable for longer than a task waits.
        """
        if problem := self._branch_problem():
            raise AirflowFailException(problem)
        for name in self._given_places:
            if getattr(self, name) is None:
                raise AirflowFailException(f"{name} is None: the task it comes from left no value")
        holds, comparisons = self.act(self._decide)
        for comparison in comparisons:
            self.log.info("%s", comparison)
        self.log.info("The conditions %s", "hold" if holds else "do not hold")
        context["ti"].xcom_push(key="outcome", value=outcome_xcom(holds, comparisons))
        return list(self.if_task_ids if holds else self.else_task_ids)

    def _decide(self, hook: SageMakerPipelineHook) -> tuple[bool, list[ShownComparison]]:
        from airflow_sm_pipelines.hooks.metrics import MetricLookup

        lookup = MetricLookup(hook, self.pipeline_execution_arn)
        comparisons: list[ShownComparison] = []
        source = self._source(lookup) if any(isinstance(each, Metric) for each in self._operands()) else {}
        holds = decide_branch(
            self.conditions,
            lookup=lookup,
            rendered=self.condition_values,
            metric_to_document=lambda metric: {"Std:JsonGet": {**source, "Path": metric.json_path}},
            tell=comparisons.append,
        )
        if self.pipeline_execution_arn is not None:
            self.link_addresses = link_xcoms(console_of(hook), self.pipeline_execution_arn)
        return holds, comparisons

    def _source(self, lookup: MetricLookup) -> dict[str, Any]:
        """Return where a ``Metric`` is, as the document's JsonGet has it."""
        if self.metrics_uri is not None:
            return {"S3Uri": self.metrics_uri}
        if self.step_name is not None and self.property_file is not None:
            return {"PropertyFile": {"Get": f"Steps.{self.step_name}.PropertyFiles.{self.property_file}"}}
        package = self.model_package_arn
        if package is None:
            package = lookup.model_package_of(str(self.step_name))
        uri = lookup.statistics_uri(package, self.model_metrics)
        self.log.info("The metrics of %s are in %s", package, uri)
        return {"S3Uri": uri}

    def prepare_template(self) -> None:
        """Look at the branches; Airflow calls this when the whole Dag file has run.

        :raises TranslationError: one of them is not directly downstream.
        """
        if problem := self._branch_problem():
            raise self.error(problem)

    def _branch_problem(self) -> str | None:
        """Say what is wrong with the branches. Airflow skips direct downstream tasks only, so they have to be such."""
        groups = self.dag.task_group.get_task_group_dict()
        for task_id in (*self.if_task_ids, *self.else_task_ids):
            roots = {root.task_id for root in groups[task_id].get_roots()} if task_id in groups else {task_id}
            if not roots <= self.downstream_task_ids:
                there = sorted(self.downstream_task_ids)
                is_there = task_id in groups or self.dag.has_task(task_id)
                what = "not directly downstream" if is_there else "not a task of the Dag"
                return (
                    f"it branches to '{task_id}', which is {what}"
                    f"{did_you_mean(task_id, there) or '.'} Directly downstream are "
                    f"{', '.join(map(repr, there)) or 'no tasks'}. Draw the edge: this operator does not."
                )
        return None

    def _ids(self, keyword: str, given: Branch | Sequence[Branch]) -> tuple[str, ...]:
        branches: Sequence[Any] = given if isinstance(given, (list, tuple)) else [given]
        for branch in branches:
            if not isinstance(branch, (str, BaseOperator, TaskGroup)):
                raise self.error(f"{keyword} has {branch!r}, which is not a task. Give ids or tasks: {keyword}=[...].")
        return tuple(branch if isinstance(branch, str) else str(branch.node_id) for branch in branches)

    def _without_templates(self, conditions: Sequence[Condition], values: list[Any]) -> tuple[Condition, ...]:
        """Return the conditions with what Airflow renders taken out of them into ``values``."""
        if not isinstance(conditions, (list, tuple)) or not conditions:
            raise self.error(
                "conditions is not a list of conditions. Give conditions=[Metric('accuracy.value') >= 0.9]."
            )

        def take_out(operand: Any) -> Any:
            given = operand.value if isinstance(operand, TypedParameter) else operand
            lifted = to_runtime_value(given)
            if isinstance(lifted, RuntimeValue):
                values.append(lifted.value)
                return TemplateOperand(len(values) - 1)
            if isinstance(given, (Metric, JsonGet)):
                path = to_runtime_value(given.json_path)
                if isinstance(path, RuntimeValue):
                    values.append(path.value)
                    return TemplatePath(given, len(values) - 1)
            return given

        for condition in conditions:
            if not isinstance(condition, Condition):
                raise self.error(
                    f"{condition!r} is not a condition. Compare metrics: Metric('accuracy.value') >= 0.9; "
                    "equality is Metric('name').equals('value')."
                )
        taken = tuple(condition.map_operands(take_out) for condition in conditions)
        for leaf in (leaf for condition in taken for leaf in leaves_of(condition)):
            if isinstance(leaf, Comparison) and (mistake := text_beside_a_number(leaf)):
                raise self.error(mistake)
        return taken

    def _operands(self) -> Iterable[Any]:
        for condition in self.conditions:
            for operand in condition.operands():
                yield operand.metric if isinstance(operand, TemplatePath) else operand

    def _check_places(self) -> None:
        """Refuse what cannot be looked up."""
        operands = list(self._operands())
        for operand in operands:
            if isinstance(operand, PropertyReference):
                raise self.error(
                    f"{operand!r} has a value only in the pipeline. Compare metrics and pipeline parameters with "
                    "values of Airflow, such as XComs."
                )
        of_an_execution = [each for each in operands if isinstance(each, (JsonGet, Get, Join))]
        if (of_an_execution or self.step_name is not None) and self.pipeline_execution_arn is None:
            what = of_an_execution[0].to_document() if of_an_execution else f"step_name={self.step_name!r}"
            raise self.error(f"{what} needs an execution. Give pipeline_execution_arn=....")
        if self.property_file is not None and self.step_name is None:
            raise self.error("property_file needs a step. Give step_name.")
        places = [name for name in ("step_name", "metrics_uri", "model_package_arn") if getattr(self, name) is not None]
        if len(places) > 1:
            raise self.error(f"{' and '.join(places)} both say where the metrics are. Give one of them.")
        if not places and any(isinstance(each, Metric) for each in operands):
            raise self.error(
                "nothing says where the metrics are. Give step_name with property_file, metrics_uri or "
                "model_package_arn."
            )
