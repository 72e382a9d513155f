"""The region that a run acts in."""

from __future__ import annotations

import os


def region_of_environment() -> str:
    """Return what ``AWS_REGION`` or ``AWS_DEFAULT_REGION`` says, else ``us-east-1``."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
