"""Pipeline parameters: what a document declares, and what start values may be."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from airflow_sm_pipelines.definition.layout import in_order, other_order
from airflow_sm_pipelines.definition.problems import shown
from airflow_sm_pipelines.exceptions import PipelineParameterError

ParameterValue = str | int | float | bool

PARAMETER_TYPES: Final = ("String", "Integer", "Float", "Boolean")
MAXIMUM_VALUE_LENGTH: Final = 1024
"""Characters of a start value (API_Parameter, member ``Value``)."""
MAXIMUM_NAME_LENGTH: Final = 256
MAXIMUM_START_PARAMETERS: Final = 200
OLD_QUOTA_OF_ENUM_VALUES: Final = 16
_NAME = re.compile(r"[A-Za-z0-9\-_]*")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_KNOWN_KEYS = ("Name", "Type", "DefaultValue", "EnumValues")


class _Missing:
    """The type of :data:`MISSING`."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""Stands for "no default": ``None`` could not, a document may hold ``null``."""


def type_of(value: object) -> str | None:
    """Return the parameter type that holds a Python value, or ``None`` where none does.

    :param value: a ``bool``, ``int``, ``float`` or ``str``.
    """
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int):
        return "Integer"
    if isinstance(value, float):
        return "Float"
    if isinstance(value, str):
        return "String"
    return None


@dataclass(frozen=True)
class PipelineParameter:
    """One entry of a document's ``Parameters``.

    :param name: unique in the document.
    :param type: ``String``, ``Integer``, ``Float`` or ``Boolean``. A document may leave out ``String``.
    :param default_value: used when an execution is started without a value; :data:`MISSING` for none.
    :param enum_values: the only values allowed, for ``String`` parameters.
    :param extra: keys this version does not know, kept as they are; also ``EnumValues`` when it is ``null``.
    :param key_order: of a document whose keys are not in the usual order.
    """

    name: str
    type: str
    default_value: Any = MISSING
    enum_values: tuple[Any, ...] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    key_order: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PipelineParameter:
        """Read one entry of ``Parameters``; checks nothing (see :mod:`.validation`)."""
        enum_values = document.get("EnumValues")
        parameter = cls(
            name=document["Name"],
            type=document.get("Type", "String"),
            default_value=document.get("DefaultValue", MISSING),
            enum_values=None if enum_values is None else tuple(enum_values),
            extra={
                key: value
                for key, value in document.items()
                if key not in _KNOWN_KEYS or (key == "EnumValues" and value is None)
            },
        )
        order = other_order(document, parameter.to_document())
        return replace(parameter, key_order=order) if order else parameter

    def to_document(self) -> dict[str, Any]:
        """Return the entry as a document has it."""
        document: dict[str, Any] = {"Name": self.name}
        if not self.key_order or "Type" in self.key_order:
            document["Type"] = self.type
        if self.default_value is not MISSING:
            document["DefaultValue"] = self.default_value
        if self.enum_values is not None:
            document["EnumValues"] = list(self.enum_values)
        return in_order({**document, **self.extra}, self.key_order)

    def parse(self, text: str) -> ParameterValue:
        """Turn a start value, which is always a string on the wire, into the declared type.

        :param text: the value as StartPipelineExecution takes it.
        :raises PipelineParameterError: when it is too long, of another type, or not in ``EnumValues``.
        """
        if len(text) > MAXIMUM_VALUE_LENGTH:
            raise PipelineParameterError(
                f"The value of pipeline parameter '{self.name}' has {len(text)} characters; "
                f"SageMaker takes at most {MAXIMUM_VALUE_LENGTH}. Put the content in S3 and pass its URI."
            )
        value: ParameterValue
        if self.type == "Integer":
            if not _INTEGER.fullmatch(text):
                raise self._wrong_type(text, "a whole number, such as '5'")
            value = int(text)
        elif self.type == "Float":
            try:
                value = float(text) if text.isascii() and "_" not in text else math.nan
            except ValueError:
                raise self._wrong_type(text, "a number, such as '0.9'") from None
            if not math.isfinite(value):
                raise self._wrong_type(text, "a finite number, such as '0.9'")
        elif self.type == "Boolean":
            if text.lower() not in ("true", "false"):
                raise self._wrong_type(text, "'true' or 'false'")
            value = text.lower() == "true"
        else:
            value = text
        if self.enum_values is not None and value not in self.enum_values:
            allowed = ", ".join(repr(each) for each in self.enum_values)
            raise PipelineParameterError(
                f"Pipeline parameter '{self.name}' has the value {text!r}; allowed values are {allowed}."
            )
        return value

    def parse_start_value(self, text: str) -> ParameterValue:
        """As :meth:`parse`, of a value that is given at a start: SageMaker takes an empty text for a default only.

        :param text: the value as StartPipelineExecution takes it.
        :raises PipelineParameterError: as :meth:`parse`, and when it is empty. Source: aws/sagemaker-python-sdk issue
            4016, which has the service's answer.
        """
        if not text:
            raise PipelineParameterError(
                f"The value of pipeline parameter '{self.name}' is empty, and SageMaker requires at least 1 character. "
                "Leave it out to use the default, or give a text that stands for no value."
            )
        return self.parse(text)

    def is_left_out(self, text: str) -> bool:
        """Say whether a start leaves a value out, to give it: the empty text, which is the default.

        :param text: the value.
        """
        return not text and self.default_value == ""

    def _wrong_type(self, text: str, wanted: str) -> PipelineParameterError:
        return PipelineParameterError(
            f"Pipeline parameter '{self.name}' is declared {self.type} and was given {text!r}; give {wanted}."
        )


def to_start_value(value: object) -> str:
    """Return a Python value as StartPipelineExecution wants it: as a string.

    :param value: a ``str``, ``int``, ``float`` or ``bool``.
    :raises PipelineParameterError: for anything else.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    if value is None:
        raise PipelineParameterError(
            "The value is None. If it comes from an XCom, the task that should push it has not done so: check that "
            "task, or give a text that stands for no value."
        )
    raise PipelineParameterError(
        f"A pipeline parameter holds a str, int, float or bool, not {type(value).__name__} ({shown(value)}). "
        "Pass one of its values with Jinja: {{ ti.xcom_pull(...)['name'] }}. Or pass a JSON string, or put "
        "the content in S3 and pass its URI."
    )


def is_valid_name(name: str) -> bool:
    """Say whether SageMaker takes this as the name of a pipeline parameter."""
    return 0 < len(name) <= MAXIMUM_NAME_LENGTH and _NAME.fullmatch(name) is not None
