"""Commands that read pipelines of an account: what they print, and how they end."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_sm_pipelines import SageMakerPipelineTaskGroup, cli
from airflow_sm_pipelines.definition.changes import changes
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import TEST_KEY, Aws, token, wait
from tests.integration.documents import BUCKET, REGION, ROLE, document, fail_step, processing_step, training_step


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's credentials are those of the endpoint's tests."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", TEST_KEY.id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", TEST_KEY.secret)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def put_pipeline(aws: Aws, *versions: dict[str, Any]) -> str:
    """A pipeline of these versions; its name."""
    name = f"account-{uuid.uuid4().hex[:8]}"
    first, *others = map(json.dumps, versions)
    aws.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=first, RoleArn=ROLE, ClientRequestToken=token())
    for each in others:
        aws.sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=each)
    return name


def trees(number: int) -> dict[str, Any]:
    return document(training_step("train", "s3://box/sourcedir.tar.gz", hyperparameters={"trees": str(number)}))


def test_versions_of_a_pipeline_are_compared(
    endpoint: LocalEndpoint, aws: Aws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name is the latest version, name@1 the first, and a file is a file: 1 where they differ, 0 where they do not."""
    name = put_pipeline(aws, trees(100), trees(200))
    file = tmp_path / "definition.json"
    file.write_text(json.dumps(trees(200)))

    def diff(*operands: str) -> tuple[int, str, str]:
        status = cli.main(["diff", *operands, "--region", REGION, "--endpoint-url", endpoint.url])
        return (status, *capsys.readouterr())

    changed = "step 'train' HyperParameters.trees 100 → 200\n"
    assert diff(f"{name}@1", name) == (1, changed, "")
    assert diff(f"{name}@1", str(file)) == (1, changed, "")
    assert diff(f"{name}@2", str(file)) == (0, "", "")
    status, out, error = diff(f"{name}-not-there", name)
    assert (status, out) == (2, "")
    assert error.startswith("sm-pipelines diff: DescribePipeline failed: ResourceNotFound: ")


def test_a_region_is_needed(
    aws: Aws, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What boto3 lacks is told in its words, with the status for trouble."""
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert cli.main(["diff", "one", "two"]) == 2
    assert capsys.readouterr() == ("", "sm-pipelines diff: You must specify a region.\n")


# --- import


def tree(directory: Path) -> dict[str, str]:
    """The content of all files below a directory."""
    return {path.relative_to(directory).as_posix(): path.read_text() for path in directory.rglob("*") if path.is_file()}


def test_a_pipeline_is_fetched_and_runs_from_there(
    endpoint: LocalEndpoint, aws: Aws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The definition and the code of its steps are files, and the printed call makes the same pipeline of them."""
    script = aws.put_script("print('prepare')")
    archive = aws.put_source_archive({"train.py": "train", "inner/b.py": "b"})
    prefix = f"imported/{uuid.uuid4().hex}/code"
    folder = aws.put(f"{prefix}/a.py", "a").rpartition("/")[0]
    aws.put(f"{prefix}/deep/b.py", "b")
    aws.put(f"{prefix}s/other.py", "no code of it")
    gone = f"s3://{BUCKET}/gone/{uuid.uuid4().hex}.py"
    definition = document(
        processing_step("prepare", script, inputs={"helpers": folder}),
        training_step("train", archive),
        processing_step("lost", gone),
    )
    name = put_pipeline(aws, definition)
    arguments = ["import", name, "--directory", str(tmp_path), "--region", REGION, "--endpoint-url", endpoint.url]

    assert cli.main(arguments) == 0
    base = script.rpartition("/")[2]
    files = {
        f"{name}.json": json.dumps(definition, indent=2) + "\n",
        "code/prepare/code/" + base: "print('prepare')",
        "code/prepare/helpers/a.py": "a",
        "code/prepare/helpers/deep/b.py": "b",
        "code/train/train.py": "train",
        "code/train/inner/b.py": "b",
    }
    assert tree(tmp_path) == files
    out, error = capsys.readouterr()
    assert error.splitlines() == [
        f"sm-pipelines import: warning: step 'lost' reads code from {gone}, and there is nothing",
        *(f"Wrote {tmp_path / path}" for path in sorted(files)),
    ]
    with DAG("imported", schedule=None) as dag:
        dag.fileloc = str(tmp_path / "dag.py")
        group: Any = eval(out, {"SageMakerPipelineTaskGroup": SageMakerPipelineTaskGroup})
    compiled = group.compile()
    prefix_of_uploads = f"s3://{BUCKET}/{name}/code/"
    assert {upload.uri.removeprefix(prefix_of_uploads).partition("/")[2] for upload in compiled.uploads} == {
        base,
        "a.py",
        "deep/b.py",
        archive.rpartition("/")[2],
    }
    told = [str(each) for each in changes(PipelineDefinition.from_document(definition), compiled.definition)]
    assert len(told) == 3
    assert [line.partition("/")[0] for line in told] == [
        "step 'prepare' ProcessingInputs.code.S3Input.S3Uri s3:",
        "step 'prepare' ProcessingInputs.helpers.S3Input.S3Uri s3:",
        "step 'train' HyperParameters.sagemaker_submit_directory \"s3:",
    ]


def test_files_that_are_there_stay(
    endpoint: LocalEndpoint, aws: Aws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where one is there already nothing is written, unless --force says so; links that lead out are never followed."""
    name = put_pipeline(aws, document(processing_step("p", aws.put_script("new"))))
    account = ["--region", REGION, "--endpoint-url", endpoint.url]
    mine = tmp_path / "work"
    mine.mkdir()
    (mine / f"{name}.json").write_text("mine")
    arguments = ["import", name, "--directory", str(mine), *account]
    assert cli.main(arguments) == 1
    assert tree(mine) == {f"{name}.json": "mine"}
    assert capsys.readouterr() == (
        "",
        (
            f"sm-pipelines import: {mine} already has {name}.json. Nothing was written. Give another --directory, or --force "
            "to overwrite\n"
        ),
    )
    assert cli.main([*arguments, "--force"]) == 0
    assert len(tree(mine)) == 2
    outside, linked = tmp_path / "outside", tmp_path / "linked"
    outside.mkdir()
    linked.mkdir()
    (linked / "code").symlink_to(outside)
    capsys.readouterr()
    assert cli.main(["import", name, "--directory", str(linked), *account, "--force"]) == 1
    assert capsys.readouterr().err.endswith("would be written outside its directory\n")
    assert list(outside.iterdir()) == []


def test_an_archive_that_leads_out(
    endpoint: LocalEndpoint, aws: Aws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An archive with a file outside itself is refused, and nothing is written."""
    name = put_pipeline(aws, document(training_step("train", aws.put_source_archive({"../../out.py": "bad"}))))
    into = tmp_path / "work"
    assert cli.main(["import", name, "--directory", str(into), "--region", REGION, "--endpoint-url", endpoint.url]) == 1
    assert " is not a tar.gz archive that can be extracted: " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# --- logs


@pytest.fixture(scope="module")
def ended(endpoint: LocalEndpoint, aws: Aws) -> str:
    """The ARN of an execution that has ended: one job that printed three lines, and a step without a job."""
    script = aws.put("logs/say/script.py", "print('one'); print('two'); print('three')")
    arn = aws.start(document(processing_step("say", script), fail_step("end", "over", DependsOn=["say"])))
    wait(endpoint, arn)
    return arn


def test_the_log_of_a_step(endpoint: LocalEndpoint, ended: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The last lines are printed, as many as are asked for; following a step that has ended prints them and ends."""
    command = ["logs", ended, "say", "--endpoint-url", endpoint.url]
    assert cli.main(command) == 0
    assert capsys.readouterr() == ("one\ntwo\nthree\n", "")
    for more in ([], ["--follow"]):
        assert cli.main([*command, "--lines", "2", *more]) == 0
        assert capsys.readouterr() == ("two\nthree\n", "")


def test_a_step_that_runs_is_followed(endpoint: LocalEndpoint, aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    """New lines are printed until the step ends, also where it has not started yet."""
    script = aws.put("logs/slow/script.py", "import time\nfor i in range(3): print(i, flush=True); time.sleep(0.7)")
    arn = aws.start(document(processing_step("slow", script)))
    assert cli.main(["logs", arn, "slow", "--follow", "--endpoint-url", endpoint.url]) == 0
    assert capsys.readouterr() == ("0\n1\n2\n", "")


def test_what_has_no_log(endpoint: LocalEndpoint, ended: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message says why, and which steps there are."""
    arn = PipelineExecutionArn.parse(ended)
    for step, message in {
        "end": "step 'end' (Fail) has no job, and so no log",
        "sai": (
            f"step 'sai' has not started in execution {arn.execution_id}, or there is no such step. Did you mean 'say'? The "
            "steps that have started are: 'say', 'end'"
        ),
    }.items():
        assert cli.main(["logs", ended, step, "--endpoint-url", endpoint.url]) == 1
        assert capsys.readouterr() == ("", f"sm-pipelines logs: {message}\n")
    assert cli.main(["logs", "arn:nothing", "say"]) == 1
    assert capsys.readouterr().err.startswith(
        "sm-pipelines logs: 'arn:nothing' is not the ARN of a pipeline execution;"
    )
