"""The command line of ``sm-pipelines local``."""

from __future__ import annotations

import pytest

from airflow_sm_pipelines.local.__main__ import main
from airflow_sm_pipelines.local.options import command


@pytest.mark.parametrize(("text", "size"), [("2", 2 * 1024**3), ("0.5", 512 * 1024**2)])
def test_the_disk_of_jobs_is_given_in_gigabytes(text: str, size: int) -> None:
    """The settings have bytes; without the option there is no limit."""
    assert command.make_context("local", ["--job-disk", text]).params["job_disk_bytes"] == size
    assert command.make_context("local", []).params["job_disk_bytes"] is None


@pytest.mark.parametrize("text", ["0", "-1", "inf", "nan", "much"])
def test_what_is_no_size_of_a_disk_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message says what to give."""
    assert main([f"--job-disk={text}"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"Error: Invalid value for '--job-disk': {text!r} is not a size. Give gigabytes, more than 0."
    )
