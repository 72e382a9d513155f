"""One task for a whole execution, sensors, and branches over metrics, on real components."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.serving.stack import airflow_home
from tests.versions import cleared_workers_go_on

pytestmark = pytest.mark.every_airflow


def started(live, run, task_id="run", map_index=-1):
    """Wait for the ARN of the execution that a task started; it is there while the task waits."""
    key = "pipeline_execution_arn"
    live.await_that(lambda: live.api.xcom(run, task_id, key, map_index) is not None, f"the start of {task_id}")
    return live.api.xcom(run, task_id, key, map_index)


def calls(live, operation, arn):
    """The answered calls of an operation for an execution."""
    return [call for call in live.proxy.calls(operation, PipelineExecutionArn=arn) if call.status == 200]


def events(live, run, task_id, try_number=1):
    return [record["event"] for record in live.api.log(run, task_id, try_number)]


def await_seen(live, run, step):
    """Wait until the task's log says that it has seen a step run."""
    line = f"Step '{step}' is Executing"
    live.await_that(lambda: line in events(live, run, "run"), f"the look of {run} at {step}")


def last_errors(live, run, task_id, try_number=1):
    return live.api.errors(run, task_id, try_number)[-1:]


def test_an_execution_and_the_sensors_that_wait_for_it(live):
    """Sensors that began before the pipeline existed end as its execution and its steps did, in every mode."""
    run = live.start("sensed")
    arn = started(live, run)
    for step in ("first", "on"):
        await_seen(live, run, step)
        live.answers.succeed(arn, step)
    run = live.follow(run)

    assert (run.state, live.states(run)) == (
        "success",
        {
            "run": "success",
            "in_triggerer": "success",
            "rescheduled": "success",
            "step_taken": "success",
            "step_not_taken": "skipped",
            "poked": "success",
        },
    )
    returned = {
        task_id: live.api.xcom(run, task_id, "return_value")
        for task_id in live.states(run)
        if task_id != "step_not_taken"
    }
    assert returned == dict.fromkeys(returned, arn)
    assert live.api.xcom(run, "step_taken", "step_report")["status"] == "Succeeded"
    assert live.executions("sensed") == {arn: "Succeeded"}
    assert live.api.xcom(run, "run", "_link_SageMakerPipelineExecutionLink") == f"{live.proxy.url}/_pages/{arn}"


def test_the_log_of_a_whole_execution_has_each_change_once(live):
    """While the task waits, its log gets a line whenever a step changes, and no other."""
    [run] = live.api.dag_runs("sensed")
    lines = [event for event in events(live, run, "run") if event.startswith(("Step ", "The execution is"))]
    assert [line.partition(" after ")[0] for line in lines if "'go'" not in line] == [
        "Step 'first' is Executing",
        "The execution is Executing",
        "Step 'first' is Succeeded",
        "Step 'on' is Executing",
        "Step 'on' is Succeeded",
        "The execution is Succeeded",
    ]


RESUMED = ("whole_resumed", "whole_resumed_on_worker")


@pytest.fixture(scope="module")
def failed_once(live):
    """Runs whose execution failed once, tried again; by Dag, with the execution that their first try started."""
    runs = {dag_id: live.start(dag_id) for dag_id in (*RESUMED, "whole_restarted", "whole_refused")}
    arns = {dag_id: started(live, run) for dag_id, run in runs.items()}
    for dag_id, arn in arns.items():
        live.answers.succeed(arn, "before")
        if dag_id != "whole_refused":
            live.answers.fail(arn, "behind")
    return {dag_id: (run, arns[dag_id]) for dag_id, run in runs.items()}


@pytest.mark.parametrize("dag_id", RESUMED)
def test_a_retry_resumes_the_execution(live, failed_once, dag_id):
    """The next try has SageMaker run the failed step again, once, under the same ARN, wherever the task waits."""
    run, arn = failed_once[dag_id]
    live.answers.succeed(arn, "behind")
    run = live.follow(run)

    assert (run.state, live.tries(run)) == ("success", {"run": 2})
    assert live.executions(dag_id.replace("_", "-")) == {arn: "Succeeded"}
    assert len(calls(live, "RetryPipelineExecution", arn)) == 1
    [said] = last_errors(live, run, "run")
    assert said == f"PipelineExecutionError: execution {arn} ended Failed: step 'behind' failed: no luck"


def test_a_retry_starts_another_execution(live, failed_once):
    """With on_retry='restart' the next try starts one execution instead, of all steps."""
    run, arn = failed_once["whole_restarted"]
    live.await_that(lambda: len(live.executions("whole-restarted")) == 2, "the second execution")
    [other] = set(live.executions("whole-restarted")) - {arn}
    live.answers.succeed(other, "before", "behind")
    run = live.follow(run)

    assert (run.state, live.tries(run)) == ("success", {"run": 2})
    assert live.api.xcom(run, "run", "return_value") == other
    assert live.executions("whole-restarted") == {arn: "Failed", other: "Succeeded"}


def test_an_execution_that_ended_in_a_fail_step_is_not_resumed(live, failed_once):
    """The next try fails at once and says what can be done; the service was not even asked."""
    run, arn = failed_once["whole_refused"]
    run = live.follow(run)

    assert (run.state, live.tries(run)) == ("failed", {"run": 2})
    assert last_errors(live, run, "run", 2) == [
        (
            f"AirflowFailException: execution {arn} ended in the Fail step 'refuse', and SageMaker does not resume such an "
            "execution (Not this way.). Clear the task that launched it to start a new execution. "
            "See docs/troubleshooting.md#sagemaker-does-not-resume-it"
        )
    ]
    assert live.proxy.calls("RetryPipelineExecution", PipelineExecutionArn=arn) == []


KILLED = ("whole_killed", "whole_killed_on_worker")


@pytest.mark.parametrize("dag_id", KILLED)
def test_marking_the_task_failed_stops_the_execution(live, dag_id):
    """A person who fails the task, deferred or on a worker, stops what it waits for."""
    run = live.start(dag_id)
    arn = started(live, run)
    await_seen(live, run, "step")
    live.answers.await_waiting(arn, "step")
    live.api.mark_task(run, "run", "failed")
    live.answers.confirm_stop(arn, "step")
    live.await_that(lambda: live.executions(dag_id.replace("_", "-"))[arn] == "Stopped", f"the stop of {arn}")
    assert live.follow(run).state == "failed"
    assert len(calls(live, "StopPipelineExecution", arn)) == 1


@pytest.mark.parametrize(
    "dag_id", ["whole_killed", pytest.param("whole_killed_on_worker", marks=cleared_workers_go_on)]
)
def test_clearing_the_task_starts_another_in_place_of_the_one_before(live, dag_id):
    """The kill stops nothing; the next try starts its own execution, and stops the one that is still executing."""
    run = live.start(dag_id)
    arn = started(live, run)
    await_seen(live, run, "step")
    live.answers.await_waiting(arn, "step")
    live.api.clear(run, ["run"])
    pipeline = dag_id.replace("_", "-")
    before = set(live.executions(pipeline))
    live.await_that(lambda: set(live.executions(pipeline)) - before, "the next execution")
    [other] = set(live.executions(pipeline)) - before
    live.answers.confirm_stop(arn, "step")
    live.answers.succeed(other, "step")
    run = live.follow(run)

    assert (run.state, live.tries(run), live.api.xcom(run, "run", "return_value")) == ("success", {"run": 2}, other)
    assert f"Execution {arn} was started by an earlier try of this task, and was stopped" in events(live, run, "run", 2)
    assert len(calls(live, "StopPipelineExecution", arn)) == 1
    live.await_that(lambda: live.executions(pipeline)[arn] == "Stopped", f"the stop of {arn}")
    assert live.executions(pipeline)[other] == "Succeeded"


def test_mapped(live):
    """Mapped tasks have an execution each, with its own parameters; mapped sensors follow one each."""
    run = live.start("whole_mapped")
    arns = [started(live, run, map_index=index) for index in (0, 1)]
    for arn, branch in zip(arns, ("on", "off"), strict=True):
        live.answers.succeed(arn, "first")
        live.answers.succeed(arn, branch)
    run = live.follow(run)

    states = sorted((task.task_id, task.map_index, task.state) for task in live.api.task_instances(run))
    assert (run.state, states) == (
        "success",
        [
            ("look.sensor", 0, "success"),
            ("look.sensor", 1, "skipped"),
            ("run", 0, "success"),
            ("run", 1, "success"),
        ],
    )
    assert [live.api.xcom(run, "run", "return_value", index) for index in (0, 1)] == arns
    assert live.executions("whole-mapped") == dict.fromkeys(arns, "Succeeded")


def test_stopped_and_resumed(live):
    """A task that only starts ends at once; the stop is waited for, and the stopped execution goes on afterwards."""
    run = live.start("stopped_and_resumed")
    arn = started(live, run)
    live.answers.confirm_stop(arn, "step")
    live.answers.succeed(arn, "step")
    run = live.follow(run)

    assert (run.state, live.states(run)) == ("success", dict.fromkeys(["run", "stop", "resume"], "success"))
    assert {live.api.xcom(run, task_id, "return_value") for task_id in ("run", "stop", "resume")} == {arn}
    assert live.executions("stopped-and-resumed") == {arn: "Succeeded"}


def test_a_selective_execution_finds_its_source(live):
    """The steps that are not selected are taken from the latest execution that has run them."""
    run = live.start("selected")
    full = started(live, run)
    live.answers.succeed(full, "before", "behind")
    again = started(live, run, "again")
    live.answers.succeed(again, "behind")
    run = live.follow(run)

    assert run.state == "success"
    assert f"Steps that are not selected are taken from {full}" in events(live, run, "again")
    described = live.stack.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=again)
    assert described["SelectiveExecutionConfig"] == {
        "SourcePipelineExecutionArn": full,
        "SelectedSteps": [{"StepName": "behind"}],
    }
    assert PipelineExecutionArn.parse(again).pipeline_name == "selected"


@pytest.fixture(scope="module")
def out_of_time(live):
    """Runs of both Dags, at the same time, to their ends; the steps are still waiting then."""
    runs = {dag_id: live.start(dag_id) for dag_id in ("whole_out_of_time", "whole_out_of_time_on_worker")}
    yield {dag_id: live.follow(run) for dag_id, run in runs.items()}
    for run in runs.values():
        live.answers.succeed(live.api.xcom(run, "run", "pipeline_execution_arn"), "step")


@pytest.mark.parametrize(
    ("dag_id", "reason"),
    [
        (
            "whole_out_of_time",
            "AirflowTaskTimeout: gave up on execution {arn} after 15 seconds (execution_timeout); last seen: {seen}. {left_alone}",
        ),
        (
            "whole_out_of_time_on_worker",
            (
                "AirflowTaskTimeout: the task's execution_timeout has passed; execution {arn} was last seen: {seen}. "
                "{left_alone}"
            ),
        ),
    ],
)
def test_a_task_that_runs_out_of_time_says_what_it_saw_last(live, out_of_time, dag_id, reason):
    """Deferred or on a worker: failed, with what was last seen, and the execution goes on."""
    run = out_of_time[dag_id]
    arn = live.api.xcom(run, "run", "pipeline_execution_arn")
    said = reason.format(arn=arn, seen="Executing, running 'step'", left_alone="The execution was not stopped")
    assert (run.state, last_errors(live, run, "run")) == ("failed", [said])
    assert live.executions(dag_id.replace("_", "-")) == {arn: "Executing"}
    assert live.proxy.calls("StopPipelineExecution", PipelineExecutionArn=arn) == []


def test_a_branch_over_metrics_in_s3(live):
    """The comparison decides which task runs, and is in the log; a file that is not there fails the branch."""
    s3 = live.stack.client("s3")
    metrics = {"accuracy": {"value": 0.93}}
    s3.put_object(Bucket="example-ml", Key="whole-executions/metrics.json", Body=json.dumps(metrics).encode())
    runs = [live.start("metrics_in_s3", conf) for conf in ({}, {"minimum": 0.95}, {"file": "nothing.json"})]
    good, bad, missing = (live.follow(run) for run in runs)

    assert [live.states(run) for run in (good, bad, missing)] == [
        {"branch": "success", "good": "success", "bad": "skipped"},
        {"branch": "success", "good": "skipped", "bad": "success"},
        {"branch": "failed", "good": "upstream_failed", "bad": "upstream_failed"},
    ]
    assert "accuracy.value (0.93) >= 0.9: holds" in events(live, good, "branch")
    assert "accuracy.value (0.93) >= 0.95: does not hold" in events(live, bad, "branch")
    assert live.api.xcom(bad, "branch", "outcome")["holds"] is False
    [error] = live.api.errors(missing, "branch")
    assert error.startswith("AirflowFailException: GetObject failed: NoSuchKey: The specified key does not exist.")


PROGRAM = """
import json
import whole_executions

run = whole_executions.in_one_process.test()
states = {task.task_id: task.state for task in run.get_task_instances()}
print(json.dumps([run.state, states]))
"""


def test_dag_test(live, tmp_path):
    """``dag.test()``, which has no triggerer and passes on less than one, ends the tasks as the components do."""
    environment = {
        **live.stack.airflow_environment,
        # A database of its own: the live scheduler must not take this run for its own.
        **airflow_home(tmp_path),
        "PYTHONPATH": str(Path(__file__).parent / "dags"),
    }
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=environment, check=True)
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False
    )

    assert process.returncode == 0, process.stderr
    # Behind it may stand what SQLAlchemy says of a connection that Airflow 3.4 left to the garbage collector.
    [printed] = [line for line in process.stdout.splitlines() if line.startswith('["')]
    assert json.loads(printed) == ["success", {"run": "success", "sensor": "success"}]


def test_the_example_judges_the_latest_model(live, example_runs):
    """A sensor by name finds the latest execution of example_train's pipeline; a branch reads its property file."""
    executions = live.stack.client("sagemaker").list_pipeline_executions(PipelineName="breast-cancer")
    latest = executions["PipelineExecutionSummaries"][0]["PipelineExecutionArn"]
    runs = [live.start("example_judge", {"min_accuracy": minimum}) for minimum in (0.5, 0.999)]
    kept, refused = (live.follow(run) for run in runs)

    assert [live.states(run) for run in (kept, refused)] == [
        {"evaluated": "success", "judge": "success", "keep": "success", "train_again": "skipped"},
        {"evaluated": "success", "judge": "success", "keep": "skipped", "train_again": "success"},
    ]
    assert live.api.xcom(kept, "evaluated", "return_value") == latest
    accuracy = live.api.xcom(kept, "evaluated", "property_files")["metrics"]["accuracy"]["value"]
    assert f"accuracy.value ({accuracy}) >= 0.5: holds" in events(live, kept, "judge")
