from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.overview import parameters_overview, steps_overview
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.bounds import LARGEST_XCOM
from airflow_sm_pipelines.execution.pipeline_report import StartedPipeline, execution_report
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus

CHURN = PipelineDefinition.from_json((Path(__file__).parents[2] / "golden/churn.json").read_text())
ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"


def test_what_is_known_when_an_execution_has_started():
    """Each step has the task that follows it, where one does; a secret stands as Airflow shows it."""
    started = StartedPipeline(
        "churn",
        ARN,
        CHURN,
        {"InputData": "s3://raw", "train-day": "secret day"},
        {"train-day": "*** day"},
        {"prepare": "pipe.prepare"},
        version=3,
        changes=["step 'train' HyperParameters.rounds 10 → 20"],
        code=["s3://box/code/abc/prepare.py"],
        assets=[{"uri": "s3://raw", "timestamp": "2026-01-01T00:00:00+00:00"}],
        links={"execution": "https://studio"},
        connection={"aws_conn_id": None},
    )
    followed = {"prepare": "pipe.prepare"}
    assert started.report() == {
        "pipeline": "churn",
        "execution": ARN,
        "version": 3,
        "created": False,
        "changes": ["step 'train' HyperParameters.rounds 10 → 20"],
        "links": {"execution": "https://studio"},
        "code": ["s3://box/code/abc/prepare.py"],
        "assets": [{"uri": "s3://raw", "timestamp": "2026-01-01T00:00:00+00:00"}],
        "connection": {"aws_conn_id": None},
        "steps": [{**step, "task_id": followed.get(step["name"])} for step in steps_overview(CHURN, {})],
        "parameters": parameters_overview(CHURN, {"InputData": "s3://raw", "train-day": "*** day"}),
        "left_out": [],
    }


FOR_EACH = PipelineDefinition.from_document(
    {
        "Version": "2020-12-01",
        "Steps": [
            {
                "Name": "fit-each",
                "Type": "ForEach",
                "Arguments": {
                    "IterableItems": [1, 2],
                    "ForEachBody": [
                        {"Name": "fit", "Type": "Training", "Arguments": {}},
                        {"Name": "rate", "Type": "Processing", "Arguments": {}},
                    ],
                },
            }
        ],
    }
)


@pytest.mark.parametrize(
    "task_ids",
    [{"fit-each": "g.fit"}, {"fit": "g.all.fit", "rate": "g.all.rate"}],
    ids=["a mapped step", "a mapped group"],
)
def test_the_tasks_of_a_for_each_step(task_ids):
    """Mapped task instances follow the runs of the body; the ForEach step has no task of its own."""
    report = StartedPipeline("churn", ARN, FOR_EACH, {}, task_ids=task_ids).report()
    one = task_ids.get("fit-each")
    assert [(step["name"], step["task_id"], step["items"]) for step in report["steps"]] == [
        ("fit-each", None, 2),
        ("fit", task_ids.get("fit", one), None),
        ("rate", task_ids.get("rate", one), None),
    ]


def test_a_report_is_not_too_large():
    """Parameters with the longest values are left out first, and the report names them; steps stay."""
    document = CHURN.to_document()
    names = [f"P{number:03}" for number in range(100)]
    document["Parameters"] += [{"Name": name, "Type": "String"} for name in names]
    sent = dict.fromkeys(names, "x" * 1024) | {"InputData": "s3://raw"}
    report = StartedPipeline("churn", ARN, PipelineDefinition.from_document(document), sent).report()
    assert len(json.dumps(report)) <= LARGEST_XCOM
    assert [step["name"] for step in report["steps"]] == [step["name"] for step in steps_overview(CHURN, {})]
    told = [parameter["name"] for parameter in report["parameters"]]
    assert told[:5] == [parameter.name for parameter in CHURN.parameters]
    assert sorted([*told[5:], *(each.removeprefix("parameters.") for each in report["left_out"])]) == names
    assert report["left_out"]


def test_what_became_of_a_whole_execution():
    """Its status and its reason, and those of the steps that have started."""
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    steps = [
        StepSnapshot("train", StepStatus.SUCCEEDED, "Training", noon, noon, cache_hit_source=ARN, attempt_count=1),
        StepSnapshot("good", StepStatus.SUCCEEDED, "Condition", metadata={"Condition": {"Outcome": "False"}}),
        StepSnapshot("bad", StepStatus.FAILED, failure_reason="boom"),
    ]
    snapshot = ExecutionSnapshot(
        PipelineExecutionArn.parse(ARN), ExecutionStatus.FAILED, {step.name: step for step in steps}, "a step failed"
    )
    nothing = {"type": None, "reason": None, "start": None, "end": None, "attempt": 0, "cache_source": None}
    time = "2026-01-01T12:00:00+00:00"
    assert execution_report(snapshot) == {
        "status": "Failed",
        "reason": "a step failed",
        "steps": [
            {
                **nothing,
                "name": "train",
                "type": "Training",
                "status": "Succeeded",
                "start": time,
                "end": time,
                "attempt": 1,
                "cache_source": ARN,
                "outcome": None,
            },
            {**nothing, "name": "good", "type": "Condition", "status": "Succeeded", "outcome": False},
            {**nothing, "name": "bad", "status": "Failed", "reason": "boom", "outcome": None},
        ],
        "left_out": [],
    }
