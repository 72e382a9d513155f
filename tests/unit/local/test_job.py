"""The life of a job, without processes and without S3."""

# ruff: noqa: ARG002 - what stands in for something has its signatures

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_sm_pipelines.definition.step_types import Resource
from airflow_sm_pipelines.local.errors import ResourceInUseError, ServiceError
from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.jobs.instances import Instance
from airflow_sm_pipelines.local.jobs.interpreter import Interpreter
from airflow_sm_pipelines.local.jobs.job import JobFailedError
from airflow_sm_pipelines.local.jobs.process_job import Plan, ProcessJob
from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory
from airflow_sm_pipelines.local.jobs.service import Jobs
from airflow_sm_pipelines.local.jobs.slots import Slots
from airflow_sm_pipelines.local.jobs.staging import S3Staging


class Logs:
    """CloudWatch Logs that keeps what it is sent."""

    exceptions = SimpleNamespace(ResourceAlreadyExistsException=KeyError, ResourceNotFoundException=KeyError)

    def __init__(self) -> None:
        self.events: list[str] = []

    def create_log_group(self, **_: Any) -> None:
        raise KeyError("there is one")

    def create_log_stream(self, **_: Any) -> None:
        """Made."""

    def put_log_events(self, *, logEvents: list[dict[str, Any]], **_: Any) -> None:  # noqa: N803 - boto3's name
        self.events += [event["message"] for event in logEvents]


class Process:
    """A process that ends when told to, or when killed."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        on_line("started")
        self.ended = threading.Event()
        self.code = 0

    def wait(self) -> int:
        assert self.ended.wait(10)
        return self.code

    def stop(self, grace_seconds: float) -> None:
        self.end(143)

    def kill(self) -> None:
        self.end(137)

    def end(self, code: int) -> None:
        self.code = code
        self.ended.set()


class Sandbox:
    """Starts :class:`Process` instead of real ones."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.process: Process | None = None
        self.environment: Mapping[str, str] = {}

    def start(
        self,
        directory: JobDirectory,
        command: Sequence[str],
        environment: Mapping[str, str],
        on_line: Callable[[str], None],
    ) -> Process:
        self.environment = environment
        self.process = Process(on_line)
        self.started.set()
        return self.process


class ExampleJob(ProcessJob):
    """A job whose preparation waits until the test lets it go on."""

    resource = Resource("processing-job", "ProcessingJob", log_group="/example")

    def __init__(self, name: str, request: Mapping[str, Any], host: JobHost) -> None:
        super().__init__(name, request, host)
        self.phases: list[str] = []
        self.lines: list[str] = []
        self.collected: list[bool] = []
        self.prepared = threading.Event()
        self.was_killed = threading.Event()
        self.begun = threading.Event()
        if not request.get("wait"):
            self.prepared.set()

    def kill(self) -> None:
        super().kill()
        self.was_killed.set()

    def details(self) -> dict[str, Any]:
        return {}

    @property
    def instance_count(self) -> int:
        return int(self.request.get("instances", 1))

    def prepare(self, instance: Instance, staging: S3Staging) -> Plan:
        assert self.prepared.wait(10)
        if "error" in self.request:
            raise self.request["error"]
        return Plan(["run"], {"MINE": "1"})

    def collect(self, directories: Sequence[JobDirectory], staging: S3Staging, *, stopped: bool) -> None:
        self.collected.append(stopped)

    def failure(self, directory: JobDirectory, exit_code: int, output: Sequence[str]) -> str:
        return f"{exit_code}: {output}"

    def observe(self, line: str) -> None:
        self.lines.append(line)

    def phase(self, name: str) -> None:
        self.phases.append(name)
        self.begun.set()


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def logs() -> Logs:
    return Logs()


def host_of(sandbox: Sandbox, logs: Logs, directory: Path, slots: Slots) -> JobHost:
    clients: Any = {"s3": None, "logs": logs}
    return JobHost(
        sandbox,
        Interpreter(Path("/venv/bin/python3"), Path("/usr/bin/python3"), "3.11", ()),
        directory,
        clients,
        "us-east-1",
        "http://endpoint",
        1,
        slots,
    )


@pytest.fixture
def jobs(tmp_path: Path, sandbox: Sandbox, logs: Logs) -> Jobs[ExampleJob]:
    """Where the jobs are made."""
    return Jobs(ExampleJob, host_of(sandbox, logs, tmp_path, Slots()))


def test_the_first_pattern_that_matches_an_image_counts(tmp_path: Path, sandbox: Sandbox, logs: Logs) -> None:
    """Upper and lower case differ; for other images there is the host's interpreter."""
    one, two = (Interpreter(Path(name), Path("/usr/bin/python3"), "3.11", ()) for name in ("one", "two"))
    host = replace(
        host_of(sandbox, logs, tmp_path, Slots()), interpreters_of_images=(("*/xgb:1.7-*", one), ("*/xgb:*", two))
    )
    images = ("registry/xgb:1.7-1", "registry/xgb:1.5-1", "registry/XGB:1.7-1", "")
    assert [host.interpreter_of(image) for image in images] == [one, two, host.interpreter, host.interpreter]


def test_a_job_gets_an_environment_of_its_own(
    jobs: Jobs[ExampleJob], sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole of it: of the server's own environment there is only what an interpreter may need to start."""
    monkeypatch.setenv("SECRET", "hidden")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/python/lib")
    job = jobs.create("j", {"Environment": {"THEIRS": "2"}})
    assert sandbox.started.wait(10)
    job.stop()
    assert job.wait(10)
    assert sandbox.environment == {
        "LD_LIBRARY_PATH": "/python/lib",
        "PATH": "/opt/ml/.environment/bin:/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": f"{tmp_path}/j/algo-1/home",
        "TMPDIR": f"{tmp_path}/j/algo-1/tmp",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONPATH": "/opt/ml/.environment/lib/python3.11/site-packages",
        "AWS_ENDPOINT_URL": "http://endpoint",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "MINE": "1",
        "THEIRS": "2",
    }


def test_a_job_runs_to_its_end(jobs: Jobs[ExampleJob], sandbox: Sandbox, logs: Logs, tmp_path: Path) -> None:
    """Its phases in order, its lines seen and sent, its files gone."""
    job = jobs.create("j", {})
    assert sandbox.started.wait(10)
    assert sandbox.process is not None
    sandbox.process.end(0)
    assert job.wait(10)
    assert (job.status, job.failure_reason) == ("Completed", "")
    assert job.phases == ["Downloading", "Running", "Uploading", "Completed"]
    assert (job.lines, logs.events, job.collected) == (["started"], ["started"], [False])
    assert list(tmp_path.iterdir()) == []


def test_a_job_stopped_before_its_process_began_starts_none(jobs: Jobs[ExampleJob], sandbox: Sandbox) -> None:
    """Stopped while data is downloaded: Stopping at once, Stopped when the download is over."""
    job = jobs.create("j", {"wait": True})
    assert job.stop()
    assert job.status == "Stopping"
    assert not job.stop()
    job.prepared.set()
    assert job.wait(10)
    assert (job.status, job.collected, sandbox.process) == ("Stopped", [], None)


def test_a_job_stopped_while_it_runs_keeps_what_it_made(jobs: Jobs[ExampleJob], sandbox: Sandbox) -> None:
    """Its exit code is no failure, and it is asked to store what a stopped job may store."""
    job = jobs.create("j", {})
    assert sandbox.started.wait(10)
    assert job.stop()
    assert job.wait(10)
    assert (job.status, job.failure_reason, job.collected) == ("Stopped", "", [True])


def test_a_failing_process_fails_the_job(jobs: Jobs[ExampleJob], sandbox: Sandbox) -> None:
    """The reason is made of exit code and output; nothing is stored."""
    job = jobs.create("j", {})
    assert sandbox.started.wait(10)
    assert sandbox.process is not None
    sandbox.process.end(2)
    assert job.wait(10)
    assert (job.status, job.failure_reason, job.collected) == ("Failed", "2: ['started']", [])


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (JobFailedError("ClientError: no"), "ClientError: no"),
        (JobFailedError("x" * 2000), "x" * 1024),
        (KeyError("k"), "InternalServerError: the local endpoint could not run the job: KeyError('k')"),
    ],
)
def test_a_job_that_cannot_be_prepared_fails(jobs: Jobs[ExampleJob], error: Exception, reason: str) -> None:
    """On purpose, with at most 1024 characters, or by a mistake of ours, which is said to be one."""
    job = jobs.create("j", {"error": error})
    assert job.wait(10)
    assert (job.status, job.failure_reason) == ("Failed", reason)


def test_closing_ends_every_job_and_refuses_new_ones(jobs: Jobs[ExampleJob], sandbox: Sandbox) -> None:
    """The endpoint goes away: a running process is killed, one that has not begun never starts."""
    running = jobs.create("running", {})
    assert sandbox.started.wait(10)
    waiting = jobs.create("waiting", {"wait": True})
    closing = threading.Thread(target=jobs.close)
    closing.start()
    assert waiting.was_killed.wait(10)
    waiting.prepared.set()
    closing.join()
    assert (running.status, running.failure_reason) == ("Failed", "137: ['started']")
    assert (waiting.status, waiting.lines) == ("Stopped", [])
    with pytest.raises(ServiceError, match=r"The local endpoint is shutting down\."):
        jobs.create("late", {})


def test_jobs_wait_for_one_another_where_there_is_one_place(sandbox: Sandbox, logs: Logs, tmp_path: Path) -> None:
    """The next one begins when the first has ended; one that is stopped while it waits never does."""
    jobs = Jobs(ExampleJob, host_of(sandbox, logs, tmp_path, Slots(1)))
    first = jobs.create("first", {"wait": True})
    assert first.begun.wait(10)
    second, third = jobs.create("second", {}), jobs.create("third", {})
    assert second.stop()
    assert second.wait(10)
    assert (second.status, second.phases, third.status) == ("Stopped", ["Stopped"], "InProgress")
    first.prepared.set()
    assert sandbox.started.wait(10)
    assert sandbox.process is not None
    sandbox.started.clear()
    sandbox.process.end(0)
    assert sandbox.started.wait(10)
    assert first.wait(10)
    sandbox.process.end(0)
    assert third.wait(10)
    assert (first.status, third.status) == ("Completed", "Completed")


def test_a_name_is_taken_once(jobs: Jobs[ExampleJob]) -> None:
    """Also after the first job has ended."""
    assert jobs.create("j", {"error": JobFailedError("no")}).wait(10)
    with pytest.raises(ResourceInUseError, match="a job with this name already exists"):
        jobs.create("j", {})
