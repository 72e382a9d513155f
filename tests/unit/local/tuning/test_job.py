"""The life of a tuning job, with training jobs that are no processes."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_sm_pipelines.definition.step_types import RESOURCES
from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.jobs.job import Job, JobFailedError
from airflow_sm_pipelines.local.jobs.service import Jobs
from airflow_sm_pipelines.local.jobs.training import Tuner
from airflow_sm_pipelines.local.tuning.job import TuningJob
from tests.tuning_requests import choices, config, definition, numbers, objective, request

HOST: Any = SimpleNamespace(region="eu-west-1")
ARN = "arn:aws:sagemaker:eu-west-1:123456789012"


class Training(Job):
    """A training job that does what a test says."""

    resource = RESOURCES["training-job"]

    def __init__(
        self, name: str, request: Mapping[str, Any], host: JobHost, play: Callable[[Training], None], tuner: Tuner
    ) -> None:
        super().__init__(name, request, host)
        self.parameters: dict[str, str] = self.request["HyperParameters"]
        self.told_to_end = threading.Event()
        self._play, self._tuner = play, tuner

    def say(self, value: float, metric: str = "score") -> None:
        self._tuner.training_job_measured(self.name, metric, value)

    def execute(self) -> str:
        self._play(self)
        return "Completed"

    def end_early(self) -> None:
        self.told_to_end.set()

    def details(self) -> dict[str, Any]:
        return {}

    def ended(self) -> None:
        self._tuner.training_job_ended(self.name)


class World:
    """Where tuning jobs run."""

    def __init__(self, play: Callable[[Training], None]) -> None:
        self.training: Jobs[Any] = Jobs(Training, HOST, play)
        self.tuning: Jobs[TuningJob] = Jobs(TuningJob, HOST, self.training)

    def start(self, asked: dict[str, Any]) -> TuningJob:
        return self.tuning.create("tune", {**asked, "HyperParameterTuningJobName": "tune"})

    def run(self, asked: dict[str, Any]) -> TuningJob:
        job = self.start(asked)
        assert job.wait(10)
        return job


def letters(*values: str, **changes: Any) -> dict[str, Any]:
    return request(choices(letter=list(values)), changes.pop("limits", None), **changes)


def score(job: Training) -> None:
    """Print the letter as the score, in the middle of other values."""
    job.say(7, "loss")
    job.say(0)
    job.say(float(job.parameters["letter"]))
    job.say(8, "loss")


def finals(job: TuningJob) -> list[tuple[str, str, float | None]]:
    """Of each training job its status, that of its objective, and the value."""
    return [
        (
            each["TrainingJobStatus"],
            each["ObjectiveStatus"],
            each.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value"),
        )
        for each in job.summaries()
    ]


@pytest.mark.parametrize(("kind", "best"), [("Maximize", 3), ("Minimize", 1)])
def test_what_is_shown_of_a_tuning_job(kind: str, best: int):
    """Names, counters, and the best training job, whose last value of the objective counts; as a step, all of them."""
    world = World(score)
    asked = letters("2", "3", "1", HyperParameterTuningJobObjective=objective(kind))
    job = world.run({**asked, "Tags": [{"Key": "a", "Value": "b"}]})
    names = [each.name for each in world.training.all()]
    assert [re.sub("[0-9a-f]{8}$", "<hex>", name) for name in names] == [f"tune-00{n}-<hex>" for n in (1, 2, 3)]
    summaries = [
        {
            "TrainingJobName": training.name,
            "TrainingJobArn": f"{ARN}:training-job/{training.name}",
            "CreationTime": training.creation_time,
            "TrainingEndTime": training.describe()["TrainingEndTime"],
            "TrainingJobStatus": "Completed",
            "TunedHyperParameters": {"letter": letter},
            "ObjectiveStatus": "Succeeded",
            "FinalHyperParameterTuningJobObjectiveMetric": {
                "Type": kind,
                "MetricName": "score",
                "Value": float(letter),
            },
        }
        for training, letter in zip(world.training.all(), ("2", "3", "1"), strict=True)
    ]
    assert job.summaries() == summaries
    ordered = sorted(summaries, key=lambda each: each["TunedHyperParameters"]["letter"], reverse=kind == "Maximize")
    described = job.describe()
    assert described == {
        **{key: asked[key] for key in ("HyperParameterTuningJobName", "HyperParameterTuningJobConfig")},
        "TrainingJobDefinition": definition(static={"_tuning_objective_metric": "score"}),
        "HyperParameterTuningJobName": "tune",
        "HyperParameterTuningJobArn": f"{ARN}:hyper-parameter-tuning-job/tune",
        "HyperParameterTuningJobStatus": "Completed",
        "CreationTime": job.creation_time,
        "LastModifiedTime": described["HyperParameterTuningEndTime"],
        "HyperParameterTuningEndTime": described["HyperParameterTuningEndTime"],
        "TrainingJobStatusCounters": {
            "Completed": 3,
            "InProgress": 0,
            "RetryableError": 0,
            "NonRetryableError": 0,
            "Stopped": 0,
        },
        "ObjectiveStatusCounters": {"Succeeded": 3, "Pending": 0, "Failed": 0},
        "BestTrainingJob": next(each for each in summaries if each["TunedHyperParameters"]["letter"] == str(best)),
        "TuningJobCompletionDetails": {
            "NumberOfTrainingJobsObjectiveNotImproving": 1 if kind == "Maximize" else 0,
        },
        "ConsumedResources": {
            "RuntimeInSeconds": round((described["HyperParameterTuningEndTime"] - job.creation_time).total_seconds())
        },
    }
    assert job.properties() == {**described, "TrainingJobSummaries": ordered}


def test_what_training_jobs_are_given():
    """The static hyperparameters, the objective's name and what is tuned; the tags; nothing that only tuning jobs have."""
    world = World(score)
    world.run(
        {
            **letters('"a"'),
            "Tags": [{"Key": "a", "Value": "b"}],
            "HyperParameterTuningJobConfig": config(choices(letter=["5"])),
        }
    )
    (training,) = world.training.all()
    given = definition(static={"_tuning_objective_metric": "score", "letter": "5"})
    parameters = given.pop("StaticHyperParameters")
    tags = [{"Key": "a", "Value": "b"}]
    assert training.request == {**given, "TrainingJobName": training.name, "HyperParameters": parameters, "Tags": tags}


def test_so_many_at_once():
    """No more than MaxParallelTrainingJobs run, and as many do."""
    running, most = [0], [0]
    changed = threading.Condition()

    def play(job: Training) -> None:
        with changed:
            running[0] += 1
            most[0] = max(most[0], running[0])
            changed.notify_all()
            assert changed.wait_for(lambda: most[0] == 2, 10)
        job.say(1)
        with changed:
            running[0] -= 1

    job = World(play).run(letters(*"abcde", limits={"MaxParallelTrainingJobs": 2}))
    assert (most, finals(job)) == ([2], [("Completed", "Succeeded", 1.0)] * 5)


def test_a_failing_one_among_them():
    """Its reason is in its summary, and the tuning job completes."""

    def play(job: Training) -> None:
        score(job)
        if job.parameters["letter"] == "2":
            raise JobFailedError("AlgorithmError: no")

    job = World(play).run(letters("1", "2", "3"))
    assert (job.status, finals(job)) == (
        "Completed",
        [("Completed", "Succeeded", 1.0), ("Failed", "Failed", None), ("Completed", "Succeeded", 3.0)],
    )
    assert job.summaries()[1]["FailureReason"] == "AlgorithmError: no"


def test_after_five_failures_there_is_no_sixth():
    """The tuning job fails as on AWS; so it does with fewer, if there are no more."""

    def play(job: Training) -> None:
        raise JobFailedError(f"AlgorithmError: {job.parameters['letter']}")

    for values, count in (("abcdefg", 5), ("ab", 2)):
        job = World(play).run(letters(*values))
        assert (job.status, job.failure_reason, len(job.summaries())) == (
            "Failed",
            (
                f"No training job succeeded after {count} attempts. Please take a look at the training job failures to get more"
                " details."
            ),
            count,
        )
        assert "BestTrainingJob" not in job.describe()


def test_without_a_value_of_the_objective_a_training_job_is_of_no_use():
    """Nothing printed, or something that is not a number in the end: the job completed, its objective failed."""

    def play(job: Training) -> None:
        job.say(1, "loss")
        if job.parameters["letter"] == "a":
            job.say(1)
            job.say(float("nan"))

    job = World(play).run(letters("a", "b"))
    assert finals(job) == [("Completed", "Failed", None)] * 2
    assert (job.status, job.failure_reason) == (
        "Failed",
        (
            "No objective metrics found after running 2 training jobs. Please ensure that the custom algorithm is emitting the "
            "objective metric as defined by the regular expression provided."
        ),
    )


def wait_after(*last: str) -> Callable[[Training], None]:
    """Print the score; those of some letters then wait until they are told to end."""

    def play(job: Training) -> None:
        score(job)
        if job.parameters["letter"] in last:
            assert job.told_to_end.wait(10)

    return play


def wait_for_values(job: TuningJob, count: int) -> None:
    """Wait until the values of some training jobs have arrived."""
    while sum(len(each.values) for each in job._launched) < 2 * count:
        assert not job.wait(0.001)


def test_a_stop_stops_its_training_jobs():
    """None is launched any more. What they have printed until then counts."""
    job = World(wait_after("1", "2")).start(letters("1", "2", "3", limits={"MaxParallelTrainingJobs": 2}))
    wait_for_values(job, 2)
    assert job.describe()["ObjectiveStatusCounters"] == {"Succeeded": 0, "Pending": 2, "Failed": 0}
    assert job.stop()
    assert job.wait(10)
    assert not job.stop()
    assert (job.status, finals(job)) == ("Stopped", [("Stopped", "Succeeded", 1.0), ("Stopped", "Succeeded", 2.0)])
    assert job.describe()["BestTrainingJob"]["TunedHyperParameters"] == {"letter": "2"}


def test_a_stop_of_a_training_job_is_no_stop_of_the_search():
    """The next one is launched."""
    world = World(wait_after("1"))
    job = world.start(letters("1", "2"))
    wait_for_values(job, 1)
    assert world.training.all()[0].stop()
    assert job.wait(10)
    assert (job.status, finals(job)) == ("Completed", [("Stopped", "Succeeded", 1.0), ("Completed", "Succeeded", 2.0)])


def test_the_endpoint_goes_away():
    """Whichever kind of jobs is ended first, none goes on, and no training job is launched any more."""
    for first in ("tuning", "training"):
        world = World(wait_after("1"))
        job = world.start(letters("1", "2"))
        wait_for_values(job, 1)
        (world.tuning if first == "tuning" else world.training).close()
        assert job.wait(10)
        world.training.close()
        world.tuning.close()
        assert len(world.training.all()) == 1


def test_the_target_is_reached():
    """The tuning job completes: what runs is stopped, and the training job that completed is the best."""
    job = World(wait_after("9")).run(
        letters(
            *("9", "1", "5", "2"),
            limits={"MaxParallelTrainingJobs": 2},
            TuningJobCompletionCriteria={"TargetObjectiveMetricValue": 5},
        )
    )
    assert (job.status, finals(job)) == (
        "Completed",
        [("Stopped", "Succeeded", 9.0), ("Completed", "Succeeded", 1.0), ("Completed", "Succeeded", 5.0)],
    )
    assert job.describe()["BestTrainingJob"]["TunedHyperParameters"] == {"letter": "5"}


def test_nothing_gets_better():
    """After so many training jobs in a row that improve by less than 1 % the tuning job completes."""
    criteria = {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}
    job = World(score).run(letters(*("5", "1", "6", "2", "3", "6.01", "9"), TuningJobCompletionCriteria=criteria))
    assert (job.status, [value for *_, value in finals(job)]) == ("Completed", [5.0, 1.0, 6.0, 2.0, 3.0, 6.01])
    assert job.describe()["TuningJobCompletionDetails"] == {"NumberOfTrainingJobsObjectiveNotImproving": 3}


def test_the_time_is_over():
    """What runs is stopped, and the tuning job completes with what it has."""
    job = World(wait_after("1")).run(letters("1", "2", limits={"MaxRuntimeInSeconds": 0.2}))
    assert (job.status, finals(job)) == ("Completed", [("Stopped", "Succeeded", 1.0)])


def test_early_stopping():
    """A training job that looks bad is stopped while it runs; one that looks good goes on."""

    def play(job: Training) -> None:
        for value in job.parameters["letter"].split():
            job.say(float(value))
        if job.parameters["letter"].startswith("0"):
            assert job.told_to_end.wait(10)

    job = World(play).run(letters("4 6", "0 9", "4 7", TrainingJobEarlyStoppingType="Auto"))
    assert (job.status, finals(job)) == (
        "Completed",
        [("Completed", "Succeeded", 6.0), ("Stopped", "Succeeded", 9.0), ("Completed", "Succeeded", 7.0)],
    )
    assert job.describe()["BestTrainingJob"]["TunedHyperParameters"] == {"letter": "4 7"}


def test_early_stopping_compares_training_jobs_of_one_algorithm():
    """Another one's epochs are others."""

    def play(job: Training) -> None:
        job.say(float(job.parameters["letter"]))

    definitions = [
        definition(DefinitionName=name, HyperParameterRanges=choices(letter=[letter]))
        for name, letter in (("one", "9"), ("two", "1"))
    ]
    asked = {"HyperParameterTuningJobConfig": config(TrainingJobEarlyStoppingType="Auto")}
    job = World(play).run({**asked, "TrainingJobDefinitions": definitions})
    assert finals(job) == [("Completed", "Succeeded", 9.0), ("Completed", "Succeeded", 1.0)]


def test_hyperband_stops_training_jobs():
    """What has printed more values than MaxResource is stopped."""

    def play(job: Training) -> None:
        for value in range(4):
            job.say(value)
        assert job.told_to_end.wait(10)

    asked = request(
        numbers(rate=("0", "1")),
        {"MaxNumberOfTrainingJobs": 1},
        Strategy="Hyperband",
        StrategyConfig={"HyperbandStrategyConfig": {"MaxResource": 3}},
    )
    job = World(play).run(asked)
    assert (job.status, finals(job)) == ("Completed", [("Stopped", "Succeeded", 3.0)])


def test_two_algorithms():
    """They take turns, each with its own objective and ranges, until each has tried all it has; the best is of either."""

    def play(job: Training) -> None:
        job.say(float(job.parameters.get("letter", 3)))
        job.say(float(job.parameters.get("size", 0)), "auc")

    metrics = [{"Name": "score", "Regex": "x"}, {"Name": "auc", "Regex": "x"}]
    algorithm = {**definition()["AlgorithmSpecification"], "MetricDefinitions": metrics}
    one = definition(DefinitionName="one", HyperParameterRanges=choices(letter=["1"]), TuningObjective=objective())
    two = definition(
        DefinitionName="two",
        AlgorithmSpecification=algorithm,
        HyperParameterRanges=choices(size=["7", "8", "9"]),
        TuningObjective=objective(metric="auc"),
    )
    given = {"Strategy": "Grid", "ResourceLimits": {"MaxParallelTrainingJobs": 1}}
    job = World(play).run({"HyperParameterTuningJobConfig": given, "TrainingJobDefinitions": [one, two]})
    assert [
        (
            each["TrainingJobDefinitionName"],
            each["TunedHyperParameters"],
            each["FinalHyperParameterTuningJobObjectiveMetric"],
        )
        for each in job.summaries()
    ] == [
        ("one", {"letter": "1"}, {**objective(), "Value": 1.0}),
        ("two", {"size": "7"}, {**objective(metric="auc"), "Value": 7.0}),
        ("two", {"size": "8"}, {**objective(metric="auc"), "Value": 8.0}),
        ("two", {"size": "9"}, {**objective(metric="auc"), "Value": 9.0}),
    ]
    shown = job.describe()
    assert shown["BestTrainingJob"] == job.summaries()[3]
    assert [each["StaticHyperParameters"]["_tuning_objective_metric"] for each in shown["TrainingJobDefinitions"]] == [
        "score",
        "auc",
    ]


def test_a_seed_is_honoured():
    """The same seed tries the same values, of two algorithms different ones."""

    def run(seed: int) -> list[dict[str, str]]:
        ranges = numbers(rate=("0", "1"))
        asked = request(ranges, {"MaxNumberOfTrainingJobs": 4}, Strategy="Random", RandomSeed=seed)
        one = asked.pop("TrainingJobDefinition")
        both = [{**one, "DefinitionName": name} for name in ("a", "b")]
        job = World(lambda each: each.say(1)).run({**asked, "TrainingJobDefinitions": both})
        return [each["TunedHyperParameters"] for each in job.summaries()]

    first = run(7)
    assert first == run(7)
    assert len({each["rate"] for each in (*first, *run(99))}) == 8


def test_training_jobs_that_the_api_would_refuse():
    """A value that is too long for a hyperparameter: the tuning job fails, with the words of the create request."""
    long = definition(static={"note": "x" * 2501})
    job = World(score).run(
        {"HyperParameterTuningJobConfig": config(choices(letter=["1"])), "TrainingJobDefinition": long}
    )
    assert job.status == "Failed"
    assert re.sub("tune-001-[0-9a-f]{8}", "<name>", job.failure_reason).startswith(
        "ClientError: the training job <name> cannot be launched: 1 validation error detected: Value 'xxxxx"
    )


def test_what_is_not_done_here_fails_the_job():
    """Before any training job is launched."""
    world = World(score)
    job = world.run({**letters("1"), "WarmStartConfig": {}})
    assert (job.status, job.failure_reason, world.training.all()) == (
        "Failed",
        (
            "ClientError: the tuning job asks for a warm start; the local endpoint starts every search from the "
            "beginning. Leave it out."
        ),
        [],
    )


def test_a_request_that_does_not_fit_is_refused():
    """At once, and the name is not taken."""
    world = World(score)
    with pytest.raises(ValidationError, match=r"^At least one hyperparameter range is required\.$"):
        world.start(request())
    assert world.tuning.all() == []


def test_a_failure_of_ours_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch):
    """The training jobs are stopped, and the tuning job says what went wrong."""

    def fail(*_: object) -> Iterator[float]:
        raise KeyError("k")

    monkeypatch.setattr("airflow_sm_pipelines.local.tuning.job.not_improving", fail)
    criteria = {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}
    world = World(wait_after("1"))
    job = world.run(letters("1", "2", limits={"MaxParallelTrainingJobs": 2}, TuningJobCompletionCriteria=criteria))
    assert (job.status, job.failure_reason, [each.status for each in world.training.all()]) == (
        "Failed",
        "InternalServerError: the local endpoint could not run the job: KeyError('k')",
        ["Stopped", "Completed"],
    )


def test_an_entry_is_removed_when_its_job_has_ended():
    """Not before."""
    world = World(wait_after("1"))
    job = world.start(letters("1"))
    with pytest.raises(ValidationError, match=r"^The job 'tune' is in status InProgress\. Stop it first\.$"):
        world.tuning.remove("tune")
    job.stop()
    assert job.wait(10)
    world.tuning.remove("tune")
    assert world.tuning.all() == []
