from __future__ import annotations

import boto3
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.hooks.known_arguments import SINCE, require_known
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
from tests.scripted_service import connection_json


def model(leave_out=()):
    """Botocore's model of SageMaker, as if it did not know some arguments of StartPipelineExecution yet."""
    described = Loader().load_service_model("sagemaker", "service-2")
    for name in leave_out:
        described["shapes"]["StartPipelineExecutionRequest"]["members"].pop(name, None)
    return ServiceModel(described, "sagemaker")


@pytest.mark.parametrize("name", SINCE)
def test_an_argument_that_boto3_does_not_know_yet(name):
    """Used with a boto3 that is too old, it is refused with the version to install; not used, nothing happens."""
    start = model([name]).operation_model("StartPipelineExecution")
    require_known(start, {"PipelineName": "churn"})
    with pytest.raises(SageMakerServiceError) as caught:
        require_known(start, {"PipelineName": "churn", name: 1})
    assert (str(caught.value), caught.value.retryable) == (
        (
            f"StartPipelineExecution takes {name} from boto3 {SINCE[name]} on, and {boto3.__version__} is installed. "
            f"Install boto3>={SINCE[name]}, or leave the argument out"
        ),
        False,
    )


def test_other_unknown_arguments_are_botocores(monkeypatch):
    """A name that no boto3 knows is told in botocore's own words."""
    require_known(model().operation_model("StartPipelineExecution"), {"Nonsense": 1})
    monkeypatch.setenv("AIRFLOW_CONN_AWS_TEST", connection_json("http://127.0.0.1:9"))
    with pytest.raises(SageMakerServiceError, match='Unknown parameter in input: "Nonsense"'):
        SageMakerPipelineHook(aws_conn_id="aws_test").call("sagemaker", "start_pipeline_execution", Nonsense=1)
