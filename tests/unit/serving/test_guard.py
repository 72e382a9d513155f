"""A guarded command leaves nothing behind, not even when it is killed."""

from __future__ import annotations

import signal
import subprocess
import sys

import psutil
import pytest

COMMAND = """
import os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-S", "-c", "import signal; signal.pause()"], start_new_session=True)
print(child.pid, flush=True)
if sys.argv[1] == "waits":
    signal.pause()
os.kill(os.getpid(), int(sys.argv[1])) if sys.argv[1] != "0" else sys.exit(3)
"""


def guarded(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "airflow_sm_pipelines.serving.guard", sys.executable, "-S", "-c", COMMAND, *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("how", "status"), [("0", 3), (str(int(signal.SIGKILL)), 128 + signal.SIGKILL)])
def test_what_a_command_leaves_behind_is_ended(how, status):
    """A child in a session of its own is gone when the guard is, whose exit status is the command's."""
    with guarded(how) as guard:
        child = int(guard.stdout.readline())
        assert guard.wait(30) == status
    assert not psutil.pid_exists(child)


def test_a_signal_goes_on_to_the_command():
    """The guard waits for the command's end, and ends what it left."""
    with guarded("waits") as guard:
        child = int(guard.stdout.readline())
        guard.terminate()
        assert guard.wait(30) == 128 + signal.SIGTERM
    assert not psutil.pid_exists(child)
