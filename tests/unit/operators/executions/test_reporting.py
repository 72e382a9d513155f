from __future__ import annotations

from datetime import datetime, timezone
from types import SimpleNamespace

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, SageMakerServiceError
from airflow_sm_pipelines.hooks.pipeline import UpsertResult
from airflow_sm_pipelines.operators.executions.reporting import ASSET_EVENTS_REPORTED, report_start
from airflow_sm_pipelines.settings import AwsConnection

ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"
DEFINITION = PipelineDefinition.from_document(
    {"Version": "2020-12-01", "Steps": [{"Name": "no", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}]}
)
STEP = {
    "name": "no",
    "type": "Fail",
    "depends_on": [],
    "branch": None,
    "in_each": None,
    "items": None,
    "conditions": [],
    "task_id": "pipe.no",
}
REPORT = {
    "pipeline": "churn",
    "execution": ARN,
    "version": 4,
    "created": False,
    "changes": ["step 'no' (Fail) added"],
    "links": {"execution": "https://studio"},
    "code": ["s3://box/code"],
    "assets": [],
    "connection": {"aws_conn_id": "aws", "region_name": "eu-west-1", "verify": None},
    "steps": [STEP],
    "parameters": [],
    "left_out": [],
}


class Instance:
    def __init__(self):
        self.pushed = {}

    def xcom_push(self, key, value):
        self.pushed[key] = value


def reported(*, describe=lambda _: {"PipelineVersionId": 4}, definition=lambda: DEFINITION, events=None):
    """What a start leaves as XComs, and the lines of the task's log."""
    instance, lines = Instance(), []
    log = SimpleNamespace(
        info=lambda text, *values: lines.append(text % values),
        warning=lambda text, *values: lines.append(text % values),
    )
    report_start(
        {"ti": instance, "triggering_asset_events": events or {}},
        SimpleNamespace(describe_execution=describe),
        log,
        ARN,
        pipeline_name="churn",
        definition=definition,
        sent={},
        masked={},
        connection=AwsConnection("aws", "eu-west-1", botocore_config={"retries": 1}),
        links={"_link_SageMakerPipelineExecutionLink": "https://studio"},
        upserted=UpsertResult("arn", "updated", changes=("step 'no' (Fail) added",)),
        task_ids={"no": "pipe.no"},
        code=["s3://box/code"],
    )
    return instance.pushed, lines


def test_what_a_started_execution_leaves():
    """All that is known of it, for the pages that show it."""
    assert reported() == ({"pipeline_report": REPORT}, [])


def test_the_asset_events_that_triggered_the_run():
    """Each once, although Airflow has it under its asset and under its alias; the latest first, and not too many."""

    def event(minute):
        return SimpleNamespace(
            timestamp=datetime(2026, 1, 1, 0, minute, tzinfo=timezone.utc), asset=SimpleNamespace(uri="s3://raw")
        )

    events = [event(minute) for minute in range(ASSET_EVENTS_REPORTED + 5)]
    pushed, _ = reported(events={"asset": events, "alias": events})
    told = pushed["pipeline_report"]["assets"]
    assert told == [
        {"uri": "s3://raw", "timestamp": f"2026-01-01T00:{minute:02}:00+00:00"}
        for minute in range(ASSET_EVENTS_REPORTED + 4, 4, -1)
    ]


def test_a_version_that_cannot_be_asked_for():
    """Only the version is missing, and the log says why. An older boto3 does not know it."""

    def refuse(_):
        raise SageMakerServiceError("not you", code="AccessDeniedException")

    without = {"pipeline_report": {**REPORT, "version": None}}
    assert reported(describe=refuse) == (without, ["Which version of the pipeline runs is not known: not you"])
    assert reported(describe=lambda _: {}) == (without, [])


@pytest.mark.parametrize("error", [SageMakerServiceError("not you"), PipelineDefinitionError([])])
def test_a_definition_that_cannot_be_had(error):
    """The execution goes on all the same: there is nothing to show, and the log says why."""

    def refuse():
        raise error

    assert reported(definition=refuse) == ({}, [f"What the execution runs cannot be shown in Airflow's pages: {error}"])
