"""Train a decision tree, and say how accurate it is on a part of the data that it has not seen.

A SageMaker training script in script mode. The training job reads the accuracy from what is printed
(``MetricDefinitions``), so that jobs can be compared.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import joblib
import pandas as pd
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier


def main() -> None:
    """Read the channel ``train``; leave ``model.joblib`` where SageMaker packs it into model.tar.gz."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--max_depth", type=int, required=True, help="how deep the tree may grow")
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"))
    arguments = parser.parse_args()

    table = pd.concat([pd.read_csv(file) for file in sorted(arguments.train.glob("*.csv"))])
    seen, unseen = train_test_split(table, test_size=0.3, random_state=7, stratify=table["target"])
    model = DecisionTreeClassifier(max_depth=arguments.max_depth, random_state=7)
    model.fit(seen.drop(columns="target"), seen["target"])
    accuracy = accuracy_score(unseen["target"], model.predict(unseen.drop(columns="target")))
    joblib.dump(model, arguments.model_dir / "model.joblib")
    print(f"accuracy: {accuracy:.4f} with a depth of at most {arguments.max_depth}")


if __name__ == "__main__":
    main()
