from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
from airflow_sm_pipelines.links.console import Console
from airflow_sm_pipelines.links.sagemaker import (
    CloudWatchLogLink,
    SageMakerJobLink,
    SageMakerPipelineExecutionLink,
    console_of,
    link_xcoms,
)

EXECUTION = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"
JOB = "arn:aws:sagemaker:us-east-1:123456789012:training-job/t"
PIPELINE = "https://console.aws.amazon.com/sagemaker/home?region=us-east-1#/pipelines/churn"


def test_links_of_a_step_that_runs_a_job():
    """A step with a job has three links, under the keys that Airflow looks for."""
    assert link_xcoms(Console(), EXECUTION, JOB) == {
        "_link_SageMakerPipelineExecutionLink": PIPELINE,
        "_link_SageMakerJobLink": "https://console.aws.amazon.com/sagemaker/home?region=us-east-1#/jobs/t",
        "_link_CloudWatchLogLink": (
            "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/"
            "$252Faws$252Fsagemaker$252FTrainingJobs$3FlogStreamNameFilter$3Dt$252F"
        ),
    }


def test_links_without_a_page_are_left_out():
    """A step without a job, or whose job has no page, has the execution's link only."""
    assert link_xcoms(Console(), EXECUTION) == {"_link_SageMakerPipelineExecutionLink": PIPELINE}
    package = "arn:aws:sagemaker:us-east-1:123456789012:model-package/churn/1"
    assert link_xcoms(Console(), EXECUTION, package) == {"_link_SageMakerPipelineExecutionLink": PIPELINE}


def test_names_on_the_buttons():
    """Each link has a name of its own for the user interface."""
    links = [SageMakerPipelineExecutionLink(), SageMakerJobLink(), CloudWatchLogLink()]
    assert [link.name for link in links] == ["SageMaker pipeline execution", "SageMaker job", "CloudWatch log"]


def test_importing_links_loads_no_aws_library():
    """Dag files import the links, so importing them loads neither boto3 nor the amazon provider."""
    code = (
        "import sys, json; import airflow_sm_pipelines.links.sagemaker; "
        "print(json.dumps([name for name in sys.modules "
        "if name in ('boto3', 'botocore', 'aiobotocore') or name.startswith('airflow.providers.amazon.aws')]))"
    )
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert json.loads(output.splitlines()[-1]) == []


def test_link_of_an_operator_on_a_worker():
    """On a worker, a link is what the operator knows by then, or nothing."""
    operator = SimpleNamespace(link_addresses={"_link_SageMakerJobLink": "https://console/job"})
    assert SageMakerJobLink().get_link(operator, ti_key=None) == "https://console/job"
    assert CloudWatchLogLink().get_link(operator, ti_key=None) == ""
    assert CloudWatchLogLink().get_link(SimpleNamespace(), ti_key=None) == ""


@pytest.mark.parametrize(
    ("extra", "given", "console"),
    [
        ({}, None, Console()),
        ({"studio_domain_id": "d-extra"}, None, Console("d-extra")),
        ({"studio_domain_id": "d-extra"}, "d-given", Console("d-given")),
        ({"endpoint_url": "http://localhost:4566"}, None, Console(endpoint_url="http://localhost:4566")),
        ({"endpoint_url": "https://vpce-1.api.sagemaker.us-east-1.vpce.amazonaws.com"}, None, Console()),
    ],
)
def test_who_shows_what_a_connection_asks_about(monkeypatch, extra, given, console):
    """The Studio domain is that of the connection's extra, unless one is given; AWS's console is not for other endpoints."""
    connection = {"conn_type": "aws", "login": "x", "password": "y", "extra": {"region_name": "us-east-1", **extra}}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    assert console_of(SageMakerPipelineHook("aws_default", studio_domain_id=given)) == console
