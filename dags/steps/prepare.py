"""Split the raw data into a training and a test set.

A SageMaker processing script: it knows paths below /opt/ml/processing and nothing of S3 or Airflow.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split

PROCESSING = Path("/opt/ml/processing")


def main() -> None:
    """Read every CSV of the input ``raw``; write the outputs ``train`` and ``test``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--test-fraction", type=float, default=0.2, help="share of rows kept for evaluation")
    parser.add_argument("--seed", type=int, default=7, help="makes the split the same every time")
    arguments = parser.parse_args()

    files = sorted((PROCESSING / "input" / "raw").glob("*.csv"))
    table = pd.concat([pd.read_csv(file) for file in files], ignore_index=True).drop_duplicates()
    train, test = train_test_split(
        table, test_size=arguments.test_fraction, random_state=arguments.seed, stratify=table["target"]
    )
    for name, part in (("train", train), ("test", test)):
        folder = PROCESSING / "output" / name
        folder.mkdir(parents=True, exist_ok=True)
        part.to_csv(folder / f"{name}.csv", index=False)
        print(f"{name}: {len(part)} rows, {part['target'].mean():.1%} benign")


if __name__ == "__main__":
    main()
