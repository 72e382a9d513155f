"""Expressions of the document: ``Get``, ``Std:Join`` and ``Std:JsonGet``, and the references in them.

Source: AWS's JSON schema of the pipeline definition, and what the SageMaker SDK writes.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import NoneType
from typing import Any, Final, NamedTuple

from airflow_sm_pipelines.definition.conditions import Comparable, operand_to_document
from airflow_sm_pipelines.definition.problems import error
from airflow_sm_pipelines.exceptions import PipelineDefinitionError

REFERENCE_ROOTS: Final = (
    "Parameters",
    "Steps",
    "Execution",
    "PipelineExperimentConfig",
    "ForEach",
    "IterationOutput",
)
EXECUTION_VARIABLES: Final = (
    "StartDateTime",
    "CurrentDateTime",
    "PipelineName",
    "PipelineArn",
    "PipelineExecutionId",
    "PipelineExecutionArn",
    "TrainingJobName",
    "ProcessingJobName",
)
_PATH_PART = re.compile(r"""(?:^|\.)(?P<name>[^.\[\]'"]+)|\[(?P<index>\d+)\]|\['(?P<key>[^']*)'\]""")

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_SCALARS: Final = frozenset({str, int, float, bool, NoneType})

ReferenceKey = str | int


@dataclass(frozen=True)
class Reference:
    """What a ``Get`` points at: ``Steps.train.ModelArtifacts.S3ModelArtifacts`` taken apart.

    :param root: ``Parameters``, ``Steps``, ``Execution``, ...
    :param keys: what follows the root; indexes of lists are ``int``.
    :param path: the reference as written.
    """

    root: str
    keys: tuple[ReferenceKey, ...]
    path: str

    @property
    def name(self) -> str | None:
        """The parameter, step or variable named; ``None`` when nothing follows the root."""
        return str(self.keys[0]) if self.keys else None

    @property
    def step_name(self) -> str | None:
        """The step referred to; ``None`` when the reference is to no step."""
        return self.name if self.root == "Steps" else None


@functools.lru_cache(maxsize=10_000)
def parse_reference(path: str) -> Reference:
    """Take a reference apart.

    :param path: such as ``Steps.S.a.b[0].c['k']``.
    :raises PipelineDefinitionError: when it is not a reference.
    """
    keys: list[ReferenceKey] = []
    position = 0
    while position < len(path):
        match = _PATH_PART.match(path, position)
        if match is None:
            raise PipelineDefinitionError(
                [
                    error(
                        f"'{path}' is not a reference: cannot read it from character {position + 1}, "
                        f"'{path[position:]}'. References look like Parameters.Name or "
                        "Steps.name.Property[0].Other['key']"
                    )
                ]
            )
        position = match.end()
        if match["index"] is not None:
            keys.append(int(match["index"]))
        else:
            keys.append(match["name"] if match["name"] is not None else match["key"])
    if not keys or not isinstance(keys[0], str):
        raise PipelineDefinitionError([error(f"'{path}' is not a reference: it names nothing")])
    return Reference(root=keys[0], keys=tuple(keys[1:]), path=path)


def reference_of(function: str, content: object) -> Reference | None:
    """Return what an expression points at, or ``None`` for one that is not a readable ``Get``; validation reports it.

    :param function: of the expression.
    :param content: what the function is given.
    """
    if function != "Get" or not isinstance(content, str):
        return None
    try:
        return parse_reference(content)
    except PipelineDefinitionError:
        return None


class LocatedReference(NamedTuple):
    """A reference and where in the document it stands.

    :param reference: what is pointed at.
    :param path: where from, such as ``$.Steps[2].Arguments.ProcessingInputs[0].S3Input.S3Uri``.
    """

    reference: Reference
    path: str


def is_expression(value: Any) -> bool:
    """Say whether a JSON value is an expression: an object with exactly one known key."""
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in ("Get", "Std:Join", "Std:JsonGet")


def find_references(value: Any, path: str = "$") -> Iterator[LocatedReference]:
    """Yield every reference inside a JSON value, in document order.

    :param value: any part of a document; may still hold :class:`Comparable` objects.
    :param path: where that part stands.
    :raises PipelineDefinitionError: when a ``Get`` holds no readable reference.
    """
    return references_among(find_expressions(value, path))


class LocatedExpression(NamedTuple):
    """An expression and where in the document it stands.

    :param function: ``Get``, ``Std:Join``, ``Std:JsonGet``, or a function this version does not know.
    :param content: what the function is given.
    :param path: the place of the expression.
    """

    function: str
    content: Any
    path: str


def find_expressions(value: Any, path: str = "$") -> list[LocatedExpression]:
    """Return every expression inside a JSON value in document order, those inside other expressions too.

    Reads nothing of what the expressions hold.

    :param value: any part of a document; may still hold :class:`Comparable` objects.
    :param path: where that part stands.
    """
    found: list[LocatedExpression] = []
    if value.__class__ not in _SCALARS:
        _collect(value, path, found)
    return found


def _collect(value: Any, path: str, found: list[LocatedExpression]) -> None:
    # Scalars are most of a document: their places are never written, and Mapping is asked for last.
    if isinstance(value, (dict, Mapping)):
        if len(value) == 1 and ((key := next(iter(value))) == "Get" or key.startswith("Std:")):
            found.append(LocatedExpression(key, value[key], path))
        for key, inner in value.items():
            if inner.__class__ not in _SCALARS:
                _collect(inner, f"{path}.{key}", found)
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            if inner.__class__ not in _SCALARS:
                _collect(inner, f"{path}[{index}]", found)
    elif isinstance(value, Comparable):
        _collect(value.to_document(), path, found)


def references_among(expressions: Iterable[LocatedExpression], path: str = "") -> Iterator[LocatedReference]:
    """Yield the references among expressions. A ``Get`` of anything but text is none; validation reports it.

    :param expressions: as :func:`find_expressions` returns them.
    :param path: what their places are below.
    :raises PipelineDefinitionError: when a ``Get`` holds no readable reference.
    """
    for expression in expressions:
        if expression.function == "Get" and isinstance(expression.content, str):
            place = path + expression.path
            try:
                yield LocatedReference(parse_reference(expression.content), place)
            except PipelineDefinitionError as unreadable:
                problems = [replace(problem, path=place) for problem in unreadable.problems]
                raise PipelineDefinitionError(problems) from None


@dataclass(frozen=True, order=False)
class Get(Comparable):
    """A value looked up while the pipeline runs.

    :param path: such as ``Parameters.InputData`` or ``Steps.train.ModelArtifacts.S3ModelArtifacts``.
    """

    path: str

    def to_document(self) -> dict[str, Any]:
        """Return ``{"Get": path}``."""
        return {"Get": self.path}


EXECUTION_ID: Final = Get("Execution.PipelineExecutionId")


@dataclass(frozen=True, order=False)
class ParameterReference(Get):
    """A pipeline parameter, remembering its declared type.

    :param path: ``Parameters.<name>``.
    :param type: ``String``, ``Integer``, ``Float`` or ``Boolean``.
    """

    type: str = "String"


@dataclass(frozen=True, order=False)
class ItemReference(Get):
    """What a ForEach step runs its body for just then, or a field of it: ``CURRENT_ITEM["max_depth"]``.

    :param path: ``ForEach.CurrentItem``, and what is read of it.
    :param type: as pipeline parameters have them; ``None`` where only the run knows the items.
    :param values: what it reads of each item, where the Dag file has the items.
    """

    type: str | None = None
    values: tuple[Any, ...] = field(default=(), compare=False, repr=False)

    def __getitem__(self, field: str | int) -> ItemReference:
        if isinstance(field, int) or "'" in field:  # Python itself asks for 0, 1, ... where something is iterated
            raise ValueError(f"A field of an item is named by text without quotes, not {field!r}.")
        return ItemReference(f"{self.path}.{field}" if _FIELD.fullmatch(field) else f"{self.path}['{field}']")

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"{self.path} is known only when the pipeline runs; name a field.")

    @property
    def keys(self) -> tuple[ReferenceKey, ...]:
        """The fields that lead from the item to what is read; empty for the item itself."""
        return parse_reference(self.path).keys[1:]


CURRENT_ITEM: Final = ItemReference("ForEach.CurrentItem")


class PropertyReference(Comparable):
    """A property of a step, built by attribute and item access: ``step.properties.A.B["c"]``.

    Any path is accepted here; a path to no step is found by validation.

    :param path: the reference so far.
    :param task_id: the full id of the Airflow task of the step; ``None`` where that is not known.
    """

    __slots__ = ("_path", "_task_id")

    def __init__(self, path: str, task_id: str | None = None) -> None:
        self._path = path
        self._task_id = task_id

    def __getattr__(self, name: str) -> PropertyReference:
        if name.startswith("_"):
            raise AttributeError(name)
        return PropertyReference(f"{self._path}.{name}", self._task_id)

    def __getitem__(self, key: str | int) -> PropertyReference:
        if isinstance(key, int):
            return PropertyReference(f"{self._path}[{key}]", self._task_id)
        if "'" in key:
            raise ValueError(f"A key of a property reference cannot hold a quote: {key!r}")
        return PropertyReference(f"{self._path}['{key}']", self._task_id)

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"The length of {self._path} is not known before the pipeline runs; use an index.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PropertyReference) and other._path == self._path

    def __hash__(self) -> int:
        return hash(self._path)

    def __repr__(self) -> str:
        return f"PropertyReference({self._path!r})"

    def to_document(self) -> dict[str, Any]:
        """Return ``{"Get": path}``."""
        return {"Get": self._path}


@dataclass(frozen=True, init=False, order=False)
class Join(Comparable):
    """Strings and expressions joined into one text: ``Join("/", ["s3://bucket", parameter])``.

    :param on: the text between the values.
    :param values: strings, numbers and expressions.
    """

    on: str
    values: tuple[Any, ...]

    def __init__(self, on: str, values: Sequence[Any]) -> None:
        object.__setattr__(self, "on", on)
        object.__setattr__(self, "values", tuple(values))

    def to_document(self) -> dict[str, Any]:
        """Return ``{"Std:Join": {"On", "Values"}}``."""
        return {"Std:Join": {"On": self.on, "Values": [operand_to_document(value) for value in self.values]}}


class Measured(Comparable):
    """A value in a JSON file that a job writes: most often a number, and always of the type that the file gives it."""

    json_path: str


@dataclass(frozen=True, order=False)
class JsonGet(Measured):
    """A value out of a property file of an earlier Processing step.

    :param step_name: the step that writes the file.
    :param property_file_name: the ``PropertyFileName`` it declares.
    :param json_path: where in the file, such as ``accuracy.value``. Always a literal.
    :param step_task_id: the full id of the Airflow task of the step; ``None`` where that is not known.
    """

    step_name: str
    property_file_name: str
    json_path: str
    step_task_id: str | None = field(default=None, compare=False, repr=False, kw_only=True)

    def to_document(self) -> dict[str, Any]:
        """Return ``{"Std:JsonGet": {"PropertyFile": {"Get": ...}, "Path"}}``."""
        return {
            "Std:JsonGet": {
                "PropertyFile": {"Get": f"Steps.{self.step_name}.PropertyFiles.{self.property_file_name}"},
                "Path": self.json_path,
            }
        }


def task_of(expression: object) -> str | None:
    """Return the full id of the Airflow task whose step an expression reads; ``None`` where it names none.

    :param expression: any expression.
    """
    if isinstance(expression, PropertyReference):
        return expression._task_id  # noqa: SLF001 - every name without an underscore is a property's
    return expression.step_task_id if isinstance(expression, JsonGet) else None
