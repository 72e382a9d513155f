"""References by name that know which names there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from airflow_sm_pipelines.definition.validation import did_you_mean
from airflow_sm_pipelines.exceptions import TranslationError

Value = TypeVar("Value")


class NamedReferences(Mapping[str, Value]):
    """A mapping whose missing keys are errors that name what was meant.

    :param references: the references.
    :param missing: the beginning of the error, such as ``task 'a' has no output``.
    :param fix: what to do when no other name was meant, with ``{name}`` in it; empty for nothing.
    """

    def __init__(self, references: Mapping[str, Value], missing: str, fix: str = "") -> None:
        self._references = references
        self._missing = missing
        self._fix = fix

    def __getitem__(self, name: str) -> Value:
        if name not in self._references:
            known = ", ".join(map(repr, self._references)) or "none"
            meant = did_you_mean(name, self._references)
            fix = "" if meant else self._fix.format(name=name)
            raise TranslationError(f"{self._missing} '{name}'{meant} (there is {known}){fix}")
        return self._references[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._references)

    def __len__(self) -> int:
        return len(self._references)

    def __contains__(self, name: object) -> bool:
        return name in self._references
