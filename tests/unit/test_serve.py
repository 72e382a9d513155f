"""What ``sm-pipelines serve`` needs, and what it passes on."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_sm_pipelines import cli
from airflow_sm_pipelines.serving import guard
from airflow_sm_pipelines.serving.serving import ServeSettings, environment_of


@pytest.mark.parametrize(("folder", "what"), [("nowhere", "does not exist"), ("file", "is a file. Give its directory")])
def test_a_folder_that_is_none(folder, what, tmp_path, monkeypatch, capsys):
    """Nothing is started, and the message says what is wrong."""
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert cli.main(["serve", folder]) == 1
    assert capsys.readouterr() == ("", f"sm-pipelines serve: the Dags folder {folder} {what}\n")


def test_another_system_is_refused(tmp_path, monkeypatch, capsys):
    """Processes are guarded by means of Linux."""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cli.main(["serve", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        "sm-pipelines serve: this command runs on Linux only, and this is darwin. Use Docker, or a Linux machine\n"
    )


def test_options_go_to_the_endpoint(tmp_path, monkeypatch):
    """The guarded process gets absolute paths, and the endpoint its options as they were given."""
    commands = []
    monkeypatch.setattr(guard, "run_guarded", lambda command, _environment: commands.append(command) or 0)
    monkeypatch.chdir(tmp_path)
    given = [
        "--bucket",
        "a",
        "--bucket",
        "b",
        "--stub",
        "all",
        "--images",
        "i.toml",
        "--lambda",
        "f=m:h",
        "--port",
        "1",
    ]
    assert cli.main(["serve", ".", "--directory", "kept", *given]) == 0
    [[*program, settings]] = commands
    assert program == [sys.executable, "-m", "airflow_sm_pipelines.serving"]
    assert json.loads(settings) == {
        "dags_folder": str(tmp_path),
        "port": 1,
        "endpoint_port": 0,
        "directory": str(tmp_path / "kept"),
        "endpoint_arguments": [
            "--bucket",
            "a",
            "--bucket",
            "b",
            "--stub",
            "all",
            "--lambda",
            "f=m:h",
            "--images",
            "i.toml",
        ],
    }


def test_the_environment_reaches_no_account():
    """Settings of AWS and of another Airflow are left out; variables and connections of the user are kept."""
    given = {
        "AIRFLOW_HOME": "/airflow",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW_VAR_KEY": "value",
        "AIRFLOW_CONN_OTHER": "http://other",
        "AWS_PROFILE": "production",
        "PYTHONPATH": "/own",
    }
    assert environment_of(given) == {
        "AIRFLOW_VAR_KEY": "value",
        "AIRFLOW_CONN_OTHER": "http://other",
        "PYTHONPATH": "/own",
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUNBUFFERED": "1",
    }


def test_a_port_in_use_is_said(tmp_path):
    """Before anything is started; the message names the options."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = ServeSettings(str(tmp_path), port=port, directory=str(tmp_path / "kept"))
        program = f"import sys; from airflow_sm_pipelines.serving.serving import *; sys.exit(serve({settings!r}))"
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        1,
        "",
        (
            f"sm-pipelines serve: port {port} cannot be used: Address already in use. Give another one with --port or "
            "--endpoint-port; 0 takes a free one\n"
        ),
    )


def test_the_command_loads_no_airflow(tmp_path):
    """The help and the refusals of ``serve`` and ``new`` are as quick as those of other commands."""
    code = (
        "import contextlib, json, sys\n"
        "from airflow_sm_pipelines import cli\n"
        "with contextlib.redirect_stdout(sys.stderr):\n"
        "    status = [cli.main(['serve', '--help']), cli.main(['serve', 'nowhere']), cli.main(['new', '--help'])]\n"
        "print(json.dumps([status, [n for n in ('airflow', 'boto3', 'moto', 'sqlalchemy', 'rich') if n in sys.modules]]))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])},
    )
    assert json.loads(ended.stdout) == [[0, 1, 0], []]
