"""What an operator of Dags looks at: the graph, links, rendered templates, logs of steps that went well."""

from __future__ import annotations

import httpx

from demo.scenario import GROUP


def opened(address):
    """What a browser gets."""
    return httpx.get(address, trust_env=False).raise_for_status().text


def test_the_graph_has_the_types_of_steps(live, example_runs):
    """Boxes are named by what their steps are, and the group's by its pipeline."""
    assert example_runs.registered.state == "success"
    boxes = live.api.graph("example_train")
    operators = {name: box["operator"] for name, box in boxes.items() if name.startswith(f"{GROUP}.")}
    assert {name: operator for name, operator in operators.items() if operator is not None} == {
        f"{GROUP}.launch": "Launch pipeline",
        f"{GROUP}.prepare": "Processing",
        f"{GROUP}.train": "Training",
        f"{GROUP}.evaluate": "Processing",
        f"{GROUP}.good_enough": "Condition",
        f"{GROUP}.register": "RegisterModel",
        f"{GROUP}.reject": "Fail",
    }
    assert boxes[GROUP]["tooltip"] == "SageMaker pipeline breast-cancer"


def test_links_lead_to_what_can_be_opened(live, example_runs):
    """With the local endpoint: the execution with its steps, the job, and the job's whole log. No link to AWS."""
    run = example_runs.registered
    arn = live.api.xcom(run, f"{GROUP}.launch", "return_value")
    execution = {"SageMaker pipeline execution": f"{live.proxy.url}/_pages/{arn}"}
    assert live.api.links(run, f"{GROUP}.launch") == execution
    links = live.api.links(run, f"{GROUP}.train")
    job = links["SageMaker job"].partition("/_pages/")[2]
    assert links == {
        **execution,
        "SageMaker job": f"{live.proxy.url}/_pages/{job}",
        "CloudWatch log": f"{live.proxy.url}/_pages/log/{job}",
    }
    assert opened(links["SageMaker pipeline execution"]).startswith(f"Execution {arn}\nis Succeeded\n")
    assert f'"TrainingJobArn": "{job}"' in opened(links["SageMaker job"])
    assert opened(links["CloudWatch log"]).strip()


def test_rendered_templates_of_the_launch_task(live, example_runs):
    """The values of the pipeline parameters are there by their names."""
    fields = live.api.rendered_fields(example_runs.rejected, f"{GROUP}.launch")
    assert fields["parameters"]["MinAccuracy"] in (0.999, "0.999")


def test_the_log_of_a_condition_has_its_comparisons(live, example_runs):
    """Each comparison with its values and the metric's name, in the log and in the XCom `outcome`."""
    run = example_runs.rejected
    accuracy = live.api.xcom(run, f"{GROUP}.evaluate", "property_files")["metrics"]["accuracy"]["value"]
    text = f"evaluate.metrics.accuracy.value ({accuracy!r}) >= Parameters.MinAccuracy (0.999)"
    lines = [record["event"] for record in live.api.log(run, f"{GROUP}.good_enough")]
    assert f"{text}: does not hold" in lines
    assert live.api.xcom(run, f"{GROUP}.good_enough", "outcome") == {
        "holds": False,
        "comparisons": [
            {
                "comparison": text,
                "holds": False,
                "operator": ">=",
                "operands": [
                    {"name": "evaluate.metrics.accuracy.value", "value": accuracy},
                    {"name": "Parameters.MinAccuracy", "value": 0.999},
                ],
            }
        ],
    }


def test_the_log_of_a_step_that_succeeded_ends_with_its_jobs(live, example_runs):
    """The last lines of the job's log, with level info."""
    run = example_runs.registered
    records = live.api.log(run, f"{GROUP}.prepare")
    job = live.api.links(run, f"{GROUP}.prepare")["CloudWatch log"]
    last = opened(job).splitlines()[-1]
    assert [each["level"] for each in records if each["event"].startswith("The last lines of the job's log")] == [
        "info"
    ]
    assert f"    {last}" in [each["event"] for each in records]


def test_what_is_normal_is_no_error_in_the_triggerers_log(live):
    """A task that is failed by a person, and one that is cleared after it succeeded, ask for no XCom that is not there."""
    run = live.start("looked_at")
    arn = live.await_execution(run)
    live.await_states(run, one="deferred", other="deferred")
    for step in ("one", "other"):
        live.await_following(run, step)
    live.answers.await_waiting(arn, "one", "other")
    live.answers.succeed(arn, "other")
    live.await_states(run, other="success")
    live.api.clear(run, ["group.other"])
    live.await_that(lambda: live.tries(run)["group.other"] == 2, "the second try of other", run)
    live.await_states(run, other="success")
    live.api.mark_task(run, "group.one", "failed")
    live.answers.confirm_stop(arn, "one")
    live.follow(run)
    log = live.stack.triggerer.log_path.read_text(encoding="utf-8")
    assert [line for line in log.splitlines() if "XCom not found" in line and run.dag_id in line] == []
