from __future__ import annotations

from pathlib import Path

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.overview import parameters_overview, steps_overview

CHURN = PipelineDefinition.from_json((Path(__file__).parents[2] / "golden/churn.json").read_text())


def step(name, type_, *depends_on, **parts):
    """What is shown of a step that stands in no branch."""
    nothing = {"branch": None, "in_each": None, "items": None, "conditions": []}
    return {"name": name, "type": type_, "depends_on": list(depends_on), **nothing, **parts}


def test_the_steps_of_a_pipeline():
    """Each with what it waits for, the branch it lies in, and what its conditions compare, literals with their values."""
    compared = {
        "comparison": "evaluate.metrics.accuracy.value >= Parameters.MinAccuracy",
        "holds": None,
        "operator": ">=",
        "operands": [{"name": "evaluate.metrics.accuracy.value"}, {"name": "Parameters.MinAccuracy"}],
    }
    assert steps_overview(CHURN, {}) == [
        step("prepare", "Processing"),
        step("train", "Training", "prepare"),
        step("evaluate", "Processing", "train", "prepare"),
        step("good_enough", "Condition", "evaluate", conditions=[compared]),
        step("register", "RegisterModel", "train", branch={"condition": "good_enough", "side": "if"}),
        step("reject", "Fail", branch={"condition": "good_enough", "side": "else"}),
    ]


FOR_EACH = PipelineDefinition.from_document(
    {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "Depths", "Type": "String"}, {"Name": "Unread", "Type": "Integer", "DefaultValue": 1}],
        "Steps": [
            {
                "Name": "each",
                "Type": "ForEach",
                "Arguments": {
                    "IterableItems": {"Get": "Parameters.Depths"},
                    "ForEachBody": [
                        {"Name": "fit", "Type": "Training", "Arguments": {"RoleArn": {"Get": "Parameters.Depths"}}},
                        {"Name": "rate", "Type": "Processing", "DependsOn": ["fit"], "Arguments": {}},
                    ],
                },
            },
            {"Name": "after", "Type": "Processing", "DependsOn": ["each"], "Arguments": {}},
        ],
    }
)


def test_the_steps_that_run_for_each_item():
    """They stand behind the ForEach step with its name, and wait for one another only."""
    assert steps_overview(FOR_EACH, {"each": 3}) == [
        step("each", "ForEach", items=3),
        step("fit", "Training", in_each="each"),
        step("rate", "Processing", "fit", in_each="each"),
        step("after", "Processing", "each"),
    ]


def test_the_parameters_of_a_pipeline():
    """Each with its value, its default, and where it stands first; what joins it to other text is not a place."""

    def parameter(name, place, value=None, default=None):
        return {"name": name, "value": value, "default": default, "place": place}

    assert parameters_overview(CHURN, {"InputData": "s3://raw", "Rounds": "20"}) == [
        parameter("InputData", "step 'prepare' ProcessingInputs[0].S3Input.S3Uri", "s3://raw"),
        parameter("MinAccuracy", "step 'good_enough' Conditions[0].RightValue", default=0.9),
        parameter("Rounds", "step 'train' HyperParameters.rounds", "20", 10),
        parameter("train-instance-count", "step 'train' ResourceConfig.InstanceCount"),
        parameter("train-day", "step 'train' HyperParameters.day"),
    ]
    assert parameters_overview(FOR_EACH, {}) == [
        parameter("Depths", "step 'each' IterableItems, and 1 more"),
        parameter("Unread", None, default=1),
    ]
