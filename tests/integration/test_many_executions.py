"""Many executions that are started before the first of them can run."""

from __future__ import annotations

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, wait
from tests.integration.documents import document, processing_step

COUNT = 20


def test_executions_that_wait_for_a_place_all_end(endpoint: LocalEndpoint, aws: Aws) -> None:
    """More of them than there are places for jobs, each with one small job."""
    step = processing_step("small", aws.put_script(""))
    step["Arguments"]["AppSpecification"]["ContainerEntrypoint"] = ["true"]
    slots = endpoint._slots
    taken = slots.take(lambda: False, endpoint.settings.max_jobs)
    try:
        arns = [aws.start(document(step)) for _ in range(COUNT)]
        assert {aws.describe(arn)["PipelineExecutionStatus"] for arn in arns} == {"Executing"}
    finally:
        slots.release_slots(taken)
    for arn in arns:
        wait(endpoint, arn)
    assert {aws.describe(arn)["PipelineExecutionStatus"] for arn in arns} == {"Succeeded"}
