"""For all tests: nobody's settings but the project's own, and every test says what behaviour it is about."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run: what a run finds, the next one finds too. `--hypothesis-profile=explore` looks further.
settings.register_profile("same", derandomize=True, database=None, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None)
settings.load_profile("same")

# Before anything imports Airflow or boto3, which read these once. A developer's account must be out of reach, and
# Airflow must write neither to the home directory nor to a database that somebody uses.
for _name in list(os.environ):
    if _name.startswith(("AWS_", "AIRFLOW_", "EXAMPLE_", "SAGEMAKER_")) or _name.lower().endswith("_proxy"):
        del os.environ[_name]
_SCRATCH = tempfile.mkdtemp(prefix="sm-pipelines-tests-")
atexit.register(shutil.rmtree, _SCRATCH, ignore_errors=True)
os.environ.update(
    {
        "AIRFLOW_HOME": f"{_SCRATCH}/airflow",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": _SCRATCH,
    }
)

TESTS = Path(__file__).parent

# They need servers and an environment of their own, which `make test-celery` has and `make test` has not.
collect_ignore = [] if find_spec("celery") else ["celery"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the tests of clients, whose environments `make test-clients` makes, unless they are asked for."""
    is_asked_for = any("clients" in Path(argument).parts for argument in config.args)
    return True if collection_path == TESTS / "clients" and not is_asked_for else None


# Before pytest-xdist's own, which reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests without a docstring, and keep the live ones in one worker process."""
    silent = []
    for item in items:
        function = getattr(item, "function", None)
        if function is not None and not (function.__doc__ or "").strip():
            silent.append(item.nodeid)
        if item.path.is_relative_to(TESTS / "live"):
            item.add_marker("live")
            group = item.get_closest_marker("xdist_group")
            if group is None:
                item.add_marker(pytest.mark.xdist_group("live"))
    if silent:
        raise pytest.UsageError(
            "These tests do not say in a docstring which behaviour they are about:\n  "
            + "\n  ".join(sorted(set(silent)))
        )
