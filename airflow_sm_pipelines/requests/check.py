"""Each step's arguments against the API's create request.

Source: botocore's model of the create requests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from botocore.model import ListShape, MapShape, Shape, StructureShape

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.expressions import is_expression
from airflow_sm_pipelines.definition.parameters import type_of
from airflow_sm_pipelines.definition.problems import Problem, did_you_mean, error, is_misspelt, shown, warning
from airflow_sm_pipelines.definition.step_types import EACH, RequestPart, step_type
from airflow_sm_pipelines.definition.steps import Step, walk_body
from airflow_sm_pipelines.definition.validation.names import bucket_problem, instance_type_problem
from airflow_sm_pipelines.exceptions import PipelineDefinitionError
from airflow_sm_pipelines.requests.properties import property_problems
from airflow_sm_pipelines.requests.service_model import MODELS, Violation, shape_of, violations
from airflow_sm_pipelines.requests.types import TYPES_OF_SHAPES, ExpressionTypes

_SHAPES: Final[Mapping[str, tuple[str, type | tuple[type, ...]]]] = {
    "string": ("text", str),
    "integer": ("a whole number", int),
    "long": ("a whole number", int),
    "float": ("a number", (int, float)),
    "double": ("a number", (int, float)),
    "boolean": ("true or false", bool),
    "structure": ("an object", Mapping),
    "map": ("an object", Mapping),
    "list": ("a list", list),
}
"""What messages call the values of a shape, and their types in JSON. Times and binary content may be anything."""


def check_requests(
    definition: PipelineDefinition, *, given: Mapping[str, Any] | None = None, buckets_may_be_old: bool | None = None
) -> list[Problem]:
    """Return what is wrong with the arguments of all steps, by botocore's model of the create requests.

    Looks for properties of steps that do not exist, for members that are missing or unknown, for types (also those of
    expressions, where they are known), and at literal values for enums, patterns, lengths and ranges. Knows what the
    installed botocore knows: a member that the API got later is unknown here, which is a warning unless it is spelt
    much like a known one. What is in steps and in no API is held against what the SDK writes
    (:mod:`.step_model`). Steps of unknown types pass. What
    :func:`~airflow_sm_pipelines.definition.validation.validate` checks is not checked again.

    :param definition: the definition.
    :param given: the values of pipeline parameters that are known, by name; as text where they are start values.
    :param buckets_may_be_old: whether buckets may have names that only us-east-1 had, before March 2018; other names
        that no bucket has are errors then. ``None``: all of them are warnings, since nobody refuses them before the
        run.
    """
    types = ExpressionTypes(definition, given)
    found = [*_config_problems(definition, types), *property_problems(definition, types.steps)]
    for located in definition.walk():
        for each in (located, *walk_body(located)):
            found.extend(_step_problems(each.step, each.path, types, buckets_may_be_old=buckets_may_be_old))
    return found


def require_requests(
    definition: PipelineDefinition,
    subject: str,
    *,
    given: Mapping[str, Any] | None = None,
    buckets_may_be_old: bool | None = None,
) -> list[Problem]:
    """Raise when :func:`check_requests` finds an error.

    :param definition: the definition.
    :param subject: what the definition is of; leads the message, followed by the version of botocore.
    :param given: as of :func:`check_requests`.
    :param buckets_may_be_old: as of :func:`check_requests`.
    :return: the warnings.
    :raises PipelineDefinitionError: with every error.
    """
    found = check_requests(definition, given=given, buckets_may_be_old=buckets_may_be_old)
    if errors := [problem for problem in found if problem.severity == "error"]:
        raise PipelineDefinitionError(errors, f"{subject}, by {MODELS}")
    return found


def _config_problems(definition: PipelineDefinition, types: ExpressionTypes) -> Iterator[Problem]:
    for key, config in (
        ("PipelineExperimentConfig", definition.pipeline_experiment_config),
        ("MlflowConfig", definition.mlflow_config),
    ):
        if isinstance(config, Mapping):
            part = RequestPart("sagemaker", key, inside=(), called=f"the API's {key}")
            for member, value in config.items():
                if value is None:
                    yield error(f"'{member}' of '{key}' is null. Give it a value, or leave it out", f"$.{key}.{member}")
            yield from _RequestCheck(f"'{key}'", part, types).problems(config, f"$.{key}")


def _step_problems(
    step: Step, path: str, types: ExpressionTypes, *, buckets_may_be_old: bool | None
) -> Iterator[Problem]:
    for part in step_type(step.type).requests:
        for value, where in _find(part, step, path):
            check = _RequestCheck(f"step '{step.name}'", part, types, buckets_may_be_old=buckets_may_be_old)
            yield from check.problems(value, where)


def _find(part: RequestPart, step: Step, path: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the objects in a step that are a part, each with its place."""
    found: list[tuple[Any, str]] = [({**step.extra, "Arguments": step.arguments}, path)]
    for key in part.inside:
        if key == EACH:
            found = [
                (item, f"{where}[{index}]")
                for value, where in found
                if isinstance(value, list)
                for index, item in enumerate(value)
            ]
        else:
            found = [(value.get(key), f"{where}.{key}") for value, where in found if isinstance(value, Mapping)]
    for value, where in found:
        if isinstance(value, Mapping) and not is_expression(value):
            yield value, where


class _RequestCheck:
    """The check of one request.

    :param start: how messages begin: whose request it is.
    :param part: the request.
    :param types: the types of expressions.
    :param buckets_may_be_old: as of :func:`check_requests`.
    """

    def __init__(
        self, start: str, part: RequestPart, types: ExpressionTypes, *, buckets_may_be_old: bool | None = None
    ) -> None:
        self._start = start
        self._part = part
        self._types = types
        self._buckets_may_be_old = buckets_may_be_old

    def problems(self, arguments: Mapping[str, Any], path: str) -> Iterator[Problem]:
        """Yield what is wrong, in document order. The stack is here, as some shapes contain themselves."""
        top = shape_of(self._part)
        if top is None:
            yield warning(
                f"{self._start} is not checked: the installed botocore is older than {self._part.called}", path
            )
            return
        stack: list[tuple[Shape, Any, str]] = [(top, arguments, path)]
        while stack:
            shape, value, where = stack.pop()
            if getattr(shape, "is_document_type", False):
                continue
            inner: list[tuple[Shape, Any, str]] = []
            if is_expression(value):
                yield from self._expression_problems(shape, value, where)
            elif _fits(shape, value):
                yield from self._value_problems(shape, value, where, inner)
            else:
                as_text = shape.type_name == "string" and type_of(value) is not None
                yield self._type_problem(shape, shown(value), where, ". Write it as text" if as_text else "")
            stack.extend(reversed(inner))

    def _value_problems(
        self, shape: Shape, value: Any, path: str, inner: list[tuple[Shape, Any, str]]
    ) -> Iterator[Problem]:
        """Yield what is wrong with a value of the right type, and collect what lies in it."""
        yield from self._literal_problems(shape, value, path)
        if isinstance(shape, StructureShape):
            yield from self._structure_problems(shape, value, path, inner)
        elif isinstance(shape, ListShape):
            inner.extend((shape.member, item, f"{path}[{index}]") for index, item in enumerate(value))
        elif isinstance(shape, MapShape):
            for key, item in value.items():
                inner.append((shape.value, item, f"{path}.{key}"))
                for violation in violations(shape.key, key):
                    yield error(f"{self._start}: {_broken(violation, path, key)}", f"{path}.{key}")

    def _literal_problems(self, shape: Shape, value: Any, path: str, of: str = "") -> Iterator[Problem]:
        """Yield what a value by itself breaks.

        :param of: whose value it is, where it does not stand there itself.
        """
        for violation in violations(shape, value):
            if violation.rule == "enum" and shape.name.endswith("InstanceType"):
                problem = instance_type_problem(value, violation.limit)
            else:
                problem = error(_broken(violation, path, value))
            if problem is not None:
                yield Problem(problem.severity, f"{self._start}{of}: {problem.message}", path)
        if isinstance(value, str) and value.startswith("s3://"):
            yield from self._bucket_problems(value, path, of)

    def _bucket_problems(self, uri: str, path: str, of: str = "") -> Iterator[Problem]:
        may_be_old = self._buckets_may_be_old
        if message := bucket_problem(uri, may_be_old=bool(may_be_old)):
            yield (warning if may_be_old is None else error)(f"{self._start}{of}: {message}", path)

    def _structure_problems(
        self, shape: StructureShape, value: Mapping[str, Any], path: str, inner: list[tuple[Shape, Any, str]]
    ) -> Iterator[Problem]:
        whole = shape.name == self._part.shape_name
        of = self._part.called if whole else f"{shape.name} ({self._part.called})"
        members = shape.members
        for name in shape.required_members:
            if value.get(name) is None and not (whole and name in self._part.waived):
                yield error(f"{self._start} lacks '{name}', which {of} requires", path)
        set_members = [name for name in members if value.get(name) is not None]
        if getattr(shape, "is_tagged_union", False) and len(set_members) > 1:
            yield error(f"{self._start}: only one of {', '.join(set_members)} can be set", path)
        if whole and self._part.one_of and sum(name in set_members for name in self._part.one_of) != 1:
            yield error(f"{self._start}: {self._part.called} has one of {' and '.join(self._part.one_of)}", path)
        for name, item in value.items():
            where = f"{path}.{name}"
            if name in members:
                if item is not None:
                    inner.append((members[name], item, where))
            elif not whole or self._part.inside:  # the step itself has other keys, too
                yield self._unknown_member_problem(name, members, of, where)

    def _unknown_member_problem(self, name: str, members: Mapping[str, Shape], of: str, path: str) -> Problem:
        """A known name misspelt is an error; any other may be newer than the botocore that is installed."""
        start, hint = f"{self._start} has '{name}', which {of} does not know", did_you_mean(name, members)
        if is_misspelt(name, members):
            return error(f"{start}{hint}", path)
        return warning(f"{start}; it may be newer than the installed botocore{hint}", path)

    def _expression_problems(self, shape: Shape, value: Any, path: str) -> Iterator[Problem]:
        actual = self._types.type_of(value)
        allowed = TYPES_OF_SHAPES.get(shape.type_name)
        if actual is not None and allowed is not None and actual not in allowed:
            function, content = next(iter(value.items()))
            what = f"'{content}', which is {actual}" if function == "Get" else "a Std:Join"
            fix = ""
            if shape.type_name == "string":
                fix = '. Put it in {"Std:Join": {"On": "", "Values": [...]}}, which makes text of it'
            elif (
                allowed and function == "Get" and (content.startswith("Parameters.") or ".OutputParameters[" in content)
            ):
                fix = f". Declare it {' or '.join(allowed)}"
            yield self._type_problem(shape, what, path, fix)
        elif (known := self._types.known_value(value)) is not None and _fits(shape, known.value):
            for problem in self._literal_problems(
                shape, known.value, path, f", pipeline parameter '{known.parameter}'"
            ):
                # An execution may be given something else than the default.
                yield replace(problem, severity="warning") if known.is_default else problem
        elif (joined := value.get("Std:Join")) is not None:
            yield from self._bucket_problems(_beginning(joined), path)

    def _type_problem(self, shape: Shape, what: str, path: str, fix: str) -> Problem:
        wanted, _ = _SHAPES.get(shape.type_name, (shape.type_name, object))
        return error(f"{self._start} gives {what} where {self._part.called} wants {wanted}{fix}", path)


def _beginning(joined: Any) -> str:
    """Return the beginning of a joined S3 URI, where its bucket is written out; an empty text for all else."""
    values = joined.get("Values") if isinstance(joined, Mapping) else None
    first = values[0] if isinstance(values, list) and values else None
    if not isinstance(first, str) or not first.startswith("s3://") or first == "s3://":
        return ""
    is_whole = "/" in first.removeprefix("s3://") or str(joined.get("On")).startswith("/")
    return first if is_whole else ""


def _fits(shape: Shape, value: Any) -> bool:
    _, wanted = _SHAPES.get(shape.type_name, ("", object))
    # To Python a boolean is a whole number.
    return isinstance(value, wanted) and (not isinstance(value, bool) or wanted in (bool, object))


def _broken(violation: Violation, path: str, value: Any) -> str:
    """Return the sentence for a broken constraint."""
    name = path.rpartition(".")[2]
    if violation.rule == "enum":
        allowed = ", ".join(violation.limit) if len(violation.limit) <= 20 else f"{len(violation.limit)} values"
        return f"'{name}' is {shown(value)}; it must be one of {allowed}{did_you_mean(value, violation.limit)}"
    if violation.rule == "pattern":
        return f"'{name}' is {shown(value)}, which does not match the API's pattern {violation.limit}"
    bound = "at least" if violation.rule.startswith("minimum") else "at most"
    if not violation.rule.endswith("length"):
        return f"'{name}' is {shown(value)}; it must be {bound} {violation.limit}"
    unit = "characters" if isinstance(value, str) else "entries"
    return f"'{name}' has {len(value)} {unit}; {bound} {violation.limit}"
