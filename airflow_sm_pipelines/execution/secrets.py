"""The secrets that an execution was started with, kept out of what its tasks show and store.

Only the worker that renders the values of an execution knows which of them hold secrets: Airflow masks what is read
from a connection or a variable in the process that has read it. Jobs may tell their secrets, in their logs, failure
reasons and files, and other processes read those. So the worker that starts an execution leaves its values as Airflow
shows them, with ``***`` for what is secret; nothing in them is. Who reads what a job has told asks the service for the
values themselves, and finds in them what ``***`` stands for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

MASK: Final = "***"
SHORTEST: Final = 5
"""Characters of the shortest secret, as Airflow has it by default (``[logging] min_length_masked_secret``)."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Secrets:
    """Texts that nobody is to see.

    :param texts: the secrets.
    """

    texts: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def among(cls, masked: Mapping[str, str], values: Mapping[str, str]) -> Secrets:
        """Find the secrets among the values of an execution.

        :param masked: the values that hold secrets, by pipeline parameter, with ``***`` for each secret.
        :param values: the values themselves.
        """
        found: set[str] = set()
        for name, shown in masked.items():
            pattern = "(.+?)".join(re.escape(part) for part in shown.split(MASK))
            match = re.fullmatch(pattern, values.get(name, ""), re.DOTALL)
            # A value that was masked as a whole, and one that is not as it was masked, is secret as a whole.
            found.update(match.groups() if match else {values.get(name, "")})
        return cls(frozenset(text for secret in found for text in _forms(secret)))

    def hide(self, value: Value) -> Value:
        """Return a value with ``***`` for each secret in its texts; numbers and keys are left as they are.

        :param value: text, or JSON.
        """
        return self._hidden(value) if self.texts else value

    def _hidden(self, value: Any) -> Any:
        if isinstance(value, str):
            # Longer ones first: one secret may be a part of another.
            for text in sorted(self.texts, key=len, reverse=True):
                value = value.replace(text, MASK)
            return value
        if isinstance(value, Mapping):
            return {key: self._hidden(inner) for key, inner in value.items()}
        return [self._hidden(inner) for inner in value] if isinstance(value, (list, tuple)) else value


NO_SECRETS: Final = Secrets()


def _forms(secret: str) -> Iterable[str]:
    """A secret as it may be in text: as it is, line by line, and as JSON and Python write it."""
    for text in (secret, *secret.splitlines()):
        forms = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]}
        yield from (form for form in forms if len(form) >= SHORTEST)
