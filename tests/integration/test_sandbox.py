"""Processes in the sandbox: what they print, when they are over, and what they leave behind."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory, JobProcess, Sandbox
from airflow_sm_pipelines.local.sandboxes.namespace import NamespaceSandbox
from airflow_sm_pipelines.local.sandboxes.process import NamespaceProcess

DETACH = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:], start_new_session=True).pid, flush=True)"
"""Starts a program in a session of its own, tells its process id, and ends."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """What the endpoint starts jobs with."""
    return NamespaceSandbox.probe(tmp_path_factory.mktemp("probe"))


def start(sandbox: Sandbox, root: Path, lines: list[str], *command: str) -> JobProcess:
    """Start a command whose lines are added to a list."""
    return sandbox.start(JobDirectory.create(root / "job"), command, {"PATH": os.environ["PATH"]}, lines.append)


def assert_gone(pid: int) -> None:
    """A process that has ended, though nobody may have asked for its exit status yet."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([handle], [], [], 0)[0], f"process {pid} is still running"
    finally:
        os.close(handle)


def test_every_line_is_seen_as_it_was_printed(sandbox: Sandbox, tmp_path: Path) -> None:
    """Standard output and standard error; empty lines, bytes that are no text, a last line without an end."""
    lines: list[str] = []
    process = start(sandbox, tmp_path, lines, "sh", "-c", r"echo one; echo; printf '\377\r\n' >&2; printf end; exit 3")
    assert (process.wait(), lines) == (3, ["one", "", "\N{REPLACEMENT CHARACTER}", "end"])


def test_a_job_that_ends_takes_no_other_job_along(sandbox: Sandbox, tmp_path: Path) -> None:
    """The kernel reuses the numbers of namespaces: jobs that end while others begin must not end those, too."""
    codes: list[int] = []

    def run(number: int) -> None:
        for turn in range(20):
            process = start(sandbox, tmp_path / f"{number}-{turn}", [], "sh", "-c", "exit 7")
            codes.append(process.wait())

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [7] * 80


def test_more_output_than_a_pipe_holds_is_complete(sandbox: Sandbox, tmp_path: Path) -> None:
    """What the first process printed before it ended is read, however much it was."""
    lines: list[str] = []
    assert start(sandbox, tmp_path, lines, "seq", "300000").wait() == 0
    assert lines == [str(number) for number in range(1, 300001)]


def test_a_job_whose_output_is_closed_goes_on(sandbox: Sandbox, tmp_path: Path) -> None:
    """The end of its output is not its end."""
    lines: list[str] = []
    os.mkfifo(go := tmp_path / "go")
    process = start(sandbox, tmp_path, lines, "sh", "-c", f"echo open; exec >&- 2>&-; read -r _ < {go}; exit 4")
    go.write_text("go\n")
    assert (process.wait(), lines) == (4, ["open"])


@pytest.mark.parametrize("name", ["a b\\c\t#\n,", "no\u00a0break", "line\u2028"])
def test_directories_with_blanks(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    """Blanks, which end a field in a table of file systems, and those of Unicode, which do not."""
    directory = JobDirectory.create(tmp_path / name / "job")
    (directory.ml / "mine").write_text("seen\n", encoding="utf-8")
    lines: list[str] = []
    process = sandbox.start(directory, ["cat", "/opt/ml/mine"], {"PATH": os.environ["PATH"]}, lines.append)
    assert (process.wait(), lines) == (0, ["seen"])


def in_opt(tmp_path: Path, preparation: str, user: str = "") -> subprocess.CompletedProcess[str]:
    """Try the sandbox where ``/opt`` is another directory: in a mount namespace, so that the machine's stays as it is.

    The program's first argument is a directory for it.
    """
    program = (
        "import sys, pathlib\n"
        "from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory, SandboxUnavailableError\n"
        "from airflow_sm_pipelines.local.sandboxes.namespace import NamespaceSandbox\n"
        "scratch = pathlib.Path(sys.argv[1])\n"
        "try:\n"
        "    sandbox = NamespaceSandbox.probe(scratch)\n"
        "except SandboxUnavailableError as error:\n"
        "    sys.exit(str(error))\n"
        "command = ['ls', '-A', '/opt']\n"
        "sandbox.start(JobDirectory.create(scratch / 'job'), command, {'PATH': '/usr/bin:/bin'}, print).wait()\n"
    )
    opt = tmp_path / "opt"
    opt.mkdir()
    script = f'mount --bind "$1" /opt && {preparation} && exec {user} "$2" -c "$3" "$4"'
    scratch = tmp_path / "scratch"
    scratch.mkdir(mode=0o777)
    command = ["unshare", "--mount", "sh", "-c", script, "sh", str(opt), sys.executable, program, str(scratch)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root puts another directory over /opt")


@needs_root
@pytest.mark.parametrize("made", ["touch /opt/ml", "ln -s /nowhere /opt/ml"])
def test_a_file_in_the_place_of_the_jobs_directory(tmp_path: Path, made: str) -> None:
    """A job sees its own directory there, and all else that is in /opt."""
    ended = in_opt(tmp_path, f"mkdir /opt/other && {made}")
    assert (ended.returncode, ended.stdout.split(), ended.stderr) == (0, ["ml", "other"], "")


@needs_root
def test_an_opt_that_must_not_be_looked_at() -> None:
    """An ordinary user who may not see what is in /opt runs jobs that do not see it either."""
    user = "setpriv --reuid 65534 --regid 65534 --clear-groups"
    module = "airflow_sm_pipelines.local.sandboxes.namespace"
    if subprocess.run([*user.split(), sys.executable, "-m", module], capture_output=True, check=False).returncode:
        pytest.skip(f"an ordinary user cannot run {sys.executable} with this package")
    with tempfile.TemporaryDirectory(prefix="sm-pipelines-tests-") as place:  # pytest's own is its user's alone
        Path(place).chmod(0o755)
        scratch = Path(place) / "own"
        scratch.mkdir()
        os.chown(scratch, 65534, 65534)
        ended = in_opt(
            scratch,
            'touch /opt/seen && chmod 700 /opt && chmod 777 "$4"',
            user,
        )
    assert (ended.returncode, ended.stdout.split(), ended.stderr) == (0, ["ml"], "")


@needs_root
def test_a_directory_of_the_endpoint_that_jobs_do_not_see(tmp_path: Path) -> None:
    """Below /opt nothing of the machine's is where it was; the message says what to do."""
    ended = in_opt(tmp_path, 'mkdir /opt/state && set -- "$1" "$2" "$3" /opt/state')
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        1,
        "",
        (
            "The directory /opt/state of the endpoint is below /opt, where jobs see other files. Give another directory with --state-dir or TMPDIR.\n"
        ),
    )


def test_nothing_runs_in_the_endpoints_own_namespace(tmp_path: Path) -> None:
    """Whatever the command `unshare` did: all that is in a job's namespace is killed when the job ends."""
    lines: list[str] = []
    process = start(NamespaceSandbox(("env",)), tmp_path, lines, "echo", "run")
    assert (process.wait(), lines) == (1, ["the job would be in the mount namespace of the endpoint"])


def test_a_job_killed_before_it_began_has_an_exit_code() -> None:
    """It has said that it is in its namespace, and does not read the answer any more."""
    lines: list[str] = []
    process = NamespaceProcess(["/bin/sh", "-c", "exec <&-; echo entered; exit 5"], {}, lines.append)
    assert (process.wait(), lines) == (5, [])


def test_a_job_ends_with_its_first_process(sandbox: Sandbox, tmp_path: Path) -> None:
    """A child in a session of its own holds the output open; it ends neither later than the job nor without it."""
    lines: list[str] = []
    assert start(sandbox, tmp_path, lines, "python3", "-c", DETACH, "sleep", "600").wait() == 0
    (pid,) = map(int, lines)
    assert_gone(pid)


def test_a_child_that_never_stops_printing_ends_too(sandbox: Sandbox, tmp_path: Path) -> None:
    """What is read after the first process has ended is what there was at that moment."""
    lines: list[str] = []
    assert start(sandbox, tmp_path, lines, "python3", "-c", DETACH, "yes").wait() == 0
    (pid,) = (int(line) for line in lines if line.isdigit())
    assert_gone(pid)


def test_a_job_that_is_killed_takes_along_what_left_its_group(sandbox: Sandbox, tmp_path: Path) -> None:
    """As at the end of a stop's grace period, or of the endpoint."""
    lines: list[str] = []
    os.mkfifo(go := tmp_path / "go")
    command = f"{DETACH}; open({str(go)!r}, 'w').close(); import signal; signal.pause()"
    process = start(sandbox, tmp_path, lines, "python3", "-c", command, "sleep", "600")
    go.read_text()
    process.kill()
    assert process.wait() == 137
    (pid,) = map(int, lines)
    assert_gone(pid)
