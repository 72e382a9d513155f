"""Why Processing and Training jobs failed, in the service's words where it has any."""

from __future__ import annotations

import io
import tarfile
import textwrap
import uuid
from pathlib import Path

import pytest
from botocore.exceptions import WaiterError

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, job_name, run_one, wait
from tests.integration.documents import BUCKET, ROLE, document, processing_step, training_step


def test_a_failing_processing_script_says_why(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The step's and the job's reason carry the script's last error line; all of it is in CloudWatch Logs."""
    code = aws.put(f"fail/{uuid.uuid4().hex}/script.py", "print('starting')\nraise ValueError('no rows in raw.csv')\n")
    step = run_one(endpoint, aws, processing_step("prepare", code))
    reason = (
        "AlgorithmError: See job logs for more information. Last error line: ValueError: no rows in raw.csv,"
        " exit code: 1"
    )
    assert (step["StepStatus"], step["FailureReason"]) == ("Failed", reason)
    name = job_name(step)
    assert aws.sagemaker.describe_processing_job(ProcessingJobName=name)["FailureReason"] == reason
    lines = aws.log_lines("/aws/sagemaker/ProcessingJobs", name)
    assert (lines[0], lines[1], lines[-1]) == (
        "starting",
        "Traceback (most recent call last):",
        "ValueError: no rows in raw.csv",
    )


def test_a_failing_training_script_says_why(endpoint: LocalEndpoint, aws: Aws) -> None:
    """As the framework containers report it: the toolkit's failure file, with the exception in it."""
    source = aws.put_source_archive({"train.py": "import sys\nprint('epoch 1')\nraise KeyError('target')\n"})
    step = run_one(endpoint, aws, training_step("train", source))
    assert step["StepStatus"] == "Failed"
    assert step["FailureReason"] == (
        "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage \"KeyError: 'target'\"\n"
        'Command "/opt/ml/.environment/bin/python3 -- train.py", exit code: 1'
    )
    described = aws.sagemaker.describe_training_job(TrainingJobName=job_name(step))
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Failed", "Failed")
    assert "epoch 1" in aws.log_lines("/aws/sagemaker/TrainingJobs", job_name(step))


def test_a_very_long_failure_keeps_its_last_line(endpoint: LocalEndpoint, aws: Aws) -> None:
    """A reason has at most 1024 characters; the exception that ended the script is among them."""
    step_definition = training_step("train", "unused")
    step_definition["Arguments"]["AlgorithmSpecification"]["ContainerEntrypoint"] = [
        "python3",
        "-c",
        "open('/opt/ml/output/failure', 'w').write('x' * 5000); raise OSError('disk')",
    ]
    step = run_one(endpoint, aws, step_definition)
    tail = " ... OSError: disk, exit code: 1"
    assert step["FailureReason"] == f"AlgorithmError: {'x' * (1024 - 16 - len(tail))}{tail}"


def test_a_script_that_exits_without_an_exception(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The last line that it printed, and its exit code; the toolkit's own lines do not count."""
    code = aws.put(f"exit/{uuid.uuid4().hex}/script.py", "import sys\nprint('bad data')\nsys.exit(3)\n")
    step = run_one(endpoint, aws, processing_step("prepare", code))
    assert step["FailureReason"] == (
        "AlgorithmError: See job logs for more information. Last error line: bad data, exit code: 3"
    )
    source = aws.put_source_archive({"train.py": "import sys\nprint('bad data')\nsys.exit(3)\n"})
    step = run_one(endpoint, aws, training_step("train", source))
    assert step["FailureReason"] == (
        'AlgorithmError: ExecuteUserScriptError:\nExitCode 3\nErrorMessage "bad data"\n'
        'Command "/opt/ml/.environment/bin/python3 -- train.py", exit code: 1'
    )


def test_a_killed_script_reports_128_and_the_signal(endpoint: LocalEndpoint, aws: Aws) -> None:
    """As a container does: SIGKILL is exit code 137."""
    code = aws.put(f"kill/{uuid.uuid4().hex}/script.py", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    step = run_one(endpoint, aws, processing_step("prepare", code))
    assert step["FailureReason"] == "AlgorithmError: See job logs for more information, exit code: 137"


def test_missing_input_fails_the_job_in_the_services_words(endpoint: LocalEndpoint, aws: Aws) -> None:
    """An empty prefix, and a bucket that does not exist."""
    code = aws.put(f"in/{uuid.uuid4().hex}/script.py", "")
    for uri, bucket, more in (
        (f"s3://{BUCKET}/nothing/here/", BUCKET, ""),
        ("s3://no-such-bucket/x", "no-such-bucket", " Error message from S3: The specified bucket does not exist"),
    ):
        step = run_one(endpoint, aws, processing_step("prepare", code, inputs={"raw": uri}))
        assert step["FailureReason"] == (
            f'ClientError: No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that'
            " the bucket exists in the selected region (eu-west-1), objects exist under that S3 prefix, and that the"
            f' role "{ROLE}" has "s3:ListBucket" permissions on bucket "{bucket}".{more}'
        )


def test_two_objects_that_would_be_one_file_fail_the_job(endpoint: LocalEndpoint, aws: Aws) -> None:
    """A prefix is a text, which takes in names that go on after it; and S3 tells 'x//y' from 'x/y'."""
    for prefix, one, other in (
        ("same/data", "same/data/dataset", "same/dataset"),
        ("slash/", "slash/a//b", "slash/a/b"),
    ):
        aws.put(one, "one")
        aws.put(other, "other")
        uri = f"s3://{BUCKET}/{prefix}"
        step = run_one(endpoint, aws, processing_step("prepare", aws.put_script(""), inputs={"raw": uri}))
        assert step["FailureReason"] == (
            f"ClientError: the objects '{one}' and '{other}' under {uri} would be one file. Rename one of them."
        )


def test_an_object_and_a_prefix_of_one_name_fail_the_job(endpoint: LocalEndpoint, aws: Aws) -> None:
    """S3 has both, a directory cannot; whichever is listed first."""
    aws.put("both/x", "object")
    aws.put("both/x!", "between the two in S3's order")
    aws.put("both/x/y", "below")
    step = run_one(
        endpoint, aws, processing_step("prepare", aws.put_script(""), inputs={"raw": f"s3://{BUCKET}/both/"})
    )
    assert (step["StepStatus"], step["FailureReason"]) == (
        "Failed",
        (
            f"ClientError: s3://{BUCKET}/both/ holds both the object 'x' and objects below 'x/', which cannot be a file"
            " and a directory at once. Rename one of them."
        ),
    )


def test_a_refused_create_request_is_the_steps_failure(endpoint: LocalEndpoint, aws: Aws) -> None:
    """No time to run, which only shows when the parameter has a value."""
    step_definition = training_step("train", "s3://box/c.tar.gz")
    step_definition["Arguments"]["StoppingCondition"]["MaxRuntimeInSeconds"] = {"Get": "Parameters.Seconds"}
    definition = document(step_definition, parameters=({"Name": "Seconds", "Type": "Integer"},))
    arn = aws.start(definition, {"Seconds": "0"})
    wait(endpoint, arn)
    step = aws.steps(arn)["train"]
    assert (step["StepStatus"], step["Metadata"], step["FailureReason"]) == (
        "Failed",
        {},
        (
            "ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: 1 validation error detected: "
            "Value '0' at 'stoppingCondition.maxRuntimeInSeconds' failed to satisfy constraint: Member must have value "
            "greater than or equal to 1"
        ),
    )


def test_a_metric_definition_that_is_no_regular_expression_is_refused(endpoint: LocalEndpoint, aws: Aws) -> None:
    """When the job is to be made, so the step has no job."""
    step_definition = training_step("train", "unused")
    step_definition["Arguments"]["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "loss", "Regex": "("}]
    step = run_one(endpoint, aws, step_definition)
    assert (step["FailureReason"], step["Metadata"]) == (
        (
            "ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: The Regex of metric definition"
            " 'loss' is not a regular expression: missing ), unterminated subpattern at position 0"
        ),
        {},
    )


def test_what_only_the_run_decides_is_the_jobs_failure(endpoint: LocalEndpoint, aws: Aws) -> None:
    """A number of instances that a parameter gives: the job says what is not done here."""
    step_definition = training_step("train", "s3://box/c.tar.gz")
    step_definition["Arguments"]["ResourceConfig"]["InstanceCount"] = {"Get": "Parameters.Count"}
    definition = document(step_definition, parameters=({"Name": "Count", "Type": "Integer"},))
    arn = aws.start(definition, {"Count": "11"})
    wait(endpoint, arn)
    assert aws.steps(arn)["train"]["FailureReason"] == (
        "ClientError: the job asks for 11 instances; the local endpoint runs at most 10 of a job. Set InstanceCount to 10 "
        "or less."
    )


def test_a_job_outside_of_a_pipeline_says_what_is_not_done_here(endpoint: LocalEndpoint, aws: Aws) -> None:
    """It fails, as a job does on AWS; nothing is called done."""
    request = processing_step("p", f"s3://{BUCKET}/unused")["Arguments"]
    request |= {"ProcessingJobName": f"job-{uuid.uuid4().hex}", "AppSpecification": {"ImageUri": "image"}}
    aws.sagemaker.create_processing_job(**request)
    waiter = aws.sagemaker.get_waiter("processing_job_completed_or_stopped")
    waiter.config.delay = 0.1
    with pytest.raises(WaiterError):
        waiter.wait(ProcessingJobName=request["ProcessingJobName"])
    job = aws.sagemaker.describe_processing_job(ProcessingJobName=request["ProcessingJobName"])
    assert (job["ProcessingJobStatus"], job["FailureReason"]) == (
        "Failed",
        (
            "ClientError: the local endpoint cannot run the entry point of the image image. Give"
            ' AppSpecification.ContainerEntrypoint, such as ["python3", "/opt/ml/processing/input/code/script.py"].'
        ),
    )


def test_an_output_bucket_that_does_not_exist_fails_the_job(endpoint: LocalEndpoint, aws: Aws) -> None:
    """S3's words, and which location."""
    code = aws.put(f"out/{uuid.uuid4().hex}/script.py", "open('/opt/ml/processing/output/y/f', 'w')")
    step = run_one(endpoint, aws, processing_step("p", code, outputs={"y": "s3://nowhere/y"}))
    assert step["FailureReason"] == (
        "ClientError: cannot transfer s3://nowhere/y: Error message from S3: The specified bucket does not exist"
    )


OUTPUT = "import os; os.chdir('/opt/ml/processing/output/o')\n"
LEAVES = "that leaves its directory. Links within it are stored"
BOMB = """
for n in range(17):
    os.mkdir(str(n))
    open(f'{n}/f', 'w')
    for link in 'ab' if n < 16 else '':
        os.symlink(f'../{n + 1}', f'{n}/{link}')
"""
DEEP = """
for _ in range(3000):
    os.mkdir('d')
    os.chdir('d')
"""


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("os.symlink('/etc/hostname', 'x')", f"the output file 'x' is a link {LEAVES}"),
        ("os.symlink('/etc', 'x')", f"the output file 'x' is a link {LEAVES}"),
        ("os.symlink('/opt/ml/output', 'x')", f"the output file 'x' is a link {LEAVES}"),
        ("os.symlink('x', 'x')", "the output file 'x' is a link that leads to itself"),
        ("os.mkfifo('x')", "the output file 'x' is not a file but a pipe, a socket or the like"),
        ("os.chdir('..'); os.rmdir('o'); open('o', 'w')", "the output directory 'o' is not a directory any more"),
        (BOMB, "links of the output lead to the directory '16' too often"),
        (
            "os.makedirs('a/b'); os.symlink('..', 'a/b/x')",
            "the output file 'a/b/x' is a link that leads to a directory around it",
        ),
        ("os.symlink('nothing', 'x')", "the output file 'x' is a link that leads to nothing"),
        ("open(b'\\xff', 'w')", "the output file '\\udcff' has a name that is not UTF-8 text on one line"),
        ("open('a\\nb', 'w')", "the output file 'a\\nb' has a name that is not UTF-8 text on one line"),
        (DEEP, "the output has more than 200 directories in one another"),
    ],
)
def test_an_output_that_cannot_be_stored_fails_the_job(
    endpoint: LocalEndpoint, aws: Aws, script: str, reason: str
) -> None:
    """Files of this machine are not stored, and nothing is left out in silence; nothing is left behind, either."""
    code = aws.put(f"odd/{uuid.uuid4().hex}/script.py", OUTPUT + script)
    step = run_one(endpoint, aws, processing_step("p", code, outputs={"o": f"s3://{BUCKET}/odd-out"}))
    assert step["FailureReason"] == f"ClientError: {reason}"
    directory = endpoint._directory
    assert directory is not None
    assert [path for path in directory.path.glob("jobs/*/*") if path.name == job_name(step)] == []


def test_links_within_an_output_stand_for_what_they_lead_to(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Those to files and those to directories; absolute ones lead where the job saw them lead."""
    script = """
os.mkdir('a'); open('a/f', 'w').write('text'); os.symlink('a', 'b'); os.symlink('a/f', 'c')
os.symlink('/opt/ml/processing/output/o/d2', 'd1'); os.symlink('/opt/ml/processing/output/o/a/', 'd2')
"""
    code = aws.put(f"links/{uuid.uuid4().hex}/script.py", OUTPUT + script)
    prefix = f"s3://{BUCKET}/links-{uuid.uuid4().hex}"
    assert run_one(endpoint, aws, processing_step("p", code, outputs={"o": prefix}))["StepStatus"] == "Succeeded"
    assert [aws.get(f"{prefix}/{name}") for name in ("a/f", "b/f", "c", "d1/f", "d2/f")] == ["text"] * 5


@pytest.mark.parametrize("removed", ["/opt/ml/model", "/opt/ml/output/data"])
def test_a_script_that_removes_a_directory_of_its_own_has_left_nothing_there(
    endpoint: LocalEndpoint, aws: Aws, removed: str
) -> None:
    """The job is Completed, its model empty or as it was."""
    step_definition = training_step("train", "unused")
    algorithm = step_definition["Arguments"]["AlgorithmSpecification"]
    algorithm["ContainerEntrypoint"] = ["python3", "-c", f"import shutil; shutil.rmtree({removed!r})"]
    step = run_one(endpoint, aws, step_definition)
    assert step["StepStatus"] == "Succeeded"
    uri = aws.sagemaker.describe_training_job(TrainingJobName=job_name(step))["ModelArtifacts"]["S3ModelArtifacts"]
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    with tarfile.open(fileobj=io.BytesIO(aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read())) as archive:
        assert archive.getnames() == []


def test_no_file_of_this_machine_is_shown_as_what_a_job_said(endpoint: LocalEndpoint, aws: Aws, tmp_path: Path) -> None:
    """Exit message, failure file and whole output directories that a job has replaced by links."""
    (tmp_path / "secret").write_text("secret")
    script = """
        import os, sys
        os.symlink(sys.argv[1] + "/secret", "/opt/ml/output/message")
        os.rmdir("/opt/ml/processing/output/o")
        os.symlink(sys.argv[1], "/opt/ml/processing/output/o")
    """
    code = aws.put_script(textwrap.dedent(script))
    step = run_one(
        endpoint,
        aws,
        processing_step("p", code, outputs={"o": f"s3://{BUCKET}/linked/{tmp_path.name}"}, arguments=(str(tmp_path),)),
    )
    assert step["FailureReason"] == (
        "ClientError: the LocalPath of 'o' is wrong: '/opt/ml/processing/output/o' is a link that leaves /opt/ml"
    )
    assert "ExitMessage" not in aws.sagemaker.describe_processing_job(ProcessingJobName=job_name(step))

    training = training_step("t", "unused")
    algorithm = training["Arguments"]["AlgorithmSpecification"]
    link = f"import os; os.symlink('{tmp_path}/secret', '/opt/ml/output/failure'); raise OSError('disk')"
    algorithm["ContainerEntrypoint"] = ["python3", "-c", link]
    assert run_one(endpoint, aws, training)["FailureReason"] == "AlgorithmError: OSError: disk, exit code: 1"
    link = f"import os; os.rmdir('/opt/ml/model'); os.symlink('{tmp_path}', '/opt/ml/model')"
    algorithm["ContainerEntrypoint"] = ["python3", "-c", link]
    assert run_one(endpoint, aws, training)["FailureReason"] == (
        "ClientError: the LocalPath of 'the model' is wrong: '/opt/ml/model' is a link that leaves /opt/ml"
    )


def test_a_job_that_runs_too_long_is_ended(endpoint: LocalEndpoint, aws: Aws) -> None:
    """MaxRuntimeInSeconds: a processing job fails, a training job is stopped; a child that holds on changes nothing."""
    script = "import signal, subprocess\nsubprocess.Popen(['sleep', '600'], start_new_session=True)\nsignal.pause()\n"
    code = aws.put(f"long/{uuid.uuid4().hex}/script.py", script)
    processing = processing_step("p", code)
    processing["Arguments"]["StoppingCondition"] = {"MaxRuntimeInSeconds": 1}
    training = training_step("t", "unused")
    training["Arguments"]["StoppingCondition"] = {"MaxRuntimeInSeconds": 1}
    training["Arguments"]["AlgorithmSpecification"]["ContainerEntrypoint"] = ["sleep", "600"]
    arn = aws.start(document(processing, training))
    wait(endpoint, arn)
    steps = aws.steps(arn)
    assert (steps["p"]["StepStatus"], steps["p"]["FailureReason"]) == (
        "Failed",
        "ClientError: Job runtime exceeded MaxRuntimeInSeconds provided",
    )
    assert steps["t"]["StepStatus"] == "Stopped"
    described = aws.sagemaker.describe_training_job(TrainingJobName=job_name(steps["t"]))
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
