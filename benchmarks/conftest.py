"""For all benchmarks: nobody's settings, nobody is called, and what was measured is printed as tables in the end."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_sm_pipelines.serving.stack import clean_environment

if TYPE_CHECKING:
    from benchmarks.report import Report

# Before anything imports Airflow or boto3, which read these once.
_SCRATCH = Path(tempfile.mkdtemp(prefix="sm-pipelines-benchmarks-"))
atexit.register(shutil.rmtree, _SCRATCH, ignore_errors=True)
_ENVIRONMENT = {
    **clean_environment(_SCRATCH),
    "AIRFLOW_HOME": str(_SCRATCH / "airflow"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AWS_DEFAULT_REGION": "us-east-1",
}
os.environ.clear()
os.environ.update(_ENVIRONMENT)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--quick``."""
    parser.addoption("--quick", action="store_true", help="run everything, at a small size: the numbers mean nothing")


def pytest_configure(config: pytest.Config) -> None:
    """With ``--quick`` let pytest-benchmark call everything once."""
    if config.getoption("--quick"):
        config.option.benchmark_disable = True


@pytest.fixture(scope="session")
def quick(request: pytest.FixtureRequest) -> bool:
    """Whether the numbers do not matter."""
    return bool(request.config.getoption("--quick"))


_REPORT = pytest.StashKey["Report"]()


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Report:
    """Where benchmarks put their tables."""
    from benchmarks.report import Report

    return request.config.stash.setdefault(_REPORT, Report())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables."""
    report = terminalreporter.config.stash.get(_REPORT, None)
    if report is not None:
        terminalreporter.section("measured, side by side")
        terminalreporter.write_line(report.text())
