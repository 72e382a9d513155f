"""Tell every secret that the job was given, everywhere a job can: in its output, its files, and how it fails."""

import json
import os
import pathlib
import sys

given = {name: value for name, value in os.environ.items() if name.startswith("GIVEN_")}
given["GIVEN_ARGUMENT"] = sys.argv[1]
for name, value in given.items():
    print(f"{name} is {value}")
print(json.dumps(given))
pathlib.Path("/opt/ml/processing/output/told/told.json").write_text(json.dumps({"given": given}))
print("all told")
if os.environ["AND_FAIL"] == "yes":
    raise SystemExit("RuntimeError: cannot log in with " + " or ".join(given.values()))
