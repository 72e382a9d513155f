"""README's example is the example Dag, and works as it stands there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

import airflow_sm_pipelines
from airflow_sm_pipelines.definition.document import PipelineDefinition

CLONE = Path(__file__).parent.parent.parent


@pytest.fixture
def example_train(monkeypatch):
    """The Dag of dags/example_train.py."""
    monkeypatch.syspath_prepend(CLONE / "dags")
    import example_train

    return example_train


def blocks():
    """README's Python blocks, in order."""
    return re.findall(r"```python\n(.*?)```", (CLONE / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def run(block, **names):
    """Run a block of README with the package's public names, and return all names there are then."""
    names |= {name: getattr(airflow_sm_pipelines, name) for name in airflow_sm_pipelines.__all__}
    exec(compile(block, "README.md", "exec"), names)
    return names


def test_the_example_in_the_readme_is_the_example_dags_pipeline(example_train):
    """The code block makes the same pipeline as dags/example_train.py, but for one argument it leaves out."""
    with DAG("readme") as dag:
        dag.fileloc = example_train.__file__
        names = run(blocks()[0], ROLE_ARN=example_train.ROLE_ARN, IMAGE=example_train.IMAGE)

    in_readme = names["pipeline"].compile().definition.to_document()
    in_dag = example_train.training.task_group.children["breast_cancer"].compile().definition.to_document()
    prepare = next(step for step in in_dag["Steps"] if step["Name"] == "prepare")
    assert prepare["Arguments"]["AppSpecification"].pop("ContainerArguments") == ["--test-fraction", "0.2"]
    assert in_readme == in_dag


def test_a_pipeline_that_there_is_becomes_a_group(tmp_path):
    """The second block makes a task of each step of a definition in a file, and gives its parameter."""
    churn = json.loads((CLONE / "tests" / "golden" / "churn.json").read_text(encoding="utf-8"))
    for parameter in churn["Parameters"]:
        parameter.setdefault("DefaultValue", 1 if parameter["Type"] == "Integer" else "x")
    (tmp_path / "churn.json").write_text(json.dumps(churn))
    role = "arn:aws:iam::123456789012:role/sagemaker"
    block = blocks()[1].replace('definition="churn.json"', f"definition={str(tmp_path / 'churn.json')!r}")
    names = run(
        block.replace('with DAG("churn", schedule="@daily"):', 'with DAG("churn", schedule=None) as dag:'),
        DAG=DAG,
        ROLE_ARN=role,
    )
    steps = [step["Name"] for step in PipelineDefinition.from_document(churn).to_document()["Steps"]]
    assert {f"churn.{name}" for name in steps} <= set(names["dag"].task_dict)
    assert names["dag"].get_task("churn.launch").parameters == {"InputData": "s3://lake/churn/{{ ds }}/"}


def test_one_task_a_sensor_and_a_branch():
    """The third block draws the graph that it shows."""
    block = blocks()[2].replace('schedule="@daily"):', "schedule=None) as dag:")
    dag = run(block, DAG=DAG, EmptyOperator=EmptyOperator)["dag"]
    assert {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks} == {
        "run": ["evaluated", "judge"],
        "evaluated": ["judge"],
        "judge": ["alert", "publish"],
        "publish": [],
        "alert": [],
    }
