"""What goes wrong is said in the task log: by the script, or by the service."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.every_airflow

REASON = "AlgorithmError: See job logs for more information. Last error line: KeyError: 'mean_radios', exit code: 1"
WORDS = {
    "missing_bucket": (
        "AirflowFailException: There is no bucket 'nobody-made-this-bucket', so s3://nobody-made-this-bucket/"
        "wrong-settings/code/f958a2c153d9d8d7a4fe0c5980f2d58fc32330b3c7d94f55b960959f8271aefa/fail.py cannot be written. "
        "Create it in the region of the pipeline, or set another artifact_uri (PutObject failed: NoSuchBucket: The "
        "specified bucket does not exist. Check the name, and the connection's account, region and endpoint_url. "
        "(connection 'aws_default', region us-east-1)). See docs/troubleshooting.md#nosuchbucket"
    ),
    "unknown_connection": (
        "AirflowFailException: there is no Airflow connection 'nobody_made_this_connection'. Define it, or set "
        "aws_conn_id. See docs/troubleshooting.md#connection-credentials-and-region"
    ),
    "unreachable_endpoint": (
        'SageMakerServiceError: HeadObject failed: Could not connect to the endpoint URL: "http://127.0.0.1:9/'
        'example-ml/wrong-settings/code/f958a2c153d9d8d7a4fe0c5980f2d58fc32330b3c7d94f55b960959f8271aefa/fail.py". '
        "Check endpoint_url in the connection's extra, and the network. (connection 'nobody_listens', region us-east-1)"
    ),
}


@pytest.fixture(scope="module")
def failed_script(live):
    return live.run("failing_script")


def test_a_failing_script_fails_its_task_and_the_run(live, failed_script):
    """The step's task fails, and the one behind it, whose step never started, does not run."""
    assert (failed_script.state, live.states(failed_script)) == (
        "failed",
        {"broken.launch": "success", "broken.prepare": "failed", "broken.summarise": "upstream_failed"},
    )


def test_the_log_has_reason_job_and_last_lines_of_a_failing_script(live, failed_script):
    """The task log ends with the job's ARN, the last lines that the script wrote, and the step's FailureReason."""
    job_arn = live.api.xcom(failed_script, "broken.prepare", "step_report")["job_arn"]
    assert live.api.errors(failed_script, "broken.prepare") == [
        f"Job: {job_arn}",
        "The last lines of the job's log (6):",
        "    reading 569 rows",
        "    Traceback (most recent call last):",
        '      File "/opt/ml/processing/input/code/fail.py", line 7, in <module>',
        '        print(row["mean_radios"])',
        "              ~~~^^^^^^^^^^^^^^^",
        "    KeyError: 'mean_radios'",
        f"PipelineExecutionError: step 'prepare' failed: {REASON}",
    ]


@pytest.mark.parametrize("dag_id", WORDS)
def test_a_wrong_setting_fails_the_launch_with_one_message(live, dag_id):
    """The message says what is wrong, with no chain of exceptions; no step ran, and no pipeline was left behind."""
    run = live.run(dag_id)
    pipelines = live.stack.client("sagemaker").list_pipelines(PipelineNamePrefix=dag_id.replace("_", "-"))

    assert (run.state, live.states(run)) == (
        "failed",
        {"pipeline.launch": "failed", "pipeline.prepare": "upstream_failed"},
    )
    assert live.api.errors(run, "pipeline.launch") == [WORDS[dag_id]]
    assert pipelines["PipelineSummaries"] == []
