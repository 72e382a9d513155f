from __future__ import annotations

import pytest

from airflow_sm_pipelines.links.console import execution_url, job_url, log_url


def arn(resource: str, partition: str = "aws", region: str = "us-east-1", service: str = "sagemaker") -> str:
    return f"arn:{partition}:{service}:{region}:123456789012:{resource}"


@pytest.mark.parametrize(
    ("resource", "page"),
    [
        ("processing-job/pipelines-abc-Evaluate-1", "processing-jobs/pipelines-abc-Evaluate-1"),
        ("training-job/t", "jobs/t"),
        ("transform-job/x", "transform-jobs/x"),
        ("hyper-parameter-tuning-job/h", "hyper-tuning-jobs/h"),
        ("model/m", "models/m"),
        ("endpoint/e", "endpoints/e"),
        ("endpoint-config/c", "endpointConfig/c"),
    ],
)
def test_job_page(resource, page):
    """Every kind of job that has a page in the SageMaker console is linked to it."""
    assert job_url(arn(resource)) == (f"https://console.aws.amazon.com/sagemaker/home?region=us-east-1#/{page}")


@pytest.mark.parametrize(
    "resource_arn", [arn("model-package/churn/14"), arn("model/score", service="lambda"), arn("job/x", "aws-iso")]
)
def test_no_job_page(resource_arn):
    """Model packages, other services' resources and partitions without a public console give no link."""
    assert job_url(resource_arn) is None


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-west-1", "console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "console.amazonaws-us-gov.com"),
        ("aws-eusc", "eusc-de-east-1", "console.amazonaws-eusc.eu"),
    ],
)
def test_console_of_each_partition(partition, region, host):
    """Links lead to the console of the ARN's partition, in the ARN's region."""
    job = arn("training-job/t", partition, region)
    assert job_url(job) == f"https://{host}/sagemaker/home?region={region}#/jobs/t"
    assert execution_url(arn("pipeline/churn/execution/abcdef123456", partition, region)) == (
        f"https://{host}/sagemaker/home?region={region}#/studio-landing"
    )


def test_partitions_without_a_console():
    """Where the partition has no public console there is no link rather than a wrong one."""
    assert execution_url(arn("pipeline/churn/execution/abcdef123456", "aws-iso", "us-iso-east-1")) is None
    assert log_url(arn("training-job/t", "aws-iso", "us-iso-east-1")) is None


def test_execution_in_a_studio_domain():
    """With the Studio domain known, the link leads to the execution's graph in Studio."""
    assert execution_url(arn("pipeline/churn/execution/abcdef123456"), "d-ndkfwlyrojeq") == (
        "https://studio-d-ndkfwlyrojeq.studio.us-east-1.sagemaker.aws/pipelines/view/churn/executions/"
        "abcdef123456/graph"
    )


def test_log_streams():
    """The log link lists the job's streams: the group and the prefix are quoted twice, the syntax once."""
    assert log_url(arn("processing-job/pipelines-abc")) == (
        "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/"
        "$252Faws$252Fsagemaker$252FProcessingJobs$3FlogStreamNameFilter$3Dpipelines-abc$252F"
    )


def test_no_log():
    """What has no log has no log link."""
    assert log_url(arn("model-package/churn/14")) is None
