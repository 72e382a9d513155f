"""Functions of a Dag file as Processing and Training steps, and references to what they return."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from airflow_sm_pipelines.compatibility.mapped import is_one_of_a_mapped_task, mapped_by
from airflow_sm_pipelines.compatibility.sdk import PlainXComArg, ResolveMixin
from airflow_sm_pipelines.definition.conditions import Expression
from airflow_sm_pipelines.definition.expressions import ItemReference, JsonGet
from airflow_sm_pipelines.definition.problems import did_you_mean
from airflow_sm_pipelines.exceptions import PipelineExecutionError, TranslationError
from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.report import PROPERTY_FILES, STEP_REPORT, problem_of_key
from airflow_sm_pipelines.operators.steps.base import BaseSageMakerStepOperator
from airflow_sm_pipelines.operators.steps.hyperparameters import json_text
from airflow_sm_pipelines.operators.steps.mapped import MappedStepOperator
from airflow_sm_pipelines.operators.steps.processing import (
    SageMakerProcessingStepOperator,
    input_path,
    output_path,
)
from airflow_sm_pipelines.operators.steps.training import SageMakerTrainingStepOperator
from airflow_sm_pipelines.translation.code import LocalCode, read_files
from airflow_sm_pipelines.translation.functions.script import script_of
from airflow_sm_pipelines.translation.functions.signature import JSON, PATH, FunctionParameter, arguments_of_call
from airflow_sm_pipelines.translation.functions.source import StepFunction
from airflow_sm_pipelines.translation.nodes import RuntimeValue
from airflow_sm_pipelines.translation.reader import to_runtime_value
from airflow_sm_pipelines.translation.xcoms import StepValue

if TYPE_CHECKING:
    from airflow_sm_pipelines.operators.steps.mapped import StepPartial

RETURNED: Final = "returned"
"""The output, and the property file, of what a function returns."""

_DIRECTORIES: Final = {"model_dir": "/opt/ml/model", "output_data_dir": "/opt/ml/output/data"}
"""What a training function writes into: parameters of these names are not channels."""

_LITERALS: Final = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    JSON: (list, tuple, dict),
    "any": object,
}

_NOT_IN_A_CALL: Final = {
    "python_callable": "decorate it",
    "op_args": "give them in the call",
    "op_kwargs": "give them in the call",
}


@dataclasses.dataclass(frozen=True, order=False)
class ReturnedValue(JsonGet, StepValue):
    """
    A value that a function returns: ``score["accuracy"]``, and ``score["classes"]["a.b"]`` for one inside.

    For conditions and steps of the pipeline it is a reference into the property file. A task outside the pipeline, or
    another pipeline, that takes it as an argument follows the step, and gets the value from XCom; so does Jinja text
    that it is put into.

    :param operator: the function's task.
    :param keys: what leads from the dict to the value.
    """

    operator: Any = dataclasses.field(default=None, compare=False, repr=False)
    keys: tuple[str | int, ...] = ()

    def __getitem__(self, key: str | int) -> ReturnedValue:
        if (isinstance(key, str) and "'" in key) or (isinstance(key, int) and key < 0):
            raise self.operator.error(
                f"[{key!r}] cannot be read from what the function returns: a key cannot hold quotes, and an index "
                "cannot be negative. Return the value under another key."
            )
        path = f"{self.json_path}[{key}]" if isinstance(key, int) else f"{self.json_path}['{key}']"
        return ReturnedValue(self.step_name, self.property_file_name, path, self.operator, (*self.keys, key))

    def __iter__(self) -> NoReturn:
        raise TypeError(f"What {self.step_name} returns is not known before the pipeline runs; name a key.")

    def __str__(self) -> str:
        """Return Jinja for the value, as Airflow writes it for an XComArg."""
        pull = f"task_ids='{self.operator.task_id}', dag_id='{self.operator.dag_id}', key='{PROPERTY_FILES}'"
        return f"{{{{ task_instance.xcom_pull({pull})['{RETURNED}']{self.json_path} }}}}"

    def __add__(self, other: Any) -> str:
        return super().__str__()  # which raises, and says what to do

    __radd__ = __add__

    @property
    def task_id(self) -> str:
        """The full id of the function's task."""
        return str(self.operator.task_id)

    def iter_references(self) -> Iterator[tuple[Any, str]]:
        """Yield the function's task and its XCom: whoever uses the value follows the task."""
        yield from self.operator.iter_references()

    def resolve(self, context: Mapping[str, Any]) -> Any:
        """Return the value, for a task outside the pipeline; ``None`` where the step was skipped.

        :param context: of that task.
        """
        found = self.operator.resolve(context)
        return None if found is None else functools.reduce(operator.getitem, self.keys, found)


class FunctionTask(ResolveMixin):
    """
    What the tasks of functions have in common: an argument of a task outside the pipeline, they are what is returned.

    :meta private:
    """

    function: StepFunction

    @property
    def output(self) -> Any:
        """The task itself, which is what it returns: other operators have an XComArg of this name."""
        return self

    def iter_references(self) -> Iterator[tuple[Any, str]]:
        """Yield the task and its XCom: whoever uses what the function returns follows the task."""
        yield self, PROPERTY_FILES if self.function.returns else STEP_REPORT

    def resolve(self, context: Mapping[str, Any]) -> Any:
        """Return the dict that the function has returned, for a task outside the pipeline.

        ``None`` for a function that returns nothing, and where the step was skipped, as of Airflow's own. A mapped
        function has returned a list: the dicts of the runs that were not skipped.

        :param context: of that task.
        :raises PipelineExecutionError: when it is not in XCom although the step has run.
        """
        task: Any = self
        if not self.function.returns:
            return None
        if task.is_mapped:
            files = list(PlainXComArg(task, PROPERTY_FILES).resolve(context))
            count = len(PlainXComArg(task, STEP_REPORT).resolve(context))
        else:
            pull = functools.partial(context["ti"].xcom_pull, task_ids=task.task_id, map_indexes=None)
            files = [pull(key=PROPERTY_FILES) or {}]
            count = 0 if pull(key=STEP_REPORT) is None else 1
        found = [each[RETURNED] for each in files if RETURNED in each]
        if len(found) < count:
            raise PipelineExecutionError(
                f"what {self.function.name}() returned is not in the XCom '{PROPERTY_FILES}' of task '{task.task_id}': "
                "the step failed, or the value is too large for an XCom. It is then in S3, and 'outputs' of the XCom "
                f"'{STEP_REPORT}' say where"
            )
        return found if task.is_mapped else next(iter(found), None)


def _taken(
    function: StepFunction,
    op_args: Sequence[Any],
    op_kwargs: Mapping[str, Any],
    written: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the path parameters of a function read, and what its other parameters are given.

    :param written: the paths of the parameters that the function writes into, by name.
    :raises TranslationError: naming the function, the parameter and the fix.
    """
    given = arguments_of_call(function.name, function.signature, op_args, op_kwargs)
    inputs: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for parameter in function.parameters:
        name = parameter.name
        if parameter.kind == PATH and name in written:
            if name in given:
                raise TranslationError(f"{function.name}() writes into '{name}', so it is not given. Leave it out.")
        elif name not in given:
            if parameter.is_required:
                raise TranslationError(f"{function.name}() needs '{name}'. {_fix_of_missing(parameter)}")
        elif given[name] is None and parameter.kind != "any":
            if not _is_left_out(function, parameter):
                values[name] = None
        elif parameter.kind == PATH:
            inputs[name] = _place(function, name, given[name])
        else:
            values[name] = _value(function, parameter, given[name])
    return inputs, values


def _fix_of_missing(parameter: FunctionParameter) -> str:
    if parameter.kind != PATH:
        return f"Give it a value: {parameter.name}=..., or give the parameter a default."
    return (
        f"Give {parameter.name}='s3://...' or a reference. A directory that a processing function writes into is named "
        f"in its decorator instead: outputs=['{parameter.name}']."
    )


def _is_left_out(function: StepFunction, parameter: FunctionParameter) -> bool:
    """Say whether a parameter that is given ``None`` gets it by default, so that the job does not need it."""
    default = function.signature.parameters[parameter.name].default
    if default is None:
        return True
    if not parameter.is_optional:
        raise TranslationError(
            f"{function.name}() is given None for '{parameter.name}', which is {parameter.kind}. Leave it out for its "
            "default, or annotate it with '| None'."
        )
    if parameter.kind in (PATH, "str"):
        raise TranslationError(
            f"{function.name}() is given None for '{parameter.name}', which a job cannot tell from text. Make None its "
            "default."
        )
    return False


def _refuse_multiple_outputs(function: StepFunction) -> None:
    """Raise where a function's values cannot be separate XComs."""
    if not function.returns:
        raise TranslationError(
            f"multiple_outputs has no effect: {function.name}() returns nothing. Annotate it to return a dict."
        )
    for key in function.keys or ():
        if (problem := problem_of_key(key)) is not None:
            raise TranslationError(
                f"multiple_outputs makes an XCom of each value that {function.name}() returns, and '{key}' cannot be "
                f"one: {problem}. Rename it, or leave multiple_outputs out."
            )


def _flag(function: StepFunction, name: str, value: Any) -> Iterator[Any]:
    parameter = function.parameter(name)
    yield f"--{name}"
    yield value if parameter is not None and parameter.kind == "str" else _json(function, name, value)


def _json(function: StepFunction, name: str, value: Any) -> Any:
    """Return an argument as JSON. A reference to text is that already, for a list or a dict, and has no quotes."""
    parameter = function.parameter(name)
    is_reference = isinstance(to_runtime_value(value), Expression) and not isinstance(value, JsonGet)
    return value if is_reference and parameter is not None and parameter.kind == JSON else json_text(value)


@contextmanager
def _named(operator: Any, keywords: Mapping[str, Any]) -> Iterator[None]:
    """Name the Dag and the task in errors, although the operator has not got its name yet."""
    try:
        yield
    except TranslationError as error:
        group, dag, task_id = keywords.get("task_group"), keywords.get("dag"), keywords["task_id"]
        if group is not None and not is_one_of_a_mapped_task(operator):
            task_id = group.child_id(task_id)
        of_dag = "" if dag is None else f"Dag '{dag.dag_id}', task "
        raise TranslationError(f"{of_dag}'{task_id}': {error}") from None


def _place(function: StepFunction, name: str, given: Any) -> Any:
    _refuse_step(function, name, given)
    for item in _known_items(given):
        _place(function, name, item)
    source = given.get("S3Uri") if isinstance(given, Mapping) else given
    is_late = isinstance(to_runtime_value(source), (RuntimeValue, Expression))
    if not is_late and not (isinstance(source, str) and source.startswith("s3://")):
        raise TranslationError(
            f"{function.name}() reads '{name}' as a directory, and is given {source!r}. Give an S3 URI, or a reference "
            "such as made.outputs['train']."
        )
    return given


def _known_items(given: Any) -> tuple[Any, ...]:
    """Return what a reference to the item of a mapped task group reads, where the Dag file has the items."""
    return given.values if isinstance(given, ItemReference) else ()


def _refuse_step(function: StepFunction, name: str, given: Any) -> None:
    if isinstance(given, (BaseSageMakerStepOperator, MappedStepOperator)):
        raise TranslationError(
            f"{function.name}() is given the whole step '{given.task_id}' for '{name}'. Give one of its references, "
            "such as .outputs['name'], .model_artifacts or ['key']."
        )


def _value(function: StepFunction, parameter: FunctionParameter, given: Any) -> Any:
    _refuse_step(function, parameter.name, given)
    for item in _known_items(given):
        _value(function, parameter, item)
    if isinstance(to_runtime_value(given), (RuntimeValue, Expression)):
        return given
    wanted: Any = _LITERALS[parameter.kind]
    if not isinstance(given, wanted) or (isinstance(given, bool) and parameter.kind in ("int", "float")):
        kind = "a list or a dict" if parameter.kind == JSON else parameter.kind
        raise TranslationError(
            f"{function.name}() takes '{parameter.name}' as {kind}, and is given {given!r}. Give a value of that type, "
            "Jinja, or a reference."
        )
    if parameter.choices and given not in parameter.choices:
        raise TranslationError(
            f"{function.name}() takes '{parameter.name}' as one of {', '.join(map(repr, parameter.choices))}, and is "
            f"given {given!r}{did_you_mean(str(given), list(map(str, parameter.choices))) or '.'}"
        )
    return given


def _paths(function: StepFunction, paths: Mapping[str, Any]) -> dict[str, str]:
    """Return where directories are in the container, for the script.

    :raises TranslationError: for one that is known only when the pipeline runs.
    """
    for name, path in paths.items():
        if not isinstance(path, str) or isinstance(to_runtime_value(path), RuntimeValue):
            raise TranslationError(
                f"the LocalPath of '{name}' is {path!r}, and the script that calls {function.name}() has to know it. "
                "Write it out."
            )
    return dict(paths)


def _code(function: StepFunction, script: bytes, code_dir: str | PathLike[str] | None, folder: str) -> LocalCode:
    beside: tuple[tuple[str, bytes], ...] = ()
    if code_dir is not None:
        directory = Path(folder, fspath(code_dir))
        if not directory.is_dir():
            raise TranslationError(
                f"code_dir='{code_dir}' is not a directory (looked for {directory}). A relative path starts at the Dag "
                "file's directory."
            )
        beside = read_files(directory)
        if function.file_name in dict(beside):
            raise TranslationError(
                f"code_dir='{code_dir}' has a file '{function.file_name}', which is also the name of the function's "
                "script. Rename one."
            )
    files = tuple(sorted((*beside, (function.file_name, script))))
    return LocalCode(files, function.file_name)


class SageMakerProcessingFunctionOperator(FunctionTask, SageMakerProcessingStepOperator):
    """
    A processing job that calls a function of the Dag file. Made by ``@task.sagemaker_processing``.

    A ``Path`` parameter is an input, which a call gives an S3 URI or a reference; or an output, where ``outputs`` names
    it. It gets the directory in the container. Other parameters are given as command line arguments, and get values of
    their types. What the function returns, a dict, is the property file ``returned``: ``score["accuracy"]`` is a value
    of it.

    Does not take ``code``, ``command``, ``inputs``, ``job_arguments`` and ``property_files``: the function says them.

    :param function: the function, read.
    :param op_args: positional arguments of the call.
    :param op_kwargs: arguments of the call by name.
    :param code_dir: a directory beside the Dag file whose files lie beside the script, for modules that it imports.
    :param multiple_outputs: push each value of the dict that the function returns as a separate XCom, too.
    :raises TranslationError: naming task, function, rule and fix, for arguments that do not fit.
    """

    reserved: ClassVar[Mapping[str, str]] = {
        "code": "the function is the code; modules beside it belong in code_dir",
        "entry_point": "the function is the code",
        "command": "python3 runs the function's script",
        "inputs": "its Path parameters are the inputs",
        "job_arguments": "its other parameters are the arguments",
        "property_files": "the dict that it returns is its property file",
        **_NOT_IN_A_CALL,
    }

    def __init__(
        self,
        *,
        function: StepFunction,
        op_args: Sequence[Any] = (),
        op_kwargs: Mapping[str, Any] | None = None,
        code_dir: str | PathLike[str] | None = None,
        outputs: Sequence[str] | Mapping[str, Any] = (),
        multiple_outputs: bool = False,
        **kwargs: Any,
    ) -> None:
        with _named(self, kwargs):
            if isinstance(outputs, str):
                raise TranslationError(f"outputs='{outputs}' is not a list. Write outputs=['{outputs}'].")
            places: dict[str, Any] = dict(outputs) if isinstance(outputs, Mapping) else dict.fromkeys(outputs)
            written = {name: output_path(name, place) for name, place in places.items()}
            for name in places:
                parameter = function.parameter(name)
                if parameter is None or parameter.kind != PATH:
                    raise TranslationError(
                        f"outputs has '{name}', and {function.name}() has no parameter '{name}: Path'. It writes into "
                        "the directories of its Path parameters."
                    )
            inputs, values = _taken(function, op_args, op_kwargs or {}, written)
            if function.returns and RETURNED in places:
                raise TranslationError(
                    f"outputs has '{RETURNED}', which is the output of the dict that {function.name}() returns. Rename "
                    "the parameter."
                )
            if multiple_outputs:
                _refuse_multiple_outputs(function)
            flags = [piece for name, value in values.items() for piece in _flag(function, name, value)]
            read = {name: input_path(name, source) for name, source in inputs.items()}
            self._paths = _paths(function, {**read, **written})
        self.function = function
        self._code_dir = code_dir
        self._multiple_outputs = multiple_outputs
        file = f"{RETURNED}/{RETURNED}.json"
        super().__init__(
            code=function.file_name,
            inputs=inputs,
            outputs={**places, **({RETURNED: None} if function.returns else {})},
            job_arguments=flags or None,
            property_files={RETURNED: file} if function.returns else None,
            **kwargs,
        )

    @property
    def awaited(self) -> Awaited:
        """What the task waits for, and that members of what is returned are XComs where they are asked for."""
        return dataclasses.replace(super().awaited, spread=RETURNED if self._multiple_outputs else None)

    def new_code(self, code: str, entry_point: str | None) -> LocalCode:
        """Return the function's script, with the modules beside it.

        :param code: the script's name.
        :param entry_point: not given.
        :raises TranslationError: when ``code_dir`` is wrong.
        """
        del code, entry_point
        returned = f"{output_path(RETURNED, None)}/{RETURNED}.json" if self.function.returns else None
        script = script_of(self.function, self._paths, is_training=False, returned=returned)
        return _code(self.function, script, self._code_dir, str(self.dag.folder))

    def __getitem__(self, key: str) -> ReturnedValue:
        """Return a value that the function returns, for conditions, other steps and tasks: ``score["accuracy"]``.

        :param key: of the dict.
        :raises TranslationError: when there is none of that name, or the function returns nothing.
        """
        if not self.function.returns:
            raise self.error("the function returns nothing. Annotate it to return a dict.")
        if not isinstance(key, str):
            raise self.error(f"the function returns a dict, whose keys are text, not {key!r}.")
        if self.runs_for_each_item:
            raise self.error(_NOT_OF_A_RUN)
        keys = self.function.keys
        if keys is not None and key not in keys:
            raise self.error(
                f"{self.function.name}() returns no '{key}'{did_you_mean(key, keys) or '.'} It returns "
                f"{', '.join(map(repr, keys))}."
            )
        return ReturnedValue(self.step_name, RETURNED, "", self)[key]

    def __iter__(self) -> NoReturn:
        raise TypeError(f"What {self.function.name}() returns is not known before the pipeline runs; name a key.")

    @classmethod
    def partial(cls, **kwargs: Any) -> StepPartial:
        """Begin a mapped step; called by the decorator.

        :param kwargs: of the operator.
        """
        return _mapped_function(super().partial(**kwargs))


class SageMakerTrainingFunctionOperator(FunctionTask, SageMakerTrainingStepOperator):
    """
    A training job that calls a function of the Dag file. Made by ``@task.sagemaker_training``.

    A ``Path`` parameter is a channel, which a call gives an S3 URI or a reference; ``model_dir: Path`` is where the
    model is written, ``output_data_dir: Path`` is for all else. Other parameters are hyperparameters, and get values of
    their types. The function returns nothing. Script mode runs it: the image is one of AWS's framework images, or has
    their toolkit.

    Does not take ``code``, ``entry_point``, ``inputs`` and ``hyperparameters``: the function says them.

    :param function: the function, read.
    :param op_args: positional arguments of the call.
    :param op_kwargs: arguments of the call by name.
    :param code_dir: a directory beside the Dag file whose files lie beside the script, for modules that it imports.
    :raises TranslationError: naming task, function, rule and fix, for arguments that do not fit.
    """

    reserved: ClassVar[Mapping[str, str]] = {
        "code": "the function is the code; modules beside it belong in code_dir",
        "entry_point": "the function is the code",
        "inputs": "its Path parameters are the channels",
        "hyperparameters": "its other parameters are the hyperparameters",
        "multiple_outputs": "a training function returns nothing",
        **_NOT_IN_A_CALL,
    }

    def __init__(
        self,
        *,
        function: StepFunction,
        op_args: Sequence[Any] = (),
        op_kwargs: Mapping[str, Any] | None = None,
        code_dir: str | PathLike[str] | None = None,
        **kwargs: Any,
    ) -> None:
        with _named(self, kwargs):
            inputs, values = _taken(function, op_args, op_kwargs or {}, _DIRECTORIES)
            if function.returns:
                raise TranslationError(
                    f"{function.name}() returns a dict, and a training job has no property file. Write it into "
                    "output_data_dir: Path, or print it as a metric."
                )
            for name in values:
                if name.startswith("sagemaker_"):
                    raise TranslationError(
                        f"the parameter '{name}' of {function.name}() begins with 'sagemaker_'. Script mode uses such "
                        "hyperparameters itself and does not pass them to the script. Rename it."
                    )
        written = {name: path for name, path in _DIRECTORIES.items() if function.parameter(name) is not None}
        self.function = function
        self._code_dir = code_dir
        self._paths = {name: f"/opt/ml/input/data/{name}" for name in inputs} | written
        super().__init__(code=function.file_name, inputs=inputs, hyperparameters=values, **kwargs)

    def new_code(self, code: str, entry_point: str | None) -> LocalCode:
        """Return the function's script, with the modules beside it.

        :param code: the script's name.
        :param entry_point: not given.
        :raises TranslationError: when ``code_dir`` is wrong.
        """
        del code, entry_point
        script = script_of(self.function, self._paths, is_training=True)
        return _code(self.function, script, self._code_dir, str(self.dag.folder))

    def as_hyperparameter(self, name: str, value: Any) -> Any:
        """Return a hyperparameter as JSON, also a reference: the script has to tell text from numbers.

        :param name: its name.
        :param value: as the call gave it.
        """
        return _json(self.function, name, value)

    def __getitem__(self, key: str) -> NoReturn:
        raise self.error(f"[{key!r}] asks for what the function returns, and a training function returns nothing.")

    @classmethod
    def partial(cls, **kwargs: Any) -> StepPartial:
        """Begin a mapped step; called by the decorator.

        :param kwargs: of the operator.
        """
        return _mapped_function(super().partial(**kwargs))


_NOT_OF_A_RUN: Final = (
    "a value of what the function returns is read by the name of its step, but in a pipeline the runs of a mapped step "
    f"have no names. Read the file in a later step: iterations[0].property_files['{RETURNED}'] is its URI."
)


class MappedFunctionOperator(FunctionTask, MappedStepOperator):
    """A mapped function: an argument of a task outside the pipeline, it is the list of what its runs return."""

    @property
    def function(self) -> StepFunction:  # type: ignore[override]  # it is in partial(...)
        """The function."""
        function: StepFunction = self._arguments["function"]
        return function

    def __getitem__(self, key: str) -> NoReturn:
        raise self._error(_NOT_OF_A_RUN.rstrip("."))


def _mapped_function(begun: Any) -> StepPartial:
    partial: StepPartial = mapped_by(begun, MappedFunctionOperator)
    return partial
