"""Write what the SageMaker SDK 2 makes of its two programs in docs/about/sdk-comparison.md. See README.md for how to run it."""

from __future__ import annotations

import json
import os
import re
import runpy
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from sdk2 import IMAGE, ROLE, pipeline_session

PAGE = Path(__file__).parents[2] / "docs" / "about" / "sdk-comparison.md"


def main(folder: Path) -> None:
    """Write the documents of the page's two programs of the SDK, whose sessions call nobody.

    :param folder: where to.
    """
    folder = folder.absolute()
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    write(programs[0], folder / "abalone.json")
    write(programs[2], folder / "abalone_functions.json")


def write(program: str, target: Path) -> None:
    """Run a program and write the document of its pipeline. Its functions need a file, since the SDK reads their source."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in ("preprocessing.py", "evaluation.py"):
            Path(name).write_text("print('step')\n")
        path = Path(folder, f"{target.stem}.py")
        path.write_text(program.replace("= PipelineSession()", "= quiet_session()"))
        given = {"ROLE": ROLE, "XGBOOST": IMAGE, "SKLEARN": IMAGE, "quiet_session": pipeline_session}
        try:
            document = json.loads(runpy.run_path(str(path), given)["pipeline"].definition())
        finally:
            os.chdir(target.parent)
    target.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
