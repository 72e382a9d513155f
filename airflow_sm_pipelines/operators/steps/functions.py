"""Functions of a Dag file as steps: ``@task.sagemaker_processing`` and ``@task.sagemaker_training``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from os import PathLike, fspath
from pathlib import Path
from typing import Any, ClassVar, Final, NoReturn

from airflow_sm_pipelines.compatibility.sdk import get_unique_task_id
from airflow_sm_pipelines.definition.conditions import Expression
from airflow_sm_pipelines.definition.expressions import JsonGet
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.operators.steps.hyperparameters import json_text
from airflow_sm_pipelines.operators.steps.processing import PROCESSING_DIRECTORY, SageMakerProcessingStepOperator
from airflow_sm_pipelines.operators.steps.training import SageMakerTrainingStepOperator
from airflow_sm_pipelines.translation.code import LocalCode, read_files
from airflow_sm_pipelines.translation.functions import (
    PATH,
    FunctionParameter,
    StepFunction,
    arguments_of_call,
    read_function,
)
from airflow_sm_pipelines.translation.nodes import RuntimeValue
from airflow_sm_pipelines.translation.reader import to_runtime_value

RETURNED: Final = "returned"
"""The output, and the property file, of what a function returns."""

_DIRECTORIES: Final = {"model_dir": "/opt/ml/model", "output_data_dir": "/opt/ml/output/data"}
"""What a training function writes into: parameters of these names are no channels."""

_LITERALS: Final = {"str": str, "int": int, "float": (int, float), "bool": bool, "json": object}


class ReturnedValue(JsonGet):
    """A value that a function returns: ``score["accuracy"]``, and ``score["classes"]["a.b"]`` for one inside."""

    def __getitem__(self, key: str | int) -> ReturnedValue:
        inner = f"[{key}]" if isinstance(key, int) else f"['{key}']"
        if isinstance(key, str) and "'" in key:
            raise TranslationError(f"a key of what a function returns cannot hold a quote: {key!r}.")
        return ReturnedValue(self.step_name, self.property_file_name, f"{self.json_path}{inner}")

    def __iter__(self) -> NoReturn:
        raise TypeError(f"What {self.step_name} returns is not known before the pipeline runs; name a key.")


def _taken(
    python_callable: Callable[..., Any],
    op_args: Sequence[Any],
    op_kwargs: Mapping[str, Any],
    written: Mapping[str, str],
) -> tuple[StepFunction, dict[str, Any], dict[str, Any]]:
    """Return the function, what its path parameters read, and what its other parameters are given.

    :param written: the paths of the parameters that the function writes into, by name.
    :raises TranslationError: naming the function, the parameter and the fix.
    """
    function = read_function(python_callable)
    signature = inspect.signature(python_callable)
    given = arguments_of_call(function, signature, op_args, op_kwargs)
    inputs: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for parameter in function.parameters:
        name = parameter.name
        if parameter.kind == PATH and name in written:
            if name in given:
                raise TranslationError(f"{function.name}() writes into '{name}', so it is not given. Leave it out.")
        elif name not in given or (given[name] is None and not parameter.is_required):
            if parameter.is_required:
                raise TranslationError(f"{function.name}() needs '{name}'. Give {name}=....")
            default = signature.parameters[name].default
            if name in given and default is not None:
                raise TranslationError(
                    f"{function.name}() is given None for '{name}', and would get its default, {default!r}. Leave it "
                    "out, or make None the default."
                )
        elif parameter.kind == PATH:
            inputs[name] = _place(function, name, given[name])
        else:
            values[name] = _value(function, parameter, given[name])
    return function, inputs, values


def _flag(function: StepFunction, name: str, value: Any) -> Iterator[Any]:
    parameter = function.parameter(name)
    yield f"--{name}"
    yield value if parameter is not None and parameter.kind == "str" else json_text(value)


@contextmanager
def _named(keywords: Mapping[str, Any]) -> Iterator[None]:
    """Name the Dag and the task, which is not made yet, in errors."""
    try:
        yield
    except TranslationError as error:
        group, dag = keywords.get("task_group"), keywords.get("dag")
        task_id = keywords["task_id"] if group is None else group.child_id(keywords["task_id"])
        of_dag = "" if dag is None else f"Dag '{dag.dag_id}', task "
        raise TranslationError(f"{of_dag}'{task_id}': {error}") from None


def _place(function: StepFunction, name: str, given: Any) -> Any:
    source = given.get("S3Uri") if isinstance(given, Mapping) else given
    is_late = isinstance(to_runtime_value(source), (RuntimeValue, Expression))
    if not is_late and not (isinstance(source, str) and source.startswith("s3://")):
        raise TranslationError(
            f"{function.name}() reads '{name}' as a directory, and is given {source!r}. Give an S3 URI, or a reference "
            "such as made.outputs['train']."
        )
    return given


def _local_path(name: str, place: Any) -> str:
    """Return where the job writes an output, as ``outputs`` of the operator says it."""
    path = place.get("LocalPath") if isinstance(place, Mapping) else place
    return str(path or f"{PROCESSING_DIRECTORY}/output/{name}")


def _value(function: StepFunction, parameter: FunctionParameter, given: Any) -> Any:
    if isinstance(to_runtime_value(given), (RuntimeValue, Expression)):
        return given
    wanted: Any = _LITERALS[parameter.kind]
    if not isinstance(given, wanted) or (isinstance(given, bool) and parameter.kind in ("int", "float")):
        raise TranslationError(
            f"{function.name}() takes '{parameter.name}' as {parameter.kind}, and is given {given!r}. Give a value of "
            "that type, Jinja, or a reference."
        )
    return given


def _code(function: StepFunction, script: bytes, code_dir: str | PathLike[str] | None, folder: str) -> LocalCode:
    beside: tuple[tuple[str, bytes], ...] = ()
    if code_dir is not None:
        directory = Path(folder, fspath(code_dir))
        if not directory.is_dir():
            raise TranslationError(
                f"code_dir='{code_dir}' is no directory (looked for {directory}). A relative path starts at the Dag "
                "file's directory."
            )
        beside = read_files(directory)
        if function.file_name in dict(beside):
            raise TranslationError(
                f"code_dir='{code_dir}' has a file '{function.file_name}', as the function's script is called. "
                "Rename one."
            )
    files = tuple(sorted((*beside, (function.file_name, script))))
    return LocalCode(files, function.file_name)


class SageMakerProcessingFunctionOperator(SageMakerProcessingStepOperator):
    """
    A processing job that calls a function of the Dag file. Made by ``@task.sagemaker_processing``.

    A ``Path`` parameter is an input, which a call gives an S3 URI or a reference; or an output, where ``outputs`` names
    it. It gets the directory in the container. Other parameters are given as command line arguments, and get values of
    their types. What the function returns, a dict, is the property file ``returned``: ``score["accuracy"]`` is a value
    of it.

    Does not take ``code``, ``command``, ``inputs``, ``job_arguments`` and ``property_files``: the function says them.

    :param python_callable: the function.
    :param op_args: positional arguments of the call.
    :param op_kwargs: arguments of the call by name.
    :param code_dir: a directory beside the Dag file whose files lie beside the script, for modules that it imports.
    :raises TranslationError: naming file, line, rule and fix, for a function that cannot become a script.
    """

    reserved: ClassVar[Mapping[str, str]] = {
        "code": "the function is the code; modules beside it stand in code_dir",
        "entry_point": "the function is the code",
        "command": "python3 runs the function's script",
        "inputs": "its Path parameters are the inputs",
        "job_arguments": "its other parameters are the arguments",
        "property_files": "the dict that it returns is its property file",
    }

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Sequence[Any] = (),
        op_kwargs: Mapping[str, Any] | None = None,
        code_dir: str | PathLike[str] | None = None,
        outputs: Sequence[str] | Mapping[str, Any] = (),
        **kwargs: Any,
    ) -> None:
        names = list(outputs)
        places = outputs if isinstance(outputs, Mapping) else {}
        written = {name: _local_path(name, places.get(name)) for name in names}
        with _named(kwargs):
            function, inputs, values = _taken(python_callable, op_args, op_kwargs or {}, written)
            for name in names:
                parameter = function.parameter(name)
                if parameter is None or parameter.kind != PATH:
                    raise TranslationError(
                        f"outputs has '{name}', and {function.name}() has no parameter '{name}: Path'. It writes into "
                        "the directories of its Path parameters."
                    )
            flags = [piece for name, value in values.items() for piece in _flag(function, name, value)]
        declared: Any = outputs
        more: dict[str, Any] = {}
        returned = None
        if function.returns:
            declared = {**(outputs if isinstance(outputs, Mapping) else dict.fromkeys(names)), RETURNED: None}
            more["property_files"] = {RETURNED: f"{RETURNED}/{RETURNED}.json"}
            returned = f"{PROCESSING_DIRECTORY}/output/{RETURNED}/{RETURNED}.json"
        paths = {name: f"{PROCESSING_DIRECTORY}/input/{name}" for name in inputs} | written
        super().__init__(
            code=function.file_name,
            inputs=inputs,
            outputs=declared,
            job_arguments=flags or None,
            **more,
            **kwargs,
        )
        script = function.script(paths, is_training=False, returned=returned)
        with _named(kwargs):
            self._local_code = _code(function, script, code_dir, str(self.dag.folder))

    def __getitem__(self, key: str) -> ReturnedValue:
        """A value that the function returns, for conditions and other steps: ``score["accuracy"]``."""
        if RETURNED not in self._property_files:
            raise self.error("the function returns nothing. Annotate it to return a dict.")
        return ReturnedValue(self.step_name, RETURNED, "")[key]


class SageMakerTrainingFunctionOperator(SageMakerTrainingStepOperator):
    """
    A training job that calls a function of the Dag file. Made by ``@task.sagemaker_training``.

    A ``Path`` parameter is a channel, which a call gives an S3 URI or a reference; ``model_dir: Path`` is where the
    model is written, ``output_data_dir: Path`` is for all else. Other parameters are hyperparameters, and get values of
    their types. The function returns nothing. Script mode runs it: the image is one of AWS's framework images, or has
    their toolkit.

    Does not take ``code``, ``entry_point``, ``inputs`` and ``hyperparameters``: the function says them.

    :param python_callable: the function.
    :param op_args: positional arguments of the call.
    :param op_kwargs: arguments of the call by name.
    :param code_dir: a directory beside the Dag file whose files lie beside the script, for modules that it imports.
    :raises TranslationError: naming file, line, rule and fix, for a function that cannot become a script.
    """

    reserved: ClassVar[Mapping[str, str]] = {
        "code": "the function is the code; modules beside it stand in code_dir",
        "entry_point": "the function is the code",
        "inputs": "its Path parameters are the channels",
        "hyperparameters": "its other parameters are the hyperparameters",
    }

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Sequence[Any] = (),
        op_kwargs: Mapping[str, Any] | None = None,
        code_dir: str | PathLike[str] | None = None,
        **kwargs: Any,
    ) -> None:
        with _named(kwargs):
            function, inputs, values = _taken(python_callable, op_args, op_kwargs or {}, _DIRECTORIES)
            if function.returns:
                raise TranslationError(
                    f"{function.name}() returns a dict, and a training job has no property file. Write it into "
                    "output_data_dir: Path, or print it as a metric."
                )
        written = {name: path for name, path in _DIRECTORIES.items() if function.parameter(name) is not None}
        paths = {name: f"/opt/ml/input/data/{name}" for name in inputs} | written
        super().__init__(code=function.file_name, inputs=inputs, hyperparameters=values, **kwargs)
        with _named(kwargs):
            self._local_code = _code(function, function.script(paths, is_training=True), code_dir, str(self.dag.folder))

    def as_hyperparameter(self, value: Any) -> Any:
        """Return a hyperparameter as JSON, also a reference: the script has to tell text from numbers.

        :param value: as the call gave it.
        """
        return json_text(value)


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

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Make a step of the pipeline, whose job calls the function with these arguments.

        :return: the step's operator, which has its references: ``outputs``, ``model_artifacts``, ``["key"]``.
        :raises TranslationError: naming the function, the parameter and the fix.
        """
        keywords = self.keywords
        given_id = keywords.get("task_id", self.function.__name__)
        task_id = get_unique_task_id(given_id, keywords.get("dag"), keywords.get("task_group"))
        if keywords.get("doc_md") is None and keywords.get("description") is None:
            keywords = {**keywords, "doc_md": inspect.getdoc(self.function)}
        return self.operator_class(
            python_callable=self.function, op_args=args, op_kwargs=kwargs, **{**keywords, "task_id": task_id}
        )

    def override(self, **keywords: Any) -> FunctionDecorator:
        """Return the function with other keywords of the operator: ``fit.override(task_id="fit_large")(...)``.

        :param keywords: replace those given to the decorator.
        """
        _refuse_reserved(self.operator_class, self.function, keywords)
        return FunctionDecorator(self.operator_class, self.function, {**self.keywords, **keywords})

    def partial(self, **kwargs: Any) -> NoReturn:
        """Refuse: a function is called once for each step."""
        raise TranslationError(
            f"function '{self.function.__name__}' cannot be mapped. Call it once for each item, in a Python loop."
        )

    expand = expand_kwargs = partial


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
    _refuse_reserved(operator_class, function, keywords)
    given = {name: value for name, value in keywords.items() if value is not None}
    if function is not None:
        return FunctionDecorator(operator_class, function, given)
    return lambda decorated: FunctionDecorator(operator_class, decorated, given)


def sagemaker_processing(
    python_callable: Callable[..., Any] | None = None,
    *,
    image_uri: Any = None,
    instance_type: Any = None,
    instance_count: Any = None,
    volume_size_in_gb: Any = None,
    outputs: Sequence[str] | Mapping[str, Any] | None = None,
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
    :class:`~airflow_sm_pipelines.operators.steps.processing.SageMakerProcessingStepOperator` but for what the function
    says itself.

    :param python_callable: the function, where the decorator has no keywords.
    :param outputs: names of ``Path`` parameters that the function writes into; or by name what ``outputs`` of the
        operator takes.
    :param code_dir: a directory beside the Dag file with modules that the function imports.
    :raises TranslationError: for a keyword that the function says.
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
    :class:`~airflow_sm_pipelines.operators.steps.training.SageMakerTrainingStepOperator` but for what the function says
    itself.

    :param python_callable: the function, where the decorator has no keywords.
    :param code_dir: a directory beside the Dag file with modules that the function imports.
    :raises TranslationError: for a keyword that the function says.
    """
    return _decorator(SageMakerTrainingFunctionOperator, python_callable, _keywords(locals(), kwargs))


def _keywords(given: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of a decorator's call: those of its signature, and all others."""
    return {**{name: value for name, value in given.items() if name not in ("python_callable", "kwargs")}, **more}
