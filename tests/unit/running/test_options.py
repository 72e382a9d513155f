from __future__ import annotations

from pathlib import Path

import click
import pytest

from airflow_sm_pipelines import cli
from airflow_sm_pipelines.cli.run_pipeline import command, options_of
from airflow_sm_pipelines.local.functions.function import Function
from airflow_sm_pipelines.running.options import RunOptions, require_placed
from airflow_sm_pipelines.running.sources import Kind
from airflow_sm_pipelines.running.uploads import LocalData


def read(*arguments):
    """Return what a command line comes to."""
    return options_of(command.make_context("run", list(arguments)).params)


def test_options_are_read(tmp_path, monkeypatch):
    """What may be given again is a list."""
    monkeypatch.chdir(tmp_path)
    Path("a=b").mkdir()
    options = read(
        *("churn.json", "--parameter", "A=1=2", "--parameter", "B=", "--s3", "s3://b/year=1/=a=b", "--json"),
        *("--select", "x", "--logs", "all", "--endpoint-url", "http://localhost:1"),
    )
    assert options == RunOptions(
        pipeline=Path("churn.json"),
        parameters={"A": "1=2", "B": ""},
        s3=(LocalData("s3://b/year=1/", Path("a=b")),),
        select=("x",),
        logs=("all",),
        json=True,
        endpoint_url="http://localhost:1",
    )


def test_functions_are_those_of_the_present_directory(tmp_path, monkeypatch):
    """As those of the endpoint's own option."""
    monkeypatch.chdir(tmp_path)
    given = ["p.json", "--lambda", "deploy=functions:deploy", "--lambda", "tell=functions.mail:tell"]
    assert read(*given).lambdas == (
        Function("deploy", "functions.deploy", tmp_path),
        Function("tell", "functions.mail.tell", tmp_path),
    )


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:4566", "http://127.8.0.1", "https://[::1]:1/", "http://localhost:4566"]
)
def test_endpoints_of_this_machine_are_taken(url):
    """By their loopback addresses, or the name that stands for them."""
    assert read("p.json", "--endpoint-url", url).endpoint_url == url


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--parameter", "A"], "Invalid value for '--parameter': 'A' is not of the form NAME=VALUE."),
        (["--parameter", "=1"], "Invalid value for '--parameter': '=1' is not of the form NAME=VALUE."),
        (["--parameter", "A=1", "--parameter", "A=2"], "--parameter is given twice for 'A'."),
        (
            ["--lambda", "deploy"],
            "Invalid value for '--lambda': 'deploy' is not of the form NAME=module:handler, such as greet=functions.greeting:handler",
        ),
        (
            ["--lambda", "deploy=a:b", "--endpoint-url", "http://localhost:1"],
            "--lambda has no effect on the endpoint of --endpoint-url. Give it to 'sm-pipelines local' instead.",
        ),
        (["--s3", "b/x=."], "Invalid value for '--s3': 'b/x=.' is not of the form s3://bucket/prefix=PATH"),
        (["--s3", "s3://b/x=/gone"], "Invalid value for '--s3': there is no file or directory '/gone' for s3://b/x"),
        (["--s3", "s3://=."], "Invalid value for '--s3': there is no file or directory '.' for s3://"),
        (
            ["--endpoint-url", "https://sagemaker.us-east-1.amazonaws.com"],
            (
                "Invalid value for '--endpoint-url': sagemaker.us-east-1.amazonaws.com is another machine, and this "
                "command runs pipelines on this machine. Give the URL of a local endpoint, such as http://127.0.0.1:4566."
            ),
        ),
        (
            ["--endpoint-url", "http://127.0.0.1.evil.example"],
            (
                "Invalid value for '--endpoint-url': 127.0.0.1.evil.example is another machine, and this command runs "
                "pipelines on this machine. Give the URL of a local endpoint, such as http://127.0.0.1:4566."
            ),
        ),
        (
            ["--endpoint-url", "127.0.0.1:4566"],
            "Invalid value for '--endpoint-url': '127.0.0.1:4566' is not a URL such as http://127.0.0.1:4566.",
        ),
        (
            ["--endpoint-url", "http://localhost", "--stub", "all"],
            "--stub has no effect on the endpoint of --endpoint-url. Give it to 'sm-pipelines local' instead.",
        ),
    ],
)
def test_a_wrong_command_line_is_said(arguments, complaint, capsys):
    """Exit status 2, and the last line names the option."""
    assert (cli.main(["run", "p.json", *arguments]), capsys.readouterr().err.splitlines()[-1]) == (
        2,
        f"Error: {complaint}",
    )


def test_the_objects_of_local_data(tmp_path):
    """A file goes to the very key, or below a prefix; a directory keeps its paths."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.csv").touch()
    (tmp_path / "a.csv").touch()
    file = tmp_path / "a.csv"
    found = [
        [(bucket, key, path.relative_to(tmp_path).as_posix()) for bucket, key, path in LocalData(uri, path).objects()]
        for uri, path in [
            ("s3://b/k.csv", file),
            ("s3://b/k/", file),
            ("s3://b", file),
            ("s3://b/k", tmp_path),
            ("s3://b/", tmp_path),
        ]
    ]
    assert found == [
        [("b", "k.csv", "a.csv")],
        [("b", "k/a.csv", "a.csv")],
        [("b", "a.csv", "a.csv")],
        [("b", "k/a.csv", "a.csv"), ("b", "k/sub/b.csv", "sub/b.csv")],
        [("b", "a.csv", "a.csv"), ("b", "sub/b.csv", "sub/b.csv")],
    ]


@pytest.mark.parametrize(
    ("kind", "arguments", "problem"),
    [
        (Kind.DAG, ["--dag-id", "d", "--group-id", "g"], None),
        (Kind.SDK, ["--pipeline-name", "p", "--sdk-python", "python3"], None),
        (Kind.DEFINITION, ["--pipeline-name", "p"], None),
        (
            Kind.DAG,
            ["--pipeline-name", "p"],
            "--pipeline-name has no meaning for p.py, which is a Dag file. Remove it.",
        ),
        (Kind.DAG, ["--sdk-python", "p"], "--sdk-python has no meaning for p.py, which is a Dag file. Remove it."),
        (
            Kind.DEFINITION,
            ["--dag-id", "d"],
            "--dag-id has no meaning for p.py, which is a pipeline definition. Remove it.",
        ),
        (
            Kind.SDK,
            ["--group-id", "d"],
            "--group-id has no meaning for p.py, which is an SDK script. Remove it.",
        ),
    ],
)
def test_options_that_mean_nothing_for_a_file_are_said(kind, arguments, problem):
    """Rather than to do as if they did."""
    options = read("p.py", *arguments)
    if problem is None:
        require_placed(options, kind)
        return
    with pytest.raises(click.UsageError) as refused:
        require_placed(options, kind)
    assert refused.value.message == problem


def test_links_in_local_data_are_followed(tmp_path: Path):
    """To files and to directories, as aws s3 cp does; those into a circle end where they begin."""
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deep" / "b.csv").touch()
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.csv").touch()
    (data / "link.csv").symlink_to("a.csv")
    (data / "train").symlink_to(tmp_path / "elsewhere")
    (data / "again").symlink_to(data)
    (data / "nowhere").symlink_to("nothing")
    keys = [key for _, key, _ in LocalData("s3://b/in", data).objects()]
    assert keys == ["in/a.csv", "in/link.csv", "in/train/deep/b.csv"]
