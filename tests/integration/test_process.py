"""The endpoint as a program: how it starts, how it ends, and what is left of its jobs."""

from __future__ import annotations

import errno
import http.client
import os
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

import airflow_sm_pipelines
from airflow_sm_pipelines.local.__main__ import main
from tests.integration.clients import Aws
from tests.integration.documents import document, fail_step, processing_step, training_step

ROOT = Path(airflow_sm_pipelines.__file__).parents[1]

# The script starts a child, and another in a session of its own, tells all process ids, listens to nothing and waits.
FAMILY = """
import boto3, os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pids = [os.getpid(), *(subprocess.Popen(["sleep", "600"], start_new_session=new).pid for new in (False, True))]
sqs = boto3.client("sqs")
sqs.send_message(QueueUrl=sqs.create_queue(QueueName="family")["QueueUrl"], MessageBody=" ".join(map(str, pids)))
while True:
    signal.pause()
"""


AS_ROOT = "sm-pipelines local: warning: jobs run as root. Run the endpoint as an ordinary user if others can use it\n"


@contextmanager
def program(
    *arguments: str, prefix: Sequence[str] = (), cwd: Path | None = None, **environment: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the endpoint as a program of its own; give it and the URL that it prints once it listens."""
    process = subprocess.Popen(
        [*prefix, sys.executable, "-m", "airflow_sm_pipelines.local", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], 30)
        assert readable, "the endpoint printed nothing for 30 seconds"
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def start_family(aws: Aws) -> list[int]:
    """Run a processing and a training job of FAMILY; return the processes, all alive."""
    aws.create_bucket()
    script = aws.put("code/script.py", FAMILY)
    source = aws.put_source_archive({"train.py": FAMILY})
    aws.start(document(processing_step("p", script), training_step("t", source)))
    sqs = aws.sqs
    url = sqs.create_queue(QueueName="family")["QueueUrl"]
    pids: list[int] = []
    while len(pids) < 6:
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            pids += map(int, message["Body"].split())
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    return pids


def wait_until_gone(pids: Sequence[int]) -> None:
    """Wait for processes that are not our children, by their pidfds; a process already gone is fine."""
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            readable, _, _ = select.select([handle], [], [], 10)
            assert readable, f"process {pid} is still there"
        finally:
            os.close(handle)


def test_it_prints_its_url_and_answers(tmp_path: Path) -> None:
    """One line on standard output, as soon as it listens, on a free port of this machine only.

    On standard error it says how clients find it, and how each step ends.
    """
    with program(TMPDIR=str(tmp_path)) as (process, url):
        assert url.startswith("http://127.0.0.1:")
        aws = Aws(url)
        assert aws.sagemaker.list_pipelines()["PipelineSummaries"] == []
        arn = aws.start(document(fail_step("reject", "not accurate enough")))
        while aws.describe(arn)["PipelineExecutionStatus"] == "Executing":
            assert process.poll() is None, "the endpoint has ended"
        process.send_signal(signal.SIGTERM)
        out, error = process.communicate(timeout=30)
    pipeline, execution_id = arn.split("/")[1::2]
    told = [
        *(AS_ROOT.splitlines() if os.geteuid() == 0 else ()),
        f"export AWS_ENDPOINT_URL={url}",
        "export AWS_ACCESS_KEY_ID=local",
        "export AWS_SECRET_ACCESS_KEY=local",
        "export AWS_DEFAULT_REGION=us-east-1",
        f"{pipeline} {execution_id} step reject: Failed after N s: not accurate enough",
    ]
    lines = [re.sub(r"after [\d.]+ s", "after N s", line) for line in error.splitlines()]
    assert (process.returncode, out, lines) == (0, "", told)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ending_it_ends_its_jobs_and_removes_its_files(tmp_path: Path, number: signal.Signals) -> None:
    """Scripts and their children, that listen to no signal, are gone when the program has ended."""
    with program("--state-dir", str(tmp_path / "state")) as (process, url):
        pids = start_family(Aws(url))
        process.send_signal(number)
        process.communicate(timeout=30)
    assert process.returncode == 0
    wait_until_gone(pids)
    assert list((tmp_path / "state").iterdir()) == []


def test_killing_it_ends_its_jobs(tmp_path: Path) -> None:
    """SIGKILL gives it no chance to do anything; its jobs and their children end all the same."""
    with program("--state-dir", str(tmp_path)) as (process, url):
        pids = start_family(Aws(url))
        process.kill()
        process.communicate(timeout=30)
        wait_until_gone(pids)


def test_what_a_killed_endpoint_has_left_is_removed(tmp_path: Path) -> None:
    """By the next one that starts there. What is a running endpoint's, or nobody's, stays."""
    nobodys = tmp_path / "sm-pipelines-of-somebody"
    nobodys.mkdir()
    with program("--state-dir", str(tmp_path)) as (running, _):
        [here] = set(tmp_path.iterdir()) - {nobodys}
        with program("--state-dir", str(tmp_path)) as (killed, _):
            [left] = set(tmp_path.iterdir()) - {nobodys, here}
            killed.kill()
            killed.wait()
        with program("--state-dir", str(tmp_path)) as (process, _):
            there = set(tmp_path.iterdir())
            process.terminate()
            _, error = process.communicate(timeout=30)
        assert len(there) == 3
        assert left not in there
        assert error.splitlines()[0].endswith(f"removing {left}, left by an endpoint that was killed")
        running.terminate()
        running.communicate(timeout=30)
    assert list(tmp_path.iterdir()) == [nobodys]


def test_web_pages_get_no_permission() -> None:
    """The preflight request by which a page of another origin asks whether it may send requests: no."""
    with program() as (_, url):
        host, port = url.removeprefix("http://").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        connection.request(
            "OPTIONS",
            "/",
            headers={
                "Origin": "http://evil.example",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "x-amz-target",
            },
        )
        response = connection.getresponse()
        connection.close()
    assert response.getheader("Access-Control-Allow-Origin") is None


def test_other_machines_call_it_by_a_name_that_it_was_told() -> None:
    """And buckets by a name in front of it. Any other name is refused."""
    with program("--allow-host", "sagemaker.lab", "--bucket", "there") as (_, url):
        host, port = url.removeprefix("http://").split(":")
        answers = {}
        for name in ("sagemaker.lab", "there.sagemaker.lab", "evil.example"):
            connection = http.client.HTTPConnection(host, int(port), timeout=10)
            connection.request("GET", "/", headers={"Host": f"{name}:{port}"})
            answers[name] = connection.getresponse().status
            connection.close()
    assert answers == {"sagemaker.lab": 404, "there.sagemaker.lab": 200, "evil.example": 403}


def test_a_port_that_is_taken_is_said() -> None:
    """Exit status 1 and one line, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_to_the_end("--port", str(port))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(
        f"sm-pipelines local: port {port} of 127.0.0.1 is in use: [Errno {errno.EADDRINUSE}] Address already in use"
    )
    assert ended.stderr.endswith(
        f"'ss -ltnp sport = :{port}' shows which process uses it. Give another --port, or --port 0 for a free one\n"
    )


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--port", "99999", "'99999' is not a port. Give 0 to 65535."),
        ("--port", "-1", "'-1' is not a port. Give 0 to 65535."),
        ("--port", "http", "'http' is not a port. Give 0 to 65535."),
        ("--access-key", "a/b", "'a/b' is not the id of an access key. Give letters, digits, '_' and '-'."),
        ("--stop-grace", "-1", "'-1' is not a time. Give seconds, 0 or more."),
        ("--stop-grace", "nan", "'nan' is not a time. Give seconds, 0 or more."),
        ("--stop-grace", "inf", "'inf' is not a time. Give seconds, 0 or more."),
        ("--stop-grace", "soon", "'soon' is not a time. Give seconds, 0 or more."),
    ],
)
def test_an_option_that_makes_no_sense_is_said(
    option: str, value: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, and the last line names the option; nothing is started."""
    assert main([option, value]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"Error: Invalid value for '{option}': {complaint}"


def test_an_interpreter_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Exit status 1 and the path."""
    ended = run_to_the_end("--job-python", str(tmp_path / "python"))
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        1,
        "",
        f"sm-pipelines local: the interpreter for jobs, {tmp_path / 'python'}, is not there or cannot be executed\n",
    )


def test_an_images_file_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """Exit status 1 and one line, before anything is served."""
    ended = run_to_the_end("--images", str(tmp_path / "images.toml"))
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        1,
        "",
        (
            f"sm-pipelines local: {tmp_path}/images.toml cannot be read: No such file or directory. Give --images a file that "
            "is there\n"
        ),
    )


def test_buckets_are_there_whenever_the_endpoint_has_started(tmp_path: Path) -> None:
    """Those named with --bucket, from the URL's being printed on, for clients of every region; empty after a restart."""
    for _ in range(2):
        with program("--state-dir", str(tmp_path), "--bucket", "one-ml", "--bucket", "two-ml") as (_, url):
            aws = Aws(url)
            buckets = [bucket["Name"] for bucket in aws.s3.list_buckets()["Buckets"]]
            objects = [aws.s3.list_objects_v2(Bucket=bucket)["KeyCount"] for bucket in buckets]
            aws.s3.put_object(Bucket="one-ml", Key="left", Body=b"")
        assert (buckets, objects) == (["one-ml", "two-ml"], [0, 0])


@pytest.mark.parametrize(
    ("bucket", "complaint"),
    [
        ("ML", "The specified bucket is not valid."),
        ("x y", 'Invalid bucket name "x y"'),
    ],
)
def test_a_bucket_that_s3_refuses_is_said(bucket: str, complaint: str, tmp_path: Path) -> None:
    """Exit status 1, the bucket and S3's reason without a traceback, and no files left."""
    ended = run_to_the_end("--state-dir", str(tmp_path), "--bucket", bucket)
    assert (ended.returncode, ended.stdout, list(tmp_path.iterdir())) == (1, "", [])
    assert ended.stderr.startswith(f"sm-pipelines local: the bucket '{bucket}' cannot be made: ")
    assert complaint in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_machine_that_allows_no_namespaces_is_said_with_the_fix(tmp_path: Path) -> None:
    """The probe at start finds out, here with an `unshare` that always refuses."""
    refusing = tmp_path / "unshare"
    refusing.write_text("#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n")
    refusing.chmod(0o755)
    ended = run_to_the_end(PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Operation not permitted" in ended.stderr
    assert "Fix: on a host, allow unprivileged user namespaces" in ended.stderr


def test_a_machine_without_unshare_is_said(tmp_path: Path) -> None:
    """The package to install is named."""
    ended = run_to_the_end(PATH=str(tmp_path))
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        1,
        "",
        "sm-pipelines local: The endpoint needs the command 'unshare' to run jobs: install the package util-linux.\n",
    )


def run_to_the_end(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program when it is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "airflow_sm_pipelines.local", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="every other test runs without that right already")
def test_root_without_the_right_to_mount_can_run_jobs(tmp_path: Path) -> None:
    """As root in an ordinary container: jobs of both kinds run in a user namespace."""
    without_right = ("setpriv", "--bounding-set=-sys_admin")
    script = "import os, pathlib; pathlib.Path('/opt/ml/made').touch(); print(os.listdir('/opt/ml'), os.getuid())"
    with program("--state-dir", str(tmp_path), prefix=without_right) as (process, url):
        aws = Aws(url)
        aws.create_bucket()
        definition = document(
            processing_step("p", aws.put("code/script.py", script)),
            training_step("t", aws.put_source_archive({"train.py": script}), DependsOn=["p"]),
            {"Name": "end", "Type": "Fail", "Arguments": {"ErrorMessage": "done"}, "DependsOn": ["t"]},
        )
        arn = aws.start(definition)
        while aws.describe(arn)["PipelineExecutionStatus"] == "Executing":
            assert process.poll() is None, "the endpoint has ended"
        steps = aws.steps(arn)
    assert {key: (step["StepStatus"], step.get("FailureReason")) for key, step in steps.items()} == {
        "p": ("Succeeded", None),
        "t": ("Succeeded", None),
        "end": ("Failed", "done"),
    }


def test_an_endpoint_starts_empty() -> None:
    """The state of moto is the whole process's: the next endpoint in it has nothing of the last one."""
    program = """
from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws

for _ in range(2):
    with LocalEndpoint() as endpoint:
        aws = Aws(endpoint.url)
        print([bucket["Name"] for bucket in aws.s3.list_buckets()["Buckets"]])
        aws.s3.create_bucket(Bucket="left", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        print([bucket["Name"] for bucket in aws.s3.list_buckets()["Buckets"]])
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "[]\n['left']\n[]\n['left']\n"), ended.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="every other test runs as an ordinary user already")
def test_an_ordinary_user_can_run_jobs() -> None:
    """Without any right of root's: own /opt/ml in a user namespace, nothing made in /opt, several at once, none left.

    The sandbox needs the standard library only, so it is run with the system's interpreter, from a copy of the
    package: those of the tests may lie where another user cannot read them.
    """
    interpreter = shutil.which("python3", path="/usr/bin")
    if interpreter is None:
        pytest.skip("there is no /usr/bin/python3 that another user could run")
    nobody = pwd.getpwnam("nobody")
    code = textwrap.dedent(
        """
        import os, tempfile
        from pathlib import Path
        from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory
        from airflow_sm_pipelines.local.sandboxes.namespace import NamespaceSandbox
        with tempfile.TemporaryDirectory() as scratch:
            sandbox = NamespaceSandbox.probe(Path(scratch))
            said = []
            running = []
            held = []
            for name in ("one", "two"):
                directory = JobDirectory.create(Path(scratch) / name)
                script = (
                    f"echo {name} > /opt/ml/who; exec 3> /opt/ml/open; setsid sleep 600 & exec 3>&-;"
                    " read -r _ < /opt/ml/go; cat /opt/ml/who"
                )
                os.mkfifo(directory.ml / "go")
                os.mkfifo(directory.ml / "open")
                held.append(os.open(directory.ml / "open", os.O_RDONLY | os.O_NONBLOCK))
                running.append(sandbox.start(directory, ["sh", "-c", script], {"PATH": os.defpath}, said.append))
            for name in ("one", "two"):
                (Path(scratch) / name / "ml" / "go").write_text("go\\n")
            codes = [process.wait() for process in running]
            print(os.geteuid(), codes, sorted(said), os.path.exists("/opt/ml"))
            print([os.read(pipe, 1) for pipe in held])  # nobody has them open for writing any more
        """
    )
    with tempfile.TemporaryDirectory() as readable:
        Path(readable).chmod(0o755)
        shutil.copytree(ROOT / "airflow_sm_pipelines", f"{readable}/airflow_sm_pipelines")
        ended = subprocess.run(
            ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", interpreter, "-"],
            input=code,
            env={"PATH": os.defpath, "PYTHONPATH": readable},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (ended.stdout, ended.stderr) == (f"{nobody.pw_uid} [0, 0] ['one', 'two'] False\n[b'', b'']\n", "")
