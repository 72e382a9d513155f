from __future__ import annotations

import json

from airflow_sm_pipelines import SageMakerStepOperator
from tests.scripted_service import EXECUTION_ARN, Refusal, connection_json
from tests.unit.hooks.conftest import moto, s3

__all__ = ["moto", "s3"]


def test_a_group_with_a_large_definition_is_launched(service, moto, s3, dag, group, context, monkeypatch):
    """A definition of 100 KiB or more goes to the group's artifact_uri, and the pipeline is made from there."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection_json(service.url, s3=moto))
    with group(artifact_uri="s3://artifacts/churn") as pipeline:
        # A step of a type that the installed botocore does not know: nothing is held against it.
        SageMakerStepOperator(task_id="a", step_type="Mystery", arguments={"Notes": "x" * 100 * 1024})
    text = pipeline.compile().text
    service.answers.update(
        DescribePipeline=[Refusal("ResourceNotFound", "no")],
        CreatePipeline=[{"PipelineArn": EXECUTION_ARN.partition("/execution/")[0]}],
        StartPipelineExecution=[{"PipelineExecutionArn": EXECUTION_ARN}],
        DescribePipelineDefinitionForExecution=[{"PipelineDefinition": text}],
    )
    assert pipeline.launch.execute(context(task_id="churn.launch", map_index=-1)) == EXECUTION_ARN
    (creation,) = service.requests_of("CreatePipeline")
    location = creation["PipelineDefinitionS3Location"]
    stored = s3.get_object(Bucket=location["Bucket"], Key=location["ObjectKey"])["Body"].read()
    assert location["ObjectKey"].startswith("churn/definition/")
    assert json.loads(stored) == json.loads(text)
    assert "PipelineDefinition" not in creation
