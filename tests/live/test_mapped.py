"""Mapped tasks and mapped groups: each instance has its own execution, and ends as that one does."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.every_airflow

NUMBERS = (0, 1, 2)


@pytest.fixture(scope="module")
def started(live):
    """A run of both Dags, at the same time."""
    return {dag_id: live.start(dag_id) for dag_id in ("mapped_operators", "mapped_sensors")}


def states(live, run):
    return {(task.task_id, task.map_index): task.state for task in live.api.task_instances(run)}


def arns(live, run, task_id):
    """The ARNs that the instances of a mapped task have pushed, once all have."""

    def pushed():
        return [live.api.xcom(run, task_id, "pipeline_execution_arn", number) for number in NUMBERS]

    live.await_that(lambda: None not in pushed(), f"the executions of {task_id} in {run}", run)
    return pushed()


def parameters(live, executions):
    return [
        live.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
        for arn in executions
    ]


def printed(live, run, task_id, numbers=NUMBERS):
    """What the callbacks of each instance that ran printed."""
    return [live.printed(run, task_id, map_index=number) for number in numbers]


GIVEN = [[{"Name": "Number", "Value": str(number)}] for number in NUMBERS]


def test_a_mapped_operator_runs_and_follows_an_execution_for_each_of_its_arguments(live, started):
    """Each instance starts one execution with its own parameters, waits for that one, and fails only with that one."""
    run = started["mapped_operators"]
    succeeded, failed, last = executions = arns(live, run, "wait")
    live.answers.succeed(succeeded, "early", "late")
    live.answers.succeed(failed, "early")
    live.answers.fail(failed, "late")
    live.answers.succeed(last, "early", "late")
    run = live.follow(run)

    assert (run.state, states(live, run)) == (
        "failed",
        {("wait", 0): "success", ("wait", 1): "failed", ("wait", 2): "success"},
    )
    assert live.executions("mapped-waiting") == {succeeded: "Succeeded", failed: "Failed", last: "Succeeded"}
    assert parameters(live, executions) == GIVEN
    assert [live.api.xcom(run, "wait", "return_value", number) for number in NUMBERS] == [succeeded, None, last]
    why = f"execution {failed} ended Failed: step 'late' failed: no luck"
    assert live.api.errors(run, "wait", map_index=1) == [f"PipelineExecutionError: {why}"]
    assert printed(live, run, "wait") == [["success of 0: None"], [f"failure of 1: {why}"], ["success of 2: None"]]


def test_sensors_in_a_mapped_group_watch_the_execution_of_their_own_instance(live, started):
    """Step and execution sensors end as the step and the execution of their map index do, no matter the others."""
    run = started["mapped_sensors"]
    succeeded, failed, early = executions = arns(live, run, "start")
    live.answers.succeed(succeeded, "early", "late")
    live.answers.succeed(failed, "early")
    live.answers.fail(failed, "late")
    live.answers.fail(early, "early")
    run = live.follow(run)

    assert (run.state, states(live, run)) == (
        "failed",
        {
            **{("start", number): "success" for number in NUMBERS},
            ("watch.step", 0): "success",
            ("watch.step", 1): "success",
            ("watch.step", 2): "failed",
            ("watch.end", 0): "success",
            ("watch.end", 1): "failed",
            ("watch.end", 2): "upstream_failed",
        },
    )
    assert live.executions("mapped-watched") == {succeeded: "Succeeded", failed: "Failed", early: "Failed"}
    assert parameters(live, executions) == GIVEN
    assert [live.api.xcom(run, "watch.end", "return_value", number) for number in NUMBERS] == [succeeded, None, None]
    why = f"execution {failed} ended Failed: step 'late' failed: no luck"
    assert printed(live, run, "watch.end", (0, 1)) == [["success of 0: None"], [f"failure of 1: {why}"]]
