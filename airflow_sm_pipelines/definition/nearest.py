"""The nearest of the names that exist, for one that does not."""

from __future__ import annotations

import difflib
import functools
import heapq
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

FEW: Final = 64
"""So many names are compared one by one. ``difflib`` takes about 30 microseconds for a pair of like names: a typo in
each reference of a pipeline of 2000 steps would take it two minutes."""
_COMPARED: Final = 4
_MISSPELT: Final = 0.9


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest candidate, or an empty string.

    :param name: what was written.
    :param candidates: what exists. Of more than :data:`FEW`, only those that share the most letters and pairs of
        letters with the name are compared.
    """
    known = tuple(candidates)
    if len(known) > FEW:
        known = _index_of(known).likeliest(name)
    near = difflib.get_close_matches(name, known, n=1)
    return f". Did you mean '{near[0]}'?" if near else ""


def is_misspelt(name: str, candidates: Iterable[str]) -> bool:
    """Say whether a name is so much like one that exists that it can only be meant for it.

    ``ModelPackageGroupArn`` beside ``ModelPackageGroupName`` may be another thing; ``Enviroment`` cannot.

    :param name: what was written.
    :param candidates: what exists.
    """
    return bool(difflib.get_close_matches(name, list(candidates), n=1, cutoff=_MISSPELT))


@functools.lru_cache(maxsize=8)
def _index_of(candidates: tuple[str, ...]) -> _Index:
    return _Index(candidates)


class _Index:
    """Names as sets of bits, one for each letter, pair of letters and repetition of them.

    What two names have in common is then one operation on whole numbers.
    """

    def __init__(self, candidates: tuple[str, ...]) -> None:
        self._bits: dict[tuple[str, int], int] = {}
        for name in candidates:
            for part in _parts(name):
                self._bits.setdefault(part, len(self._bits))
        self._candidates = [(self._mask(name), len(name), name) for name in candidates]

    def likeliest(self, name: str) -> tuple[str, ...]:
        """The candidates with most in common with a name, by the share of it in both."""
        mask, length = self._mask(name), len(name)
        shares = (
            ((mask & other).bit_count() / (length + other_length + 1), candidate)
            for other, other_length, candidate in self._candidates
        )
        return tuple(candidate for _, candidate in heapq.nlargest(_COMPARED, shares))

    def _mask(self, name: str) -> int:
        mask = 0
        for part in _parts(name):
            bit = self._bits.get(part)
            mask |= 0 if bit is None else 1 << bit
        return mask


def _parts(name: str) -> Iterator[tuple[str, int]]:
    """Yield a name's letters and pairs of letters, each with how often it was there before."""
    seen: Counter[str] = Counter()
    for part in (*name, *map("".join, itertools.pairwise(name))):
        yield part, seen[part]
        seen[part] += 1
