from __future__ import annotations

import sys

import pytest

import airflow_sm_pipelines
from airflow_sm_pipelines import cli


def test_the_version_is_told(capsys):
    """``--version`` says which version is installed."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"sm-pipelines {airflow_sm_pipelines.__version__}\n")


def test_a_command_is_needed(capsys):
    """Without a command, or with an unknown one, the usage is shown and the status is 2."""
    for arguments in ([], ["serve"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        assert ended.value.code == 2
        assert capsys.readouterr().err.startswith("usage: sm-pipelines [-h] [--version] COMMAND ...\n")


def test_local_has_its_own_help(capsys):
    """The options after ``local`` are those of the local endpoint."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["local", "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: sm-pipelines local [-h] [--host HOST] [--port PORT]")


def test_local_without_its_extra_says_what_to_install(capsys, monkeypatch):
    """Where moto is not installed the message names the extra, without a traceback."""
    for name in [name for name in sys.modules if name.startswith("airflow_sm_pipelines.local")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "airflow_sm_pipelines.local.__main__", None)
    assert cli.main(["local"]) == 1
    assert capsys.readouterr().err == (
        "sm-pipelines local: the local endpoint needs the extra 'local', and 'airflow_sm_pipelines.local.__main__' is "
        "not installed: pip install 'airflow-sm-pipelines[local]'\n"
    )
