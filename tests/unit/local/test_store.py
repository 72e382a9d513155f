"""ClientRequestTokens: a request that is made twice acts once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from airflow_sm_pipelines.local.errors import ConflictError, ValidationError
from airflow_sm_pipelines.local.store import RequestTokens

PIPELINE = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p"


class Counter:
    """Something to do, that counts how often it was done."""

    def __init__(self, answer: str = "arn") -> None:
        self.answer = answer
        self.times = 0

    def __call__(self) -> str:
        self.times += 1
        return f"{self.answer}-{self.times}"


def test_the_same_request_acts_once() -> None:
    """The second time it is answered as the first time; another operation or token is another request."""
    tokens, act = RequestTokens(), Counter()
    request = {"ClientRequestToken": "t", "PipelineName": "p"}
    assert [tokens.once("Start", request, act) for _ in range(3)] == ["arn-1"] * 3
    assert tokens.once("Retry", request, act) == "arn-2"
    assert tokens.once("Start", {**request, "ClientRequestToken": "u"}, act) == "arn-3"


def test_without_a_token_every_request_acts() -> None:
    """Operations whose token is optional."""
    tokens, act = RequestTokens(), Counter()
    assert [tokens.once("Send", {"CallbackToken": "c"}, act) for _ in range(2)] == ["arn-1", "arn-2"]


def test_another_request_with_the_token_is_a_conflict() -> None:
    """What differs is named, what was left out too, and nothing is done."""
    tokens, act = RequestTokens(), Counter()
    tokens.once("Start", {"ClientRequestToken": "t", "A": 1, "B": 2}, act)
    with pytest.raises(ConflictError) as refused:
        tokens.once("Start", {"ClientRequestToken": "t", "A": 1, "C": 3}, act)
    assert refused.value.message == (
        "The ClientRequestToken 't' was already used for a Start request with different values of B, C. Use another"
        " token for another request."
    )
    assert act.times == 1


def test_a_refused_request_uses_no_token_up() -> None:
    """The caller mends the request, or waits, and tries again with the same token."""
    tokens, act = RequestTokens(), Counter()

    def refuse() -> str:
        raise ValidationError("no")

    with pytest.raises(ValidationError):
        tokens.once("Stop", {"ClientRequestToken": "t", "A": 1}, refuse)
    assert tokens.once("Stop", {"ClientRequestToken": "t", "A": 2}, act) == "arn-1"


def test_two_at_once_act_once() -> None:
    """Whoever comes while the first one acts waits for the first one's answer."""
    tokens, acts = RequestTokens(), Counter()
    first_acts, second_acts = threading.Event(), threading.Event()

    def act() -> str:
        answer = acts()
        if first_acts.is_set():
            second_acts.set()
        first_acts.set()
        second_acts.wait(0.2)  # time for the second to get this far, which it must not
        return answer

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(tokens.once, "Retry", {"ClientRequestToken": "t"}, act)
        assert first_acts.wait(60)
        second = pool.submit(tokens.once, "Retry", {"ClientRequestToken": "t"}, act)
        assert (first.result(), second.result(), acts.times) == ("arn-1", "arn-1", 1)


def test_what_is_forgotten_acts_again() -> None:
    """A pipeline that is deleted takes the answers about it and its executions along, and no others."""
    tokens = RequestTokens()
    answers = (PIPELINE, f"{PIPELINE}/execution/abc", f"{PIPELINE}2")
    for index, arn in enumerate(answers):
        tokens.once("Any", {"ClientRequestToken": str(index)}, partial(str, arn))
    tokens.forget(PIPELINE)
    again = [tokens.once("Any", {"ClientRequestToken": str(index)}, lambda: "new") for index in range(3)]
    assert again == ["new", "new", f"{PIPELINE}2"]
