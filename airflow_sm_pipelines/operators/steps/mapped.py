"""Mapped steps: ``partial(...).expand(...)`` of a step operator is a ForEach step of the pipeline.

At parse time a mapped operator describes its step once for each item (or once for all, where only the run knows the
items), and :mod:`airflow_sm_pipelines.translation.mapping` makes one ForEach step of that. On a worker Airflow makes an
ordinary step operator for the item of the mapped task instance, and that follows the item's run of the step:
``<step name>-<map index>``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow_sm_pipelines.compatibility.mapped import (
    MappedOperator,
    OperatorPartial,
    expand_over,
    mapped_group_around,
    set_operator_name,
    take_own_arguments,
)
from airflow_sm_pipelines.definition.expressions import CURRENT_ITEM, ItemReference, PropertyReference
from airflow_sm_pipelines.definition.steps import MAXIMUM_STEP_NAME_LENGTH, BranchOwner
from airflow_sm_pipelines.definition.validation.for_each import MAXIMUM_CONCURRENCY, MAXIMUM_ITEMS, NOT_IN_A_BODY
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.items import ITEM, LABEL, combinations, is_late, item_label, late_items
from airflow_sm_pipelines.translation.mapping import SUFFIX, common_node, for_each_node, reads_item, with_item
from airflow_sm_pipelines.translation.nodes import RuntimeValue, StepNode, StepTask
from airflow_sm_pipelines.translation.reader import to_runtime_value

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context, TaskGroup

StepOperator = Any
"""The class of the operator that is mapped, which imports this module."""

_BY_HAND: Final = "or define one step for each item, in a Python loop"


class MappedStepOperator(MappedOperator, StepTask):
    """
    A mapped step: one ForEach step of the pipeline, and one task instance for each item.

    Has no references itself, since it has no single result: see :meth:`best` and :attr:`iterations`.
    """

    _arguments: dict[str, Any]
    """Those of ``partial`` that are the step's."""

    _keywords: list[dict[str, Any]]
    """What is expanded, for each item; or once, with references to the item, where the items are late."""

    _late_items: Any
    """What is a list of items once the launch task runs; ``None`` where the Dag file has the items."""

    @classmethod
    def check_place(cls, task_id: str, group: TaskGroup | None) -> None:
        """Check where the mapped step stands, before it is made.

        :param task_id: its full id.
        :param group: the task group it is in.
        :raises TranslationError: in a mapped task group, where Airflow maps nothing, nor does SageMaker.
        """
        if group is not None and (around := mapped_group_around(group)) is not None:
            raise TranslationError(
                f"Dag '{group.dag.dag_id}', mapped task '{task_id}': it is in the mapped task group "
                f"'{around.group_id}', and SageMaker does not allow a ForEach step inside a ForEach step. Map once, "
                "over the combinations."
            )

    branches: tuple[BranchOwner, ...] = ()
    """The branch that the step is the first of, if it is."""

    runs_for_each_item = True

    def begin(self, method: str, value: Any) -> None:
        """Check what can be checked at once; called by :func:`~airflow_sm_pipelines.compatibility.mapped.mapped_by`.

        :param method: ``expand`` or ``expand_kwargs``.
        :param value: what that was given.
        :raises TranslationError: for what SageMaker cannot map.
        """
        if self.partial_kwargs.get("map_index_template") is None:
            self.partial_kwargs["map_index_template"] = LABEL
        parts = self.__dict__
        parts["_arguments"] = take_own_arguments(self)
        parts["_late_items"] = _late_items(method, value)
        parts["_keywords"] = self._read(method, value)
        if self._late_items is None:
            if reads_item(self._arguments) and not all(ITEM in each for each in self._keywords):
                raise self._error("partial(...) uses CURRENT_ITEM, but expand(...) has no item. Use expand(item=[...])")
            # The scheduler counts them; what is in them need not be JSON.
            expand_over(self, ITEM, [item_label(each) for each in self._keywords])
        first = self._operators[0]
        set_operator_name(self, f"{first.custom_operator_name} for each item")
        if first.step_type in NOT_IN_A_BODY:
            raise self._error(
                f"it is a {first.step_type} step, and SageMaker allows no {', '.join(NOT_IN_A_BODY[:-1])} or "
                f"{NOT_IN_A_BODY[-1]} step inside a ForEach step. Do not map it; it may follow a mapped step"
            )
        if len(f"{first.step_name}{SUFFIX}") > MAXIMUM_STEP_NAME_LENGTH:
            raise self._error(
                f"the name of its ForEach step, '{first.step_name}{SUFFIX}', has more than {MAXIMUM_STEP_NAME_LENGTH} "
                "characters. Set a shorter step_name"
            )
        concurrency = self.max_active_tis_per_dagrun
        if concurrency is not None and not 1 <= concurrency <= MAXIMUM_CONCURRENCY:
            raise self._error(
                f"max_active_tis_per_dagrun={concurrency} becomes the MaxConcurrency of a ForEach step, which is 1 to "
                f"{MAXIMUM_CONCURRENCY}. Set another"
            )

    @property
    def step_name(self) -> str:
        """The name of the ForEach step. Its runs are named after the step that is mapped."""
        return f"{self._operators[0].step_name}{SUFFIX}"

    @property
    def for_each_step_name(self) -> str:
        """The name of the ForEach step."""
        return self.step_name

    @property
    def properties(self) -> PropertyReference:
        """The properties of the ForEach step: ``Status``, ``SucceededStepCount``, ``InputItemCount`` and the like."""
        return PropertyReference(f"Steps.{self.step_name}", self.task_id)

    @property
    def iterations(self) -> Sequence[StepOperator]:
        """The references of each run of the step, by item: ``train.iterations[0].model_artifacts``."""
        root = f"Steps.{self.step_name}.IterationOutputs[{{}}].{self._operators[0].step_name}"
        count = None if self._late_items is not None else len(self._keywords)
        return Iterations(
            lambda index: self._references(root.format(index)), count, lambda text: self._error(text.rstrip("."))
        )

    def best(self, *, max_by: str | None = None, min_by: str | None = None) -> StepOperator:
        """Return the references of the run with the highest or the lowest value of something: its ``Selected``.

        A ForEach step selects by one value only.

        :param max_by: a metric of a training job, as ``MetricDefinitions`` name it; of other steps a property, as in
            ``OutputParameters['score']``. The run with the highest value is selected, of equal ones the first.
        :param min_by: the same, for the lowest value.
        :raises TranslationError: for none or both, and for another value than before.
        """
        try:
            selector = selector_of(self._operators[0], self.__dict__.get("_selector"), max_by=max_by, min_by=min_by)
        except TranslationError as error:
            raise self._error(str(error)) from None
        self.__dict__["_selector"] = selector
        return self._references(f"Steps.{self.step_name}.Selected")

    def to_step_node(self) -> StepNode:
        """Describe the ForEach step.

        :raises TranslationError: for items that SageMaker cannot take.
        """
        selector, concurrency = self.__dict__.get("_selector"), self.max_active_tis_per_dagrun
        nodes, items = [operator.to_step_node() for operator in self._operators], self._late_items
        if items is None:
            try:
                node, items = common_node(nodes, lambda value: isinstance(to_runtime_value(value), RuntimeValue))
            except TranslationError as error:
                raise self._error(str(error).rstrip(".")) from None
        else:
            node = nodes[0]
        return for_each_node(node, items, concurrency=concurrency, selector=selector)

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Make the operator of one item, and let it follow the run of the step for that; called by Airflow.

        :param context: Airflow's; it has that operator as its task afterwards.
        :param jinja_env: Airflow's.
        """
        super().render_template_fields(context, jinja_env)
        operator: Any = context["task"]  # no longer the mapped one
        operator.iteration = context["ti"].map_index
        operator.branches = self.branches

    def _expand_mapped_kwargs(self, context: Mapping[str, Any], *args: Any) -> Any:
        if self._late_items is not None:
            return super()._expand_mapped_kwargs(context, *args)
        return self._keywords[context["ti"].map_index], set()

    def unmap(self, resolve: Any) -> BaseOperator:
        """Return the step operator for an item; called by Airflow.

        :param resolve: what is expanded, for that item.
        """
        operator: StepOperator = super().unmap(resolve)
        operator.item_label = item_label(resolve)
        made: BaseOperator = operator
        return made

    def _get_unmap_kwargs(self, mapped_kwargs: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
        arguments, item = self._arguments, mapped_kwargs.get(ITEM)
        if ITEM in mapped_kwargs and not isinstance(item, ItemReference):
            try:
                arguments = {keyword: with_item(value, item) for keyword, value in arguments.items()}
            except TranslationError as error:
                raise self._error(str(error)) from None
        return {**super()._get_unmap_kwargs(mapped_kwargs, strict=strict), **arguments, **mapped_kwargs}

    @property
    def _operators(self) -> tuple[StepOperator, ...]:
        """An operator for each item, or one for all of them where only the run knows the items."""
        made: tuple[StepOperator, ...] | None = self.__dict__.get("_made")
        if made is None:
            made = self.__dict__["_made"] = tuple(map(self._operator, self._keywords))
            for operator in made:
                operator.code_read = made[0].code_read
        return made

    def _operator(self, keywords: Mapping[str, Any]) -> StepOperator:
        return self.unmap(keywords)

    def _references(self, root: str) -> StepOperator:
        """Return an operator whose references begin with a root. It is in no Dag."""
        operator = self._operator(self._keywords[0])
        operator.reference_root = root
        return operator

    def _read(self, method: str, value: Any) -> list[dict[str, Any]]:
        """What is expanded, for each item, in the order of map indexes; with references to the item where it is late.

        :raises TranslationError: for what SageMaker cannot map.
        """
        if method == "expand_kwargs":
            found = self._listed(value)
        else:
            if [*value] != [*value][:1] and any(map(is_late, value.values())):
                raise self._error(
                    f"expand({', '.join(f'{key}=...' for key in value)}) means every combination, but SageMaker cannot "
                    "combine lists that are known only in a Dag run. Let the task return the combinations as dicts, "
                    "and use expand(item=...) with CURRENT_ITEM['...'] in partial(...)"
                )
            for key, given in value.items():
                if is_late(given):
                    return [{key: CURRENT_ITEM}]
                if isinstance(given, Mapping):
                    raise self._error(f"expand({key}=...) is given a dict, whose items are pairs. Give a list")
            found = combinations(value)
        if not 1 <= len(found) <= MAXIMUM_ITEMS:
            raise self._error(
                f"it is mapped over {len(found)} items, and a ForEach step takes 1 to {MAXIMUM_ITEMS}. "
                + ("Leave the step out where there is nothing to do" if not found else f"Map over fewer, {_BY_HAND}")
            )
        return found

    def _listed(self, value: Any) -> list[dict[str, Any]]:
        if is_late(value) or any(map(is_late, value)):
            raise self._error(
                "expand_kwargs(...) gets values known only in a Dag run, but SageMaker must know which arguments "
                "differ. Name the places in partial(...), as in hyperparameters={'max_depth': "
                "CURRENT_ITEM['max_depth']}, and use expand(item=...)"
            )
        for each in value:
            if twice := [key for key in each if key in self._arguments]:
                raise self._error(
                    f"partial(...) and expand_kwargs(...) both give {', '.join(map(repr, twice))}. Give it once"
                )
        return [dict(each) for each in value]

    def _error(self, message: str) -> TranslationError:
        dag_id = "" if self.dag is None else f"Dag '{self.dag.dag_id}', "
        return TranslationError(f"{dag_id}mapped task '{self.task_id}': {message}.")

    def __getattr__(self, name: str) -> Any:
        # Only what there is not otherwise: references of an unmapped step, which a mapped one has once for each item.
        if not name.startswith("_") and isinstance(getattr(self.operator_class, name, None), property):
            raise AttributeError(
                f"{self._error('')}".rstrip(" .:")
                + f" has no '{name}': it runs once for each item. Use .best(max_by=...).{name}, or "
                f".iterations[0].{name} for one of them."
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


if TYPE_CHECKING:

    class StepPartial(OperatorPartial):
        """A mapped step that is begun: what type checkers see of ``partial(...)``."""

        def expand(self, **mapped_kwargs: Any) -> MappedStepOperator:
            """Map over every combination of the values of keywords."""
            ...

        def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> MappedStepOperator:
            """Map over a list of keywords."""
            ...


class Iterations(Sequence[Any]):
    """The references of each run of a step, by item.

    :param references: returns those of a run, by its number.
    :param count: how many there are; ``None`` where only the run knows.
    :param error: returns an error that names the step.
    """

    def __init__(
        self, references: Callable[[int], StepOperator], count: int | None, error: Callable[[str], Exception]
    ) -> None:
        self._references = references
        self._count = count
        self._error = error

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, int) or index < 0:
            raise TypeError(f"The runs of a mapped step are numbered from 0; there is none with the index {index!r}.")
        if self._count is not None and index >= self._count:
            raise IndexError(str(self._error(f"it has {self._count} items, and none with the index {index}.")))
        return self._references(index)

    def __len__(self) -> int:
        if self._count is None:
            raise TypeError(str(self._error("how many items it has is known when the Dag runs; use an index.")))
        return self._count


def selector_of(
    operator: StepOperator, known: Mapping[str, Any] | None, *, max_by: str | None, min_by: str | None
) -> dict[str, Any]:
    """Return the ``Selector`` of a ForEach step.

    :param operator: the step of the body that is compared.
    :param known: the selector that the ForEach step has already; ``None`` for none.
    :param max_by: what has to be highest: a metric of a training job, or a property.
    :param min_by: what has to be lowest.
    :raises TranslationError: for none or both, and for a selector that is another than the one known.
    """
    if (max_by is None) == (min_by is None):
        raise TranslationError("best(...) takes either max_by or min_by")
    pick, by = ("MaxBy", str(max_by)) if max_by is not None else ("MinBy", str(min_by))
    is_metric = operator.step_type == "Training" and by.replace(":", "_").replace("-", "_").isidentifier()
    properties = f"FinalMetricDataList['{by}'].Value" if is_metric else by
    selector = {"Pick": pick, "Field": {"Get": f"IterationOutput.{operator.step_name}.{properties}"}}
    if known not in (None, selector):
        raise TranslationError(
            f"it selects {known['Pick']} {known['Field']['Get']} already, and a ForEach step selects once. Use one "
            "best(...), or map a second step"
        )
    return selector


def _late_items(method: str, value: Any) -> Any:
    """Return what is a list of items once the launch task runs; ``None`` where the Dag file has the items."""
    if method == "expand" and len(value) == 1:
        value = next(iter(value.values()))
    return late_items(value) if is_late(value) else None
