"""JSONPath as a transform job's filters take it: a subset of what the library reads, and what is selected by it.

Sources: the developer guide's "Associate Prediction Results with Input Records", which refers to Java's JsonPath, and
the service's refusal in issue 1112 of the SageMaker SDK. The guide says in one place that ``[1:4]`` includes the fifth
column; JsonPath leaves it out, and so do people's jobs, which drop the last column with ``[:-1]``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

_DOT_BEFORE_BRACKET: Final = re.compile(r"\.(?=\[)")
_WHAT_IS_TAKEN: Final = "SageMaker takes $, .name, ['name', 'other'], *, [1], [1, 3, -1] and one range such as [1:5]"


class InvalidPathError(Exception):
    """A filter is not a JSONPath that SageMaker takes."""


class NothingSelectedError(Exception):
    """A record has nothing where a filter looks."""


@dataclass(frozen=True)
class JsonPath:
    """A filter.

    :param text: as it was given.
    :param path: the library's.
    :param names: it ends with several names, so it selects an object of them.
    :param count: how many places it names one by one; ``None`` for as many as there are.
    :param is_by_index: it looks into arrays only, and not deeper than that.
    """

    text: str
    path: Any
    names: bool
    count: int | None
    is_by_index: bool

    @classmethod
    def parse(cls, text: str) -> JsonPath:
        """Read a filter.

        :param text: the filter.
        :raises InvalidPathError: it is none that SageMaker takes.
        """
        return _parse(text)

    @property
    def is_whole(self) -> bool:
        """Whether it selects everything."""
        return not self.path.segments

    def select(self, value: Any) -> Any:
        """What a value has at the path: one value, an object of several names, or else an array.

        :param value: of JSON.
        :raises NothingSelectedError: a place that the path names is not there.
        """
        found = list(self.path.finditer(value))
        if self.path.singular_query() and found:
            return found[0].obj
        if self.names and found:  # of several names those count that are there
            return {each.parts[-1]: each.obj for each in found}
        if self.names or (self.count is not None and len(found) != self.count):
            raise NothingSelectedError(f"{self.text} selects what is not there")
        return [each.obj for each in found]


@lru_cache(maxsize=1000)
def _parse(text: str) -> JsonPath:
    from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError
    from jsonpath.segments import JSONPathChildSegment
    from jsonpath.selectors import IndexSelector, NameSelector, SliceSelector, WildcardSelector

    try:
        path = JSONPathEnvironment(strict=True).compile(_DOT_BEFORE_BRACKET.sub("", text))
    except JSONPathError as error:
        raise InvalidPathError(f"Invalid JsonPath: {text}: {str(error).splitlines()[0]}. {_WHAT_IS_TAKEN}") from error
    if not isinstance(path, JSONPath):
        raise InvalidPathError(f"Invalid JsonPath: {text}. {_WHAT_IS_TAKEN}")
    count: int | None = 1
    names = False
    for segment in path.segments:
        kinds = {type(selector) for selector in segment.selectors}
        is_single = len(segment.selectors) == 1
        if SliceSelector in kinds and not is_single:
            shown = text[text.find("[") :]
            raise InvalidPathError(
                f"Invalid JsonPath: {text}: only single range filters of format (eg: [1:5]) are supported. "
                f"Format {shown} is not supported"
            )
        is_taken = (
            isinstance(segment, JSONPathChildSegment)
            and len(kinds) == 1
            and (kinds <= {IndexSelector, NameSelector} or (is_single and kinds <= {SliceSelector, WildcardSelector}))
            and all(each.slice.step in (None, 1) for each in segment.selectors if isinstance(each, SliceSelector))
        )
        # Nothing may come behind several names, and nothing but one place before them.
        if not is_taken or names or (count is None and kinds == {NameSelector} and not is_single):
            raise InvalidPathError(f"Invalid JsonPath: {text}. {_WHAT_IS_TAKEN}")
        names = kinds == {NameSelector} and not is_single
        is_open = bool(kinds & {SliceSelector, WildcardSelector})
        count = None if count is None or is_open else count * len(segment.selectors)
    indexed = (IndexSelector, SliceSelector, WildcardSelector)
    is_by_index = len(path.segments) <= 1 and all(
        isinstance(selector, indexed) for segment in path.segments for selector in segment.selectors
    )
    return JsonPath(text, path, names, count, is_by_index)
