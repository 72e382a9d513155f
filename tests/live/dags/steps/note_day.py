"""Write down the day that was given."""

import json
import pathlib
import sys

pathlib.Path("/opt/ml/processing/output/note/day.json").write_text(json.dumps({"day": sys.argv[1]}))
