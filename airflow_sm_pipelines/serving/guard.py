"""Runs a command and makes sure that nothing of it stays, however it ends.

``python -m airflow_sm_pipelines.serving.guard COMMAND...`` does so with any command. It ends when the process that
started it does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from airflow_sm_pipelines.serving.processes import adopt_orphans, end_processes, end_with_parent, own_descendants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_guarded(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command, pass signals on to it, and return its exit status once all its descendants are gone.

    The command ends what it started by itself. This is for the case that it cannot: it crashed, or was killed.
    Its orphans then become children of this process, which ends them. (That this process may be killed is the
    command's concern: see :func:`airflow_sm_pipelines.serving.processes.end_with_parent`.)
    """
    adopt_orphans()
    received: list[int] = []
    child: subprocess.Popen[bytes] | None = None

    def forward(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        if child is not None:
            child.send_signal(number)

    for forwarded in FORWARDED:
        signal.signal(forwarded, forward)
    child = subprocess.Popen(list(command), env=dict(environment))
    for number in received:
        child.send_signal(number)

    while True:
        # Adopted orphans that end are taken note of here as well: none of them stays a zombie.
        pid, status = os.waitpid(-1, 0)
        if pid == child.pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            break
    while orphans := own_descendants():
        end_processes(orphans)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    end_with_parent()
    sys.exit(run_guarded(sys.argv[1:], os.environ))
