"""Directories that jobs have left, of any depth."""

from __future__ import annotations

import logging
import shutil
import subprocess
from pathlib import Path

logger = logging.getLogger(__name__)


def remove_tree(root: Path) -> None:
    """Remove a directory with all that is in it. What cannot be removed is logged, and no failure.

    :param root: the directory.
    """
    try:
        shutil.rmtree(root)
    except RecursionError:
        # Nothing of Python's takes away some thousand directories in one another.
        removed = subprocess.run(["rm", "-rf", "--", root], capture_output=True, text=True, check=False)  # noqa: S603, S607
        if removed.returncode != 0:
            logger.warning("could not remove the directory %s: %s", root, removed.stderr)
    except OSError as error:  # a job may leave a directory that cannot be listed; its outcome stands
        logger.warning("could not remove the directory %s: %s", root, error)
