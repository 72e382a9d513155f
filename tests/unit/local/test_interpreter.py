"""The Python that stands for every image, and the environment of a job on top of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_sm_pipelines.local.jobs.interpreter import Interpreter


def test_an_environment_has_the_packages_of_its_interpreter(tmp_path: Path):
    """It is another prefix, with a place of its own before the packages of this interpreter, which are all there."""
    interpreter = Interpreter.ask(Path(sys.executable))
    interpreter.make_environment(tmp_path / "own")
    own = tmp_path / "own" / "lib" / f"python{interpreter.version}" / "site-packages"
    (own / "mine.py").write_text("")
    script = "import json, sys, boto3, mine; print(json.dumps([sys.prefix, sys.path, boto3.__file__, mine.__file__]))"
    ended = subprocess.run(
        [tmp_path / "own" / "bin" / "python3", "-I", "-c", script], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    prefix, path, boto3, mine = json.loads(ended.stdout)
    import boto3 as ours

    assert (prefix, boto3, mine) == (str(tmp_path / "own"), ours.__file__, str(own / "mine.py"))
    assert path.index(str(own)) < path.index(str(Path(ours.__file__).parents[1]))


def test_what_is_no_interpreter_is_said(tmp_path: Path):
    """Another program, or one that fails."""
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(OSError, match=f"^{program} is not a Python interpreter that works: broken$"):
        Interpreter.ask(program)


def test_an_environment_has_no_packages_that_its_interpreter_has_not(tmp_path: Path):
    """Those of the Python that a virtual environment was made with are none of it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    interpreter = Interpreter.ask(tmp_path / "bare" / "bin" / "python3")
    interpreter.make_environment(tmp_path / "own")
    script = "import sys; print([path for path in sys.path if 'site-packages' in path])"
    python = tmp_path / "own" / "bin" / "python3"
    ended = subprocess.run([python, "-I", "-c", script], capture_output=True, text=True, check=True)
    packages = f"lib/python{interpreter.version}/site-packages"
    assert ended.stdout.strip() == str([f"{tmp_path}/own/{packages}", f"{tmp_path}/bare/{packages}"])


def test_pip_is_that_of_the_environment(tmp_path: Path):
    """Not the interpreter's program of that name, which would install into the interpreter."""
    Interpreter.ask(Path(sys.executable)).make_environment(tmp_path / "own")
    for name in ("pip", "pip3"):
        ended = subprocess.run(
            [tmp_path / "own" / "bin" / name, "config", "debug"], capture_output=True, text=True, check=True
        )
        assert f"{tmp_path}/own/pip.conf" in ended.stdout
