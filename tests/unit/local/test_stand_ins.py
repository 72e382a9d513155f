"""What stands in for steps that are not run."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.step_types import STEP_TYPES
from airflow_sm_pipelines.local.runners.registry import NOT_RUN, RUNNERS, STAND_INS, runners_with, stand_ins_of
from airflow_sm_pipelines.local.runners.stand_in_steps import StandInStepRunner
from airflow_sm_pipelines.local.service_model import shape_problems
from airflow_sm_pipelines.local.stand_ins import stand_in


def step(kind: str, **more: Any) -> Any:
    document = {"Name": "s", "Type": kind, "Arguments": {}, **more}
    [made] = PipelineDefinition.from_document({"Version": "2020-12-01", "Steps": [document]}).steps
    return made


@pytest.mark.parametrize("kind", STAND_INS)
def test_every_type_can_be_listed_and_read(kind: str):
    """The metadata fit the API's model, and other steps find properties that say what they are."""
    made = stand_in(step(kind), {}, "pipelines-a-stand-in-b", "eu-west-1")
    assert shape_problems("PipelineExecutionStepMetadata", made.metadata) == []
    assert list(made.metadata) == [STEP_TYPES[kind].metadata]
    assert STEP_TYPES[kind].properties == () or made.properties != {} or kind == "Cleanup"


def test_what_was_asked_for_is_repeated():
    """As the API's answer does; names and ARNs are those that the job would have."""
    name = "pipelines-a-stand-in-b"
    arguments = {"InputDataConfig": [{"DataSource": {}}], "OutputDataConfig": {"S3OutputPath": "s3://b/o"}, "Other": 1}
    made = stand_in(step("AutoML"), arguments, name, "eu-west-1")
    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:automl-job/{name}"
    assert made.metadata == {"AutoMLJob": {"Arn": arn}}
    shown = {
        key: made.properties[key]
        for key in ("AutoMLJobName", "AutoMLJobArn", "AutoMLJobStatus", *arguments)
        if key != "Other"
    }
    assert shown == {
        "AutoMLJobName": name,
        "AutoMLJobArn": arn,
        "AutoMLJobStatus": "Completed",
        "InputDataConfig": [{"DataSource": {}}],
        "OutputDataConfig": {"S3OutputPath": "s3://b/o"},
    }
    assert "Other" not in made.properties
    best = made.properties["BestCandidate"]["InferenceContainers"][0]
    assert (best["ModelDataUrl"], best["Image"]) == ("s3://stand-in/stand-in", "stand-in")


def test_declared_outputs_have_their_types():
    """Each has a value of the type that the step declares."""
    declared = [{"OutputName": kind, "OutputType": kind} for kind in ("String", "Integer", "Float", "Boolean")]
    made = stand_in(step("Lambda", FunctionArn="arn", OutputParameters=declared), {}, "n", "us-east-1")
    assert made.properties["OutputParameters"] == {"String": "stand-in", "Integer": 0, "Float": 0.0, "Boolean": False}


def test_which_types_something_stands_in_for():
    """Those that are named; 'all' is what the endpoint does not run; what decides cannot be left out."""
    assert runners_with(()) == RUNNERS
    assert runners_with(("AutoML", "Training")) == {
        **RUNNERS,
        "AutoML": StandInStepRunner,
        "Training": StandInStepRunner,
    }
    assert (stand_ins_of("Training"), stand_ins_of("all")) == (("Training",), NOT_RUN)
    assert {*NOT_RUN} | {*RUNNERS} == {*STEP_TYPES}
    for name, message in (
        ("Condition", "Condition steps cannot have a stand-in: they decide how an execution continues"),
        ("Automl", "'Automl' is not a type of step. Did you mean 'AutoML'?"),
    ):
        with pytest.raises(ValueError, match=f"^{message.replace('?', '[?]')}$"):
            stand_ins_of(name)
