from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from airflow_sm_pipelines.exceptions import PipelineExecutionError
from airflow_sm_pipelines.execution.identity import execution_display_name
from airflow_sm_pipelines.plugins.followed import Followed, TaskInstanceName
from airflow_sm_pipelines.settings import AwsConnection

ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"
OTHER = ARN.replace("abcdef", "fedcba")
REPORT = {
    "run_id": "r",
    "task_id": "g.launch",
    "map_index": -1,
    "key": "pipeline_report",
    "value": {
        "execution": ARN,
        "connection": {"aws_conn_id": "aws", "region_name": "eu-west-1", "verify": None, "unheard_of": 1},
        "parameters": [
            {"name": "Password", "value": "***"},
            {"name": "Day", "value": "2026-01-01"},
            {"name": "Rounds", "value": None},
        ],
        "steps": [
            {"name": "train", "task_id": "g.train", "in_each": None},
            {"name": "fit-each", "task_id": None, "in_each": None},
            {"name": "fit", "task_id": "g.fit", "in_each": "fit-each"},
        ],
    },
}
WHOLE = {
    "run_id": "r",
    "task_id": "run",
    "map_index": 1,
    "key": "pipeline_report",
    "value": {"execution": OTHER, "steps": [{"name": "train", "task_id": None, "in_each": None}]},
}


def followed(task_id, map_index=-1):
    return Followed.by(TaskInstanceName("d", "r", task_id, map_index), [WHOLE, REPORT])


@pytest.mark.parametrize(
    ("task_id", "map_index", "step_name"),
    [
        ("g.launch", -1, None),
        ("g.train", -1, "train"),
        ("g.fit", 2, "fit-2"),
    ],
    ids=["launch task", "step", "item of a mapped step"],
)
def test_what_a_task_of_a_group_follows(task_id, map_index, step_name):
    """The launch task has the execution; another task a step, and an instance of a mapped one that for its item."""
    assert followed(task_id, map_index) == Followed(
        TaskInstanceName("d", "r", "g.launch"),
        ARN,
        step_name,
        AwsConnection("aws", "eu-west-1"),
        {"Password": "***"},
    )


def test_what_a_task_for_a_whole_execution_follows():
    """Each of its mapped instances has an execution of its own; an older report names no connection."""
    assert followed("run", 1) == Followed(TaskInstanceName("d", "r", "run", 1), OTHER, None, AwsConnection())


@pytest.mark.parametrize(("task_id", "map_index"), [("run", 0), ("elsewhere", -1)])
def test_a_task_that_follows_nothing(task_id, map_index):
    """It is told by its name, and nobody is asked."""
    message = f"task '{task_id}' of Dag run 'r' does not follow an execution that has started"
    with pytest.raises(PipelineExecutionError, match=f"^{re.escape(message)}$"):
        followed(task_id, map_index)


@pytest.mark.parametrize(
    "forged",
    [
        "text",
        {"steps": "text"},
        {"steps": 5},
        {"steps": ["train"]},
        {"steps": {"task_id": "g.train"}},
        {"steps": [{"task_id": "g.train"}]},
        {"steps": [{"task_id": "g.train", "name": {}}]},
        {"parameters": "text"},
        {"parameters": ["Password"]},
        {"parameters": [{"value": "***"}]},
        {"parameters": [{"name": {}, "value": "***"}]},
        {"connection": "aws_conn_id"},
        {"connection": ["verify"]},
        {"connection": {"aws_conn_id": {}}},
        {"connection": {"region_name": 5}},
        {"connection": {"verify": []}},
        {"execution": None},
        {"execution": {"arn": ARN}},
    ],
    ids=repr,
)
def test_an_xcom_that_is_not_a_report(forged):
    """Whoever may write XComs may write anything: it opens nothing, and takes nothing from the other reports."""
    value = {"execution": OTHER, **forged} if isinstance(forged, dict) else forged
    xcom = {"run_id": "r", "task_id": "forger", "map_index": -1, "key": "pipeline_report", "value": value}
    with pytest.raises(PipelineExecutionError, match=r"^task 'forger' of Dag run 'r' does not follow an execution"):
        Followed.by(TaskInstanceName("d", "r", "forger"), [xcom, REPORT])
    assert Followed.by(TaskInstanceName("d", "r", "g.train"), [xcom, REPORT]) == followed("g.train")


def named(name):
    return SimpleNamespace(describe_execution=lambda arn: {"PipelineExecutionDisplayName": name} if arn == ARN else {})


def test_the_execution_of_a_dag_run():
    """It has the display name that the task which started it gave it."""
    followed("g.train").require_own(named(execution_display_name("d", "r", "g.launch", -1)))


@pytest.mark.parametrize("task", [("e", "r", "g.launch", -1), ("d", "s", "g.launch", -1), ("d", "r", "g.other", -1)])
def test_an_execution_of_somebody_else(task):
    """An XCom that names another execution, of whatever Dag or run, opens nothing."""
    message = f"execution {ARN} was not started by task 'g.launch' of Dag run 'r', so it is not shown here"
    for name in (execution_display_name(*task), None):
        with pytest.raises(PipelineExecutionError, match=f"^{re.escape(message)}$"):
            followed("g.train").require_own(named(name))
