"""One invocation of a function: a process, its time-out, its log, its answer."""

from __future__ import annotations

import io
import json
import math
import signal
import threading
import time
import uuid
import zipfile
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from airflow_sm_pipelines.local import clock
from airflow_sm_pipelines.local.functions.function import Function, FunctionNotRunError
from airflow_sm_pipelines.local.functions.runtime_api import RuntimeAnswer, RuntimeApi
from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.jobs.interpreter import ENVIRONMENT
from airflow_sm_pipelines.local.jobs.logs import LogStream
from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory, JobProcess
from airflow_sm_pipelines.local.jobs.trees import remove_tree

LARGEST_PAYLOAD: Final = 6 * 1024 * 1024
"""So many bytes an event or a response may have (Lambda's quotas)."""

LARGEST_CODE: Final = 250 * 1024 * 1024
"""So many bytes the code may have when it is unpacked (Lambda's quotas)."""

_START_SECONDS: Final = 10.0
"""How long the module of a handler may take to be imported, before the function's Timeout begins (Lambda's guide)."""

_RUNTIME: Final = "awslambdaric"
_NO_RUNTIME: Final = f"No module named {_RUNTIME}"


End = Literal["answered", "failed", "timed out", "given up"]
"""How an invocation ended: with a response, with an error, by the function's Timeout, or since nobody waited longer."""


@dataclass(frozen=True)
class FunctionAnswer:
    """What an invocation ended with.

    :param end: how it ended.
    :param payload: the function's response; where it did not answer, the error as JSON.
    :param version: the version that ran.
    :param log: the last lines of its log.
    """

    end: End
    payload: bytes
    version: str
    log: Sequence[str]

    @property
    def error(self) -> str:
        """Why it failed: the type of the error and its message."""
        content = json.loads(self.payload)
        return ": ".join(str(content[key]) for key in ("errorType", "errorMessage") if content.get(key))


class Invocation:
    """Runs a function once. AWS's own runtime client runs the handler, in a process in the jobs' sandbox.

    As on AWS, the process is over when the function has answered: what it still does in threads is lost. Unlike there,
    every invocation starts a new one.

    :param function: the function.
    :param arn: as it was called.
    :param event: what it is given, as JSON.
    :param host: where it runs.
    :param client_context: what the function finds as ``context.client_context``, as JSON.
    """

    def __init__(
        self, function: Function, arn: str, event: bytes, host: JobHost, client_context: str | None = None
    ) -> None:
        self.request_id = str(uuid.uuid4())
        self._function = function
        self._arn = arn
        self._event = event
        self._host = host
        self._client_context = client_context
        self._group = f"/aws/lambda/{function.name}"
        self._stream_name = f"{clock.now():%Y/%m/%d}/[{function.version}]{uuid.uuid4().hex}"
        self._log: LogStream | None = None
        self._answer: Future[tuple[End, bytes, float]] = Future()
        self._over = threading.Event()
        self._made = self._begun = time.monotonic()
        self._started = False
        self._timer: threading.Timer | None = None

    def run(self, limit: float | None = None) -> FunctionAnswer:
        """Run the function and wait for its answer.

        :param limit: how long to wait at most, in seconds; ``None`` for as long as the function may run.
        :raises FunctionNotRunError: its code or the interpreter is not fit for it.
        """
        directory = JobDirectory.create(self._host.directory / f"lambda-{self.request_id}")
        try:
            task = self._task(directory)
            self._host.interpreter.make_environment(directory.ml / Path(ENVIRONMENT).name)
            self._log = LogStream(self._host.clients["logs"], self._group, self._stream_name)
            try:
                end, payload, moment = self._run(directory, task, self._log, limit)
                self._report(self._log, end, payload, moment - self._begun)
            finally:
                self._log.close()
            return FunctionAnswer(end, payload, self._function.version, self._log.tail)
        finally:
            remove_tree(directory.root)
            self._over.set()

    def give_up(self) -> None:
        """End it now: the endpoint is going away, or nobody waits for the answer."""
        self._settle("given up", self._error("Sandbox.Terminated", "The invocation was ended"))

    def wait(self) -> None:
        """Wait until it is over, and nothing of it is left."""
        self._over.wait()

    def _run(
        self, directory: JobDirectory, task: Path, log: LogStream, limit: float | None
    ) -> tuple[End, bytes, float]:
        with RuntimeApi(self.request_id, self._event, self._begin, self._answered) as api:
            command = ["/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "lambda", str(task)]
            command += ["python3", "-m", _RUNTIME, self._function.handler]
            process = self._host.sandbox.start(directory, command, self._environment(directory, task, api), log.write)
            watcher = threading.Thread(target=self._watch, args=(process,), name=f"lambda-{self.request_id}")
            watcher.start()
            self._limit(_START_SECONDS + self._function.timeout)
            try:
                wait((self._answer,), limit)
                self.give_up()
            finally:
                if self._timer is not None:
                    self._timer.cancel()
                process.kill()
                watcher.join()
        if any(_NO_RUNTIME in line for line in log.tail):
            python = self._host.interpreter.executable
            raise FunctionNotRunError(
                f"The interpreter {python} cannot run Lambda functions: {_NO_RUNTIME}. Install AWS's runtime client"
                f" into it: {python} -m pip install {_RUNTIME}"
            )
        return self._answer.result()

    def _task(self, directory: JobDirectory) -> Path:
        """Where the code is: unpacked for this invocation, or the directory of a registered function."""
        code = self._function.code
        if isinstance(code, Path):
            return code
        task = directory.root / "task"
        name = self._function.name
        try:
            with zipfile.ZipFile(io.BytesIO(code)) as archive:
                if sum(member.file_size for member in archive.infolist()) > LARGEST_CODE:
                    raise FunctionNotRunError(f"The code of '{name}' is larger than {LARGEST_CODE} bytes.")
                for member in archive.infolist():
                    _unpack(archive, member, task, name)
        except zipfile.BadZipFile as error:
            raise FunctionNotRunError(f"The code of '{name}' is not a zip: {error}") from error
        return task

    def _environment(self, directory: JobDirectory, task: Path, api: RuntimeApi) -> dict[str, str]:
        """What a job gets, then the function's own, then what Lambda says and no function can change."""
        function = self._function
        return {
            **self._host.environment(directory, self._host.interpreter),
            "TZ": ":UTC",
            **function.environment,
            "_HANDLER": function.handler,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": self._group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self._stream_name,
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "LAMBDA_TASK_ROOT": str(task),
        }

    def _begin(self) -> dict[str, str]:
        """The handler's module is there, and the function's time begins."""
        self._begun = time.monotonic()
        self._limit(self._function.timeout)
        self._say_start()
        deadline = int((time.time() + self._function.timeout) * 1000)
        headers = {"Lambda-Runtime-Deadline-Ms": str(deadline), "Lambda-Runtime-Invoked-Function-Arn": self._arn}
        if self._client_context is not None:
            headers["Lambda-Runtime-Client-Context"] = self._client_context
        return headers

    def _limit(self, seconds: float) -> None:
        """Let it take so long from now on."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(seconds, self._time_out)
        self._timer.daemon = True
        self._timer.start()

    @property
    def _timed_out(self) -> str:
        return f"Task timed out after {self._function.timeout:.2f} seconds"

    def _time_out(self) -> None:
        self._settle("timed out", self._error("Sandbox.Timedout", self._timed_out))

    def _answered(self, answer: RuntimeAnswer) -> None:
        if answer.failed:
            self._settle("failed", answer.payload if _is_error(answer.payload) else self._error("Unknown", "Unknown"))
        elif len(answer.payload) > LARGEST_PAYLOAD:
            message = f"Response payload size exceeded maximum allowed payload size ({LARGEST_PAYLOAD + 100} bytes)."
            self._settle("failed", _as_error("Function.ResponseSizeTooLarge", message))
        else:
            self._settle("answered", answer.payload)

    def _watch(self, process: JobProcess) -> None:
        """Wait for the process. One that ends before it has answered fails the invocation."""
        code = process.wait()
        if code > 128:
            how = f"exited with error: signal: {(signal.strsignal(code - 128) or str(code - 128)).lower()}"
        else:
            how = f"exited with error: exit status {code}" if code else "exited without providing a reason"
        self._settle("failed", self._error("Runtime.ExitError", f"Runtime {how}"))

    def _settle(self, end: End, payload: bytes) -> None:
        """Take an end, unless there is one."""
        with suppress(InvalidStateError):
            self._answer.set_result((end, payload, time.monotonic()))

    def _error(self, kind: str, message: str) -> bytes:
        return _as_error(kind, f"RequestId: {self.request_id} Error: {message}")

    def _say_start(self) -> None:
        self._started = True
        if self._log is not None:
            self._log.write(f"START RequestId: {self.request_id} Version: {self._function.version}")

    def _report(self, log: LogStream, end: End, payload: bytes, seconds: float) -> None:
        """Write the lines that Lambda ends the log of an invocation with, less what is not measured here."""
        if not self._started:
            self._say_start()
        start = (self._begun - self._made) * 1000
        taken = seconds * 1000
        status = ""
        if end == "timed out":
            taken = self._function.timeout * 1000.0
            moment = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
            log.write(f"{moment} {self.request_id} {self._timed_out}")
            status = "Status: timeout\t"
        elif end != "answered":
            status = f"Status: error\tError Type: {json.loads(payload).get('errorType')}\t"
        log.write(f"END RequestId: {self.request_id}")
        log.write(
            f"REPORT RequestId: {self.request_id}\tDuration: {taken:.2f} ms\tBilled Duration: {math.ceil(taken)} ms\t"
            f"Memory Size: {self._function.memory} MB\tInit Duration: {start:.2f} ms\t{status}"
        )


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, task: Path, name: str) -> None:
    """Take a file out of a zip, with its rights. Nothing is written outside of the directory."""
    if not (task / member.filename).resolve().is_relative_to(task.resolve()):
        raise FunctionNotRunError(f"The code of '{name}' has a file outside of it: {member.filename!r}")
    path = Path(archive.extract(member, task))
    rights = member.external_attr >> 16 & 0o777
    if rights and not member.is_dir():
        path.chmod(rights | 0o400)


def _as_error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


def _is_error(payload: bytes) -> bool:
    try:
        return isinstance(json.loads(payload), dict)
    except (ValueError, RecursionError):
        return False
