"""Write what the SageMaker SDK 2 makes of the pipeline in docs/sdk-comparison.md. See README.md for how to run it."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from sdk2 import IMAGE, ROLE, pipeline_session

PAGE = Path(__file__).parents[2] / "docs" / "sdk-comparison.md"


def main(target: Path) -> None:
    """Run the page's first block of Python, its session calling nobody, and write the document."""
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    target = target.absolute()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in ("preprocessing.py", "evaluation.py"):
            Path(name).write_text("print('step')\n")
        names = {"ROLE": ROLE, "XGBOOST": IMAGE, "quiet_session": pipeline_session}
        exec(code.replace("= PipelineSession()", "= quiet_session()"), names)
        document = json.loads(names["pipeline"].definition())
    target.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
