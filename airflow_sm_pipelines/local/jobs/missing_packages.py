"""Jobs that fail because their interpreter lacks a package that their image has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_DISTRIBUTIONS: Final = {
    "datasets": "datasets",
    "joblib": "joblib",
    "keras": "keras",
    "numpy": "numpy",
    "pandas": "pandas",
    "sagemaker_inference": "sagemaker-inference",
    "sagemaker_training": "sagemaker-training",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "tensorflow": "tensorflow",
    "torch": "torch",
    "torchvision": "torchvision",
    "transformers": "transformers",
    "xgboost": "xgboost",
}
"""What AWS's framework images have, by the name it is imported by, and what is installed for it."""

_MISSING: Final = re.compile(r"ModuleNotFoundError: No module named '(?P<module>\w+)'")


def missing_package(error_line: str, image: str, interpreter: Path) -> str | None:
    """Return the FailureReason of a job whose interpreter lacks a package of its image; ``None`` for any other job.

    :param error_line: the last error line that the job printed.
    :param image: the job's image; empty without one.
    :param interpreter: what stands for the image.
    """
    found = _MISSING.search(error_line)
    if found is None or found["module"] not in _DISTRIBUTIONS:
        return None
    stands_for = f", which stands for the image {image}," if image else ""
    return (
        f"ClientError: the interpreter {interpreter}{stands_for} does not have the package {found['module']}:"
        f" {error_line}. Install it: {interpreter} -m pip install {_DISTRIBUTIONS[found['module']]}. Or name an"
        " interpreter that has it for this image, in the file that the endpoint's option --images gives"
    )
