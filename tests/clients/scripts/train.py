import argparse
import json
import os
import pathlib

p = argparse.ArgumentParser()
p.add_argument("--depth", type=int)
p.add_argument("--label")
a = p.parse_args()
rows = len(pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "train.csv").read_text().splitlines())
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(
    json.dumps({"rows": rows, "depth": a.depth, "label": a.label})
)
print(f"rows={rows}")
print(f"depth={a.depth}")
