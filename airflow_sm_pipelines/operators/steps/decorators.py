"""``@task.sagemaker_processing`` and ``@task.sagemaker_training``: calls of functions, and mapped calls, are steps."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from os import PathLike
from typing import TYPE_CHECKING, Any

from airflow_sm_pipelines.compatibility.sdk import get_unique_task_id
from airflow_sm_pipelines.definition.expressions import CURRENT_ITEM
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.operators.steps.functions import (
    MappedFunctionOperator,
    SageMakerProcessingFunctionOperator,
    SageMakerTrainingFunctionOperator,
)
from airflow_sm_pipelines.translation.functions.signature import arguments_of_call
from airflow_sm_pipelines.translation.functions.source import StepFunction, read_function
from airflow_sm_pipelines.translation.items import ITEM, combinations, is_late
from airflow_sm_pipelines.translation.mapping import reads_item

if TYPE_CHECKING:
    from airflow_sm_pipelines.operators.steps.mapped import StepPartial


class FunctionDecorator:
    """A function that makes a step each time it is called, inside a pipeline group.

    :param operator_class: of the step.
    :param function: the function.
    :param keywords: of the operator.
    """

    def __init__(
        self,
        operator_class: type[SageMakerProcessingFunctionOperator | SageMakerTrainingFunctionOperator],
        function: Callable[..., Any],
        keywords: Mapping[str, Any],
    ) -> None:
        functools.update_wrapper(self, function)
        self.operator_class = operator_class
        self.function = function
        self.keywords = dict(keywords)

    @functools.cached_property
    def read(self) -> StepFunction:
        """The function, read once, when it is first used."""
        return read_function(self.function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Make a step of the pipeline, whose job calls the function with these arguments.

        :return: the step's operator, which has its references: ``outputs``, ``model_artifacts``, ``["key"]``. An
            argument of a task outside the pipeline, it is what the function returns.
        :raises TranslationError: naming the function, the parameter and the fix.
        """
        return self.operator_class(function=self.read, op_args=args, op_kwargs=kwargs, **self._task_keywords())

    def override(self, **keywords: Any) -> FunctionDecorator:
        """Return the function with other keywords of the operator: ``fit.override(task_id="fit_large")(...)``.

        :param keywords: replace those given to the decorator.
        """
        _refuse_reserved(self.operator_class, self.function, keywords)
        other = FunctionDecorator(self.operator_class, self.function, {**self.keywords, **keywords})
        if "read" in vars(self):
            vars(other)["read"] = self.read
        return other

    def partial(self, **kwargs: Any) -> FunctionPartial:
        """Begin a mapped step, which becomes a ForEach step: ``prepare.partial(raw=...).expand(fraction=[0.1, 0.2])``.

        :param kwargs: the arguments that are the same for all items, by name; with ``CURRENT_ITEM`` where the item
            stands.
        :raises TranslationError: when the function has no such parameter.
        """
        with self.naming("partial"):
            arguments_of_call(self.read.name, self.read.signature, (), kwargs)
        return FunctionPartial(self, kwargs)

    def expand(self, **mapped_kwargs: Any) -> MappedFunctionOperator:
        """Map over every combination of the values of parameters, as :meth:`FunctionPartial.expand`."""
        return self.partial().expand(**mapped_kwargs)

    def expand_kwargs(self, kwargs: Any) -> MappedFunctionOperator:
        """Map over a list of arguments, as :meth:`FunctionPartial.expand_kwargs`."""
        return self.partial().expand_kwargs(kwargs)

    def begin_mapped(self, op_kwargs: Mapping[str, Any]) -> StepPartial:
        """Return the operator's own mapped step that is begun.

        :param op_kwargs: the arguments of the function.
        """
        return self.operator_class.partial(function=self.read, op_kwargs=dict(op_kwargs), **self._task_keywords())

    def _task_keywords(self) -> dict[str, Any]:
        keywords = self.keywords
        given_id = keywords.get("task_id", self.function.__name__)
        task_id = get_unique_task_id(given_id, keywords.get("dag"), keywords.get("task_group"))
        if keywords.get("doc_md") is None and keywords.get("description") is None:
            keywords = {**keywords, "doc_md": inspect.getdoc(self.function)}
        return {**keywords, "task_id": task_id}

    @contextmanager
    def naming(self, method: str) -> Iterator[None]:
        """Name the function and a method in errors.

        :param method: such as ``expand``.
        """
        try:
            yield
        except TranslationError as error:
            raise TranslationError(f"function '{self.read.name}', {method}(...): {error}") from None


class FunctionPartial:
    """A mapped function that is begun: what ``partial(...)`` of a function returns.

    :param decorator: the function.
    :param given: the arguments that are the same for all items.
    """

    def __init__(self, decorator: FunctionDecorator, given: Mapping[str, Any]) -> None:
        self._decorator = decorator
        self._given = given

    def expand(self, **mapped_kwargs: Any) -> MappedFunctionOperator:
        """Map over every combination of the values of parameters; or over ``item``, which ``CURRENT_ITEM`` stands for.

        :param mapped_kwargs: lists by the names of parameters. Values known only in a Dag run, such as ``fetch()``, may
            be given for one of them.
        :return: the mapped step, with ``best(...)`` and ``iterations``.
        :raises TranslationError: naming the function, the rule and the fix.
        """
        with self._decorator.naming("expand"):
            items, arguments = self._combinations(mapped_kwargs)
        return self._over(items, arguments)

    def expand_kwargs(self, kwargs: Any) -> MappedFunctionOperator:
        """Map over a list of arguments: ``expand_kwargs([{"depth": 3, "trees": 10}, {"depth": 5, "trees": 100}])``.

        :param kwargs: dicts with the same keys.
        :return: the mapped step, with ``best(...)`` and ``iterations``.
        :raises TranslationError: naming the function, the rule and the fix.
        """
        with self._decorator.naming("expand_kwargs"):
            items, names = self._listed(kwargs)
        return self._over(items, {name: CURRENT_ITEM[name] for name in names})

    def _combinations(self, mapped: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return the items of ``expand``, and the arguments that read them."""
        if not mapped:
            raise TranslationError("it is given nothing. Give a parameter a list: expand(fraction=[0.1, 0.2]).")
        if [*mapped] == [ITEM] and self._decorator.read.parameter(ITEM) is None:
            return mapped[ITEM], {}
        self._refuse_names(mapped)
        for name, values in mapped.items():
            if is_late(values) and len(mapped) > 1:
                raise TranslationError(
                    "it means every combination, but SageMaker cannot combine lists that are known only in a Dag run. "
                    "Let the task return the combinations as dicts, and use expand(item=...) with "
                    f"partial({name}=CURRENT_ITEM['{name}'], ...)."
                )
            if not is_late(values) and not isinstance(values, (list, tuple)):
                raise TranslationError(
                    f"{name}={values!r} is not a list. Give a list of values, what a task outside the group returns, "
                    "or pipeline.items('Name'): the list that the pipeline parameter 'Name' holds."
                )
        if len(mapped) == 1:
            [(name, values)] = mapped.items()
            return values, {name: CURRENT_ITEM}
        return combinations(mapped), {name: CURRENT_ITEM[name] for name in mapped}

    def _listed(self, given: Any) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the items of ``expand_kwargs``, and the parameters that each of them gives."""
        is_list = isinstance(given, (list, tuple))
        if is_late(given) or (is_list and any(map(is_late, given))):
            raise TranslationError(
                "it gets values known only in a Dag run, but SageMaker must know which arguments differ. Name them, as "
                "in partial(fraction=CURRENT_ITEM['fraction']), and use expand(item=...)."
            )
        if not is_list or not all(isinstance(each, Mapping) for each in given):
            raise TranslationError(f"{given!r} is not a list of dicts. Give the arguments of each item as a dict.")
        self._refuse_names(dict.fromkeys(name for each in given for name in each))
        for each in given:
            if each.keys() != given[0].keys():
                first, other = ", ".join(given[0]), ", ".join(each)
                raise TranslationError(
                    f"its items give different parameters, ({first}) and ({other}), and a ForEach step gives all of "
                    "them the same. Give each item the same parameters, or call the function in a Python loop."
                )
        return [dict(each) for each in given], list(given[0]) if given else []

    def _refuse_names(self, mapped: Mapping[str, Any]) -> None:
        function = self._decorator.read
        arguments_of_call(function.name, function.signature, (), mapped)
        for name in mapped:
            if name in self._given:
                raise TranslationError(f"'{name}' is given in partial(...) as well. Give it once.")
        if reads_item(self._given):
            raise TranslationError(
                "partial(...) uses CURRENT_ITEM, but expand(...) has no item. Use expand(item=[...])."
            )

    def _over(self, items: Any, arguments: Mapping[str, Any]) -> MappedFunctionOperator:
        mapped: Any = self._decorator.begin_mapped({**self._given, **arguments}).expand(**{ITEM: items})
        made: MappedFunctionOperator = mapped
        return made


def _refuse_reserved(operator_class: Any, function: Any, keywords: Mapping[str, Any]) -> None:
    for name, reason in operator_class.reserved.items():
        if name in keywords:
            raise TranslationError(
                f"function '{getattr(function, '__name__', function)}': {name} is not given: {reason}."
            )


def _decorator(
    operator_class: type[SageMakerProcessingFunctionOperator | SageMakerTrainingFunctionOperator],
    function: Callable[..., Any] | None,
    keywords: Mapping[str, Any],
) -> Any:
    given = {name: value for name, value in keywords.items() if value is not None}

    def decorate(decorated: Callable[..., Any]) -> FunctionDecorator:
        _refuse_reserved(operator_class, decorated, keywords)
        return FunctionDecorator(operator_class, decorated, given)

    return decorate if function is None else decorate(function)


def sagemaker_processing(
    python_callable: Callable[..., Any] | None = None,
    *,
    image_uri: Any = None,
    instance_type: Any = None,
    instance_count: Any = None,
    volume_size_in_gb: Any = None,
    outputs: Sequence[str] | Mapping[str, Any] | None = None,
    multiple_outputs: bool | None = None,
    code_dir: str | PathLike[str] | None = None,
    environment: Mapping[str, Any] | None = None,
    max_runtime_in_seconds: Any = None,
    cache: timedelta | str | bool | None = None,
    retry_policies: Sequence[Mapping[str, Any]] | None = None,
    role_arn: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    step_options: Mapping[str, Any] | None = None,
    task_id: str | None = None,
    step_name: str | None = None,
    display_name: str | None = None,
    description: str | None = None,
    **kwargs: Any,
) -> Any:
    """Make a function a processing job: a step of the pipeline group in which it is called.

    The keywords are Airflow's own, and those of
    :class:`~airflow_sm_pipelines.operators.steps.processing.SageMakerProcessingStepOperator` except those that the
    function itself determines.

    :param python_callable: the function, where the decorator has no keywords.
    :param task_id: the task's id; by default the function's name.
    :param outputs: names of ``Path`` parameters that the function writes into; or by name what ``outputs`` of the
        operator takes.
    :param multiple_outputs: push each value of the dict that the function returns as a separate XCom, too.
    :param code_dir: a directory beside the Dag file with modules that the function imports.
    :raises TranslationError: for a keyword that the function determines.
    """
    return _decorator(SageMakerProcessingFunctionOperator, python_callable, _keywords(locals(), kwargs))


def sagemaker_training(
    python_callable: Callable[..., Any] | None = None,
    *,
    image_uri: Any = None,
    instance_type: Any = None,
    instance_count: Any = None,
    volume_size_in_gb: Any = None,
    code_dir: str | PathLike[str] | None = None,
    content_type: Any = None,
    output_uri: Any = None,
    environment: Mapping[str, Any] | None = None,
    max_runtime_in_seconds: Any = None,
    cache: timedelta | str | bool | None = None,
    retry_policies: Sequence[Mapping[str, Any]] | None = None,
    role_arn: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    step_options: Mapping[str, Any] | None = None,
    task_id: str | None = None,
    step_name: str | None = None,
    display_name: str | None = None,
    description: str | None = None,
    **kwargs: Any,
) -> Any:
    """Make a function a training job: a step of the pipeline group in which it is called.

    The keywords are Airflow's own, and those of
    :class:`~airflow_sm_pipelines.operators.steps.training.SageMakerTrainingStepOperator` except those that the function
    itself determines.

    :param python_callable: the function, where the decorator has no keywords.
    :param task_id: the task's id; by default the function's name.
    :param code_dir: a directory beside the Dag file with modules that the function imports.
    :raises TranslationError: for a keyword that the function determines.
    """
    return _decorator(SageMakerTrainingFunctionOperator, python_callable, _keywords(locals(), kwargs))


def _keywords(given: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of a decorator's call: those of its signature, and all others."""
    return {**{name: value for name, value in given.items() if name not in ("python_callable", "kwargs")}, **more}
