from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import airflow_sm_pipelines
from airflow_sm_pipelines import cli

TESTS = Path(__file__).parents[1]
CHURN = str(TESTS / "golden" / "churn.json")
DAG_FILE = """
from airflow.sdk import DAG, dag
from airflow_sm_pipelines import SageMakerPipelineTaskGroup, SageMakerStepOperator

print("a Dag file that prints")
SETTINGS = {"role_arn": "arn:aws:iam::123456789012:role/r", "artifact_uri": "s3://bucket/p"}

with DAG("one", schedule=None):
    for name in ("a", "b"):
        with SageMakerPipelineTaskGroup(name, **SETTINGS):
            SageMakerStepOperator(task_id=f"step_{name}", step_type="Mystery")


@dag(schedule=None)
def two():
    with SageMakerPipelineTaskGroup("c", **SETTINGS):
        SageMakerStepOperator(task_id="step_c", step_type="Mystery")


two()
"""


@pytest.fixture
def broken(tmp_path):
    """A definition with one error and one warning."""
    path = tmp_path / "broken.json"
    steps = [{"Name": "a", "Type": "Mystery", "Arguments": {"x": {"Get": "Parameters.P"}}}]
    path.write_text(json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": steps}))
    return str(path)


def test_the_version_is_told(capsys):
    """``--version`` says which version is installed."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"sm-pipelines {airflow_sm_pipelines.__version__}\n")


def test_a_command_is_needed(capsys):
    """Without a command, or with an unknown one, the usage is shown and the status is 2."""
    for arguments in ([], ["serve"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        assert ended.value.code == 2
        assert capsys.readouterr().err.startswith("usage: sm-pipelines [-h] [--version] COMMAND ...\n")


def test_a_valid_document_has_no_problems(capsys):
    """A document without problems says so, with the status 0."""
    assert cli.main(["validate", CHURN]) == 0
    assert capsys.readouterr().out == f"{CHURN}: no problems\n"


def test_problems_are_told_for_each_file(capsys, broken, tmp_path):
    """Every file is checked, each problem has file, severity, message and place, and the status is 1."""
    nothing, text = str(tmp_path / "nothing.json"), tmp_path / "text.json"
    text.write_text("{")
    assert cli.main(["validate", CHURN, broken, nothing, str(text)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{CHURN}: no problems",
        (
            f"{broken}: warning: step 'a' is of the type 'Mystery', which this version does not know; it is kept as it is "
            "@ $.Steps[0].Type"
        ),
        f"{broken}: error: step 'a' reads 'Parameters.P': there is no pipeline parameter 'P' @ $.Steps[0].Arguments.x",
        f"{nothing}: error: it cannot be read: [Errno 2] No such file or directory: '{nothing}' @ $",
        (
            f"{text}: error: the document is not JSON: Expecting property name enclosed in double quotes: line 1 "
            "column 2 (char 1) @ $"
        ),
    ]


def test_a_dag_file_is_not_a_definition(capsys):
    """What reads definitions names the command that makes one of a Dag file."""
    message = (
        "it is a Python file, and a definition is JSON. Pipe what a Dag file compiles to: "
        "sm-pipelines render dags/churn.py | sm-pipelines {command} -"
    )
    assert cli.main(["validate", "dags/churn.py"]) == 1
    assert capsys.readouterr().out == f"dags/churn.py: error: {message.format(command='validate')} @ $\n"
    assert cli.main(["graph", "dags/churn.py"]) == 1
    assert capsys.readouterr().err == f"sm-pipelines graph: dags/churn.py: {message.format(command='graph')}\n"


def test_problems_as_json_from_standard_input(capsys, monkeypatch, broken):
    """``--json`` prints a list that programs can read, and ``-`` reads standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO(Path(broken).read_text()))
    assert cli.main(["validate", "--json", "-"]) == 1
    assert json.loads(capsys.readouterr().out)[1] == {
        "file": "standard input",
        "severity": "error",
        "message": "step 'a' reads 'Parameters.P': there is no pipeline parameter 'P'",
        "path": "$.Steps[0].Arguments.x",
    }


def run_in_ascii(*arguments, **settings):
    """Run the command line in a process whose locale and streams are ASCII."""
    return subprocess.run(
        [sys.executable, "-m", "airflow_sm_pipelines.cli", *arguments],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        check=False,
        **settings,
    )


@pytest.mark.parametrize("command", ["validate", "graph"])
def test_streams_are_utf_8_in_any_locale(command):
    """Documents are read from standard input, and written, as UTF-8, whatever the locale says; a half character is escaped."""
    steps = [{"Name": name, "Type": "Mystery", "Arguments": {}} for name in ("日本", "\ud800")]
    text = json.dumps({"Version": "2020-12-01", "Steps": steps}).replace("\\u65e5\\u672c", "日本")
    result = run_in_ascii(command, "-", input=text.encode())
    assert (result.returncode, result.stderr) == (1 if command == "validate" else 0, b"")
    assert [name in result.stdout.decode("utf-8") for name in ("日本", "\\ud800")] == [True, True]


def test_standard_input_that_is_no_utf_8(tmp_path):
    """Bytes that are no UTF-8 are told as such; a closed standard input is said to be closed."""
    assert run_in_ascii("validate", "-", input=b"\xff").stdout == (
        b"standard input: error: it cannot be read: 'utf-8' codec can't decode byte 0xff in position 0: invalid start "
        b"byte @ $\n"
    )
    closed = run_in_ascii("graph", "-", preexec_fn=lambda: os.close(0))
    assert (closed.returncode, closed.stderr) == (
        1,
        b"sm-pipelines graph: standard input: it cannot be read: it is closed\n",
    )


def test_a_file_named_twice_is_checked_once(capsys, monkeypatch):
    """Standard input can be read only once, so a file that is named twice is read once."""
    monkeypatch.setattr("sys.stdin", io.StringIO(Path(CHURN).read_text()))
    assert cli.main(["validate", "-", "-"]) == 0
    assert capsys.readouterr().out == "standard input: no problems\n"


def test_a_reader_that_has_enough_is_no_error():
    """Where the output's reader goes away, as ``head`` does, the command ends without a traceback."""
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(
        [sys.executable, "-m", "airflow_sm_pipelines.cli", "graph", CHURN],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (result.returncode, result.stderr) == (1, "")


def test_checking_loads_neither_airflow_nor_an_aws_client():
    """``validate`` is quick because it reads documents and botocore's model, and nothing more."""
    code = (
        "import json, sys; from airflow_sm_pipelines import cli; "
        f"status = cli.main(['validate', {CHURN!r}]); "
        "print(json.dumps([status, sorted({'airflow', 'boto3', 'botocore.client', 'moto', 'sagemaker'} & set(sys.modules))]))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(result.stdout.splitlines()[-1]) == [0, []]


def test_the_graph_is_mermaid(capsys):
    """Steps are nodes, dependencies are edges, and the edges into branches say which."""
    assert cli.main(["graph", CHURN]) == 0
    assert capsys.readouterr().out == (
        "flowchart LR\n"
        '    s0["prepare<br/><small>Processing</small>"]\n'
        '    s1["train<br/><small>Training</small>"]\n'
        '    s2["evaluate<br/><small>Processing</small>"]\n'
        '    s3{"good_enough<br/><small>Condition</small>"}\n'
        '    s4["register<br/><small>RegisterModel</small>"]\n'
        '    s5[["reject<br/><small>Fail</small>"]]\n'
        "    s0 --> s1\n"
        "    s1 --> s2\n"
        "    s0 --> s2\n"
        "    s2 --> s3\n"
        "    s3 -- if --> s4\n"
        "    s1 --> s4\n"
        "    s3 -- else --> s5\n"
    )


def test_a_graph_of_nothing_is_an_error(capsys, tmp_path):
    """What cannot be read is one line on standard error."""
    assert cli.main(["graph", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"sm-pipelines graph: {tmp_path}: it cannot be read: [Errno 21] Is a directory: '{tmp_path}'\n"
    )


def test_what_is_no_definition_is_told_with_its_file(capsys, tmp_path):
    """The error of a graph names the file that has it."""
    path = tmp_path / "list.json"
    path.write_text("[]")
    assert cli.main(["graph", str(path)]) == 1
    assert capsys.readouterr().err == (
        f"sm-pipelines graph: {path}: a definition must be a JSON object, not list @ $\n"
    )


@pytest.fixture
def dag_file(tmp_path):
    """A file with two Dags and three pipeline groups."""
    path = tmp_path / "dags.py"
    path.write_text(DAG_FILE)
    return str(path)


def test_a_group_is_rendered(capsys, dag_file):
    """The document of the group that is meant is printed, also of a Dag made by the decorator."""
    assert cli.main(["render", dag_file, "--dag-id", "two"]) == 0
    assert [step["Name"] for step in json.loads(capsys.readouterr().out)["Steps"]] == ["step_c"]
    assert cli.main(["render", dag_file, "--group-id", "b"]) == 0
    assert [step["Name"] for step in json.loads(capsys.readouterr().out)["Steps"]] == ["step_b"]


def test_it_has_to_be_said_which_group(capsys, dag_file):
    """Where several or none are meant, the groups there are are named."""
    there = "'a' of Dag 'one', 'b' of Dag 'one', 'c' of Dag 'two'"
    assert cli.main(["render", dag_file, "--dag-id", "one"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"sm-pipelines render: {dag_file} has several pipeline groups ({there}). Say which: --dag-id, --group-id."
    )
    assert cli.main(["render", dag_file, "--dag-id", "on"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"sm-pipelines render: {dag_file} has no such SageMakerPipelineTaskGroup. Did you mean 'one'? (there is {there})"
    )


def test_what_would_be_refused_at_launch_is_not_rendered(capsys, tmp_path):
    """An edge from outside to a step, drawn after the block, is an error, as it is when Airflow imports the Dag."""
    path = tmp_path / "dags.py"
    path.write_text(
        """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow_sm_pipelines import SageMakerPipelineTaskGroup, SageMakerStepOperator

with DAG("one", schedule=None):
    with SageMakerPipelineTaskGroup("a", role_arn="arn:aws:iam::123456789012:role/r", artifact_uri="s3://bucket/p"):
        step = SageMakerStepOperator(task_id="step", step_type="Mystery")
    EmptyOperator(task_id="late") >> step
"""
    )
    assert cli.main(["render", str(path)]) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err.splitlines()[-1]) == (
        "",
        (
            "sm-pipelines render: Dag 'one', task group 'a': a step was made to follow task 'late' after the 'with' block "
            "ended. The pipeline would start its step without waiting. Draw the edge inside the block, or to the whole "
            "group: late >> group."
        ),
    )


def test_a_dag_file_that_cannot_be_loaded(tmp_path):
    """An error in the Dag file is told once, on standard error; so is a missing file. Nothing is printed."""
    path = tmp_path / "dags.py"
    path.write_text("raise ValueError('broken on purpose')")
    broken, missing = (
        subprocess.run(
            [sys.executable, "-m", "airflow_sm_pipelines.cli", "render", str(file)],
            capture_output=True,
            text=True,
            check=False,
        )
        for file in (path, tmp_path / "missing.py")
    )
    assert (broken.returncode, broken.stdout) == (1, "")
    assert broken.stderr.startswith(f"sm-pipelines render: {path} cannot be loaded:\n")
    assert broken.stderr.count("ValueError: broken on purpose\n") == 1
    assert (missing.returncode, missing.stdout, missing.stderr) == (
        1,
        "",
        f"sm-pipelines render: There is no file {tmp_path / 'missing.py'}.\n",
    )


def test_local_has_its_own_help(capsys):
    """The options after ``local`` are those of the local endpoint."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["local", "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: sm-pipelines local [-h] [--host HOST] [--port PORT]")


def test_local_without_its_extra_says_what_to_install(capsys, monkeypatch):
    """Where moto is not installed the message names the extra, without a traceback."""
    for name in [name for name in sys.modules if name.startswith("airflow_sm_pipelines.local")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "airflow_sm_pipelines.local.__main__", None)
    assert cli.main(["local"]) == 1
    assert capsys.readouterr().err == (
        "sm-pipelines local: the local endpoint needs the extra 'local', and 'airflow_sm_pipelines.local.__main__' is "
        "not installed: pip install 'airflow-sm-pipelines[local]'\n"
    )


def test_run_has_its_own_help(capsys):
    """The options after ``run`` are its own."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["run", "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: sm-pipelines run [-h] [--parameter NAME=VALUE] [--s3 URI=PATH]")


def test_run_without_the_extra_says_what_to_install(tmp_path, capsys, monkeypatch):
    """Where the local endpoint is not installed the message names the extra, without a traceback."""
    (tmp_path / "p.json").write_text('{"Steps": [{"Name": "a", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}]}')
    monkeypatch.setitem(sys.modules, "airflow_sm_pipelines.local.runnable", None)
    assert cli.main(["run", str(tmp_path / "p.json")]) == 1
    assert capsys.readouterr().err == (
        "sm-pipelines run: the local endpoint needs the extra 'local', and 'airflow_sm_pipelines.local.runnable' is not "
        "installed: pip install 'airflow-sm-pipelines[local]'\n"
    )


def test_run_loads_what_a_file_needs(tmp_path):
    """The help loads no AWS client; a definition is checked, and refused, without Airflow, moto and what draws."""
    (tmp_path / "p.json").write_text('{"Steps": []}')
    code = (
        "import contextlib, json, sys\n"
        "from airflow_sm_pipelines import cli\n"
        "heavy = ('airflow', 'boto3', 'botocore', 'moto', 'rich', 'sagemaker')\n"
        "with contextlib.redirect_stdout(sys.stderr), contextlib.suppress(SystemExit):\n"
        "    cli.main(['run', '--help'])\n"
        "loaded = [[name for name in heavy if name in sys.modules]]\n"
        "loaded.append(cli.main(['run', sys.argv[1]]))\n"
        "loaded.append([name for name in heavy if name in sys.modules])\n"
        "print(json.dumps(loaded))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "p.json")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout) == [[], 1, ["boto3", "botocore"]]


# --- diff


def test_two_definitions_are_compared(capsys, tmp_path):
    """Each thing that differs is a line; the status is 0 for equal definitions, 1 for different ones."""
    document = json.loads(Path(CHURN).read_text())
    document["Parameters"][1]["DefaultValue"] = 0.8
    other = tmp_path / "other.json"
    other.write_text(json.dumps(document))
    assert cli.main(["diff", CHURN, CHURN]) == 0
    assert capsys.readouterr() == ("", "")
    assert cli.main(["diff", CHURN, str(other)]) == 1
    assert capsys.readouterr() == ("parameter 'MinAccuracy' default 0.9 → 0.8\n", "")


def test_a_dag_file_is_compared(capsys, tmp_path):
    """A Dag file stands for the definition of one of its groups; what it prints is not among the differences."""
    dag_file, empty = tmp_path / "dag.py", tmp_path / "empty.json"
    dag_file.write_text(DAG_FILE)
    empty.write_text('{"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": []}')
    assert cli.main(["diff", str(empty), str(dag_file), "--dag-id", "one", "--group-id", "a"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "step 'step_a' (Mystery) added",
        "pipeline PipelineExperimentConfig added",
    ]


@pytest.mark.parametrize(
    ("operand", "message"),
    [
        ("nothing.json", "nothing.json cannot be read: [Errno 2] No such file or directory: 'nothing.json'"),
        (
            "no_name",
            (
                "'no_name' is neither a file that is there nor the name of a pipeline. Give a name of letters, digits and "
                "hyphens, with '@3' for its version 3"
            ),
        ),
        ("broken.json", "broken.json: 'Steps' is missing, or not a list @ $.Steps"),
    ],
)
def test_what_cannot_be_compared(capsys, tmp_path, monkeypatch, operand, message):
    """The status is 2 where one of them cannot be read, as of diff(1)."""
    monkeypatch.chdir(tmp_path)
    Path("broken.json").write_text("{}")
    assert cli.main(["diff", CHURN, operand]) == 2
    assert capsys.readouterr() == ("", f"sm-pipelines diff: {message}\n")
