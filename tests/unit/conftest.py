from __future__ import annotations

import pytest

PIPELINE_SETTINGS = {"role_arn": "arn:aws:iam::123456789012:role/sagemaker", "artifact_uri": "s3://lab/churn"}


@pytest.fixture
def dag(tmp_path):
    """A Dag whose file lies beside the scripts prepare.py, train.py and evaluate.py."""
    from airflow.sdk import DAG

    for name in ("prepare", "train", "evaluate"):
        (tmp_path / f"{name}.py").write_text(f"print('{name}')")
    dag = DAG("d", schedule=None)
    dag.fileloc = str(tmp_path / "d.py")
    with dag:
        yield dag


@pytest.fixture
def group():
    """Make the pipeline group 'churn', with some settings."""
    from airflow_sm_pipelines import SageMakerPipelineTaskGroup

    def make(group_id="churn", **settings):
        return SageMakerPipelineTaskGroup(group_id, **{**PIPELINE_SETTINGS, **settings})

    return make
