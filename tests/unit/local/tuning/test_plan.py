"""What a tuning job is asked to do."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.tuning.plan import Definition, Objective, Plan, Resources, shown_definition
from airflow_sm_pipelines.local.tuning.ranges import Choice, NumberRange
from tests.tuning_requests import choices, config, definition, numbers, objective, request

GIVEN = definition()
TRAINING = {
    **{member: GIVEN[member] for member in ("AlgorithmSpecification", "RoleArn", "OutputDataConfig")},
    **{member: GIVEN[member] for member in ("StoppingCondition", "ResourceConfig")},
    "HyperParameters": {**GIVEN["StaticHyperParameters"], "_tuning_objective_metric": "score"},
}
"""The training jobs of that definition, without what is tuned."""

A_OR_B = choices(letter=["a", "b"])


def test_all_of_it():
    """Every part of a request with one definition; tags are those of the training jobs, too."""
    asked = request(
        numbers(rate=("0.1", "0.5")),
        {"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 3, "MaxRuntimeInSeconds": 600},
        Strategy="Bayesian",
        RandomSeed=7,
        TrainingJobEarlyStoppingType="Auto",
        HyperParameterTuningJobObjective=objective("Minimize"),
        TuningJobCompletionCriteria={
            "TargetObjectiveMetricValue": 0.5,
            "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 4},
        },
    )
    tags = [{"Key": "team", "Value": "a"}]
    found = Plan.of_request({**asked, "Tags": tags})
    rate = NumberRange("rate", 0.1, 0.5, "Linear")
    assert found == Plan(
        (Definition(None, Objective("score", maximize=False), (rate,), {**TRAINING, "Tags": tags}, None),),
        strategy="Bayesian",
        seed=7,
        most_jobs=9,
        most_at_once=3,
        seconds=600,
        stops_early=True,
        target=0.5,
        most_not_improving=4,
    )
    assert found.definitions[0].training_request("tune-001-ab", {"rate": "0.25"}) == {
        **TRAINING,
        "Tags": tags,
        "TrainingJobName": "tune-001-ab",
        "HyperParameters": {**TRAINING["HyperParameters"], "rate": "0.25"},
    }


def test_several_definitions():
    """Each has a name, an objective and ranges; what the configuration says counts where a definition says nothing."""
    other = {
        "AlgorithmSpecification": {
            **GIVEN["AlgorithmSpecification"],
            "MetricDefinitions": [{"Name": "auc", "Regex": "x"}],
        }
    }
    asked = {
        "HyperParameterTuningJobConfig": config(A_OR_B),
        "TrainingJobDefinitions": [
            {**GIVEN, "DefinitionName": "one"},
            {
                **GIVEN,
                **other,
                "DefinitionName": "two",
                "TuningObjective": objective(metric="auc"),
                "HyperParameterRanges": choices(size=["1", "2", "3"]),
            },
        ],
    }
    found = Plan.of_request(asked)
    assert found.definitions == (
        Definition("one", Objective("score", maximize=True), (Choice("letter", ("a", "b")),), TRAINING, None),
        Definition(
            "two",
            Objective("auc", maximize=True),
            (Choice("size", ("1", "2", "3")),),
            {
                **TRAINING,
                **other,
                "HyperParameters": {**TRAINING["HyperParameters"], "_tuning_objective_metric": "auc"},
            },
            None,
        ),
    )
    assert (found.most_jobs, found.objective) == (5, Objective("score", maximize=True))


def test_resources_for_tuning():
    """The instances are those of the training jobs; of several kinds the first one counts, as it has priority."""
    kinds = [{"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}, {"InstanceType": "ml.c5.xlarge"}]
    for resources, instances in (
        ({"InstanceType": "ml.m5.large", "InstanceCount": 1}, {"InstanceType": "ml.m5.large", "InstanceCount": 1}),
        ({"AllocationStrategy": "Prioritized", "InstanceConfigs": kinds}, kinds[0]),
        ({"AllocationStrategy": "Prioritized", "InstanceType": "ml.m5.large"}, {"InstanceType": "ml.m5.large"}),
    ):
        given = {key: value for key, value in GIVEN.items() if key != "ResourceConfig"}
        asked = {
            "HyperParameterTuningJobConfig": config(A_OR_B),
            "TrainingJobDefinition": {**given, "HyperParameterTuningResourceConfig": resources},
        }
        assert Plan.of_request(asked).definitions[0].request == {**TRAINING, "ResourceConfig": instances}


@pytest.mark.parametrize(
    ("strategy", "static", "resources"),
    [
        ({"MaxResource": 27}, {}, Resources(1, 27)),
        ({"MinResource": 3, "MaxResource": 27}, {"epochs": "5"}, Resources(3, 27)),
        ({"MinResource": 2}, {"n_epochs": '"5"'}, Resources(2, 5)),
        (None, {"num_epochs": "8"}, Resources(1, 8)),
    ],
)
def test_how_far_hyperband_goes(strategy: dict[str, int] | None, static: dict[str, str], resources: Resources):
    """MaxResource, or a hyperparameter with the number of epochs, which scripts may have as JSON."""
    more = {} if strategy is None else {"StrategyConfig": {"HyperbandStrategyConfig": strategy}}
    asked = {
        "HyperParameterTuningJobConfig": config(A_OR_B, {"MaxNumberOfTrainingJobs": 2}, Strategy="Hyperband", **more),
        "TrainingJobDefinition": definition(static=static),
    }
    assert Plan.of_request(asked).definitions[0].resources == resources


def test_the_service_shows_the_objective_metric_as_a_hyperparameter():
    """Among the static ones, as each training job gets it."""
    assert shown_definition({"DefinitionName": "d"}, Objective("auc", maximize=True)) == {
        "DefinitionName": "d",
        "StaticHyperParameters": {"_tuning_objective_metric": "auc"},
    }


def test_the_resources_are_shown_as_those_of_a_training_job():
    """The SageMaker SDK 2 gives them in the one member and reads them in the other; of several kinds, the first."""
    one = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
    kinds = [
        {"InstanceType": f"ml.m5.{size}", "InstanceCount": 1, "VolumeSizeInGB": 30} for size in ("large", "xlarge")
    ]
    several = {"InstanceConfigs": kinds, "AllocationStrategy": "Prioritized"}
    for given in (one, several):
        asked = {"HyperParameterTuningResourceConfig": given}
        assert shown_definition(asked, Objective("auc", maximize=True)) == {
            **asked,
            "ResourceConfig": one,
            "StaticHyperParameters": {"_tuning_objective_metric": "auc"},
        }


def hyperband(**changes: Any) -> dict[str, Any]:
    return request(A_OR_B, {"MaxNumberOfTrainingJobs": 2}, Strategy="Hyperband", **changes)


def several(*definitions: dict[str, Any]) -> dict[str, Any]:
    return {"HyperParameterTuningJobConfig": config(A_OR_B), "TrainingJobDefinitions": list(definitions)}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"HyperParameterTuningJobConfig": config(A_OR_B)},
            "Either TrainingJobDefinition or TrainingJobDefinitions must be provided, and not both.",
        ),
        (
            several(definition(DefinitionName="a"), definition(DefinitionName="a")),
            "Each of TrainingJobDefinitions must have a DefinitionName that no other one has.",
        ),
        (several(definition()), "Each of TrainingJobDefinitions must have a DefinitionName that no other one has."),
        (
            several(
                definition(DefinitionName="a"), definition(DefinitionName="b", TuningObjective=objective("Minimize"))
            ),
            "The objectives of all TrainingJobDefinitions must have the same Type, to be compared.",
        ),
        (
            {
                "HyperParameterTuningJobConfig": {"Strategy": "Grid", "ResourceLimits": {"MaxParallelTrainingJobs": 1}},
                "TrainingJobDefinition": definition(),
            },
            "A hyperparameter tuning job objective is required.",
        ),
        (
            request(A_OR_B, HyperParameterTuningJobObjective=objective(metric="auc")),
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric definitions.",
        ),
        (request(), "At least one hyperparameter range is required."),
        (
            request(choices(sagemaker_program=["a"])),
            "Hyperparameters cannot be both static and have a range: sagemaker_program.",
        ),
        (
            request(A_OR_B, Strategy="Random"),
            "ResourceLimits must have MaxNumberOfTrainingJobs or MaxRuntimeInSeconds.",
        ),
        (
            request({**A_OR_B, **numbers(x=("0", "1"))}),
            "The Grid strategy supports categorical hyperparameter ranges only.",
        ),
        (
            request(A_OR_B, {"MaxNumberOfTrainingJobs": 3}),
            "With the Grid strategy MaxNumberOfTrainingJobs must be the number of combinations, 2, or be left out. It is 3.",
        ),
        (
            request(A_OR_B, StrategyConfig={"HyperbandStrategyConfig": {"MaxResource": 3}}),
            "StrategyConfig can be specified with the Hyperband strategy only.",
        ),
        (
            hyperband(),
            (
                "The Hyperband strategy needs MaxResource in HyperbandStrategyConfig, or a whole number of epochs as one of the "
                "static hyperparameters epochs, numepochs, n-epochs, n_epochs, num_epochs."
            ),
        ),
        (
            hyperband(StrategyConfig={"HyperbandStrategyConfig": {"MinResource": 4, "MaxResource": 3}}),
            "MinResource 4 is greater than MaxResource 3.",
        ),
        (
            hyperband(
                StrategyConfig={"HyperbandStrategyConfig": {"MaxResource": 3}}, TrainingJobEarlyStoppingType="Auto"
            ),
            "TrainingJobEarlyStoppingType must be Off to use the Hyperband strategy.",
        ),
    ],
)
def test_parts_that_do_not_fit(asked: dict[str, Any], message: str):
    """Each is refused, with what would fit."""
    with pytest.raises(ValidationError) as refusal:
        Plan.of_request(asked)
    assert refusal.value.message == message
