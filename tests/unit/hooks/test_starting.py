from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerServiceError
from airflow_sm_pipelines.execution.resume import OnRetry
from airflow_sm_pipelines.hooks.starting import continue_after_failure
from tests.scripted_service import EXECUTION_ARN, Refusal, step

NEW_ARN = EXECUTION_ARN.replace("abcdef123456", "fedcba654321")
LOG = logging.getLogger(__name__)


def definition_of(request: dict[str, Any]) -> dict[str, Any]:
    name = "old" if request["PipelineExecutionArn"] == EXECUTION_ARN else "new"
    return {"PipelineDefinition": json.dumps({"Version": name})}


@pytest.mark.parametrize(
    ("refusal", "kind", "words"),
    [
        (
            Refusal("AccessDeniedException", "not you"),
            PipelineExecutionError,
            (
                "and could not be stopped: StopPipelineExecution failed: AccessDeniedException: not you. Check what the "
                "connection's credentials, and the role, are allowed to do. "
                "See docs/troubleshooting.md#accessdenied (connection 'aws_test', region us-east-1)"
            ),
        ),
        (
            Refusal("ServiceUnavailable", "later", 503),
            SageMakerServiceError,
            (
                "and could not be stopped yet: StopPipelineExecution failed: ServiceUnavailable: later. "
                "(connection 'aws_test', region us-east-1)"
            ),
        ),
    ],
    ids=["refused", "unavailable"],
)
def test_a_restart_that_must_stop_and_cannot_tells_both(service, hook, refusal, kind, words):
    """A restart that runs another definition executes on where the service does not stop it: the error says both."""
    service.execution("Failed")
    service.steps([step("train", "Failed", EndTime=1690315999.5)])
    failed = hook.snapshot(EXECUTION_ARN)
    service.answers |= {
        "ListPipelineParametersForExecution": [{"PipelineParameters": []}],
        "DescribePipelineDefinitionForExecution": [definition_of],
        "StartPipelineExecution": [{"PipelineExecutionArn": NEW_ARN}],
        "StopPipelineExecution": [refusal],
    }
    service.execution("Executing")
    with pytest.raises(PipelineExecutionError) as caught:
        continue_after_failure(hook, failed, OnRetry.RESTART, LOG)
    pipeline_arn = EXECUTION_ARN.partition("/execution/")[0]
    assert type(caught.value) is kind
    assert str(caught.value) == (
        f"execution {NEW_ARN} does not run the definition that execution {EXECUTION_ARN} has now, {words}. "
        f"Someone else updated pipeline '{pipeline_arn}' at the same moment, or the Dag file changed since the first try. "
        "Clear the task that launches it to start a new execution, and give each definition its own pipeline_name. "
        "See docs/troubleshooting.md#another-definition"
    )
    assert [request["PipelineExecutionArn"] for request in service.requests_of("StopPipelineExecution")] == [NEW_ARN]
