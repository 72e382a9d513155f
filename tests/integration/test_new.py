"""``sm-pipelines new``: what it writes can be run as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_sm_pipelines import cli

ROOT = Path(__file__).parents[2]
FILES = [
    "conftest.py",
    "dags/house_prices.py",
    "dags/steps/house_prices/prepare.py",
    "dags/steps/house_prices/train.py",
    "dags/steps/house_prices/evaluate.py",
    "tests/test_house_prices.py",
]


def test_the_test_of_a_new_dag_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The files are named; the test runs the pipeline to its end; ruff has nothing to say."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["new", "house-prices"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        *(f"Wrote house-prices/{file}" for file in FILES),
        "Run the test: cd house-prices && python -m pytest",
    ]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "house-prices",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout.splitlines()[-1].partition(" in ")[0]) == (0, "2 passed"), ended.stdout
    assert cli.main(["validate", "--strict", "house-prices/dags/house_prices.py"]) == 0


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that exists is named, and nothing is written, unless --force is given."""
    (tmp_path / "conftest.py").write_text("mine")
    arguments = ["new", "churn", "--directory", str(tmp_path)]
    assert cli.main(arguments) == 1
    assert capsys.readouterr().err == (
        f"sm-pipelines new: {tmp_path} already has conftest.py. Nothing was written. Give another --directory, or --force "
        "to overwrite\n"
    )
    assert [each.name for each in tmp_path.iterdir()] == ["conftest.py"]
    assert cli.main([*arguments, "--force"]) == 0
    assert (tmp_path / "conftest.py").read_text() != "mine"


@pytest.mark.parametrize("name", ["1st", "a b", "../a", "a__b", "class", "dag", ""])
def test_a_name_that_cannot_be_one(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It has to be a Dag's id, a module's name and a pipeline's name."""
    assert cli.main(["new", name]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"Error: Invalid value for 'NAME': {name!r} ")
