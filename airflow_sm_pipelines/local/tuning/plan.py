"""What a tuning job is asked to do, read from its create request and checked.

Sources: botocore's service model, and the developer guide's chapter on automatic model tuning. Where the service's
words are known, they are used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.jobs.limits import as_training_request
from airflow_sm_pipelines.local.jobs.training import metric_patterns
from airflow_sm_pipelines.local.tuning.ranges import Choice, Range, ranges_of

OBJECTIVE_HYPERPARAMETER: Final = "_tuning_objective_metric"
"""The hyperparameter that tells training jobs the objective metric. It is not JSON, not even for scripts."""

GRID: Final = "Grid"
HYPERBAND: Final = "Hyperband"

_EPOCHS: Final = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
"""The static hyperparameters that Hyperband takes MaxResource from, as the API reference says."""

_NOT_OF_TRAINING_JOBS: Final = (
    "DefinitionName",
    "TuningObjective",
    "HyperParameterRanges",
    "StaticHyperParameters",
    "HyperParameterTuningResourceConfig",
)


@dataclass(frozen=True)
class Objective:
    """What the training jobs of a definition are compared by.

    :param metric: the metric's name.
    :param maximize: whether more is better.
    """

    metric: str
    maximize: bool

    def is_better(self, value: float, other: float) -> bool:
        """Whether a value is better than another one.

        :param value: the value.
        :param other: the other one.
        """
        return value > other if self.maximize else value < other


@dataclass(frozen=True)
class Resources:
    """How far Hyperband lets training jobs run, counted in values of the objective metric that they print.

    :param least: so many in any case.
    :param most: no more than so many.
    """

    least: int
    most: int


@dataclass(frozen=True)
class Definition:
    """One kind of training jobs that a tuning job launches.

    :param name: DefinitionName; ``None`` where there is one definition without a name.
    :param objective: what they are compared by.
    :param ranges: what is searched.
    :param request: a CreateTrainingJob request with the static hyperparameters and without a name.
    :param resources: with Hyperband, how far they run.
    """

    name: str | None
    objective: Objective
    ranges: tuple[Range, ...]
    request: Mapping[str, Any]
    resources: Resources | None

    def training_request(self, name: str, tuned: Mapping[str, str]) -> dict[str, Any]:
        """Return the CreateTrainingJob request of one training job.

        :param name: the training job's name.
        :param tuned: the values of the hyperparameters that are searched.
        """
        parameters = {**self.request["HyperParameters"], **tuned}
        return {**self.request, "TrainingJobName": name, "HyperParameters": parameters}


@dataclass(frozen=True)
class Plan:
    """What a tuning job does.

    :param definitions: of its training jobs; all objectives have the same direction.
    :param strategy: Bayesian, Random, Grid or Hyperband.
    :param seed: RandomSeed; ``None`` without one.
    :param most_jobs: how many training jobs it launches at most; ``None`` for no limit but the time.
    :param most_at_once: how many of them at once.
    :param seconds: how long it runs at most; ``None`` for no limit.
    :param stops_early: whether training jobs that look bad are stopped (TrainingJobEarlyStoppingType Auto).
    :param target: the value of the objective that is good enough; ``None`` without one.
    :param most_not_improving: so many training jobs in a row that improve little end it; ``None`` for no such end.
    """

    definitions: tuple[Definition, ...]
    strategy: str
    seed: int | None
    most_jobs: int | None
    most_at_once: int
    seconds: float | None
    stops_early: bool
    target: float | None
    most_not_improving: int | None

    @property
    def objective(self) -> Objective:
        """What all training jobs are compared by; the metrics of several definitions may differ in name."""
        return self.definitions[0].objective

    @classmethod
    def of_request(cls, request: Mapping[str, Any]) -> Plan:
        """Read a CreateHyperParameterTuningJob request.

        :param request: already checked against the service model.
        :raises ValidationError: parts of it do not fit each other.
        """
        config = request["HyperParameterTuningJobConfig"]
        limits = config["ResourceLimits"]
        criteria = config.get("TuningJobCompletionCriteria", {})
        definitions = _definitions(request, config)
        stops_early = config.get("TrainingJobEarlyStoppingType", "Off") == "Auto"
        if config["Strategy"] == HYPERBAND and stops_early:
            raise ValidationError("TrainingJobEarlyStoppingType must be Off to use the Hyperband strategy.")
        return cls(
            definitions,
            config["Strategy"],
            config.get("RandomSeed"),
            _most_jobs(config["Strategy"], limits, definitions),
            limits["MaxParallelTrainingJobs"],
            limits.get("MaxRuntimeInSeconds"),
            stops_early,
            criteria.get("TargetObjectiveMetricValue"),
            criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving"),
        )


def shown_definition(definition: Mapping[str, Any], objective: Objective) -> dict[str, Any]:
    """Return a definition as the service shows it: with the hyperparameter that tells the objective metric.

    It has a ResourceConfig, however the resources were given: the SageMaker SDK 2 gives them as
    HyperParameterTuningResourceConfig, and reads ResourceConfig when it attaches to the job.

    :param definition: as requested.
    :param objective: its objective.
    """
    training = as_training_request(definition)
    resources = {"ResourceConfig": training["ResourceConfig"]} if "ResourceConfig" in training else {}
    return {**definition, **resources, "StaticHyperParameters": _static(definition, objective)}


def _definitions(request: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[Definition, ...]:
    if ("TrainingJobDefinition" in request) == ("TrainingJobDefinitions" in request):
        raise ValidationError("Either TrainingJobDefinition or TrainingJobDefinitions must be provided, and not both.")
    if "TrainingJobDefinition" in request:
        return (_definition(request["TrainingJobDefinition"], config, request),)
    given = request["TrainingJobDefinitions"]
    names = [each.get("DefinitionName") for each in given]
    if None in names or len(set(names)) < len(names):
        raise ValidationError("Each of TrainingJobDefinitions must have a DefinitionName that no other one has.")
    definitions = tuple(_definition(each, config, request) for each in given)
    if len({each.objective.maximize for each in definitions}) > 1:
        raise ValidationError("The objectives of all TrainingJobDefinitions must have the same Type, to be compared.")
    return definitions


def _definition(given: Mapping[str, Any], config: Mapping[str, Any], request: Mapping[str, Any]) -> Definition:
    objective = given.get("TuningObjective", config.get("HyperParameterTuningJobObjective"))
    if objective is None:
        raise ValidationError("A hyperparameter tuning job objective is required.")
    found = Objective(objective["MetricName"], objective["Type"] == "Maximize")
    # What training jobs of such an algorithm print is theirs to know.
    training = {**as_training_request(given), "HyperParameters": _static(given, found)}
    if found.metric not in metric_patterns(training):
        raise ValidationError(
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric"
            " definitions."
        )
    ranges = ranges_of(given.get("HyperParameterRanges", config.get("ParameterRanges", {})))
    if not ranges:
        raise ValidationError("At least one hyperparameter range is required.")
    both = [each.name for each in ranges if each.name in training["HyperParameters"]]
    if both:
        raise ValidationError(f"Hyperparameters cannot be both static and have a range: {', '.join(both)}.")
    for member in _NOT_OF_TRAINING_JOBS:
        training.pop(member, None)
    if "Tags" in request:
        training["Tags"] = request["Tags"]
    return Definition(given.get("DefinitionName"), found, ranges, training, _resources(config, training))


def _static(definition: Mapping[str, Any], objective: Objective) -> dict[str, str]:
    return {**definition.get("StaticHyperParameters", {}), OBJECTIVE_HYPERPARAMETER: objective.metric}


def _most_jobs(strategy: str, limits: Mapping[str, Any], definitions: tuple[Definition, ...]) -> int | None:
    given: int | None = limits.get("MaxNumberOfTrainingJobs")
    if strategy != GRID:
        if given is None and "MaxRuntimeInSeconds" not in limits:
            raise ValidationError("ResourceLimits must have MaxNumberOfTrainingJobs or MaxRuntimeInSeconds.")
        return given
    combinations = 0
    for definition in definitions:
        choices = [each for each in definition.ranges if isinstance(each, Choice)]
        if len(choices) < len(definition.ranges):
            raise ValidationError("The Grid strategy supports categorical hyperparameter ranges only.")
        combinations += math.prod(len(each.values) for each in choices)
    if given not in (None, combinations):
        raise ValidationError(
            f"With the Grid strategy MaxNumberOfTrainingJobs must be the number of combinations, {combinations}, or be"
            f" left out. It is {given}."
        )
    return combinations


def _resources(config: Mapping[str, Any], training: Mapping[str, Any]) -> Resources | None:
    given = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    if config["Strategy"] != HYPERBAND:
        if "StrategyConfig" in config:
            raise ValidationError("StrategyConfig can be specified with the Hyperband strategy only.")
        return None
    most = given.get("MaxResource", _epochs(training["HyperParameters"]))
    if most is None:
        raise ValidationError(
            "The Hyperband strategy needs MaxResource in HyperbandStrategyConfig, or a whole number of epochs as one of"
            f" the static hyperparameters {', '.join(_EPOCHS)}."
        )
    least = given.get("MinResource", 1)
    if least > most:
        raise ValidationError(f"MinResource {least} is greater than MaxResource {most}.")
    return Resources(least, most)


def _epochs(static: Mapping[str, str]) -> int | None:
    for name in _EPOCHS:
        text = static.get(name, "").strip('"')
        if text.isdecimal() and int(text) > 0:
            return int(text)
    return None
