"""References by name that know which names there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from airflow_sm_pipelines.definition.validation import did_you_mean
from airflow_sm_pipelines.exceptions import TranslationError

Value = TypeVar("Value")


class NamedReferences(dict[str, Value]):
    """References whose missing keys are errors that name what was meant.

    :param references: the references.
    :param missing: the beginning of the error, such as ``task 'a' has no output``.
    """

    def __init__(self, references: Mapping[str, Value], missing: str) -> None:
        super().__init__(references)
        self._missing = missing

    def __missing__(self, name: str) -> Value:
        known = ", ".join(map(repr, self)) or "none"
        raise TranslationError(f"{self._missing} '{name}'{did_you_mean(name, self)} (there is {known})")
