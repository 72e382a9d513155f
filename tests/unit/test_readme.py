"""README's example is the example Dag, and works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from airflow.sdk import DAG

import airflow_sm_pipelines

CLONE = Path(__file__).parent.parent.parent


@pytest.fixture
def example_train(monkeypatch):
    """The Dag of dags/example_train.py."""
    monkeypatch.syspath_prepend(CLONE / "dags")
    import example_train

    return example_train


def test_the_example_in_the_readme_is_the_example_dags_pipeline(example_train):
    """The code block makes the same pipeline as dags/example_train.py, but for one argument it leaves out."""
    [block] = re.findall(r"```python\n(.*?)```", (CLONE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    names = {name: getattr(airflow_sm_pipelines, name) for name in airflow_sm_pipelines.__all__}
    names |= {"ROLE_ARN": example_train.ROLE_ARN, "IMAGE": example_train.IMAGE}
    with DAG("readme") as dag:
        dag.fileloc = example_train.__file__
        exec(compile(block, "README.md", "exec"), names)

    in_readme = names["pipeline"].compile().definition.to_document()
    in_dag = example_train.training.task_group.children["breast_cancer"].compile().definition.to_document()
    prepare = next(step for step in in_dag["Steps"] if step["Name"] == "prepare")
    assert prepare["Arguments"]["AppSpecification"].pop("ContainerArguments") == ["--test-fraction", "0.2"]
    assert in_readme == in_dag
