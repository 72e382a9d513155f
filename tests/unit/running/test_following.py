from __future__ import annotations

import os
import signal

import pytest
from botocore.exceptions import ClientError

from airflow_sm_pipelines.command_line import CommandError
from airflow_sm_pipelines.running.execution import selection_of, stop
from airflow_sm_pipelines.running.following import Interruption, LogLines, follow
from tests.unit.running.executions import ARN, OTHER, snapshot, step

JOB = "arn:aws:sagemaker:us-east-1:123456789012:processing-job/"


def refusal(code):
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "StopPipelineExecution")


class Client:
    """Answers with one status after the other, and with one refusal of a stop after the other."""

    def __init__(self, statuses, refusals=(), at_look=()):
        self.statuses, self.refusals, self.at_look = list(statuses), list(refusals), dict(at_look)
        self.looks = self.stops = 0

    def describe_pipeline_execution(self, **request):
        self.looks += 1
        self.at_look.get(self.looks, lambda: None)()
        return {**request, "PipelineExecutionStatus": self.statuses.pop(0)}

    def get_paginator(self, _):
        return self

    def paginate(self, **_):
        return [{"PipelineExecutionSteps": []}, {"PipelineExecutionSteps": []}]

    def stop_pipeline_execution(self, **_):
        self.stops += 1
        if self.refusals:
            raise self.refusals.pop(0)


class Seen:
    def __init__(self):
        self.shown, self.said = [], []

    def show(self, snapshot):
        self.shown.append(str(snapshot.status))

    def say(self, line):
        self.said.append(line)


def interrupt(number=signal.SIGINT):
    return lambda: os.kill(os.getpid(), number)


def followed(client):
    view, interruption = Seen(), Interruption()
    with interruption.caught():
        ended = follow(client, ARN, view, LogLines(None, []), interruption)
    return str(ended.status), view, interruption


def test_an_execution_is_shown_until_it_has_ended():
    """Every look is shown, the last one is returned, and nothing is stopped."""
    client = Client(["Executing", "Executing", "Succeeded"])
    status, view, interruption = followed(client)
    assert (status, view.shown, view.said, client.stops, interruption.number) == (
        "Succeeded",
        ["Executing", "Executing", "Succeeded"],
        [],
        0,
        None,
    )


def test_a_signal_has_the_execution_stopped():
    """Asked again while the execution moves from one step to the next; its end is waited for."""
    client = Client(
        ["Executing", "Executing", "Executing", "Stopping", "Stopped"],
        refusals=[refusal("ConflictException")],
        at_look={1: interrupt(signal.SIGTERM)},
    )
    status, view, interruption = followed(client)
    assert (status, view.said, client.stops, interruption.number) == (
        "Stopped",
        ["stopping the execution; a second signal ends it at once"],
        2,
        signal.SIGTERM,
    )


def test_a_second_signal_ends_the_wait():
    """Then further ones are ignored: what is left to do is to clean up. Afterwards they are as they were."""
    before = signal.getsignal(signal.SIGINT)
    client = Client(["Executing"] * 3, at_look={1: interrupt(), 3: interrupt()})
    interruption = Interruption()
    with interruption.caught():
        with pytest.raises(KeyboardInterrupt):
            follow(client, ARN, Seen(), LogLines(None, []), interruption)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert (signal.getsignal(signal.SIGINT), client.stops) == (before, 1)


def test_a_signal_before_the_start_is_an_interrupt():
    """There is nothing to stop yet."""
    interruption = Interruption()
    with interruption.caught(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    assert interruption.number == signal.SIGTERM


def test_how_a_stop_is_answered():
    """Done with when it was taken, and when there is nothing to stop any more; other refusals are errors."""
    answers = [
        stop(Client([], each), ARN) for each in ([], [refusal("ConflictException")], [refusal("ValidationException")])
    ]
    assert answers == [True, False, True]
    with pytest.raises(ClientError):
        stop(Client([], [refusal("ThrottlingException")]), ARN)


class Logs:
    def __init__(self):
        self.asked = []

    def new_lines(self, job_arn):
        self.asked.append(job_arn)
        return [f"line {len(self.asked)}"]


def job(name, status, **more):
    return step(name, status, metadata={"ProcessingJob": {"Arn": JOB + name}}, **more)


def test_the_lines_of_steps_that_were_asked_for():
    """Once more when a step has ended, then no more; none of what an earlier execution ran."""
    lines = LogLines(Logs(), ["a"])
    looks = [("Executing", "Executing"), ("Succeeded", "Executing"), ("Succeeded", "Succeeded")]
    found = [lines.new(snapshot("Executing", job("a", first), job("b", second))) for first, second in looks]
    assert found == [["[a] line 1"], ["[a] line 2"], []]
    everything = LogLines(Logs(), ["all"])
    seen = snapshot(
        "Executing", job("a", "Executing"), job("b", "Executing", cache_hit_source=OTHER), step("c", "Executing")
    )
    assert everything.new(seen) == ["[a] line 1"]


def test_a_selection_takes_the_latest_execution():
    """The other steps are those of the execution that was started last; without one there is nothing to take."""

    class Listing:
        found = [{"PipelineExecutionArn": OTHER}]

        def list_pipeline_executions(self, **request):
            assert request == {"PipelineName": "churn", "SortOrder": "Descending", "MaxResults": 1}
            return {"PipelineExecutionSummaries": self.found}

    assert selection_of(None, "churn", []) is None
    assert selection_of(Listing(), "churn", ["a", "b"]) == {
        "SourcePipelineExecutionArn": OTHER,
        "SelectedSteps": [{"StepName": "a"}, {"StepName": "b"}],
    }
    Listing.found = []
    with pytest.raises(CommandError) as refused:
        selection_of(Listing(), "churn", ["a"])
    assert str(refused.value) == (
        "pipeline 'churn' has no execution at this endpoint for --select to take the other steps from. Run the whole "
        "pipeline first"
    )
