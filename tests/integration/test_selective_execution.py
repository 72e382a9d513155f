"""Selective execution: some steps run again with the results that an earlier execution has."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.callbacks import CallbackQueue
from tests.integration.clients import Aws, error_of, token, wait
from tests.integration.documents import TRUE, condition_step, document, instant_step


def output(step: str) -> dict[str, str]:
    """The output of a Callback step."""
    return {"Get": f"Steps.{step}.OutputParameters['o']"}


class Line:
    """A pipeline ``a >> b >> c >> d`` whose steps hand a text on, and one execution of it that has ended.

    :param endpoint: The endpoint.
    :param aws: Clients for it.
    :param fails: The step that fails, if any.
    """

    def __init__(self, endpoint: LocalEndpoint, aws: Aws, fails: str = "") -> None:
        self._endpoint, self._aws = endpoint, aws
        self.queue = CallbackQueue(aws)
        self.source = aws.start(
            document(
                self.queue.step("a", {"o": "String"}),
                *(
                    self.queue.step(name, {"o": "String"}, {"read": output(before)})
                    for before, name in (("a", "b"), ("b", "c"), ("c", "d"))
                ),
            )
        )
        for name in "abcd":
            if name == fails:
                self.queue.fail(name, "no")
                break
            self.queue.succeed(name, o=f"first {name}")
        wait(endpoint, self.source)
        self.pipeline = self.source.split("/")[1]

    def request(self, *selected: str, source: str | None = None, **more: Any) -> dict[str, Any]:
        """The request that starts a selective execution."""
        config: dict[str, Any] = {"SelectedSteps": [{"StepName": name} for name in selected]}
        if source is not None:
            config["SourcePipelineExecutionArn"] = source
        return {
            "PipelineName": self.pipeline,
            "ClientRequestToken": token(),
            "SelectiveExecutionConfig": config,
            **more,
        }

    def start(self, *selected: str, source: str | None = None) -> str:
        """Start a selective execution."""
        response = self._aws.sagemaker.start_pipeline_execution(**self.request(*selected, source=source))
        return str(response["PipelineExecutionArn"])

    def refusal(self, *selected: str, source: str | None = None) -> tuple[str, str]:
        """The error of a selective execution that cannot be started."""
        return error_of(self._aws.sagemaker.start_pipeline_execution, **self.request(*selected, source=source))


@pytest.fixture
def line(endpoint: LocalEndpoint, aws: Aws) -> Line:
    """A pipeline of four steps in a row, and an execution in which they all succeeded."""
    return Line(endpoint, aws)


def test_selected_steps_run_with_the_results_of_the_source(endpoint: LocalEndpoint, aws: Aws, line: Line) -> None:
    """`b` and `c` run, `a` is copied and says from where, `d` comes after them and does not run."""
    arn = line.start("b", "c", source=line.source)
    assert line.queue.receive("b")["arguments"] == {"step": "b", "read": "first a"}
    (sent,) = (
        step["Metadata"]["Callback"]["CallbackToken"] for step in aws.steps(arn).values() if step["StepName"] == "b"
    )
    aws.sagemaker.send_pipeline_execution_step_success(
        CallbackToken=sent, OutputParameters=[{"Name": "o", "Value": "second b"}]
    )
    assert line.queue.receive("c")["arguments"] == {"step": "c", "read": "second b"}
    aws.sagemaker.send_pipeline_execution_step_success(
        CallbackToken=aws.steps(arn)["c"]["Metadata"]["Callback"]["CallbackToken"]
    )
    wait(endpoint, arn)
    described = aws.describe(arn)
    assert (described["PipelineExecutionStatus"], described["SelectiveExecutionConfig"]) == (
        "Succeeded",
        {"SourcePipelineExecutionArn": line.source, "SelectedSteps": [{"StepName": "b"}, {"StepName": "c"}]},
    )
    steps = aws.steps(arn)
    assert {name: step.get("SelectiveExecutionResult") for name, step in steps.items()} == {
        "a": {"SourcePipelineExecutionArn": line.source},
        "b": None,
        "c": None,
    }
    copied = steps["a"]
    assert copied["StartTime"] == copied["EndTime"] >= described["CreationTime"]
    assert (copied["StepStatus"], copied["Metadata"]) == ("Succeeded", aws.steps(line.source)["a"]["Metadata"])


def test_all_that_came_before_is_copied(endpoint: LocalEndpoint, aws: Aws, line: Line) -> None:
    """`c` alone: `b` and `a` before it are there."""
    arn = line.start("c", source=line.source)
    line.queue.succeed("c", o="second c")
    wait(endpoint, arn)
    assert [name for name, step in aws.steps(arn).items() if "SelectiveExecutionResult" in step] == ["a", "b"]


def test_first_steps_need_no_source(endpoint: LocalEndpoint, aws: Aws, line: Line) -> None:
    """`a` waits for nothing: it runs alone."""
    arn = line.start("a")
    line.queue.succeed("a", o="second a")
    wait(endpoint, arn)
    assert list(aws.steps(arn)) == ["a"]
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Succeeded"


def test_without_a_source_steps_with_dependencies_are_refused(line: Line) -> None:
    """In the service's words; it does not look for a source itself."""
    assert line.refusal("b", "c") == (
        "ValidationException",
        "Invalid SourcePipelineExecutionArn: null. The selected steps [b, c] have dependencies on [a]",
    )


def test_steps_between_selected_ones_must_be_selected(line: Line) -> None:
    """`b` and `d` without `c`."""
    assert line.refusal("b", "d", source=line.source) == (
        "ValidationException",
        "Invalid SelectedSteps: the steps [c] lie between the selected steps [b, d]. Select them too.",
    )


def test_steps_that_do_not_exist_cannot_be_selected(line: Line) -> None:
    """They are named."""
    assert line.refusal("b", "e", source=line.source) == (
        "ValidationException",
        "Invalid SelectedSteps: the pipeline has no steps [e].",
    )


def test_a_failed_execution_is_a_source_for_what_succeeded_in_it(endpoint: LocalEndpoint, aws: Aws) -> None:
    """`c` failed: it can run again with `b`'s results, `d` cannot."""
    line = Line(endpoint, aws, fails="c")
    assert line.refusal("d", source=line.source) == (
        "ValidationException",
        (
            f"Invalid SourcePipelineExecutionArn: {line.source}. The selected steps [d] have dependencies on [c], which"
            " did not succeed in that execution."
        ),
    )
    arn = line.start("c", "d", source=line.source)
    line.queue.succeed("c", o="second c")
    line.queue.succeed("d", o="second d")
    wait(endpoint, arn)
    assert list(aws.steps(arn)) == ["a", "b", "c", "d"]


def test_a_source_is_an_ended_execution_of_the_same_pipeline(endpoint: LocalEndpoint, aws: Aws, line: Line) -> None:
    """Of another pipeline, still running, or not there at all: refused."""
    other = aws.start(document(instant_step("a")))
    wait(endpoint, other)
    pipeline_arn, _, _ = line.source.partition("/execution/")
    assert line.refusal("b", source=other) == (
        "ValidationException",
        f"Invalid SourcePipelineExecutionArn: {other}. It is not an execution of the pipeline '{pipeline_arn}'.",
    )
    running = line.start("a")
    assert line.refusal("b", source=running) == (
        "ValidationException",
        f"Invalid SourcePipelineExecutionArn: {running}. That execution is Executing; wait for its end.",
    )
    line.queue.succeed("a")
    wait(endpoint, running)
    missing = f"{line.source[:-12]}aaaaaaaaaaaa"
    assert line.refusal("b", source=missing) == (
        "ResourceNotFound",
        f"Pipeline execution '{missing}' does not exist.",
    )


def test_a_selective_execution_is_retried_selectively(endpoint: LocalEndpoint, aws: Aws, line: Line) -> None:
    """`b` failed and runs again; what was copied stays, and what was not selected still does not run."""
    arn = line.start("b", source=line.source)
    line.queue.fail("b", "no")
    wait(endpoint, arn)
    aws.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    line.queue.succeed("b")
    wait(endpoint, arn)
    assert {name: step["StepStatus"] for name, step in aws.steps(arn).items()} == {"a": "Succeeded", "b": "Succeeded"}
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Succeeded"


def test_a_condition_is_copied_with_its_outcome(endpoint: LocalEndpoint, aws: Aws) -> None:
    """A join after the condition, and a step of the branch taken, can be selected; the branch not taken is no lack."""
    queue = CallbackQueue(aws)
    decide = condition_step("decide", TRUE, [queue.step("yes")], [queue.step("no")])
    source = aws.start(document(decide, queue.step("join", DependsOn=["decide"])))
    queue.succeed("yes")
    queue.succeed("join")
    wait(endpoint, source)

    def select(*names: str) -> str:
        return str(
            aws.sagemaker.start_pipeline_execution(
                PipelineName=source.split("/")[1],
                ClientRequestToken=token(),
                SelectiveExecutionConfig={
                    "SourcePipelineExecutionArn": source,
                    "SelectedSteps": [{"StepName": name} for name in names],
                },
            )["PipelineExecutionArn"]
        )

    joined = select("join")
    queue.succeed("join")
    wait(endpoint, joined)
    assert list(aws.steps(joined)) == ["decide", "yes", "join"]
    inner = select("yes")
    queue.succeed("yes")
    wait(endpoint, inner)
    assert list(aws.steps(inner)) == ["decide", "yes"]
    not_taken = select("no")
    wait(endpoint, not_taken)
    assert list(aws.steps(not_taken)) == ["decide"]
    assert aws.describe(not_taken)["PipelineExecutionStatus"] == "Succeeded"
