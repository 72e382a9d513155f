import json
import pathlib
import tarfile

with tarfile.open("/opt/ml/processing/model/model.tar.gz") as t:
    model = json.load(t.extractfile("model.json"))
pathlib.Path("/opt/ml/processing/evaluation/evaluation.json").write_text(
    json.dumps({"metrics": {"accuracy": {"value": model["rows"] / 100}}, "model": model})
)
