from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

from airflow_sm_pipelines.links.sagemaker import (
    CloudWatchLogLink,
    SageMakerJobLink,
    SageMakerPipelineExecutionLink,
    link_xcoms,
)

EXECUTION = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"
JOB = "arn:aws:sagemaker:us-east-1:123456789012:training-job/t"
STUDIO = "https://console.aws.amazon.com/sagemaker/home?region=us-east-1#/studio-landing"


def test_links_of_a_step_that_runs_a_job():
    """A step with a job has three links, under the keys that Airflow looks for."""
    assert link_xcoms(EXECUTION, JOB) == {
        "_link_SageMakerPipelineExecutionLink": STUDIO,
        "_link_SageMakerJobLink": "https://console.aws.amazon.com/sagemaker/home?region=us-east-1#/jobs/t",
        "_link_CloudWatchLogLink": (
            "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/"
            "$252Faws$252Fsagemaker$252FTrainingJobs$3FlogStreamNameFilter$3Dt$252F"
        ),
    }


def test_links_without_a_page_are_left_out():
    """A step without a job, or whose job has no page, has the execution's link only."""
    assert link_xcoms(EXECUTION) == {"_link_SageMakerPipelineExecutionLink": STUDIO}
    package = "arn:aws:sagemaker:us-east-1:123456789012:model-package/churn/1"
    assert link_xcoms(EXECUTION, package) == {"_link_SageMakerPipelineExecutionLink": STUDIO}


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
