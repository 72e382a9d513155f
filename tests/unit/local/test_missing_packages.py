"""The FailureReason of a job whose interpreter lacks a package of its image."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_sm_pipelines.local.jobs.missing_packages import missing_package

PYTHON = Path("/usr/bin/python3")


def test_a_package_of_the_image_is_named_with_both_fixes() -> None:
    """The error line stays, and the package is called what pip calls it."""
    line = "ModuleNotFoundError: No module named 'sklearn'"
    assert missing_package(line, "registry/sagemaker-scikit-learn:1.2-1", PYTHON) == (
        "ClientError: the interpreter /usr/bin/python3, which stands for the image registry/sagemaker-scikit-learn:1.2-1,"
        f" does not have the package sklearn: {line}. Install it: /usr/bin/python3 -m pip install scikit-learn. Or name an"
        " interpreter that has it for this image, in the file that the endpoint's option --images gives"
    )


def test_the_toolkit_is_such_a_package() -> None:
    """Python says so in another form when it is to run a module."""
    line = "python3: Error while finding module (ModuleNotFoundError: No module named 'sagemaker_training')"
    reason = missing_package(line, "", PYTHON)
    assert reason is not None
    assert reason.startswith(
        "ClientError: the interpreter /usr/bin/python3 does not have the package sagemaker_training:"
        f" {line}. Install it: /usr/bin/python3 -m pip install sagemaker-training. "
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ValueError: bad",
        "ModuleNotFoundError: No module named 'helper'",
        "ModuleNotFoundError: No module named 'sklearn.externals'",
    ],
)
def test_other_failures_are_not_of_that_kind(line: str) -> None:
    """A module of the script's own, or one that another version of a package had."""
    assert missing_package(line, "image", PYTHON) is None
