"""The steps are functions: the same model as ``example_train``'s, without a script beside this file.

The source of each function runs in its job, so what it imports stands inside it. Start it by hand, with another
``min_accuracy`` to see the other branch. Parsing this file calls nobody.
"""

from __future__ import annotations

import os
from pathlib import Path

from airflow.sdk import Param, dag, task

from airflow_sm_pipelines import (
    ParameterFloat,
    SageMakerConditionStepOperator,
    SageMakerFailStepOperator,
    SageMakerPipelineTaskGroup,
    SageMakerRegisterModelStepOperator,
    sagemaker_processing,
    sagemaker_training,
)

BUCKET = os.environ.get("EXAMPLE_BUCKET", "example-ml")
ROLE_ARN = os.environ.get("EXAMPLE_ROLE_ARN", "arn:aws:iam::123456789012:role/SageMakerPipelines")
# AWS's scikit-learn container in us-east-1. Other regions have other accounts: AWS's "Docker Registry Paths".
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"


# The same as @task.sagemaker_processing; editors know the keywords of this one.
@sagemaker_processing(outputs=["train", "test"])
def prepare(raw: Path, train: Path, test: Path, fraction: float = 0.2, seed: int = 7) -> None:
    """Split the raw data into a training and a test set."""
    import pandas as pd
    from sklearn.model_selection import train_test_split

    table = pd.concat([pd.read_csv(file) for file in sorted(raw.glob("*.csv"))]).drop_duplicates()
    parts = train_test_split(table, test_size=fraction, random_state=seed, stratify=table["target"])
    for folder, part in zip((train, test), parts):  # noqa: B905 - the image has Python 3.8
        part.to_csv(folder / "part.csv", index=False)
        print(f"{folder.name}: {len(part)} rows")


@sagemaker_training
def fit(train: Path, model_dir: Path, trees: int = 100, max_depth: int | None = None) -> None:
    """Train a random forest."""
    import joblib
    import pandas as pd
    from sklearn.ensemble import RandomForestClassifier

    table = pd.read_csv(train / "part.csv")
    model = RandomForestClassifier(n_estimators=trees, max_depth=max_depth, random_state=7)
    model.fit(table.drop(columns="target"), table["target"])
    joblib.dump(model, model_dir / "model.joblib")
    print(f"trained {trees} trees on {len(table)} rows")


@sagemaker_processing
def evaluate(model: Path, test: Path) -> dict[str, float]:
    """Measure the model on the test set."""
    import tarfile

    import joblib
    import pandas as pd
    from sklearn.metrics import accuracy_score, f1_score

    with tarfile.open(model / "model.tar.gz") as archive:
        forest = joblib.load(archive.extractfile("model.joblib"))
    table = pd.read_csv(test / "part.csv")
    predicted = forest.predict(table.drop(columns="target"))
    return {
        "accuracy": accuracy_score(table["target"], predicted),
        "f1": f1_score(table["target"], predicted),
        "test_rows": len(table),
    }


@dag(
    schedule=None,
    params={
        "min_accuracy": Param(0.9, type="number", minimum=0, maximum=1),
        "fraction": Param(0.2, type="number", exclusiveMinimum=0, exclusiveMaximum=1),
    },
    tags=["example"],
)
def example_functions():
    """Prepare, fit, evaluate, and register what is accurate enough."""
    with SageMakerPipelineTaskGroup(
        "cancer",
        pipeline_name="breast-cancer-functions",
        role_arn=ROLE_ARN,
        artifact_uri=f"s3://{BUCKET}/breast-cancer-functions",
        default_args={"image_uri": IMAGE, "instance_type": "ml.m5.large"},
        parameters={
            "InputData": f"s3://{BUCKET}/breast-cancer/raw/breast_cancer.csv",
            "MinAccuracy": ParameterFloat("{{ params.min_accuracy }}", default_value=0.9),
        },
    ) as pipeline:
        made = prepare(raw=pipeline.parameters["InputData"], fraction="{{ params.fraction }}")
        fitted = fit(train=made.outputs["train"], max_depth=5)
        score = evaluate(model=fitted.model_artifacts, test=made.outputs["test"])
        SageMakerConditionStepOperator(
            task_id="good_enough",
            conditions=[score["accuracy"] >= pipeline.parameters["MinAccuracy"]],
            if_steps=[
                SageMakerRegisterModelStepOperator(
                    task_id="register",
                    model_package_group_name="breast-cancer-functions",
                    model_data=fitted.model_artifacts,
                )
            ],
            else_steps=[
                SageMakerFailStepOperator(task_id="reject", error_message="The model is less accurate than asked for.")
            ],
        )

    @task
    def announce(metrics):
        """Say how good the model is: the dict that ``evaluate`` returned."""
        print(f"The model's accuracy is {metrics['accuracy']:.3f}, on {metrics['test_rows']} rows.")

    announce(score)


functions = example_functions()
