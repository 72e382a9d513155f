"""Which line of a script's output says why it failed."""

from __future__ import annotations

import pytest

from airflow_sm_pipelines.local.jobs.logs import last_error_line


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (["Traceback (most recent call last):", '  File "a.py", line 1', "ValueError: bad"], "ValueError: bad"),
        (
            ["botocore.exceptions.NoCredentialsError: none", "closing", ""],
            "botocore.exceptions.NoCredentialsError: none",
        ),
        (["KeyboardInterrupt"], "KeyboardInterrupt"),
        (["a.py:1: FutureWarning: soon", "no rows left  ", ""], "no rows left"),
        (["ValueError: first", "During handling ...", "TypeError: second"], "TypeError: second"),
        (["", "  "], ""),
        ([], ""),
    ],
)
def test_the_last_exception_line_else_the_last_line(output: list[str], line: str) -> None:
    """An exception's own line wins over what is printed after it; without one the last line that says anything."""
    assert last_error_line(output) == line
