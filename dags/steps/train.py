"""Train a random forest.

A SageMaker training script in script mode: hyperparameters arrive as arguments, channels and the model's place
in SM_* environment variables.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import joblib
import pandas as pd
from sklearn.ensemble import RandomForestClassifier


def main() -> None:
    """Read the channel ``train``; leave ``model.joblib`` where SageMaker packs it into model.tar.gz."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trees", type=int, default=100, help="how many trees the forest has")
    parser.add_argument("--max_depth", type=int, default=None, help="how deep each of them may grow")
    parser.add_argument("--seed", type=int, default=7, help="makes the forest the same every time")
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"))
    arguments = parser.parse_args()

    table = pd.concat([pd.read_csv(file) for file in sorted(arguments.train.glob("*.csv"))])
    features = table.drop(columns="target")
    model = RandomForestClassifier(
        n_estimators=arguments.trees, max_depth=arguments.max_depth, random_state=arguments.seed
    )
    model.fit(features, table["target"])
    joblib.dump(model, arguments.model_dir / "model.joblib")
    print(f"trained {arguments.trees} trees on {len(table)} rows, {features.shape[1]} features")


def model_fn(model_dir: str) -> RandomForestClassifier:
    """Load the model, as the scikit-learn container asks the script to when it serves predictions."""
    return joblib.load(Path(model_dir) / "model.joblib")


if __name__ == "__main__":
    main()
