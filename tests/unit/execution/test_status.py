from __future__ import annotations

import re

import botocore.session
import pytest

from airflow_sm_pipelines.exceptions import UnknownStatusError
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus


@pytest.fixture(scope="module")
def service_model():
    return botocore.session.get_session().get_service_model("sagemaker")


def test_execution_statuses_are_those_of_the_service(service_model):
    """The closed set of execution statuses is the one in botocore's service model."""
    assert {status.value for status in ExecutionStatus} == set(service_model.shape_for("PipelineExecutionStatus").enum)


def test_step_statuses_are_those_of_the_service(service_model):
    """The closed set of step statuses is the one in botocore's service model."""
    assert {status.value for status in StepStatus} == set(service_model.shape_for("StepStatus").enum)


def test_which_execution_statuses_end_it():
    """An execution is over in four statuses, and worked in one: not in CompletedWithFailures, not in Stopped."""
    assert [status.value for status in ExecutionStatus if status.is_terminal] == [
        "Stopped",
        "Failed",
        "Succeeded",
        "CompletedWithFailures",
    ]
    assert [status.value for status in ExecutionStatus if status.is_success] == ["Succeeded"]


def test_which_step_statuses_end_it():
    """A step is over in three statuses, and worked in one."""
    assert [status.value for status in StepStatus if status.is_terminal] == ["Stopped", "Failed", "Succeeded"]
    assert [status.value for status in StepStatus if status.is_success] == ["Succeeded"]


def test_statuses_read_and_print_as_the_service_writes_them():
    """A status is read from and printed as the service's text."""
    assert ExecutionStatus.parse("CompletedWithFailures") is ExecutionStatus.COMPLETED_WITH_FAILURES
    assert f"{ExecutionStatus.COMPLETED_WITH_FAILURES}" == "CompletedWithFailures"
    assert StepStatus.parse("Starting") is StepStatus.STARTING
    assert f"{StepStatus.STARTING}" == "Starting"


def test_unknown_execution_status_is_loud():
    """A status nobody knows is an error that names it and the known ones; it is never taken for success."""
    message = (
        "unknown pipeline execution status 'Paused'; this version of airflow_sm_pipelines knows Executing, "
        "Stopping, Stopped, Failed, Succeeded, CompletedWithFailures. The status is not guessed at: update the package"
    )
    with pytest.raises(UnknownStatusError, match=f"^{re.escape(message)}$"):
        ExecutionStatus.parse("Paused")


def test_unknown_step_status_is_loud():
    """A step status nobody knows is an error that names it and the known ones."""
    message = (
        "unknown step status 'Skipped'; this version of airflow_sm_pipelines knows Starting, Executing, Stopping, "
        "Stopped, Failed, Succeeded. The status is not guessed at: update the package"
    )
    with pytest.raises(UnknownStatusError, match=f"^{re.escape(message)}$"):
        StepStatus.parse("Skipped")
