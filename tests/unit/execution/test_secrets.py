from __future__ import annotations

import pytest

from airflow_sm_pipelines.execution.secrets import NO_SECRETS, Secrets

KEY = "-----BEGIN-----\nabc\ndef123\n-----END-----"


@pytest.mark.parametrize(
    ("shown", "value", "texts"),
    [
        ("***", "s3cret", {"s3cret"}),
        ("postgres://me:***@host/db", "postgres://me:p4ssword@host/db", {"p4ssword"}),
        ("***:***", "user1:p4ssword", {"user1", "p4ssword"}),
        ("***@host", "not what it was", {"not what it was"}),
        ("***", "tiny", set()),
        ("***", 'a"b\\c1', {'a"b\\c1', 'a\\"b\\\\c1', 'a"b\\\\c1'}),
        ("***", KEY, {KEY, KEY.replace("\n", "\\n"), "-----BEGIN-----", "def123", "-----END-----"}),
        ("***", "größer", {"größer", "gr\\u00f6\\u00dfer"}),
    ],
    ids=["whole", "part", "two", "changed", "short", "quoted", "lines", "not ASCII"],
)
def test_what_the_masked_values_tell(shown, value, texts):
    """What *** stands for in a value is secret, in every form in which text may have it; short text is not."""
    assert Secrets.among({"Token": shown}, {"Token": value, "Other": "harmless"}).texts == texts


def test_a_value_that_the_service_does_not_list():
    """A parameter without a value holds no secret."""
    assert Secrets.among({"Token": "***"}, {}) == NO_SECRETS


def test_secrets_are_hidden_wherever_text_is():
    """In text, lists and dicts; the longer secret first; numbers, keys and None as they are."""
    secrets = Secrets(frozenset({"s3cret", "s3cret-longer"}))
    assert secrets.hide({"s3cret": ["is s3cret-longer!", 5, None, True, {"a": ("s3cret", 1.5)}], "plain": "text"}) == {
        "s3cret": ["is ***!", 5, None, True, {"a": ["***", 1.5]}],
        "plain": "text",
    }


def test_secrets_do_not_show_themselves():
    """A secret is in no representation, which may get into logs and tracebacks."""
    assert repr(Secrets(frozenset({"s3cret"}))) == "Secrets()"


def test_nothing_is_hidden_without_secrets():
    """Most executions have none: what they tell is not even looked at."""
    value = {"a": ("b",)}
    assert NO_SECRETS.hide(value) is value
