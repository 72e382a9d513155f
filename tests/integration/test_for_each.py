"""ForEach steps: the body's steps once for each item, what is made of their results, and what of their failures."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.callbacks import CallbackQueue
from tests.integration.clients import Aws, token, wait
from tests.integration.documents import document, fail_step, instant_step

ITEM = {"Get": "ForEach.CurrentItem"}


def for_each(name: str, items: Any, *body: dict[str, Any], concurrency: int = 50, **more: Any) -> dict[str, Any]:
    """A ForEach step."""
    selector = {"Selector": more.pop("Selector")} if "Selector" in more else {}
    arguments = {"IterableItems": items, "MaxConcurrency": concurrency, "ForEachBody": list(body), **selector}
    return {"Name": name, "Type": "ForEach", "Arguments": arguments, **more}


class Items(CallbackQueue):
    """A queue whose steps are children: they are told apart by their item."""

    def body(self, name: str, outputs: dict[str, str] | None = None, **arguments: Any) -> dict[str, Any]:
        """A body step that sends ``<name> <item>`` as its step."""
        said = {"Std:Join": {"On": " ", "Values": [name, ITEM]}}
        return {**self.step(name, outputs, arguments), "Arguments": {"step": said, **arguments}}


@pytest.fixture
def queue(aws: Aws) -> Items:
    """A queue of the test's own."""
    return Items(aws)


def statuses(aws: Aws, arn: str) -> dict[str, str]:
    """The status of each step that is listed, by name."""
    return {name: step["StepStatus"] for name, step in aws.steps(arn).items()}


def test_the_body_runs_for_each_item(endpoint: LocalEndpoint, aws: Aws, queue: Items) -> None:
    """Children are named after step and index, say which item they are about, and read the steps of their own turn."""
    prepare = queue.body("prepare", {"o": "String"})
    train = queue.body("train", read={"Get": "Steps.prepare.OutputParameters['o']"})
    arn = aws.start(
        document(
            for_each("each", ["red", 7], prepare, train),
            fail_step("say", {"Get": "Steps.each.IterationOutputs[1].prepare.OutputParameters['o']"}),
        )
    )
    queue.succeed("prepare 7", o="seven")
    queue.succeed("prepare red", o="rose")
    for item, read in (("red", "rose"), ("7", "seven")):
        message = queue.receive(f"train {item}")
        assert message["arguments"]["read"] == read
        aws.sagemaker.send_pipeline_execution_step_success(CallbackToken=message["token"])
    wait(endpoint, arn)
    steps = aws.steps(arn)
    contexts = {name: step["IterationContext"] for name, step in steps.items() if "IterationContext" in step}
    assert contexts == {
        f"{name}-{index}": {"ParentStepName": "each", "Index": index, "Item": item}
        for name in ("prepare", "train")
        for index, item in enumerate(("red", "7"))
    }
    assert (steps["each"]["StepStatus"], steps["each"]["Metadata"]) == (
        "Succeeded",
        {
            "ForEach": {
                "Status": "Succeeded",
                "InputItemCount": 2,
                "TotalStepCount": 4,
                "SucceededStepCount": 4,
                "FailedStepCount": 0,
                "StoppedStepCount": 0,
            }
        },
    )
    assert steps["each"]["StartTime"] <= steps["prepare-0"]["StartTime"]
    assert steps["train-0"]["EndTime"] <= steps["each"]["EndTime"]
    assert steps["say"]["FailureReason"] == "seven"


def test_no_more_children_than_allowed_run_at_once(endpoint: LocalEndpoint, aws: Aws, queue: Items) -> None:
    """MaxConcurrency 1: the second starts when the first has ended, whatever the execution's own parallelism."""
    arn = aws.start(document(for_each("each", ["a", "b"], queue.body("ask"), concurrency=1)))
    message = queue.receive("ask a")
    running = aws.steps(arn)
    assert list(running) == ["each", "ask-0"]
    assert running["each"]["Metadata"]["ForEach"] == {
        "InputItemCount": 2,
        "TotalStepCount": 2,
        "SucceededStepCount": 0,
        "FailedStepCount": 0,
        "StoppedStepCount": 0,
    }
    aws.sagemaker.send_pipeline_execution_step_success(CallbackToken=message["token"])
    queue.succeed("ask b")
    wait(endpoint, arn)
    steps = aws.steps(arn)
    assert steps["ask-0"]["EndTime"] <= steps["ask-1"]["StartTime"]


def test_items_may_be_known_at_run_time_only(endpoint: LocalEndpoint, aws: Aws, queue: Items) -> None:
    """The text of a JSON list in a parameter; an object has fields, and is text as a whole."""
    items: list[dict[str, Any]] = [{"color": "red", "size": {"cm": 3}}, {"color": "blue", "size": {"cm": 4}}]
    field = {
        "Std:Join": {
            "On": " ",
            "Values": [{"Get": "ForEach.CurrentItem.color"}, {"Get": "ForEach.CurrentItem.size.cm"}],
        }
    }
    step = {**queue.step("ask"), "Arguments": {"step": field, "whole": ITEM}}
    definition = document(
        for_each("each", {"Get": "Parameters.Items"}, step), parameters=({"Name": "Items", "Type": "String"},)
    )
    arn = aws.start(definition, {"Items": json.dumps(items)})
    for item in items:
        message = queue.receive(f"{item['color']} {item['size']['cm']}")
        assert json.loads(message["arguments"]["whole"]) == item
        aws.sagemaker.send_pipeline_execution_step_success(CallbackToken=message["token"])
    wait(endpoint, arn)
    assert json.loads(aws.steps(arn)["ask-1"]["IterationContext"]["Item"]) == items[1]


def test_an_item_may_be_the_text_of_an_object(endpoint: LocalEndpoint, aws: Aws, queue: Items) -> None:
    """A literal list holds text and references; fields of JSON text are read all the same."""
    step = {**queue.step("ask"), "Arguments": {"step": {"Get": "ForEach.CurrentItem['name']"}}}
    items = ['{"name": "first"}', {"Get": "Parameters.Second"}]
    definition = document(
        for_each("each", items, step), parameters=({"Name": "Second", "Type": "String", "DefaultValue": '{"name": 2}'},)
    )
    arn = aws.start(definition)
    queue.succeed("first")
    assert queue.receive(2)["arguments"] == {"step": 2}  # a number stays one
    wait_for_token = aws.steps(arn)["ask-1"]["Metadata"]["Callback"]["CallbackToken"]
    aws.sagemaker.send_pipeline_execution_step_success(CallbackToken=wait_for_token)
    wait(endpoint, arn)
    assert aws.steps(arn)["ask-0"]["IterationContext"]["Item"] == '{"name": "first"}'


def test_no_items_are_no_failure(endpoint: LocalEndpoint, aws: Aws, queue: Items) -> None:
    """An empty list at run time: Succeeded, with nothing run."""
    definition = document(
        for_each("each", {"Get": "Parameters.Items"}, queue.body("ask")),
        instant_step("after", "each"),
        parameters=({"Name": "Items", "Type": "String"},),
    )
    arn = aws.start(definition, {"Items": "[]"})
    wait(endpoint, arn)
    assert statuses(aws, arn) == {"each": "Succeeded", "after": "Succeeded"}
    assert aws.steps(arn)["each"]["Metadata"]["ForEach"]["TotalStepCount"] == 0


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ("red, blue", "is not a JSON list: Expecting value: line 1 column 1 (char 0)"),
        ('{"a": 1}', "is not a JSON list."),
    ],
)
def test_items_that_are_no_list_fail_the_step(
    endpoint: LocalEndpoint, aws: Aws, queue: Items, items: str, reason: str
) -> None:
    """The step says so, and nothing runs."""
    definition = document(
        for_each("each", {"Get": "Parameters.Items"}, queue.body("ask")),
        parameters=({"Name": "Items", "Type": "String"},),
    )
    arn = aws.start(definition, {"Items": items})
    wait(endpoint, arn)
    assert aws.steps(arn)["each"]["FailureReason"] == f"ClientError: 'IterableItems' of ForEach step 'each' {reason}"


def test_a_child_whose_name_would_be_too_long_fails_the_step(endpoint: LocalEndpoint, aws: Aws, queue: Items) -> None:
    """The index makes the name longer than a step's name may be."""
    name = "n" * 63
    arn = aws.start(document(for_each("each", ["a"], queue.body(name))))
    wait(endpoint, arn)
    assert aws.steps(arn)["each"]["FailureReason"] == (
        f"ClientError: the step '{name}-0' of ForEach step 'each' has a name of more than 64 characters. Give '{name}'"
        " a shorter one."
    )


@pytest.mark.parametrize(("pick", "index", "best"), [("MaxBy", 1, 0.9), ("MinBy", 0, 0.1)])
def test_a_selector_picks_an_iteration(
    endpoint: LocalEndpoint, aws: Aws, queue: Items, pick: str, index: int, best: float
) -> None:
    """By a number that a body step gives; of equal ones the first wins; later steps read what was picked."""
    selector = {"Pick": pick, "Field": {"Get": "IterationOutput.ask.OutputParameters['score']"}}
    arn = aws.start(
        document(
            for_each("each", ["a", "b", "c"], queue.body("ask", {"score": "Float"}), Selector=selector),
            fail_step(
                "say", {"Std:Join": {"On": "", "Values": [{"Get": "Steps.each.Selected.OutputParameters['score']"}]}}
            ),
        )
    )
    for item, score in (("a", "0.1"), ("b", "0.9"), ("c", "0.9")):
        queue.succeed(f"ask {item}", score=score)
    wait(endpoint, arn)
    steps = aws.steps(arn)
    assert steps["each"]["Metadata"]["ForEach"]["Selector"] == {"StepName": "ask", "Index": index}
    assert steps["say"]["FailureReason"] == str(best)


def test_a_selector_without_values_to_compare_fails_the_step(endpoint: LocalEndpoint, aws: Aws, queue: Items) -> None:
    """One iteration did not give the output: the reason names what is missing."""
    selector = {"Pick": "MaxBy", "Field": {"Get": "IterationOutput.ask.OutputParameters['score']"}}
    arn = aws.start(document(for_each("each", ["a"], queue.body("ask", {"score": "Float"}), Selector=selector)))
    queue.succeed("ask a")
    wait(endpoint, arn)
    assert aws.steps(arn)["each"]["FailureReason"] == (
        "'IterationOutput.ask.OutputParameters['score']' has no value: there is no 'score' in an object with the keys"
        " (none)."
    )


def test_a_child_that_fails_fails_the_step(endpoint: LocalEndpoint, aws: Aws, queue: Items) -> None:
    """What runs is left to finish, nothing more starts, and who waits for the failure can read the counts."""
    arn = aws.start(
        document(
            for_each("each", ["a", "b", "c"], queue.body("ask"), concurrency=2),
            {
                **queue.step("report", arguments={"failed": {"Get": "Steps.each.FailedStepCount"}}),
                "DependsOn": [{"Step": "each", "Trigger": "Failed"}],
            },
        )
    )
    queue.receive("ask b")
    queue.fail("ask a", "no")
    second = aws.steps(arn)["ask-1"]["Metadata"]["Callback"]["CallbackToken"]
    aws.sagemaker.send_pipeline_execution_step_success(CallbackToken=second)
    message = queue.receive("report")
    assert message["arguments"]["failed"] == 1
    aws.sagemaker.send_pipeline_execution_step_success(CallbackToken=message["token"])
    wait(endpoint, arn)
    steps = aws.steps(arn)
    assert {name: step["StepStatus"] for name, step in steps.items()} == {
        "each": "Failed",
        "ask-0": "Failed",
        "ask-1": "Succeeded",
        "report": "Succeeded",
    }
    assert (steps["each"]["FailureReason"], steps["each"]["Metadata"]["ForEach"]) == (
        "ClientError: these steps failed: ask-0",
        {
            "Status": "Failed",
            "InputItemCount": 3,
            "TotalStepCount": 3,
            "SucceededStepCount": 1,
            "FailedStepCount": 1,
            "StoppedStepCount": 0,
        },
    )
    assert aws.describe(arn)["PipelineExecutionStatus"] == "CompletedWithFailures"


def test_a_retry_runs_only_the_children_that_are_left(endpoint: LocalEndpoint, aws: Aws, queue: Items) -> None:
    """The child that succeeded keeps its results; the failed one is at its second attempt."""
    arn = aws.start(document(for_each("each", ["a", "b", "c"], queue.body("ask"), concurrency=2)))
    queue.succeed("ask a")
    queue.receive("ask c")
    queue.fail("ask b", "no")
    third = aws.steps(arn)["ask-2"]["Metadata"]["Callback"]["CallbackToken"]
    aws.sagemaker.send_pipeline_execution_step_success(CallbackToken=third)
    wait(endpoint, arn)
    before = aws.steps(arn)
    assert statuses(aws, arn) == {"each": "Failed", "ask-0": "Succeeded", "ask-1": "Failed", "ask-2": "Succeeded"}
    aws.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    queue.succeed("ask b")
    wait(endpoint, arn)
    after = aws.steps(arn)
    assert {name: (step["StepStatus"], step["AttemptCount"]) for name, step in after.items()} == {
        "ask-0": ("Succeeded", 1),
        "ask-2": ("Succeeded", 1),
        "each": ("Succeeded", 2),
        "ask-1": ("Succeeded", 2),
    }
    assert (after["ask-0"], after["ask-2"]) == (before["ask-0"], before["ask-2"])
    assert after["each"]["Metadata"]["ForEach"]["SucceededStepCount"] == 3


def test_a_failure_that_the_body_waits_for_does_not_fail_the_step(
    endpoint: LocalEndpoint, aws: Aws, queue: Items
) -> None:
    """The rescue runs, the ForEach step succeeds, and a retry for another step's sake leaves its children alone."""
    rescue = {**queue.body("rescue"), "DependsOn": [{"Step": "ask", "Trigger": "Failed"}]}
    arn = aws.start(
        document(for_each("each", ["a"], queue.body("ask"), rescue), queue.step("last", DependsOn=["each"]))
    )
    queue.fail("ask a", "no")
    queue.succeed("rescue a")
    queue.fail("last", "no")
    wait(endpoint, arn)
    ended = {"each": "Succeeded", "ask-0": "Failed", "rescue-0": "Succeeded", "last": "Failed"}
    assert statuses(aws, arn) == ended
    before = aws.steps(arn)
    assert before["each"]["Metadata"]["ForEach"] == {
        "Status": "Succeeded",
        "InputItemCount": 1,
        "TotalStepCount": 2,
        "SucceededStepCount": 1,
        "FailedStepCount": 1,
        "StoppedStepCount": 0,
    }
    aws.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    queue.succeed("last")
    wait(endpoint, arn)
    after = aws.steps(arn)
    assert {name: after[name] for name in ("each", "ask-0", "rescue-0")} == {
        name: before[name] for name in ("each", "ask-0", "rescue-0")
    }
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Succeeded"


def test_a_stop_stops_the_children(endpoint: LocalEndpoint, aws: Aws, queue: Items) -> None:
    """They are Stopping with their step, and Stopped; what had not started never does."""
    arn = aws.start(document(for_each("each", ["a", "b"], queue.body("ask"), concurrency=1)))
    queue.receive("ask a")
    aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    queue.receive("ask a", "Stopping")
    assert statuses(aws, arn) == {"each": "Stopping", "ask-0": "Stopping"}
    sent = aws.steps(arn)["ask-0"]["Metadata"]["Callback"]["CallbackToken"]
    aws.sagemaker.send_pipeline_execution_step_failure(CallbackToken=sent)
    wait(endpoint, arn)
    assert statuses(aws, arn) == {"each": "Stopped", "ask-0": "Stopped"}
    assert aws.steps(arn)["each"]["Metadata"]["ForEach"] == {
        "Status": "Stopped",
        "InputItemCount": 2,
        "TotalStepCount": 2,
        "SucceededStepCount": 0,
        "FailedStepCount": 0,
        "StoppedStepCount": 1,
    }


def test_a_copied_step_comes_with_its_children(endpoint: LocalEndpoint, aws: Aws, queue: Items) -> None:
    """Selective execution of what comes after: the outputs of the iterations are there, the children are listed."""
    read = {"Get": "Steps.each.IterationOutputs[0].ask.OutputParameters['o']"}
    source = aws.start(
        document(
            for_each("each", ["a"], queue.body("ask", {"o": "String"})), queue.step("use", arguments={"read": read})
        )
    )
    queue.succeed("ask a", o="once")
    queue.succeed("use")
    wait(endpoint, source)
    arn = aws.sagemaker.start_pipeline_execution(
        PipelineName=source.split("/")[1],
        ClientRequestToken=token(),
        SelectiveExecutionConfig={"SourcePipelineExecutionArn": source, "SelectedSteps": [{"StepName": "use"}]},
    )["PipelineExecutionArn"]
    message = queue.receive("use")
    assert message["arguments"]["read"] == "once"
    aws.sagemaker.send_pipeline_execution_step_success(CallbackToken=message["token"])
    wait(endpoint, arn)
    copied = {"SourcePipelineExecutionArn": source}
    assert {name: step.get("SelectiveExecutionResult") for name, step in aws.steps(arn).items()} == {
        "each": copied,
        "ask-0": copied,
        "use": None,
    }
