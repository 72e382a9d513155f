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
from airflow_sm_pipelines.cli.program import COMMANDS

TESTS = Path(__file__).parents[1]
CHURN = str(TESTS / "golden" / "churn.json")
CLEAN = "Checked 1 pipeline: 0 errors, 0 warnings\n"
LATE = """
from airflow.providers.standard.operators.empty import EmptyOperator

with DAG("late", schedule=None):
    with SageMakerPipelineTaskGroup("late", **SETTINGS):
        step = SageMakerStepOperator(task_id="step", step_type="Mystery")
    EmptyOperator(task_id="after") >> step
"""
LATE_MESSAGE = (
    "Dag 'late', task group 'late': a step was made to follow task 'after' after the 'with' block ended. The pipeline would "
    "start its step without waiting. Draw the edge inside the block, or to the whole group: after >> group."
)
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
    assert (cli.main(["--version"]), capsys.readouterr().out) == (
        0,
        f"sm-pipelines {airflow_sm_pipelines.__version__}\n",
    )


def test_the_version_loads_next_to_nothing():
    """``--version`` is quick: of this package it loads what all commands share, and none of the commands."""
    code = (
        "import contextlib, json, sys\n"
        "from airflow_sm_pipelines import cli\n"
        "with contextlib.redirect_stdout(sys.stderr):\n"
        "    cli.main(['--version'])\n"
        "roots = {name.partition('.')[0] for name in sys.modules}\n"
        "heavy = {'airflow', 'boto3', 'botocore', 'moto', 'rich', 'sqlalchemy'} & roots\n"
        "ours = [name for name in sys.modules if name.startswith('airflow_sm_pipelines')]\n"
        "print(json.dumps([sorted(heavy), sorted(ours)]))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout) == [
        [],
        [
            "airflow_sm_pipelines",
            "airflow_sm_pipelines.cli",
            "airflow_sm_pipelines.cli.program",
            "airflow_sm_pipelines.command_line",
            "airflow_sm_pipelines.exceptions",
        ],
    ]


def test_without_a_command_the_help_is_shown(capsys):
    """The help goes to standard error, and the status is 2, as for any wrong command line."""
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Usage: sm-pipelines [OPTIONS] COMMAND [ARGS]...\n")
    assert cli.main([]) == 2
    assert capsys.readouterr() == ("", text)


def test_an_unknown_command_is_refused(capsys):
    """The message names the command that was probably meant and all commands; the status is 2."""
    assert cli.main(["validat"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"Error: There is no command 'validat'. Did you mean 'validate'? The commands are {', '.join(COMMANDS)}."
    )


def test_a_valid_document_has_no_problems(capsys):
    """A document without problems says so, with the status 0."""
    assert cli.main(["validate", CHURN]) == 0
    assert capsys.readouterr().out == f"{CHURN}: no problems\n{CLEAN}"


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
        f"{nothing}: error: cannot be read: [Errno 2] No such file or directory: '{nothing}'",
        (
            f"{text}: error: the document is not JSON: Expecting property name enclosed in double quotes: line 1 "
            "column 2 (char 1) @ $"
        ),
        "Checked 4 pipelines: 3 errors, 1 warning",
    ]


def test_strict_counts_warnings(capsys, tmp_path):
    """A warning alone leaves the status 0; ``--strict`` makes it 1."""
    path = tmp_path / "mystery.json"
    path.write_text('{"Version": "2020-12-01", "Steps": [{"Name": "a", "Type": "Mystery", "Arguments": {}}]}')
    assert [cli.main(["validate", str(path)]), cli.main(["validate", "--strict", str(path)])] == [0, 1]
    assert capsys.readouterr().out.splitlines()[1::2] == ["Checked 1 pipeline: 0 errors, 1 warning"] * 2
    assert cli.main(["validate", "--strict", CHURN]) == 0


def test_dag_files_are_validated(capsys, dag_file, tmp_path):
    """Every pipeline group of a Dag file is checked; a group that is refused does not hide the others."""
    mystery = "of the type 'Mystery', which this version does not know; it is kept as it is @ $.Steps[0].Type"
    assert cli.main(["validate", dag_file, "--dag-id", "two"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{dag_file}: warning: step 'step_c' is {mystery}",
        "Checked 1 pipeline: 0 errors, 1 warning",
    ]
    late = tmp_path / "late.py"
    late.write_text(f"{DAG_FILE}\n{LATE}")
    assert cli.main(["validate", str(late)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{late}, 'late' of Dag 'late': error: {LATE_MESSAGE}",
        f"{late}, 'a' of Dag 'one': warning: step 'step_a' is {mystery}",
        f"{late}, 'b' of Dag 'one': warning: step 'step_b' is {mystery}",
        f"{late}, 'c' of Dag 'two': warning: step 'step_c' is {mystery}",
        "Checked 4 pipelines: 1 error, 3 warnings",
    ]


def test_a_script_of_the_sdk_runs_against_an_endpoint(capsys, tmp_path):
    """A Python file without Airflow is run, and the definition that its pipeline makes is checked and drawn."""
    (tmp_path / "sagemaker" / "workflow").mkdir(parents=True)
    (tmp_path / "sagemaker" / "workflow" / "pipeline.py").write_text(
        f"class Pipeline:\n    name = 'churn'\n    def definition(self):\n        return open({CHURN!r}).read()\n"
    )
    script = tmp_path / "pipeline.py"
    script.write_text("from sagemaker.workflow.pipeline import Pipeline\npipeline = Pipeline()\n")
    assert cli.main(["validate", str(script)]) == 0
    assert capsys.readouterr().out == f"{script}: no problems\n{CLEAN}"
    assert cli.main(["graph", str(script)]) == 0
    assert capsys.readouterr().out.startswith('flowchart LR\n    s0["prepare<br/>')
    script.write_text("answer = 42\n")
    assert cli.main(["graph", str(script)]) == 1
    assert capsys.readouterr().err == (
        f"sm-pipelines graph: {script} makes no pipeline: it has neither a module-level Pipeline of the SageMaker SDK nor "
        "a function get_pipeline() that returns one\n"
    )


def test_the_graph_of_a_dag_file(capsys, dag_file):
    """The graph of a group is drawn; where several are meant, the message names them and the options."""
    assert cli.main(["graph", dag_file, "--group-id", "b"]) == 0
    assert capsys.readouterr().out == 'flowchart LR\n    s0["step_b<br/><small>Mystery</small>"]\n'
    assert cli.main(["graph", dag_file]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"sm-pipelines graph: {dag_file} has several pipeline groups: 'a' of Dag 'one', 'b' of Dag 'one', 'c' of Dag "
        "'two'. Choose one with --dag-id and --group-id."
    )


def test_colour_is_for_terminals(capsys, monkeypatch, broken):
    """Colours are written to a terminal, or where FORCE_COLOR asks for them; NO_COLOR turns them off."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def has_colour():
        cli.main(["validate", broken])
        return "\x1b[" in capsys.readouterr().out

    assert not has_colour()
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert has_colour()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not has_colour()


def test_the_shell_completes_commands_and_step_types(monkeypatch, capsys):
    """The shell's function asks the program for commands, options and step types."""

    def completed(words):
        monkeypatch.setenv("_SM_PIPELINES_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
        with pytest.raises(SystemExit) as ended:
            cli.main([])
        assert ended.value.code == 0
        return capsys.readouterr().out.splitlines()

    assert completed("sm-pipelines val") == ["plain,validate"]
    assert completed("sm-pipelines run --se") == ["plain,--select"]
    assert completed("sm-pipelines local --stub Quality") == ["plain,QualityCheck"]


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
        b"standard input: error: cannot be read: 'utf-8' codec can't decode byte 0xff in position 0: invalid start "
        b"byte\nChecked 1 pipeline: 1 error, 0 warnings\n"
    )
    closed = run_in_ascii("graph", "-", preexec_fn=lambda: os.close(0))
    assert (closed.returncode, closed.stderr) == (
        1,
        b"sm-pipelines graph: standard input: cannot be read: it is closed\n",
    )


def test_a_file_named_twice_is_checked_once(capsys, monkeypatch):
    """Standard input can be read only once, so a file that is named twice is read once."""
    monkeypatch.setattr("sys.stdin", io.StringIO(Path(CHURN).read_text()))
    assert cli.main(["validate", "-", "-"]) == 0
    assert capsys.readouterr().out == f"standard input: no problems\n{CLEAN}"


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
        f"sm-pipelines graph: {tmp_path}: cannot be read: [Errno 21] Is a directory: '{tmp_path}'\n"
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
    """Where several or none are meant, the groups there are are named, and the options that choose one."""
    assert cli.main(["render", dag_file, "--dag-id", "one"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"sm-pipelines render: {dag_file} has several pipeline groups: 'a' of Dag 'one', 'b' of Dag 'one'. Choose one with "
        "--group-id."
    )
    there = "'a' of Dag 'one', 'b' of Dag 'one', 'c' of Dag 'two'"
    assert cli.main(["render", dag_file, "--dag-id", "on"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"sm-pipelines render: {dag_file} has no Dag 'on'. Did you mean 'one'? Its pipeline groups are: {there}."
    )
    assert cli.main(["render", dag_file, "--dag-id", "two", "--group-id", "z"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"sm-pipelines render: {dag_file} has no pipeline group 'z' of Dag 'two'. Its pipeline groups are: {there}."
    )


def test_a_dag_file_without_a_group(capsys, tmp_path):
    """The message names the Dags there are."""
    path = tmp_path / "dags.py"
    path.write_text("from airflow.sdk import DAG\ndag = DAG('plain', schedule=None)\n")
    assert cli.main(["render", str(path)]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"sm-pipelines render: {path} has no SageMakerPipelineTaskGroup. Its Dags are: 'plain'."
    )
    path.write_text("import airflow\n")
    assert cli.main(["validate", str(path)]) == 1
    assert capsys.readouterr().out.splitlines()[0] == (
        f"{path}: error: has no SageMakerPipelineTaskGroup. It defines no Dag."
    )


def test_render_shows_warnings(capsys, dag_file):
    """They go to standard error, beside what the file prints; standard output is the document."""
    assert cli.main(["render", dag_file, "--dag-id", "two"]) == 0
    printed = capsys.readouterr()
    assert printed.err.splitlines()[-2:] == [
        "a Dag file that prints",
        (
            f"{dag_file}: warning: step 'step_c' is of the type 'Mystery', which this version does not know; it is kept as it "
            "is @ $.Steps[0].Type"
        ),
    ]
    assert list(json.loads(printed.out)) == ["Version", "Metadata", "Parameters", "PipelineExperimentConfig", "Steps"]


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


def test_a_dag_file_that_cannot_be_imported(tmp_path):
    """An error is reported once, with the lines of the user's files that led to it and no frames of libraries."""
    files = {
        "raises.py": "raise ValueError('broken on purpose')",
        "syntax.py": "import airflow\nx = (1\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    ended = {
        name: subprocess.run(
            [sys.executable, "-m", "airflow_sm_pipelines.cli", "render", name],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(TESTS.parent)},
        )
        for name in [*files, "missing.py"]
    }
    assert {name: (each.returncode, each.stdout, each.stderr) for name, each in ended.items()} == {
        "raises.py": (
            1,
            "",
            (
                "sm-pipelines render: raises.py cannot be imported.\n"
                "raises.py, line 1:\n"
                "    raise ValueError('broken on purpose')\n"
                "ValueError: broken on purpose\n"
            ),
        ),
        "syntax.py": (
            1,
            "",
            (
                "sm-pipelines render: syntax.py cannot be imported.\n"
                "syntax.py, line 2:\n"
                "    x = (1\n"
                "SyntaxError: '(' was never closed\n"
            ),
        ),
        "missing.py": (1, "", "sm-pipelines render: There is no file missing.py.\n"),
    }


def test_an_error_of_this_package_is_its_message(capsys, tmp_path):
    """An error that this package raises in a Dag file has the file's line, and neither a class name nor our frames."""
    path = tmp_path / "dags.py"
    path.write_text(DAG_FILE.replace('"s3://bucket/p"', '"bucket"'))
    assert cli.main(["render", str(path)]) == 1
    *_, head, place, code, message = capsys.readouterr().err.splitlines()
    assert [head, place, code, message.partition("artifact_uri")[0]] == [
        f"sm-pipelines render: {path} cannot be imported.",
        f"{path}, line 10:",
        "    with SageMakerPipelineTaskGroup(name, **SETTINGS):",
        "Dag 'one', task group 'a': ",
    ]


def test_local_has_its_own_help(capsys):
    """The options after ``local`` are those of the local endpoint."""
    assert cli.main(["local", "--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: sm-pipelines local [OPTIONS]\n")


def test_local_without_its_extra_says_what_to_install(capsys, monkeypatch):
    """Where moto is not installed the message names the extra, without a traceback."""
    monkeypatch.setitem(sys.modules, "airflow_sm_pipelines.local.serving", None)
    assert cli.main(["local"]) == 1
    assert capsys.readouterr().err == (
        "sm-pipelines local: the local endpoint needs the extra 'local', and 'airflow_sm_pipelines.local.serving' is "
        "not installed: pip install 'airflow-sm-pipelines[local]'\n"
    )


def test_run_has_its_own_help(capsys):
    """The options after ``run`` are its own."""
    assert cli.main(["run", "--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: sm-pipelines run [OPTIONS] PIPELINE\n")


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
                "'no_name' is neither an existing file nor a pipeline name. A pipeline name has letters, digits and hyphens; "
                "add '@3' for version 3"
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
