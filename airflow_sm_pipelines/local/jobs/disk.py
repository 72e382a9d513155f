"""What a job has on disk, and a watch that sees when it is too much.

An ordinary user cannot bound a directory on every file system, and a volume in the job's mount namespace would be gone
before its outputs are stored. So the files are counted while the job runs.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing_extensions import Self

GIGABYTE: Final = 1024**3
"""What ``VolumeSizeInGB`` counts."""

_SECONDS_BETWEEN: Final = 1.0
_SHARE_OF_TIME: Final = 0.05
"""So much of the time is spent on counting, where there are many files."""

_BLOCK: Final = 512  # bytes, whatever a file system's blocks are (POSIX, stat)


def disk_usage(directory: Path) -> int:
    """Return how many bytes the files below a directory take on disk; a file with several names counts once.

    Links are not followed. What disappears meanwhile, or cannot be listed, does not count.

    :param directory: the directory.
    """
    found: dict[tuple[int, int], int] = {}
    left = [str(directory)]
    while left:
        try:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    found[status.st_dev, status.st_ino] = status.st_blocks * _BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
        except OSError:
            continue
    return sum(found.values())


class DiskWatch:
    """Looks about once a second at some directories. A context manager: it looks inside.

    A job that writes quickly has gone beyond the limit when that is seen. Files that have no name any more, and those
    outside of the directories, are not seen.

    :param directories: the directories.
    :param most: the bytes that each may have; ``None`` for no limit, and nothing is looked at.
    :param full: called once, from a thread, with the first directory that has more.
    """

    def __init__(self, directories: Sequence[Path], most: int | None, full: Callable[[Path], None]) -> None:
        self._directories = directories
        self._most = most
        self._full = full
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"disk-{directories[0].name}", daemon=True)

    def __enter__(self) -> Self:
        if self._most is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._most is not None:
            self._thread.join()

    def _watch(self) -> None:
        pause = 0.0
        while not self._over.wait(pause):
            began = time.monotonic()
            for directory in self._directories:
                if disk_usage(directory) > (self._most or 0):
                    self._full(directory)
                    return
            pause = max(_SECONDS_BETWEEN, (time.monotonic() - began) / _SHARE_OF_TIME)
