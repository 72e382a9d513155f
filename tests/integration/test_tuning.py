"""Tuning jobs with training jobs that really run: as steps, and by their own operations."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, error_of, token, wait
from tests.integration.documents import BUCKET, document, fail_step
from tests.tuning_requests import choices, config, definition, objective

SCORE = """
import argparse, json, os, pathlib, signal, sys
parser = argparse.ArgumentParser()
parser.add_argument("--optimizer")
parser.add_argument("--depth", type=int)
given = parser.parse_args()
if given.optimizer == "broken":
    raise ValueError("no such optimizer")
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(json.dumps(vars(given)))
print(f"score={given.depth}")
if given.optimizer == "endless":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.pause()
print(f"score={given.depth + len(given.optimizer)}")
"""
"""Prints two scores, of which the last one counts. With the optimizer that never ends it prints one, until it is stopped."""


def tuning_step(name: str, source: str, configuration: dict[str, Any], **more: Any) -> dict[str, Any]:
    arguments = {
        "HyperParameterTuningJobConfig": configuration,
        "TrainingJobDefinition": definition(source, static={"depth": "3"}),
    }
    return {"Name": name, "Type": "Tuning", "Arguments": arguments, **more}


def model_of(place: int) -> dict[str, Any]:
    """As the SDK's ``get_top_model_s3_uri`` and the operator's ``top_model`` write it."""
    job_name = {"Get": f"Steps.tune_all.TrainingJobSummaries[{place}].TrainingJobName"}
    return {"Std:Join": {"On": "/", "Values": ["s3:/", BUCKET, "models", job_name, "output/model.tar.gz"]}}


def described(aws: Aws, name: str) -> dict[str, Any]:
    response: dict[str, Any] = aws.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    return response


def wait_for_values(aws: Aws, name: str, count: int) -> None:
    """Wait until so many training jobs of a tuning job have printed a value."""
    seen, deadline = 0, time.monotonic() + 60
    while seen < count:
        assert described(aws, name)["HyperParameterTuningJobStatus"] == "InProgress"
        assert time.monotonic() < deadline, f"{name} does not print values"
        jobs = aws.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        names = [each["TrainingJobName"] for each in jobs["TrainingJobSummaries"]]
        seen = sum("FinalMetricDataList" in aws.sagemaker.describe_training_job(TrainingJobName=each) for each in names)


def test_a_step_that_tunes(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Two at once, one of three fails; other steps read the best ones, and the next execution takes all from the cache."""
    source = aws.put_source_archive({"train.py": SCORE})
    ranges = choices(optimizer=['"adam"', '"broken"', '"adagrad"'])
    step = tuning_step(
        "tune_all",
        source,
        config(ranges, {"MaxParallelTrainingJobs": 2}),
        CacheConfig={"Enabled": True, "ExpireAfter": "PT1H"},
    )
    best = {"Get": "Steps.tune_all.BestTrainingJob.TrainingJobName"}
    say = fail_step("say", {"Std:Join": {"On": " ", "Values": [best, model_of(0), model_of(1)]}})
    arn = aws.start(document(step, say))
    wait(endpoint, arn)
    steps = aws.steps(arn)
    assert steps["tune_all"]["StepStatus"] == "Succeeded", steps
    tuning_arn = steps["tune_all"]["Metadata"]["TuningJob"]["Arn"]
    name = tuning_arn.rpartition("/")[2]
    assert name.startswith(f"{arn.rpartition('/')[2]}-tune-all-")
    assert len(name) == 32

    def listed(**more: Any) -> list[str]:
        pages = aws.sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
            HyperParameterTuningJobName=name, PaginationConfig={"PageSize": 1}, **more
        )
        return [each["TrainingJobName"] for page in pages for each in page["TrainingJobSummaries"]]

    third, second, first = listed()
    assert [job.startswith(f"{name}-00{number}-") for number, job in enumerate((first, second, third), 1)] == [True] * 3
    assert listed(SortOrder="Ascending", SortBy="CreationTime") == [first, second, third]
    assert listed(SortBy="FinalObjectiveMetricValue") == [third, first]
    assert listed(StatusEquals="Failed") == listed(SortBy="Status", SortOrder="Descending")[:1] == [second]

    models = [f"s3://{BUCKET}/models/{job}/output/model.tar.gz" for job in (third, first)]
    assert steps["say"]["FailureReason"] == f"{third} {models[0]} {models[1]}"
    training = aws.sagemaker.describe_training_job(TrainingJobName=third)
    assert training["ModelArtifacts"]["S3ModelArtifacts"] == models[0]
    assert training["TuningJobArn"] == tuning_arn
    assert training["HyperParameters"] == {
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": json.dumps(source),
        "depth": "3",
        "optimizer": '"adagrad"',
        "_tuning_objective_metric": "score",
    }
    shown = described(aws, name)
    assert shown["TrainingJobStatusCounters"] == {
        "Completed": 2,
        "InProgress": 0,
        "RetryableError": 0,
        "NonRetryableError": 1,
        "Stopped": 0,
    }
    assert shown["BestTrainingJob"]["TrainingJobName"] == third
    assert shown["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"] == {**objective(), "Value": 10.0}

    again = aws.sagemaker.start_pipeline_execution(PipelineName=arn.split("/")[1], ClientRequestToken=token())
    wait(endpoint, again["PipelineExecutionArn"])
    steps = aws.steps(again["PipelineExecutionArn"])
    assert steps["tune_all"]["CacheHitResult"] == {"SourcePipelineExecutionArn": arn}
    assert steps["say"]["FailureReason"] == f"{third} {models[0]} {models[1]}"


def test_a_stop_of_the_execution_stops_the_training_jobs(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The tuning job is Stopped, its training job keeps its model, and none is launched any more."""
    source = aws.put_source_archive({"train.py": SCORE})
    arn = aws.start(document(tuning_step("tune", source, config(choices(optimizer=["endless", "adam"])))))
    while "TuningJob" not in aws.steps(arn).get("tune", {}).get("Metadata", {}):
        assert aws.describe(arn)["PipelineExecutionStatus"] == "Executing"
    name = aws.steps(arn)["tune"]["Metadata"]["TuningJob"]["Arn"].rpartition("/")[2]
    wait_for_values(aws, name, 1)
    aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    wait(endpoint, arn)
    shown = described(aws, name)
    assert (aws.steps(arn)["tune"]["StepStatus"], shown["HyperParameterTuningJobStatus"]) == ("Stopped", "Stopped")
    assert {key: count for key, count in shown["TrainingJobStatusCounters"].items() if count} == {"Stopped": 1}
    job = shown["BestTrainingJob"]["TrainingJobName"]
    assert aws.s3.head_object(Bucket=BUCKET, Key=f"models/{job}/output/model.tar.gz")["ContentLength"] > 0


def test_the_operations(aws: Aws) -> None:
    """A tuning job of two algorithms, from its creation until its entry is deleted; the lowest score counts."""
    name = f"tune-{uuid.uuid4().hex[:12]}"
    source = aws.put_source_archive({"train.py": SCORE})
    limits = {"Strategy": "Grid", "ResourceLimits": {"MaxParallelTrainingJobs": 1}}
    definitions = [
        definition(
            source,
            DefinitionName=optimizer,
            TuningObjective=objective("Minimize"),
            HyperParameterRanges=choices(depth=depths),
            static={"optimizer": optimizer},
        )
        for optimizer, depths in (("sgd", ["1"]), ("adagrad", ["2"]))
    ]
    given = {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": limits,
        "TrainingJobDefinitions": definitions,
    }
    client = aws.sagemaker
    arn = client.create_hyper_parameter_tuning_job(**given, Tags=[{"Key": "team", "Value": "a"}])[
        "HyperParameterTuningJobArn"
    ]
    code, message = error_of(client.create_hyper_parameter_tuning_job, **given)
    assert (code, arn in message) == ("ResourceInUse", True)
    named = {"HyperParameterTuningJobName": name}
    refused = error_of(client.delete_hyper_parameter_tuning_job, **named)
    assert refused == ("ValidationException", f"The job '{name}' is in status InProgress. Stop it first.")
    deadline = time.monotonic() + 60
    while described(aws, name)["HyperParameterTuningJobStatus"] == "InProgress":
        assert time.monotonic() < deadline, f"{name} does not end"
    jobs = client.list_training_jobs_for_hyper_parameter_tuning_job(**named, SortOrder="Ascending")[
        "TrainingJobSummaries"
    ]
    assert [
        (each["TrainingJobDefinitionName"], each["TrainingJobStatus"], each["TunedHyperParameters"]) for each in jobs
    ] == [("sgd", "Completed", {"depth": "1"}), ("adagrad", "Completed", {"depth": "2"})]
    assert described(aws, name)["BestTrainingJob"] == jobs[0]
    assert client.list_tags(ResourceArn=jobs[0]["TrainingJobArn"])["Tags"] == [{"Key": "team", "Value": "a"}]
    (listed,) = client.list_hyper_parameter_tuning_jobs(NameContains=name, StatusEquals="Completed")[
        "HyperParameterTuningJobSummaries"
    ]
    shown = described(aws, name)
    assert listed == {
        "HyperParameterTuningJobArn": arn,
        "Strategy": "Grid",
        "ResourceLimits": {"MaxParallelTrainingJobs": 1},
        **{
            member: shown[member]
            for member in (
                *("HyperParameterTuningJobName", "HyperParameterTuningJobStatus", "HyperParameterTuningEndTime"),
                *("CreationTime", "LastModifiedTime", "TrainingJobStatusCounters", "ObjectiveStatusCounters"),
            )
        },
    }
    assert error_of(client.stop_hyper_parameter_tuning_job, **named) == (
        "ValidationException",
        "The request was rejected because the hyper parameter tuning job is in status Completed.",
    )
    client.delete_hyper_parameter_tuning_job(**named)
    gone = ("ResourceNotFound", "Requested resource not found.")
    assert error_of(client.delete_hyper_parameter_tuning_job, **named) == gone
    assert error_of(client.stop_hyper_parameter_tuning_job, **named) == gone
    assert client.describe_training_job(TrainingJobName=jobs[0]["TrainingJobName"])["TuningJobArn"] == arn


def test_a_training_job_that_looks_bad_is_stopped_early(endpoint: LocalEndpoint, aws: Aws) -> None:
    """It would run for ever; its value counts, and the best one is that which completed."""
    longer_is_worse = SCORE.replace("given.depth}", "len(given.optimizer)}")
    configuration = config(
        choices(optimizer=["sgd", "endless"]),
        HyperParameterTuningJobObjective=objective("Minimize"),
        TrainingJobEarlyStoppingType="Auto",
    )
    source = aws.put_source_archive({"train.py": longer_is_worse})
    arn = aws.start(document(tuning_step("tune_all", source, configuration)))
    wait(endpoint, arn)
    name = aws.steps(arn)["tune_all"]["Metadata"]["TuningJob"]["Arn"].rpartition("/")[2]
    jobs = aws.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, SortOrder="Ascending"
    )["TrainingJobSummaries"]
    assert [
        (each["TrainingJobStatus"], each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]) for each in jobs
    ] == [("Completed", 6.0), ("Stopped", 7.0)]
    assert described(aws, name)["BestTrainingJob"] == jobs[0]
