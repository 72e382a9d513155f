"""``sm-pipelines run`` as a program: what it prints, where outputs land, how it ends, and what is left of it."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import airflow_sm_pipelines
from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from airflow_sm_pipelines.local.persistence.directory import DataDirectory
from tests.integration.documents import REGION, condition_step, document, fail_step, processing_step
from tests.tuning_requests import choices, config, definition

ROOT = Path(airflow_sm_pipelines.__file__).parents[1]

MEASURE = """
import json, pathlib
rows = pathlib.Path("/opt/ml/processing/input/raw/rows.csv").read_text().split()
pathlib.Path("/opt/ml/processing/output/evaluation/metrics.json").write_text(json.dumps({"rows": len(rows)}))
print("measured", len(rows))
"""

REASON = "AlgorithmError: See job logs for more information. Last error line: two, exit code: 3"


def command(*arguments: str) -> Sequence[str]:
    return [sys.executable, "-m", "airflow_sm_pipelines.cli", "run", *arguments]


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "tmp"), **more}


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a directory, with a directory for temporary files that is to be empty afterwards."""
    (folder / "tmp").mkdir(exist_ok=True)
    ended = subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(folder, **more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert list((folder / "tmp").iterdir()) == []
    return ended


def churn(folder: Path) -> str:
    """A pipeline whose script and data are files: what it measures decides how it goes on."""
    (folder / "script.py").write_text(MEASURE)
    (folder / "data").mkdir()
    (folder / "data" / "rows.csv").write_text("1\n2\n3\n")
    prefix = ["s3:/", {"Get": "Parameters.Bucket"}, {"Get": "Execution.PipelineExecutionId"}]
    measure = processing_step(
        "measure",
        "script.py",
        inputs={"raw": "s3://lake/raw"},
        outputs={"evaluation": {"Std:Join": {"On": "/", "Values": [*prefix, "evaluation"]}}},
        PropertyFiles=[{"PropertyFileName": "metrics", "OutputName": "evaluation", "FilePath": "metrics.json"}],
        CacheConfig={"Enabled": True, "ExpireAfter": "P1D"},
    )
    rows = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.measure.PropertyFiles.metrics"}, "Path": "rows"}}
    enough = {"Type": "GreaterThanOrEqualTo", "LeftValue": rows, "RightValue": {"Get": "Parameters.Least"}}
    crash = processing_step("crash", "data", outputs={"kept": "s3://of-crash/kept"})
    crash["Arguments"]["AppSpecification"]["ContainerEntrypoint"] = ["sh", "-c", "echo one; echo two >&2; exit 3"]
    parameters = (
        {"Name": "Bucket", "Type": "String", "DefaultValue": "of-default"},
        {"Name": "Least", "Type": "Integer", "DefaultValue": 3},
    )
    pipeline = document(measure, condition_step("enough", [enough], [], [crash]), parameters=parameters)
    (folder / "churn.json").write_text(json.dumps(pipeline))
    return "churn.json"


def masked(text: str) -> str:
    """A text without what differs from run to run: the execution's id, and times."""
    text = text.replace("step enough: Executing\n", "")  # a look may find it or not
    text = re.sub(r"execution [a-z0-9]{12}|\.sm-pipelines/[a-z0-9]{12}", lambda match: match[0][:-12] + "ID", text)
    return re.sub(r"after \d+\.\d s", "after N s", text)


def test_a_pipeline_runs_to_success(tmp_path: Path) -> None:
    """Local code and data are uploaded, buckets are made, each change is a line, and the outputs are here afterwards.

    Another run takes steps from it; one at the same time is refused.
    """
    ended = run(
        tmp_path, churn(tmp_path), "--s3", "s3://lake/raw=data", "--parameter", "Bucket=given", "--logs", "measure"
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert masked(ended.stdout).splitlines() == [
        "pipeline churn, execution ID",
        "step measure: Executing",
        "[measure] measured 3",
        "step measure: Succeeded after N s",
        "step enough: Succeeded after N s, outcome True",
        "pipeline churn, execution ID: Succeeded",
        "conditions:",
        "  enough: True",
        "    measure.metrics.rows (3) >= Parameters.Least (3): holds",
        "metrics:",
        "  measure  metrics.rows = 3",
        "outputs:",
        "  measure  evaluation: .sm-pipelines/ID/measure/evaluation",
    ]
    [directory] = [path for path in (tmp_path / ".sm-pipelines").iterdir() if path.is_dir() and path.name != "data"]
    left = {path.relative_to(directory).as_posix(): path.read_text() for path in directory.rglob("*") if path.is_file()}
    assert left == {"measure/evaluation/metrics.json": '{"rows": 3}'}
    assert (tmp_path / ".sm-pipelines" / ".gitignore").read_text() == "*\n"

    # The next run knows this one.
    selected = run(tmp_path, "churn.json", "--s3", "s3://lake/raw=data", "--select", "enough")
    assert (selected.returncode, selected.stderr) == (0, "")
    assert masked(selected.stdout).splitlines() == [
        "pipeline churn, execution ID",
        "step measure: Succeeded after N s, not selected, from execution ID",
        "step enough: Succeeded after N s, outcome True",
        "pipeline churn, execution ID: Succeeded",
        "conditions:",
        "  enough: True",
        "    measure.metrics.rows (3) >= Parameters.Least (3): holds",
        "metrics:",
        "  measure  metrics.rows = 3",
        "outputs:",
        "  measure  evaluation: .sm-pipelines/ID/measure/evaluation",
    ]

    # Two runs at once do not share what is kept.
    data = DataDirectory(tmp_path / ".sm-pipelines" / "data")
    refused = run(tmp_path, "churn.json", "--s3", "s3://lake/raw=data")
    data.close()
    assert (refused.returncode, refused.stdout, refused.stderr) == (
        1,
        "",
        (
            f"sm-pipelines run: the data directory {data.path} is in use by another endpoint (process {os.getpid()}). "
            "Wait until it has ended, or use another directory\n"
        ),
    )


def test_a_step_that_fails_is_told_as_json(tmp_path: Path, endpoint: LocalEndpoint) -> None:
    """Alone on standard output, with the reason and the end of its log. An endpoint that is there caches steps."""
    arguments = (
        churn(tmp_path),
        "--s3",
        "s3://lake/raw=data",
        "--parameter",
        "Least=4",
        "--endpoint-url",
        endpoint.url,
    )
    first = run(tmp_path, *arguments, AWS_REGION=REGION)
    again = run(tmp_path, *arguments, "--json", "--logs", "all", AWS_REGION=REGION)
    assert (first.returncode, again.returncode) == (1, 1)
    summary: dict[str, Any] = json.loads(again.stdout)
    source, arn = (re.findall(r"execution[ /]([a-z0-9]{12})", text)[0] for text in (first.stdout, again.stdout))
    prefix = f"arn:aws:sagemaker:{REGION}:123456789012"
    measure, enough, crash = summary.pop("steps")
    assert summary == {
        "pipeline": "churn",
        "execution_arn": f"{prefix}:pipeline/churn/execution/{arn}",
        "status": "Failed",
        "failure_reason": "Step failure: One or multiple steps failed",
        "directory": f".sm-pipelines/{arn}",
    }
    assert measure["cached_from"] == f"{prefix}:pipeline/churn/execution/{source}"
    assert measure["outputs"] == {"evaluation": f".sm-pipelines/{arn}/measure/evaluation"}
    assert enough["comparisons"] == [
        {
            "comparison": "measure.metrics.rows (3) >= Parameters.Least (4)",
            "holds": False,
            "operator": ">=",
            "operands": [{"name": "measure.metrics.rows", "value": 3}, {"name": "Parameters.Least", "value": 4}],
        }
    ]
    assert (crash["status"], crash["failure_reason"]) == ("Failed", REASON)
    assert sorted(crash["log_tail"]) == ["one", "two"]
    # It crashes so soon that no look may find it executing.
    told = [line for line in masked(again.stderr).splitlines() if not line.startswith("[crash]")]
    assert [line for line in told if line != "step crash: Executing"] == [
        "pipeline churn, execution ID",
        "step measure: Succeeded after N s, from the cache of execution ID",
        "step enough: Succeeded after N s, outcome False",
        f"step crash: Failed after N s: {REASON}",
    ]
    selected = run(tmp_path, *arguments, "--select", "measure", AWS_REGION=REGION)
    assert (selected.returncode, masked(selected.stdout).splitlines()[:3]) == (
        0,
        [
            "pipeline churn, execution ID",
            "step measure: Succeeded after N s, from the cache of execution ID",
            "pipeline churn, execution ID: Succeeded",
        ],
    )


def test_all_that_is_wrong_is_said_before_anything_starts(tmp_path: Path) -> None:
    """The document's errors, what cannot run here, and what is missing on the command line; status 1."""
    (tmp_path / "p.json").write_text(
        json.dumps(
            document(
                {"Name": "a", "Type": "Mystery", "Arguments": {}},
                fail_step("b", {"Get": "Parameters.C"}),
                parameters=({"Name": "D", "Type": "String"},),
            )
        )
    )
    ended = run(tmp_path, "p.json")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.splitlines() == [
        (
            "p.json: warning: step 'a' is of the type 'Mystery', which this version does not know; it is kept as it is "
            "@ $.Steps[0].Type"
        ),
        "p.json: error: step 'b' reads 'Parameters.C': there is no pipeline parameter 'C' @ $.Steps[1].Arguments.ErrorMessage",
        "p.json: error: step 'a': the local endpoint does not run steps of type 'Mystery' @ $.Steps[0].Type",
        "p.json: error: pipeline parameter 'D' has no default value. Give one: --parameter D=VALUE",
    ]


def test_an_interrupted_run_stops_its_execution(tmp_path: Path) -> None:
    """The job gets its time to end; the status is 130, and neither processes nor files are left."""
    step = processing_step("wait", "script.py")
    (tmp_path / "script.py").write_text(
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit('asked to end'))\n"
        "print('waiting', os.getpid())\n"
        "signal.pause()\n"
    )
    (tmp_path / "p.json").write_text(json.dumps(document(step)))
    (tmp_path / "tmp").mkdir()
    with subprocess.Popen(
        command("p.json", "--logs", "all"),
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            lines: list[str] = []
            while not (lines and lines[-1].startswith("[wait] waiting")):
                assert select.select([process.stdout], [], [], 60)[0], lines
                lines.append(process.stdout.readline())
                assert lines[-1], lines
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    # Whether a look finds the step stopping depends on how fast it ends.
    told = [line for line in masked("".join(lines) + rest).splitlines() if line != "step wait: Stopping"]
    assert [line for line in told if not line.startswith("[wait] waiting")] == [
        "pipeline p, execution ID",
        "step wait: Executing",
        "stopping the execution; a second signal ends it at once",
        "[wait] asked to end",
        "step wait: Stopped after N s",
        "pipeline p, execution ID: Stopped",
    ]
    assert list((tmp_path / "tmp").iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(lines[-1].split()[-1]), 0)


def test_of_a_tuning_step_the_best_model_is_kept(tmp_path: Path) -> None:
    """And its objective is told."""
    with tarfile.open(tmp_path / "source.tar.gz", "w:gz") as archive:
        (tmp_path / "train.py").write_text(
            "import os, sys; print('score=' + sys.argv[2])\n"
            "open(os.environ['SM_MODEL_DIR'] + '/text', 'w').write(sys.argv[2])\n"
        )
        archive.add(tmp_path / "train.py", "train.py")
    arguments = {
        "HyperParameterTuningJobConfig": config(choices(depth=["1", "2"])),
        "TrainingJobDefinition": definition("s3://code/source.tar.gz"),
    }
    (tmp_path / "tune.json").write_text(
        json.dumps(document({"Name": "tune", "Type": "Tuning", "Arguments": arguments}))
    )
    ended = run(tmp_path, "tune.json", "--s3", "s3://code/source.tar.gz=source.tar.gz")

    assert (ended.returncode, ended.stderr) == (0, "")
    [*_, metrics, outputs] = ended.stdout.split("metrics:\n")[1].split("outputs:\n")
    assert (metrics, masked(outputs)) == (
        "  tune  score = 2\n",
        "  tune  model_artifacts: .sm-pipelines/ID/tune/model.tar.gz\n",
    )
    with tarfile.open(tmp_path / outputs.split(": ")[1].strip()) as model:
        assert model.extractfile("text").read() == b"2"  # type: ignore[union-attr]


def test_a_dag_file_runs(tmp_path: Path) -> None:
    """Its code is uploaded as the launch task would; what only a Dag run has is asked for, then given."""
    (tmp_path / "dag.py").write_text(
        "from airflow.sdk import DAG\n"
        "from airflow_sm_pipelines import SageMakerPipelineTaskGroup, SageMakerProcessingStepOperator\n"
        "with DAG('d'), SageMakerPipelineTaskGroup(\n"
        "    'g', role_arn='arn:aws:iam::123456789012:role/r', artifact_uri='s3://of-dag/p',\n"
        "    parameters={'Day': '{{ ds }}', 'Kind': 'literal'},\n"
        ") as pipeline:\n"
        "    SageMakerProcessingStepOperator(\n"
        "        task_id='say', image_uri='i', instance_type='ml.m5.large', code='say.py', outputs=['said'],\n"
        "        job_arguments=[pipeline.parameters['Day'], pipeline.parameters['Kind']],\n"
        "    )\n"
        "print('a Dag file may print')\n"
    )
    (tmp_path / "say.py").write_text(
        "import pathlib, sys\npathlib.Path('/opt/ml/processing/output/said/text').write_text(' '.join(sys.argv[1:]))\n"
    )
    ended = run(tmp_path, "dag.py", "--parameter", "Day=2026-11-27", "--json")
    assert ended.returncode == 0, ended.stderr
    summary = json.loads(ended.stdout)
    assert (summary["pipeline"], summary["status"]) == ("d-g", "Succeeded")
    assert (tmp_path / summary["directory"] / "say" / "said" / "text").read_text() == "2026-11-27 literal"


def test_a_file_of_the_sdk_runs(tmp_path: Path) -> None:
    """In a process of its own; all its calls reach the endpoint, those too for which it names another address. What --s3 gives is there first."""
    package = tmp_path / "sagemaker" / "workflow"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "pipeline.py").write_text(
        "import boto3, json\n"
        "class Pipeline:\n"
        "    def __init__(self, name):\n"
        "        self.name = name\n"
        "    def definition(self):\n"
        "        sts = boto3.client('sts', endpoint_url='https://sts.eu-west-1.amazonaws.com')\n"
        "        account = sts.get_caller_identity()['Account']\n"
        "        steps = [{'Name': 'end', 'Type': 'Fail', 'Arguments': {'ErrorMessage': f'for {account}'}}]\n"
        "        return json.dumps({'Version': '2020-12-01', 'Steps': steps})\n"
    )
    (tmp_path / "mine.py").write_text(
        "import boto3\n"
        "from sagemaker.workflow.pipeline import Pipeline\n"
        "pipeline = Pipeline('of-sdk')\n"
        "print(boto3.client('s3').get_object(Bucket='samples', Key='rows.csv')['Body'].read().decode())\n"
    )
    (tmp_path / "rows.csv").write_text("a file may read data, and print")
    given = ("--s3", "s3://samples/rows.csv=rows.csv")
    ended = run(tmp_path, "mine.py", *given, AWS_DEFAULT_REGION="eu-west-1")
    assert (ended.returncode, ended.stderr) == (1, "a file may read data, and print\n")
    assert masked(ended.stdout).splitlines() == [
        "pipeline of-sdk, execution ID",
        "step end: Failed after N s: for 123456789012",
        "pipeline of-sdk, execution ID: Failed",
        "step end failed: for 123456789012",
    ]
