"""Executions as an endpoint lists them, for tests of what shows them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus

ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"
OTHER = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/earlier12345"
START = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)

DEFINITION = PipelineDefinition.from_document(
    {
        "Steps": [
            {"Name": "prepare", "Type": "Processing", "Arguments": {}},
            {
                "Name": "check",
                "Type": "Condition",
                "Arguments": {
                    "Conditions": [],
                    "IfSteps": [{"Name": "register", "Type": "RegisterModel", "Arguments": {}}],
                    "ElseSteps": [{"Name": "reject", "Type": "Fail", "Arguments": {}}],
                },
            },
            {
                "Name": "each",
                "Type": "ForEach",
                "Arguments": {
                    "IterableItems": [1, 2],
                    "ForEachBody": [
                        {"Name": "score", "Type": "Processing", "Arguments": {}},
                        {"Name": "score-2", "Type": "Training", "Arguments": {}},
                    ],
                },
            },
        ]
    }
)


def step(name: str, status: str, start: float = 0, end: float | None = None, **more: Any) -> StepSnapshot:
    """A step; its times are seconds after START."""
    times = {"start_time": START + timedelta(seconds=start)}
    if end is not None:
        times["end_time"] = START + timedelta(seconds=end)
    return StepSnapshot(name, StepStatus(status), **times, **more)


def snapshot(status: str, *steps: StepSnapshot) -> ExecutionSnapshot:
    """An execution with these steps."""
    return ExecutionSnapshot(
        PipelineExecutionArn.parse(ARN), ExecutionStatus(status), {each.name: each for each in steps}
    )
