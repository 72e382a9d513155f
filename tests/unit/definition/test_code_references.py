from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_sm_pipelines.definition.code_references import CodeReference, code_references, plain_text
from airflow_sm_pipelines.definition.document import PipelineDefinition

GOLDEN = Path(__file__).parents[2] / "golden"


def references(*steps, parameters=()):
    document = {"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps)}
    return list(code_references(PipelineDefinition.from_document(document)))


def processing(name, **inputs):
    entries = [{"InputName": key, "S3Input": {"S3Uri": uri}} for key, uri in inputs.items()]
    return {"Name": name, "Type": "Processing", "Arguments": {"ProcessingInputs": entries}}


def training(name, directory=None, **channels):
    entries = [{"ChannelName": key, "DataSource": {"S3DataSource": {"S3Uri": uri}}} for key, uri in channels.items()]
    parameters = {} if directory is None else {"HyperParameters": {"sagemaker_submit_directory": directory}}
    return {"Name": name, "Type": "Training", "Arguments": {"InputDataConfig": entries, **parameters}}


def test_inputs_of_processing_steps():
    """An input called code, and one whose URI is below .../code/; data is none."""
    step = processing(
        "p", code="s3://b/x/prepare.py", entrypoint="s3://b/p/code/run.sh", raw="s3://b/data", c="s3://b/codes"
    )
    assert references(step) == [
        CodeReference("p", "code", "s3://b/x/prepare.py"),
        CodeReference("p", "entrypoint", "s3://b/p/code/run.sh"),
    ]
    assert references(processing("p", code="s3://b/sourcedir.tar.gz")) == [
        CodeReference("p", "code", "s3://b/sourcedir.tar.gz", is_archive=True)
    ]


def test_code_of_training_steps():
    """The archive of script mode, JSON in a text or not, and the channel code; /opt/ml is in the image."""
    assert references(
        training("a", json.dumps("s3://b/a.tar.gz"), train="s3://b/data"),
        training("b", "s3://b/b.tar.gz", code="s3://b/c/"),
        training("c", "/opt/ml/code"),
    ) == [
        CodeReference("a", "code", "s3://b/a.tar.gz", is_archive=True),
        CodeReference("b", "code", "s3://b/c/"),
        CodeReference("b", "code", "s3://b/b.tar.gz", is_archive=True),
    ]


def test_values_of_parameters():
    """A parameter's default is where the code is; what only a run knows is named without a place."""
    get = {"Get": "Parameters.Code"}
    join = {"Std:Join": {"On": "/", "Values": ["s3://b", get]}}
    with_default = [{"Name": "Code", "Type": "String", "DefaultValue": "s3://b/p.py"}]
    assert references(processing("p", code=get, c=join), parameters=with_default) == [
        CodeReference("p", "code", "s3://b/p.py")
    ]
    assert references(processing("p", code=join)) == [CodeReference("p", "code", None)]


def test_steps_inside_others():
    """The steps of branches and of ForEach bodies have code as well; what is not as it should be has none."""
    inside = {"Conditions": [], "IfSteps": [processing("i", code="s3://b/i.py")], "ElseSteps": []}
    loop = {"IterableItems": [1], "ForEachBody": [processing("f", code="s3://b/f.py")]}
    odd = {"Name": "o", "Type": "Processing", "Arguments": {"ProcessingInputs": ["x", {"S3Input": 1}, {}]}}
    assert references(
        {"Name": "c", "Type": "Condition", "Arguments": inside},
        {"Name": "l", "Type": "ForEach", "Arguments": loop},
        odd,
    ) == [CodeReference("i", "code", "s3://b/i.py"), CodeReference("f", "code", "s3://b/f.py")]


def test_a_definition_of_this_package():
    """What the package itself writes is found."""
    definition = PipelineDefinition.from_json((GOLDEN / "churn.json").read_text())
    assert [(each.step, each.name, each.is_archive) for each in code_references(definition)] == [
        ("prepare", "code", False),
        ("train", "code", True),
        ("evaluate", "code", False),
    ]


@pytest.mark.parametrize(("text", "plain"), [('"a"', "a"), ("a", "a"), ('"a', '"a'), ('"a" "b"', '"a" "b"')])
def test_text_as_it_is_meant(text, plain):
    """JSON of a text is that text, anything else is itself."""
    assert plain_text(text) == plain
