"""The directory of a running endpoint, and what is left of endpoints that were killed."""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
from pathlib import Path
from typing import Final

from airflow_sm_pipelines.local.jobs.trees import remove_tree

_PREFIX: Final = "sm-pipelines-"
_LOCK: Final = ".running"

logger = logging.getLogger(__name__)


class StateDirectory:
    """A new directory, locked for as long as this process lives.

    :param parent: where; ``None`` for the directory of temporary files.
    """

    def __init__(self, parent: Path | None) -> None:
        if parent is not None:
            parent.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        # Locked before it has its name: who finds it under that name, and not locked, knows that its owner has ended.
        draft = self.path / f"{_LOCK}.new"
        self._lock = os.open(draft, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        draft.rename(self.path / _LOCK)

    def remove_left_over(self) -> None:
        """Remove the directories beside it that endpoints of the same user have left behind, since they were killed."""
        for other in self.path.parent.glob(f"{_PREFIX}*"):
            if other != self.path and _is_left_over(other):
                logger.warning("removing %s, left by an endpoint that was killed", other)
                remove_tree(other)

    def remove(self) -> None:
        """Remove it, with all that is in it."""
        remove_tree(self.path)
        os.close(self._lock)


def _is_left_over(directory: Path) -> bool:
    try:
        if directory.is_symlink() or directory.stat().st_uid != os.geteuid():
            return False
        lock = os.open(directory / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False  # not an endpoint's, or already gone
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
