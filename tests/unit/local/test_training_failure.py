"""The FailureReason of a training job."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_sm_pipelines.local.aws import Clients
from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.jobs.interpreter import Interpreter
from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory
from airflow_sm_pipelines.local.jobs.training import TrainingJob
from airflow_sm_pipelines.local.sandboxes.namespace import NamespaceSandbox

TOOLKIT = 'ExecuteUserScriptError:\nExitCode 1\nErrorMessage ""\nCommand "python -- train.py"'


@pytest.fixture
def job(tmp_path: Path) -> TrainingJob:
    """A job that is never started."""
    url = "http://127.0.0.1:9"
    sandbox = NamespaceSandbox(("unshare",))
    host = JobHost(
        sandbox,
        Interpreter(Path("/usr/bin/python3"), Path("/usr/bin/python3"), "3.11", ()),
        tmp_path,
        Clients(url, "us-east-1"),
        "us-east-1",
        url,
        1,
    )
    return TrainingJob("job", {}, host)


def reason(job: TrainingJob, root: Path, output: list[str], failure_file: str | None = None) -> str:
    """The reason for some output and some failure file."""
    directory = JobDirectory.create(root / "job")
    if failure_file is not None:
        (directory.ml / "output").mkdir()
        (directory.ml / "output" / "failure").write_text(failure_file)
    return job.failure(directory, 1, output)


def test_the_scripts_error_line_goes_into_the_toolkits_failure_file(job: TrainingJob, tmp_path: Path) -> None:
    """What the toolkit prints after the script is not the script's."""
    output = [
        "Traceback (most recent call last):",
        "ValueError: bad",
        "2026-11-21 12:00:00,000 sagemaker-training-toolkit ERROR    Reporting training FAILURE",
        "2026-11-21 12:00:00,000 sagemaker-training-toolkit ERROR    ExecuteUserScriptError:",
        "LaterError: not the script's",
    ]
    assert reason(job, tmp_path, output, TOOLKIT) == (
        "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\n"
        'ErrorMessage "ValueError: bad"\nCommand "python -- train.py", exit code: 1'
    )


def test_without_a_failure_file_the_last_line_is_the_reason(job: TrainingJob, tmp_path: Path) -> None:
    """An entry point of its own need not write one."""
    assert reason(job, tmp_path, ["out of luck"]) == "AlgorithmError: out of luck, exit code: 1"
    assert job.failure(JobDirectory(tmp_path / "job"), 2, []) == "AlgorithmError: , exit code: 2"
