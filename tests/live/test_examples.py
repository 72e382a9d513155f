"""The example Dags on real Airflow components: both runs of one session, looked at from all sides."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from demo.scenario import GROUP, REGISTERED, REJECTED
from tests.versions import in_triggerer

pytestmark = pytest.mark.every_airflow

STEPS = ("prepare", "train", "evaluate", "good_enough", "register", "reject")
REPORTED = ("status", "job_arn", "outputs", "attempt", "cache", "instance", "left_out")
ACCOUNT = "arn:aws:sagemaker:us-east-1:123456789012"


def execution_arn(live, run):
    return live.api.xcom(run, f"{GROUP}.launch", "return_value")


def test_a_model_that_is_accurate_enough_is_registered(live, example_runs):
    """The Asset starts a run that succeeds: `register` ran, `reject` was skipped, the join behind them succeeded."""
    run = example_runs.registered
    assert (run.state, live.states(run)) == ("success", REGISTERED)


def test_a_model_that_is_not_accurate_enough_fails_the_run(live, example_runs):
    """A threshold out of reach ends in the Fail step: `register` was skipped, the join did not run."""
    run = example_runs.rejected
    assert (run.state, live.states(run)) == ("failed", REJECTED)


def test_the_log_of_the_fail_step_says_why(live, example_runs):
    """The task log has the Fail step's message, and nothing else with level error."""
    assert live.api.errors(example_runs.rejected, f"{GROUP}.reject") == [
        "PipelineExecutionError: step 'reject' failed: The model is less accurate than MinAccuracy asks for."
    ]


@in_triggerer
@pytest.mark.parametrize("outcome", ["registered", "rejected"])
def test_step_tasks_that_succeed_use_no_worker(live, example_runs, outcome):
    """No worker process ever had a step task that succeeded; the one that failed, and the other tasks, had one."""
    tasks = live.api.task_instances(getattr(example_runs, outcome))
    on_worker = {task.task_id: task.pid is not None for task in tasks if task.state in ("success", "failed")}
    quiet = {f"{GROUP}.{step}" for step in STEPS} - {f"{GROUP}.reject"}
    assert on_worker == {task_id: task_id not in quiet for task_id in on_worker}
    assert {task.hostname for task in tasks if task.task_id in quiet} == {""}


def test_each_run_starts_one_execution_of_one_pipeline_version(live, example_runs):
    """Two runs are two executions; the second launch, whatever its threshold, finds the pipeline as it must be."""
    assert example_runs.executions == {
        execution_arn(live, example_runs.registered): "Succeeded",
        execution_arn(live, example_runs.rejected): "Failed",
    }
    upserts = [
        record["event"]
        for run in (example_runs.registered, example_runs.rejected)
        for record in live.api.log(run, f"{GROUP}.launch")
        if record["event"].startswith("Pipeline ")
    ]
    pipeline = f"Pipeline {ACCOUNT}:pipeline/breast-cancer"
    assert sorted(upserts) == [f"{pipeline}: created", f"{pipeline}: unchanged"]


def test_the_runtime_values_are_start_parameters(live, example_runs):
    """The Dag param arrives as a parameter of its own execution, the other run's is untouched by it."""
    sagemaker = live.stack.client("sagemaker")
    parameters = {
        outcome: sagemaker.list_pipeline_parameters_for_execution(
            PipelineExecutionArn=execution_arn(live, getattr(example_runs, outcome))
        )["PipelineParameters"]
        for outcome in ("registered", "rejected")
    }
    data = {"Name": "InputData", "Value": "s3://example-ml/breast-cancer/raw/breast_cancer.csv"}
    assert parameters == {
        "registered": [data, {"Name": "MinAccuracy", "Value": "0.9"}],
        "rejected": [data, {"Name": "MinAccuracy", "Value": "0.999"}],
    }


def test_steps_leave_their_results_in_xcom(live, example_runs):
    """Every step task has its status, its job, where its outputs lie, and its property files; all of one execution."""
    run = example_runs.registered
    execution = execution_arn(live, run).rsplit("/", 1)[1]
    steps = [step for step in STEPS if step != "reject"]
    reports = {step: live.api.xcom(run, f"{GROUP}.{step}", "step_report") for step in steps}
    jobs = {step: reports[step]["job_arn"] for step in ("prepare", "train", "evaluate")}
    names = {step: arn.rsplit("/", 1)[1] for step, arn in jobs.items()}
    base = f"s3://example-ml/breast-cancer/{execution}"
    once = {"status": "Succeeded", "attempt": 1, "cache": {"hit": False, "source_execution": None}, "left_out": []}
    instance = {"type": "ml.m5.large", "count": 1}

    assert {step: name[: -len("0123456789")] for step, name in names.items()} == {
        step: f"pipelines-{execution}-{step}-" for step in names
    }
    assert {step: {part: report[part] for part in REPORTED} for step, report in reports.items()} == {
        "prepare": {
            **once,
            "job_arn": f"{ACCOUNT}:processing-job/{names['prepare']}",
            "outputs": {"train": f"{base}/prepare/train", "test": f"{base}/prepare/test"},
            "instance": instance,
        },
        "train": {
            **once,
            "job_arn": f"{ACCOUNT}:training-job/{names['train']}",
            "outputs": {"model_artifacts": f"{base}/train/{names['train']}/output/model.tar.gz"},
            "instance": instance,
        },
        "evaluate": {
            **once,
            "job_arn": f"{ACCOUNT}:processing-job/{names['evaluate']}",
            "outputs": {"evaluation": f"{base}/evaluate/evaluation"},
            "instance": instance,
        },
        "good_enough": {**once, "job_arn": None, "outputs": {}, "instance": None},
        "register": {
            **once,
            "job_arn": f"{ACCOUNT}:model-package/breast-cancer/1",
            "outputs": {},
            "instance": None,
        },
    }
    assert {step: live.api.xcom(run, f"{GROUP}.{step}", "property_files") for step in steps} == {
        **dict.fromkeys(steps),
        "evaluate": {"metrics": stored_json(live, f"{base}/evaluate/evaluation/metrics.json")},
    }


def test_the_report_has_the_times_and_the_request_of_that_execution(live, example_runs):
    """Times are those that the service lists, and the request is resolved: its references are URIs by then."""
    run = example_runs.registered
    report = live.api.xcom(run, f"{GROUP}.train", "step_report")
    [train] = [
        step
        for step in live.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution_arn(live, run))[
            "PipelineExecutionSteps"
        ]
        if step["StepName"] == "train"
    ]
    [channel] = [each for each in report["request"]["InputDataConfig"] if each["ChannelName"] == "train"]
    prepared = live.api.xcom(run, f"{GROUP}.prepare", "step_report")["outputs"]

    assert {name: datetime.fromisoformat(time) for name, time in report["times"].items()} == {
        "start": train["StartTime"],
        "end": train["EndTime"],
    }
    assert channel["DataSource"]["S3DataSource"]["S3Uri"] == prepared["train"]
    assert report["request"]["ResourceConfig"]["InstanceType"] == "ml.m5.large"


def test_the_metrics_come_from_the_real_data(live, example_runs):
    """The model was evaluated on the fifth of the 569 rows that the split keeps, and is better than chance."""
    metrics = live.api.xcom(example_runs.registered, f"{GROUP}.evaluate", "property_files")["metrics"]
    assert metrics["test_rows"] == {"value": 114}
    assert 0.9 <= metrics["accuracy"]["value"] < 0.999


def test_the_model_package_is_in_the_registry(live, example_runs):
    """The registry has one package, of the model that this run's training job wrote."""
    sagemaker = live.stack.client("sagemaker")
    [arn] = example_runs.model_package_arns
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    outputs = live.api.xcom(example_runs.registered, f"{GROUP}.train", "step_report")["outputs"]

    assert arn == f"{ACCOUNT}:model-package/breast-cancer/1"
    assert package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == outputs["model_artifacts"]


def test_ordinary_tasks_announce_the_result(live, example_runs):
    """The tasks behind the branches print what they read from XCom."""
    accuracy = live.api.xcom(example_runs.registered, f"{GROUP}.evaluate", "property_files")["metrics"]["accuracy"]
    assert {
        "registered": live.printed(example_runs.registered, "announce_registered"),
        "rejected": live.printed(example_runs.rejected, "announce_rejected"),
    } == {
        "registered": [
            f"Registered {ACCOUNT}:model-package/breast-cancer/1 with an accuracy of {accuracy['value']:.3f}."
        ],
        "rejected": [f"Rejected: the accuracy of {accuracy['value']:.3f} is below 0.999."],
    }


@pytest.mark.usefixtures("example_runs")
def test_the_registered_model_is_an_asset(live):
    """Only the run that registered a model emits the model's Asset, with the model package in it."""
    assert live.api.asset_event_extras("breast_cancer_model") == [
        {"model_package_arn": f"{ACCOUNT}:model-package/breast-cancer/1"}
    ]


def stored_json(live, uri):
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    return json.load(live.stack.client("s3").get_object(Bucket=bucket, Key=key)["Body"])
