"""Command lines of jobs, as far as the translation reads them: which flag a value stands behind."""

from __future__ import annotations

import re
from typing import Any, Final

_FLAG: Final = re.compile(r"--?(?P<name>[A-Za-z][A-Za-z0-9_-]*)")


def flag_before(arguments: Any, index: int) -> str | None:
    """Return the name of the flag that a value stands behind, as in ``["--fraction", value]``; ``None`` without one.

    :param arguments: a list; anything else has no flags.
    :param index: of the value.
    """
    before = arguments[index - 1] if isinstance(arguments, (list, tuple)) and index > 0 else None
    flag = _FLAG.fullmatch(before) if isinstance(before, str) else None
    return None if flag is None else flag["name"]
