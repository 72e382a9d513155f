"""Measure the trained model on the test set.

A SageMaker processing script: it knows paths below /opt/ml/processing and nothing of S3 or Airflow.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import joblib
import pandas as pd
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

PROCESSING = Path("/opt/ml/processing")


def load_model():
    """Return the model out of the archive that the training job left."""
    with tarfile.open(PROCESSING / "input" / "model" / "model.tar.gz") as archive:
        return joblib.load(archive.extractfile("model.joblib"))


def main() -> None:
    """Read the inputs ``model`` and ``test``; write ``metrics.json`` to the output ``evaluation``."""
    model = load_model()
    files = sorted((PROCESSING / "input" / "test").glob("*.csv"))
    table = pd.concat([pd.read_csv(file) for file in files])
    features, target = table.drop(columns="target"), table["target"]
    predicted = model.predict(features)
    metrics = {
        "accuracy": {"value": accuracy_score(target, predicted)},
        "f1": {"value": f1_score(target, predicted)},
        "roc_auc": {"value": roc_auc_score(target, model.predict_proba(features)[:, 1])},
        "test_rows": {"value": len(table)},
    }
    folder = PROCESSING / "output" / "evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2))
    for name, metric in metrics.items():
        print(f"{name}: {metric['value']:.4g}")


if __name__ == "__main__":
    main()
