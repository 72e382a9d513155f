"""What the end of an Airflow task in the middle of a pipeline is to its Callback step."""

from __future__ import annotations

import pytest

from airflow_sm_pipelines.execution.answer import (
    Answer,
    AnsweredTask,
    callback_token_in,
    failed_answer,
    is_over,
    skipping_answer,
    successful_answer,
)


def test_only_final_states_are_over():
    """A task that runs, waits for its next try, for a person or for its trigger may still succeed."""
    states = (
        None,
        "running",
        "queued",
        "up_for_retry",
        "up_for_reschedule",
        "deferred",
        "awaiting_input",
        "restarting",
    )
    assert [is_over(state) for state in states] == [False] * len(states)
    assert [is_over(state) for state in ("success", "failed", "skipped", "upstream_failed", "removed")] == [True] * 5


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("failed", "Airflow task 'g.approve' failed"),
        ("skipped", "Airflow task 'g.approve' was skipped"),
        ("upstream_failed", "Airflow task 'g.approve' could not start, since a task before it failed"),
        ("removed", "Airflow task 'g.approve' is no longer in the Dag"),
    ],
)
def test_each_end_without_a_success_fails_the_step(state, reason):
    """The reason says what became of the task."""
    assert failed_answer("g.approve", state) == Answer(None, reason)


@pytest.mark.parametrize("state", ["success", "running", None])
def test_other_states_fail_nothing(state):
    """Of a success more is asked first."""
    assert failed_answer("g.approve", state) is None


def test_a_task_that_skips_what_is_behind_it_fails_the_step():
    """As a rejected approval does; what it skips elsewhere does not matter."""
    task = AnsweredTask("g.approve", "https://queue", ("g.register", "g.tell"))
    assert skipping_answer(task, {"notify"}) is None
    assert skipping_answer(task, {"notify", "g.tell"}) == Answer(
        None, "Airflow task 'g.approve' skipped 'g.tell', which comes after it, as a rejected approval does"
    )


@pytest.mark.parametrize(
    ("value", "type_", "text"),
    [
        ("a", "String", "a"),
        (3, "String", "3"),
        (True, "String", "true"),
        (0.5, "String", "0.5"),
        (3, "Integer", "3"),
        (3, "Float", "3"),
        (1e-7, "Float", "1e-07"),
        (False, "Boolean", "false"),
    ],
)
def test_values_become_text_of_their_type(value, type_, text):
    """The service takes outputs as text."""
    assert successful_answer("t", {"x": type_}, {"x": value}) == Answer({"x": text})


@pytest.mark.parametrize(
    ("value", "type_", "kind"),
    [
        ("3", "Integer", "str"),
        (True, "Integer", "bool"),
        (0.5, "Integer", "float"),
        (1, "Boolean", "int"),
        ([], "String", "list"),
    ],
)
def test_a_value_of_another_type_fails_the_step(value, type_, kind):
    """Nothing is guessed."""
    assert successful_answer("t", {"x": type_}, {"x": value}) == Answer(
        None, f"Airflow task 't' pushed an XCom 'x' of type {kind}, expected {type_}"
    )


def test_an_output_is_an_xcom_or_a_member_of_what_the_task_returned():
    """An XCom of its own comes first; what no step uses is not sent."""
    xcoms = {"x": "own", "return_value": {"x": "member", "y": 2, "z": 3}}
    assert successful_answer("t", {"x": "String", "y": "Integer"}, xcoms) == Answer({"x": "own", "y": "2"})
    assert successful_answer("t", {}, xcoms) == Answer({})


@pytest.mark.parametrize("xcoms", [{}, {"return_value": "text"}, {"return_value": {"x": None}}])
def test_an_output_that_is_not_there_fails_the_step(xcoms):
    """As when a person has marked the task successful."""
    assert successful_answer("t", {"x": "String"}, xcoms) == Answer(
        None, "Airflow task 't' pushed no XCom 'x', which a later step uses"
    )


def test_what_is_too_long_is_told_and_cut():
    """An output has at most 1024 characters, a reason 256."""
    assert successful_answer("t", {"x": "String"}, {"x": "a" * 1024}) == Answer({"x": "a" * 1024})
    assert successful_answer("t", {"x": "String"}, {"x": "a" * 1025}) == Answer(
        None, "Airflow task 't' pushed an XCom 'x' of 1025 characters; a Callback step takes at most 1024"
    )
    assert Answer.failure("a" * 256).reason == "a" * 256
    assert Answer.failure("a" * 257).reason == "a" * 253 + "..."


def test_the_same_answer_has_the_same_request_token():
    """Another answer, step or execution has another one."""
    answers = [Answer({"x": "1"}), Answer({"x": "2"}), Answer({}), Answer(None, "x")]
    tokens = {answer.request_token(arn, token) for answer in answers for arn in "ab" for token in "cd"}
    assert len(tokens) == 16
    assert {len(token) for token in tokens} == {64}
    assert Answer({"x": "1", "y": "2"}).request_token("a", "c") == Answer({"y": "2", "x": "1"}).request_token("a", "c")


@pytest.mark.parametrize(
    "message",
    [
        "text",
        "[]",
        '{"pipelineExecutionArn": "other", "token": "t", "arguments": {"task_id": "g.approve"}}',
        '{"pipelineExecutionArn": "arn", "token": "t", "arguments": {"task_id": "g.other"}}',
        '{"pipelineExecutionArn": "arn", "token": "t"}',
        '{"pipelineExecutionArn": "arn", "arguments": {"task_id": "g.approve"}}',
    ],
)
def test_messages_of_others_have_no_token(message):
    """Another step's, another execution's, or somebody else's."""
    assert callback_token_in(message, "arn", "g.approve") is None


def test_the_token_of_a_message():
    """As the service sends it."""
    message = (
        '{"pipelineExecutionArn": "arn", "token": "t", "arguments": {"task_id": "g.approve"}, "status": "Executing"}'
    )
    assert callback_token_in(message, "arn", "g.approve") == "t"
