"""The command line of ``sm-pipelines local``."""

from __future__ import annotations

import pytest

from airflow_sm_pipelines.local.options import parser


@pytest.mark.parametrize(("text", "size"), [("2", 2 * 1024**3), ("0.5", 512 * 1024**2)])
def test_the_disk_of_jobs_is_given_in_gigabytes(text: str, size: int) -> None:
    """The settings have bytes; without the option there is no limit."""
    assert parser("local").parse_args(["--job-disk", text]).job_disk_bytes == size
    assert parser("local").parse_args([]).job_disk_bytes is None


@pytest.mark.parametrize("text", ["0", "-1", "inf", "nan", "much"])
def test_what_is_no_size_of_a_disk_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message says what to give."""
    with pytest.raises(SystemExit) as ended:
        parser("local").parse_args([f"--job-disk={text}"])
    said = capsys.readouterr().err.splitlines()[-1]
    assert (ended.value.code, said) == (
        2,
        f"local: error: argument --job-disk: {text!r} is not a size: give gigabytes, more than 0",
    )
