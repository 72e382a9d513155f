from __future__ import annotations

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.problems import warning
from airflow_sm_pipelines.running.missing_data import Place, missing, read_from_outside

PREFIX = {"Std:Join": {"On": "/", "Values": ["s3://lake/runs", {"Get": "Execution.PipelineExecutionId"}]}}


def processing(name, read, *written):
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "ProcessingInputs": [{"S3Input": {"S3Uri": each}} for each in read],
            "ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": each}} for each in written]},
        },
    }


def training(name, read, written):
    return {
        "Name": name,
        "Type": "Training",
        "Arguments": {
            "InputDataConfig": [{"DataSource": {"S3DataSource": {"S3Uri": read}}}],
            "OutputDataConfig": {"S3OutputPath": written},
            "CheckpointConfig": {"S3Uri": "s3://lake/checkpoints"},
        },
    }


def read(*steps):
    declared = [{"Name": "Raw", "Type": "String", "DefaultValue": "s3://lake/raw.csv"}]
    return read_from_outside(PipelineDefinition.from_document({"Parameters": declared, "Steps": list(steps)}), {})


@pytest.mark.parametrize(
    ("steps", "places"),
    [
        (
            [processing("a", ["s3://lake/code.py", {"Get": "Parameters.Raw"}]), processing("b", ["s3://lake/code.py"])],
            (Place("a", "s3://lake/code.py"), Place("a", "s3://lake/raw.csv")),
        ),
        (
            [processing("a", [], "s3://lake/prepared"), training("b", "s3://lake/prepared/train", "s3://lake/models")],
            (),
        ),
        (
            [processing("a", ["s3://lake/runs/code.py"], PREFIX), processing("b", [PREFIX])],
            (Place("a", "s3://lake/runs/code.py"),),
        ),
        ([training("b", {"Get": "Steps.a.X"}, "s3://lake/models")], ()),
        ([training("b", "s3://lake/x", "s3://lake/models")], (Place("b", "s3://lake/x"),)),
        ([{"Name": "f", "Type": "Lambda", "Arguments": {"S3Uri": "s3://lake/x"}}], ()),
    ],
    ids=[
        "from outside, each once",
        "below an output",
        "what a run completes",
        "a property",
        "training",
        "no job",
    ],
)
def test_what_jobs_read_from_outside(steps, places):
    """What is known before the start, and what no step writes."""
    assert read(*steps) == places


class S3:
    def list_objects_v2(self, **arguments):
        return {"KeyCount": int(arguments == {"Bucket": "lake", "Prefix": "there/", "MaxKeys": 1})}


def test_what_is_not_there_is_said_with_the_option_that_brings_it():
    """A warning for each place; what is there is passed over."""
    assert list(missing(S3(), (Place("a", "s3://lake/there/"), Place("b", "s3://lake/gone")))) == [
        warning(
            "step 'b' reads s3://lake/gone, and there is nothing. Unless another step writes it, give --s3 "
            "s3://lake/gone=PATH"
        )
    ]
