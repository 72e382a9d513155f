"""The Python that stands for an image, and what each job has for itself on top of it.

A job may install packages: the toolkit does so for a ``requirements.txt``, and the SageMaker SDK 2 for what its
``@step`` functions need. They go into an environment of the job's own, a virtual environment whose path leads on to the
packages of the interpreter. So what is there is not installed again, and nothing is changed that is not the job's.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ENVIRONMENT: Final = "/opt/ml/.environment"
"""Where jobs see their environment."""

_ASK: Final = """
import json, site, sys
packages = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
print(json.dumps([getattr(sys, "_base_executable", sys.executable), "%d.%d" % sys.version_info[:2], packages]))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python interpreter.

    :param executable: as it was given.
    :param base: the interpreter that a virtual environment of it is made with.
    :param version: such as ``3.11``.
    :param packages: the directories of its packages.
    """

    executable: Path
    base: Path
    version: str
    packages: tuple[str, ...]

    @classmethod
    def ask(cls, executable: Path) -> Interpreter:
        """Ask an interpreter what it is.

        :param executable: its path.
        :raises OSError: it cannot be executed, or is none.
        """
        asked = subprocess.run([executable, "-c", _ASK], capture_output=True, text=True, check=False)  # noqa: S603
        if asked.returncode != 0:
            raise OSError(f"{executable} is not a Python interpreter that works: {asked.stderr.strip()}")
        try:
            base, version, packages = json.loads(asked.stdout)
        except ValueError:
            raise OSError(f"{executable} is not a Python interpreter: it answers {asked.stdout[:100]!r}") from None
        return cls(executable, Path(base), version, tuple(packages))

    def make_environment(self, directory: Path) -> None:
        """Make a job's own environment.

        :param directory: where; not there yet.
        """
        own = directory / "lib" / f"python{self.version}" / "site-packages"
        own.mkdir(parents=True)
        # Links in the packages' own directories are followed, as of those that are installed to be edited.
        paths = "; ".join(f"site.addsitedir({path!r})" for path in self.packages)
        (own / "interpreter.pth").write_text(f"import site; {paths}\n", encoding="utf-8")
        # Without the base's own packages: the interpreter may be a virtual environment that has them not.
        configuration = f"home = {self.base.parent}\ninclude-system-site-packages = false\n"
        (directory / "pyvenv.cfg").write_text(configuration, encoding="utf-8")
        programs = directory / "bin"
        programs.mkdir()
        for name in ("python", "python3", f"python{self.version}"):
            (programs / name).symlink_to(self.base)
        for name in ("pip", "pip3"):
            # The interpreter's own would install into the interpreter.
            (programs / name).write_text('#!/bin/sh\nexec "${0%/*}/python3" -m pip "$@"\n', encoding="utf-8")
            (programs / name).chmod(0o755)

    @property
    def job_packages(self) -> str:
        """Where jobs see the packages of their environment."""
        return f"{ENVIRONMENT}/lib/python{self.version}/site-packages"
