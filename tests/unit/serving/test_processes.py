"""Components as the live tests treat them: frozen, let go on, killed with everything they started, started again."""

from __future__ import annotations

import os
import pwd
import sys

import psutil
import pytest

from airflow_sm_pipelines.serving.processes import Component, stop_components

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-S", "-c", "import signal; signal.pause()"], start_new_session=True)
print(child.pid, flush=True)
with open(sys.argv[1], "w") as ready:
    ready.write(str(child.pid))
child.wait()
"""


@pytest.fixture
def component(tmp_path):
    """A process with a child in a session of its own; the log has the child's number."""
    one = Component(
        "parent", [sys.executable, "-S", "-c", PARENT, str(tmp_path / "ready")], os.environ, tmp_path / "log"
    )
    os.mkfifo(tmp_path / "ready")
    yield one
    stop_components([one])


def start(component, tmp_path):
    component.start()
    child = psutil.Process(int((tmp_path / "ready").read_text()))
    return [psutil.Process(component.pid), child]


def test_a_component_is_frozen_with_all_it_started_and_goes_on(component, tmp_path):
    """Its children of other sessions are frozen too, and all of them go on again."""
    processes = start(component, tmp_path)
    component.pause()
    frozen = [process.status() for process in processes]
    component.resume()

    assert frozen == [psutil.STATUS_STOPPED] * 2
    assert psutil.STATUS_STOPPED not in [process.status() for process in processes]
    component.require_running()


def test_a_killed_component_leaves_nothing_and_can_be_started_again(component, tmp_path):
    """Kill ends children of other sessions too; being killed is no failure; another start is another process."""
    processes = start(component, tmp_path)
    component.kill()

    assert [process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes] == [False] * 2
    component.require_running()
    assert start(component, tmp_path)[0] != processes[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts processes of other users")
def test_a_component_can_run_as_another_user(tmp_path):
    """With that user's rights alone, in a directory that everybody may enter; its log is the starting user's."""
    nobody = pwd.getpwnam("nobody")
    one = Component("nobody", ["/bin/sh", "-c", "id -u; id -g; id -G; pwd"], os.environ, tmp_path / "log", owner=nobody)
    one.start()
    one.wait(30)

    groups = str(nobody.pw_gid)
    assert one.tail().splitlines() == [str(nobody.pw_uid), groups, groups, "/"]
