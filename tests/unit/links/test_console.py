from __future__ import annotations

import pytest

from airflow_sm_pipelines.links.console import Console, is_aws

EXECUTION = "pipeline/churn/execution/abcdef123456"
LOCAL = "http://127.0.0.1:4566"


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
    assert Console().job_url(arn(resource)) == f"https://console.aws.amazon.com/sagemaker/home?region=us-east-1#/{page}"


@pytest.mark.parametrize(
    "resource_arn", [arn("model-package/churn/14"), arn("model/score", service="lambda"), arn("job/x", "aws-iso")]
)
def test_no_job_page(resource_arn):
    """Model packages, other services' resources and partitions without a public console give no link."""
    assert Console().job_url(resource_arn) is None


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
    """Links lead to the console of the ARN's partition, in the ARN's region; to the pipeline where no Studio is known."""
    job = arn("training-job/t", partition, region)
    assert Console().job_url(job) == f"https://{host}/sagemaker/home?region={region}#/jobs/t"
    assert Console().execution_url(arn(EXECUTION, partition, region)) == (
        f"https://{host}/sagemaker/home?region={region}#/pipelines/churn"
    )


def test_partitions_without_a_console():
    """Where the partition has no public console there is no link rather than a wrong one."""
    assert Console().execution_url(arn(EXECUTION, "aws-iso", "us-iso-east-1")) is None
    assert Console().log_url(arn("training-job/t", "aws-iso", "us-iso-east-1")) is None


@pytest.mark.parametrize(
    ("console", "created_by", "domain"),
    [
        (Console("d-ours"), None, "d-ours"),
        (Console("d-ours"), "d-theirs", "d-ours"),
        (Console(), "d-theirs", "d-theirs"),
    ],
)
def test_execution_in_a_studio_domain(console, created_by, domain):
    """With a Studio domain known, the link leads to the execution's graph in Studio; one that was set goes first."""
    assert console.execution_url(arn(EXECUTION), created_by) == (
        f"https://studio-{domain}.studio.us-east-1.sagemaker.aws/pipelines/view/churn/executions/abcdef123456/graph"
    )


def test_log_streams():
    """The log link lists the job's streams: the group and the prefix are quoted twice, the syntax once."""
    assert Console().log_url(arn("processing-job/pipelines-abc")) == (
        "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/"
        "$252Faws$252Fsagemaker$252FProcessingJobs$3FlogStreamNameFilter$3Dpipelines-abc$252F"
    )


def test_no_log():
    """What has no log has no log link."""
    assert Console().log_url(arn("model-package/churn/14")) is None


@pytest.mark.parametrize(
    ("url", "aws"),
    [
        ("https://api.sagemaker.us-east-1.amazonaws.com", True),
        ("https://vpce-0a1-b2c.api.sagemaker.eu-west-1.vpce.amazonaws.com", True),
        ("https://api.sagemaker.cn-north-1.amazonaws.com.cn", True),
        ("https://sagemaker.us-east-1.api.aws", True),
        ("http://127.0.0.1:4566", False),
        ("http://endpoint:4566", False),
        ("https://amazonaws.com.example.org", False),
    ],
)
def test_whose_endpoint_it_is(url, aws):
    """AWS's own endpoints, VPC endpoints among them, are told from all others."""
    assert is_aws(url) is aws


def test_pages_of_the_local_endpoint():
    """Where the local endpoint is asked, its own pages are linked to, whatever Studio domain is set."""
    console = Console("d-ours", LOCAL, has_pages=True)
    execution, job = arn(EXECUTION), arn("training-job/t")
    assert console.execution_url(execution) == f"{LOCAL}/_pages/{execution}"
    assert console.job_url(job) == f"{LOCAL}/_pages/{job}"
    assert console.log_url(job) == f"{LOCAL}/_pages/log/{job}"
    assert (console.job_url(arn("model/m")), console.log_url(arn("model/m"))) == (None, None)


def test_another_endpoint_has_no_pages():
    """An endpoint that is neither AWS's nor the local one has nothing that could be opened."""
    console = Console("d-ours", LOCAL)
    found = [console.execution_url(arn(EXECUTION)), console.job_url(arn("training-job/t"))]
    assert [*found, console.log_url(arn("training-job/t"))] == [None] * 3
