from __future__ import annotations

import json

from airflow_sm_pipelines.definition.problems import error
from airflow_sm_pipelines.running.preparation import prepare
from airflow_sm_pipelines.running.sources import Source
from airflow_sm_pipelines.translation.nodes import CodeUpload


def source(tmp_path, *steps, parameters=(), **more):
    return Source(
        "p",
        json.dumps({"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps)}),
        tmp_path,
        **more,
    )


def fail(message="no", name="end"):
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def parameter(name, type_="String", **more):
    return {"Name": name, "Type": type_, **more}


def texts(preparation):
    return [str(problem) for problem in preparation.problems]


def test_a_pipeline_that_can_be_started(tmp_path):
    """Values of the file and of the command line, the latter first; files in values; all uploads; all buckets."""
    (tmp_path / "rows.csv").write_text("1")
    declared = [parameter(name) for name in ("A", "B", "C")] + [parameter("D", DefaultValue="s3://of-default/x")]
    code = CodeUpload("s3://code-of-dag/x", b"x")
    read = source(
        tmp_path,
        fail(),
        parameters=declared,
        values={"A": "1", "B": "2"},
        values_of_runs={"C": "{{ ds }}"},
        uploads=(code,),
    )
    prepared = prepare(read, {"B": "3", "C": "file://rows.csv"}, selected=["end"])
    uploaded = prepared.uploads[1]
    assert (prepared.problems, prepared.values, prepared.uploads, uploaded.content, prepared.buckets) == (
        (),
        {"A": "1", "B": "3", "C": uploaded.uri},
        (code, uploaded),
        b"1",
        ("code-of-dag", "of-default", "sm-pipelines-local"),
    )


def test_what_cannot_be_read_is_all_there_is_to_say(tmp_path):
    """Nothing else of it is looked at."""
    prepared = prepare(Source("p", "{", tmp_path), {"A": "1"})
    assert (prepared.definition, len(prepared.errors)) == (None, 1)
    assert texts(prepared)[0].startswith("the document is not JSON")


def test_all_problems_are_found_at_once(tmp_path):
    """Those of files, of the document, of this machine, of values, of the steps selected."""
    declared = [parameter("A", "Integer"), parameter("B"), parameter("C"), parameter("D", DefaultValue="")]
    step = {
        "Name": "a",
        "Type": "Processing",
        "Arguments": {"ProcessingInputs": [{"InputName": "i", "S3Input": {"S3Uri": "gone", "S3DataType": "S3Prefix"}}]},
    }
    read = source(tmp_path, step, fail(), parameters=declared, values_of_runs={"B": "{{ ds }}"})
    prepared = prepare(
        read,
        {"A": "x", "E": "1", "D": ""},
        selected=["ende"],
        logs=["all", "nd"],
        local=lambda _: [error("not run here", "$.Steps[0]")],
    )
    assert texts(prepared) == [
        (
            f"'gone' is neither an S3 URI nor a local file or directory (looked for {tmp_path}/gone). A relative path starts "
            "at the directory of the pipeline's file @ $.Steps[0].Arguments.ProcessingInputs[0].S3Input.S3Uri"
        ),
        "step 'a' lacks 'ProcessingResources', which CreateProcessingJob requires @ $.Steps[0].Arguments",
        "step 'a' lacks 'AppSpecification', which CreateProcessingJob requires @ $.Steps[0].Arguments",
        "step 'a' lacks 'RoleArn', which CreateProcessingJob requires @ $.Steps[0].Arguments",
        "not run here @ $.Steps[0]",
        "--parameter: Pipeline parameter 'A' is declared Integer and was given 'x'; give a whole number, such as '5'.",
        "--parameter: the pipeline declares no parameter 'E'. It declares 'A', 'B', 'C', 'D'",
        "pipeline parameter 'B' has the value {{ ds }}, which exists only in a Dag run. Give one: --parameter B=VALUE",
        "pipeline parameter 'C' has no default value. Give one: --parameter C=VALUE",
        "--select: the pipeline has no step 'ende'. Did you mean 'end'? It has 'a', 'end'",
        "--logs: the pipeline has no step 'nd'. Did you mean 'end'? It has 'a', 'end'",
    ]


def test_warnings_keep_nothing_from_being_started(tmp_path):
    """They are shown, and are no errors."""
    prepared = prepare(source(tmp_path, {**fail(), "Colour": "red"}), {})
    assert ([problem.severity for problem in prepared.problems], prepared.errors) == (["warning"], ())


def test_the_log_of_a_turn_may_be_named(tmp_path):
    """A ForEach step runs the steps of its body under names with the number of the turn."""
    arguments = {"IterableItems": [1], "ForEachBody": [{"Name": "b", "Type": "Model", "Arguments": {}}]}
    read = source(tmp_path, {"Name": "each", "Type": "ForEach", "Arguments": arguments})
    found = [text for text in texts(prepare(read, {}, logs=["b-0", "b", "b-x"])) if text.startswith("--logs")]
    assert found == [
        "--logs: the pipeline has no step 'b'. It has 'each'",
        "--logs: the pipeline has no step 'b-x'. It has 'each'",
    ]
