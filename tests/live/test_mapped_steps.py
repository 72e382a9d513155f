"""Mapped steps: one ForEach step, and a task instance that follows its own run of it."""

from __future__ import annotations

import pytest

from tests.versions import needs_for_each

pytestmark = [pytest.mark.every_airflow, needs_for_each()]

DAGS = (
    "mapped_steps_cleared",
    "mapped_steps_retried",
    "mapped_steps_too_long",
    "mapped_group_cleared",
    "mapped_definition",
    "mapped_branch",
)
EACH = "group.each"


@pytest.fixture(scope="module")
def started(live):
    """A run of each Dag, all at the same time."""
    return {dag_id: live.start(dag_id) for dag_id in DAGS}


def states(live, run):
    return {(task.task_id, task.map_index): task.state for task in live.api.task_instances(run)}


def tries(live, run):
    return {(task.task_id, task.map_index): task.try_number for task in live.api.task_instances(run)}


def statuses(live, run, indexes):
    """What each instance has left of its run of the step."""
    return [(live.api.xcom(run, EACH, "step_report", index) or {}).get("status") for index in indexes]


def test_one_run_that_fails_fails_its_instance_and_clearing_resumes_it(live, started):
    """The others succeed, what follows waits for all; cleared, only the run that failed is run again."""
    run = started["mapped_steps_cleared"]
    arn = live.await_execution(run)
    live.answers.succeed(arn, "a", score="1")
    live.answers.fail(arn, "b")
    live.answers.succeed(arn, "c", score="2")
    failed = live.follow(run)
    before, listed = states(live, failed), live.steps(arn)
    errors = live.api.errors(run, EACH, map_index=1)
    live.api.clear(run, only_failed=True)
    live.answers.succeed(arn, "b", score="3")
    live.answers.succeed(arn, "behind")
    run = live.follow(run)

    assert (failed.state, before) == (
        "failed",
        {
            ("group.launch", -1): "success",
            (EACH, 0): "success",
            (EACH, 1): "failed",
            (EACH, 2): "success",
            ("group.behind", -1): "upstream_failed",
        },
    )
    assert listed == {"each-for-each": "Failed", "each-0": "Succeeded", "each-1": "Failed", "each-2": "Succeeded"}
    assert errors == ["PipelineExecutionError: step 'each-1' failed: no luck"]
    assert (run.state, set(states(live, run).values())) == ("success", {"success"})
    assert tries(live, run) == {
        ("group.launch", -1): 1,
        (EACH, 0): 1,
        (EACH, 1): 2,
        (EACH, 2): 1,
        ("group.behind", -1): 1,
    }
    assert live.executions("mapped-steps-cleared") == {arn: "Succeeded"}
    assert statuses(live, run, range(3)) == ["Succeeded"] * 3


def test_one_instance_of_a_mapped_group_is_cleared_and_its_item_goes_on(live, started):
    """A step fails for one item: what follows it for that item waits, the other item is through; cleared, the rest runs."""
    run = started["mapped_group_cleared"]
    arn = live.await_execution(run)
    live.answers.succeed(arn, "first-a", score="1")
    live.answers.await_waiting(arn, "second-a")
    live.answers.fail(arn, "first-b")
    live.answers.succeed(arn, "second-a")
    failed = live.follow(run)
    before, listed = states(live, failed), live.steps(arn)
    errors = live.api.errors(run, "group.fit.first", map_index=1)
    live.api.clear(run, [("group.fit.first", 1)], include_downstream=True, only_failed=True)
    live.answers.succeed(arn, "first-b", score="2")
    live.answers.succeed(arn, "second-b")
    given = live.answers.arguments(arn, "behind")
    live.answers.succeed(arn, "behind")
    run = live.follow(run)

    assert (failed.state, before) == (
        "failed",
        {
            ("group.launch", -1): "success",
            ("group.fit.first", 0): "success",
            ("group.fit.first", 1): "failed",
            ("group.fit.second", 0): "success",
            ("group.fit.second", 1): "upstream_failed",
            ("group.behind", -1): "upstream_failed",
        },
    )
    assert listed == {
        "fit": "Failed",
        "fit-first-0": "Succeeded",
        "fit-first-1": "Failed",
        "fit-second-0": "Succeeded",
    }
    assert errors == ["PipelineExecutionError: step 'fit-first-1' failed: no luck"]
    assert (run.state, set(states(live, run).values())) == ("success", {"success"})
    assert tries(live, run) == {
        ("group.launch", -1): 1,
        ("group.fit.first", 0): 1,
        ("group.fit.first", 1): 2,
        ("group.fit.second", 0): 1,
        ("group.fit.second", 1): 1,
        ("group.behind", -1): 1,
    }
    assert {(each.task_id, each.label) for each in live.api.task_instances(run) if each.map_index >= 0} == {
        (f"group.fit.{name}", item) for name in ("first", "second") for item in "ab"
    }
    assert live.executions("mapped-group-cleared") == {arn: "Succeeded"}
    assert given == {"step": "behind", "best": 2.0}


def test_a_for_each_step_of_a_definition_has_an_instance_for_each_run(live, started):
    """Its items are a Dag param. One run fails, and fails its instance only; cleared, it is run again."""
    run = started["mapped_definition"]
    arn = live.await_execution(run)
    live.answers.succeed(arn, "first-a", score="1")
    live.answers.await_waiting(arn, "second-a")
    live.answers.fail(arn, "first-b")
    live.answers.succeed(arn, "second-a", score="1")
    failed = live.follow(run)
    before = states(live, failed)
    errors = live.api.errors(run, "group.fan.first", map_index=1)
    live.api.clear(run, only_failed=True)
    live.answers.succeed(arn, "first-b", "second-b", "behind", score="2")
    run = live.follow(run)

    assert (failed.state, before) == (
        "failed",
        {
            ("group_items_Names", -1): "success",
            ("group.launch", -1): "success",
            ("group.fan.first", 0): "success",
            ("group.fan.first", 1): "failed",
            ("group.fan.second", 0): "success",
            ("group.fan.second", 1): "upstream_failed",
            ("group.behind", -1): "upstream_failed",
        },
    )
    assert errors == ["PipelineExecutionError: step 'first-1' failed: no luck"]
    assert (run.state, set(states(live, run).values())) == ("success", {"success"})
    assert {(each.task_id, each.label) for each in live.api.task_instances(run) if each.map_index >= 0} == {
        (f"group.fan.{name}", item) for name in ("first", "second") for item in "ab"
    }
    assert live.executions("mapped-definition") == {arn: "Succeeded"}


def test_what_is_mapped_in_a_branch_that_is_not_taken_is_skipped(live, started):
    """Every instance of a mapped step and of a mapped group."""
    run = started["mapped_branch"]
    live.answers.succeed(live.await_execution(run), "other")
    run = live.follow(run)
    assert (run.state, states(live, run)) == (
        "success",
        {
            ("group.launch", -1): "success",
            ("group.condition", -1): "success",
            ("group.other", -1): "success",
            **{
                (f"group.{task_id}", index): "skipped"
                for task_id in ("fit.first", "fit.second", "each")
                for index in (0, 1)
            },
        },
    )


def test_an_instance_that_retries_resumes_its_run(live, started):
    """The items come from a task; the run of one of them fails, is tried again by itself, and succeeds."""
    run = started["mapped_steps_retried"]
    arn = live.await_execution(run)
    live.answers.fail(arn, "a")
    live.answers.succeed(arn, "b", score="1")
    live.answers.succeed(arn, "a", score="2")
    live.answers.succeed(arn, "behind")
    run = live.follow(run)

    assert (run.state, set(states(live, run).values())) == ("success", {"success"})
    assert tries(live, run)[EACH, 0] == 2
    assert tries(live, run)[EACH, 1] == 1
    assert live.executions("mapped-steps-retried") == {arn: "Succeeded"}
    given = live.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
    assert given == [{"Name": "each-for-each-iterable-items", "Value": '["a", "b"]'}]


def test_more_items_than_a_parameter_holds_fail_the_launch_before_anything_starts(live, started):
    """SageMaker takes 1024 characters."""
    run = live.follow(started["mapped_steps_too_long"])
    assert run.state == "failed"
    pipelines = live.sagemaker.list_pipelines(PipelineNamePrefix="mapped-steps-too-long")["PipelineSummaries"]
    assert pipelines == []
    [error] = live.api.errors(run, "group.launch")
    assert "has 1320 characters" in error


def test_the_example_registers_the_best_model(live, example_runs):
    """One training job for each depth of the Dag param, the most accurate one's model in the registry."""
    run = live.run("example_foreach", {"depths": [1, 3]})
    arn = live.execution(run, "trees")
    listed = live.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    steps = {step["StepName"]: step["Metadata"] for step in listed}
    jobs = [
        live.sagemaker.describe_training_job(
            TrainingJobName=steps[f"train-{index}"]["TrainingJob"]["Arn"].rpartition("/")[2]
        )
        for index in range(2)
    ]
    best = max(jobs, key=lambda job: job["FinalMetricDataList"][0]["Value"])
    package = live.sagemaker.describe_model_package(ModelPackageName=steps["register"]["RegisterModel"]["Arn"])

    assert (run.state, states(live, run)) == (
        "success",
        {
            ("trees_items_Depths", -1): "success",
            ("trees.launch", -1): "success",
            ("trees.prepare", -1): "success",
            ("trees.train", 0): "success",
            ("trees.train", 1): "success",
            ("trees.register", -1): "success",
        },
    )
    assert [job["HyperParameters"]["max_depth"] for job in jobs] == ["1", "3"]
    [container] = package["InferenceSpecification"]["Containers"]
    assert container["ModelDataUrl"] == best["ModelArtifacts"]["S3ModelArtifacts"]
    reports = [live.api.xcom(run, "trees.train", "step_report", index) for index in range(2)]
    assert [report["outputs"]["model_artifacts"] for report in reports] == [
        job["ModelArtifacts"]["S3ModelArtifacts"] for job in jobs
    ]
