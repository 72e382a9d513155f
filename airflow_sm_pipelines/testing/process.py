"""The process of the local endpoint, as the tests have it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import airflow_sm_pipelines
from airflow_sm_pipelines.command_line import CommandError
from airflow_sm_pipelines.testing.served import encoded

if TYPE_CHECKING:
    from airflow_sm_pipelines.local.settings import EndpointSettings

# The package is found as it was found here; the current directory, which `-c` puts first, has modules of the tests.
_PROGRAM: Final = (
    "import sys; sys.path[:1] = []; sys.path.append(sys.argv[1]); "
    "from airflow_sm_pipelines.testing.served import main; main()"
)

_SECONDS_TO_END: Final = 60


class EndpointProcess:
    """A process that has one endpoint after the other.

    :param settings: of each endpoint; ``None`` for the defaults.
    :param root: where relative paths in them start.
    :param log: a file for what the process has to say; its directory is there.
    """

    def __init__(self, settings: EndpointSettings | None, root: Path, log: Path) -> None:
        self._settings = settings
        self._root = root
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start_endpoint(self) -> str:
        """Close the endpoint that there is, and start an empty one.

        :return: its URL.
        :raises CommandError: it cannot be started.
        """
        if self._process is None or self._process.poll() is not None:
            self._process = self._start()
        _write(self._process, b"start\n")
        answer = b"" if self._process.stdout is None else self._process.stdout.readline()
        if not answer:
            self.close()
            raise CommandError(f"the local endpoint has ended: {self._log.read_text(encoding='utf-8').strip()}")
        answered = json.loads(answer)
        if "error" in answered:
            raise CommandError(answered["error"])
        return str(answered["url"])

    def close(self) -> None:
        """End the process, with all that it has started."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _start(self) -> subprocess.Popen[bytes]:
        package = Path(airflow_sm_pipelines.__file__).parents[1]
        with self._log.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - this interpreter, and this package
                [sys.executable, "-c", _PROGRAM, str(package)],
                cwd=self._root,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests; they end it
            )
        _write(process, encoded(self._settings))
        return process


def _write(process: subprocess.Popen[bytes], line: bytes) -> None:
    if process.stdin is None:
        return
    try:
        process.stdin.write(line)
        process.stdin.flush()
    except BrokenPipeError:
        pass  # it has ended: what it has answered before says why
