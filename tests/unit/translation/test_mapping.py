"""Steps that differ in some values become one step and items."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_sm_pipelines.definition.evaluation import evaluate
from airflow_sm_pipelines.definition.expressions import CURRENT_ITEM, EXECUTION_ID, Get, ItemReference, Join
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.mapping import common_node, for_each_node, with_item
from airflow_sm_pipelines.translation.nodes import CodeUpload, StepNode


def node(arguments, **more):
    return StepNode("g.a", "a", "Training", arguments=arguments, **more)


def common(*arguments, late=()):
    body, items = common_node([node(each) for each in arguments], lambda value: value in late)
    return body.arguments, items


def refusal(*nodes, late=()):
    with pytest.raises(TranslationError) as caught:
        common_node(nodes, lambda value: value in late)
    return str(caught.value)


def item(path, type_):
    return ItemReference(f"ForEach.CurrentItem{path}", type_)


def test_one_value_that_differs_is_the_item():
    """It has the type that all its values have, and none where they have several."""
    assert common({"a": 1, "same": "x"}, {"a": 2, "same": "x"}) == ({"a": item("", "Integer"), "same": "x"}, [1, 2])
    assert common({"a": [{"b": "x"}]}, {"a": [{"b": 2.5}]}) == ({"a": [{"b": item("", None)}]}, ["x", 2.5])


def test_values_that_differ_alike_are_one():
    """In several places of the request stands the same item."""
    assert common({"a": "x", "b": "x"}, {"a": "y", "b": "y"}) == (
        {"a": item("", "String"), "b": item("", "String")},
        ["x", "y"],
    )


def test_several_values_are_fields_of_a_json_text():
    """Fields are named after their places; those with other characters than a field may have, or the same, otherwise."""
    first = {"H": {"max-depth": "3", "b": "x"}, "E": {"b": True}}
    second = {"H": {"max-depth": "5", "b": "y"}, "E": {"b": False}}
    third = {"H": {"max-depth": "5", "b": "x"}, "E": {"b": True}}
    arguments, items = common(first, second, third)
    assert arguments == {
        "H": {"max-depth": item(".max_depth", "String"), "b": item(".b", "String")},
        "E": {"b": item(".b_2", "Boolean")},
    }
    assert [json.loads(each) for each in items] == [
        {"max_depth": "3", "b": "x", "b_2": True},
        {"max_depth": "5", "b": "y", "b_2": False},
        {"max_depth": "5", "b": "x", "b_2": True},
    ]


def test_items_that_are_all_alike_are_numbered():
    """The step runs as often, whatever its items are."""
    assert common({"a": 1}, {"a": 1}) == ({"a": 1}, [0, 1])


def test_what_differs_inside_a_join_is_the_item():
    """The rest of the text stays where it is."""
    joined = [Join("/", ["s3://b", EXECUTION_ID, name]) for name in ("x", "y")]
    assert common(*({"Uri": each} for each in joined)) == (
        {"Uri": Join("/", ["s3://b", EXECUTION_ID, item("", "String")])},
        ["x", "y"],
    )


def test_references_may_be_items():
    """SageMaker takes them in a list of items; of which type they are it alone knows."""
    one, other = Get("Parameters.A"), Get("Steps.s.X")
    assert common({"a": one}, {"a": other}) == ({"a": item("", None)}, [one, other])


def test_references_and_jinja_are_whole_items_only():
    """Inside JSON text nobody would put them into quotes."""
    start = "its items have several fields, and 'a' is "
    end = (
        ", known only when the pipeline runs. An item is then one value: expand over that alone, and put the rest into "
        "partial(...)."
    )
    assert refusal(node({"a": Get("Parameters.A"), "b": 1}), node({"a": "x", "b": 2})) == (
        f"{start}Get(path='Parameters.A'){end}"
    )
    assert refusal(node({"a": "late", "b": 1}), node({"a": "x", "b": 2}), late=("late",)) == f"{start}'late'{end}"


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        ({"a": {"b": 1}}, {"a": {"c": 1}}, "a-b, which only some of them have"),
        ({"a": [1]}, {"a": [1, 2]}, "a: a list of 1, a list of 2"),
        ({"a": {"b": 1}}, {"a": {"b": None}}, "a-b: 1, None"),
        ({"a": "x"}, {"a": ["x"]}, "a: 'x', a list of 1"),
        ({"a": 1.0}, {"a": float("nan")}, "a: 1.0, nan"),
    ],
)
def test_items_of_other_shapes_are_refused(first, second, shown):
    """An item stands for one value: neither keys nor lengths can differ, and all is JSON."""
    assert refusal(node(first), node(second)) == (
        f"its items differ at {shown}. In SageMaker the items of a ForEach step may differ in text, numbers, true and "
        "false only: give all items the same keys and lists of the same length, or define the steps in a Python loop."
    )


def test_what_stands_beside_the_request_is_the_same_for_all():
    """Caches and retries are the step's, not an item's."""
    assert refusal(node({}, extra={"RetryPolicies": []}), node({}, extra={"RetryPolicies": [{}]})) == (
        "its items differ in 'RetryPolicies', which SageMaker takes once for all of them. Give it in partial(...), or "
        "define the steps in a Python loop."
    )
    assert refusal(node({}, description="x"), node({}, description="y")).startswith("its items differ in the descr")
    assert refusal(node({}), StepNode("g.a", "b", "Training")).startswith("its items differ in the name, which")


def test_the_for_each_step_is_named_after_the_step():
    """Its runs are named after the step in its body, and the uploads are in one place."""
    upload = CodeUpload("s3://b/c", b"x")
    body, items = common_node([node({"a": 1}, uploads=(upload,)), node({"a": 2}, uploads=(upload,))], lambda _: False)
    made = for_each_node(body, items, concurrency=None, selector=None)
    assert made == StepNode(
        "g.a",
        "a-for-each",
        "ForEach",
        arguments={"IterableItems": [1, 2], "MaxConcurrency": 50},
        uploads=(upload,),
        body=(node({"a": item("", "Integer")}),),
    )


def test_an_item_takes_the_place_of_its_reference():
    """Anywhere in an argument; also a field of it."""
    value = {"a": [CURRENT_ITEM["x"], 1], "b": (Join("", ["p", CURRENT_ITEM["x"]]),), "c": CURRENT_ITEM["y"]["z"]}
    assert with_item(value, {"x": 3, "y": {"z": 4}}) == {"a": [3, 1], "b": (Join("", ["p", 3]),), "c": 4}
    with pytest.raises(TranslationError, match=r"the item \{'x': 3\} has no field 'q', which the step reads"):
        with_item(CURRENT_ITEM["q"], {"x": 3})


SCALARS = st.one_of(st.integers(-5, 5), st.booleans(), st.sampled_from(["", "a", "b"]), st.floats(-2, 2))


@given(
    st.lists(
        st.fixed_dictionaries({"A": st.fixed_dictionaries({"x": SCALARS, "y": SCALARS}), "B": SCALARS}), min_size=1
    )
)
def test_every_item_gives_back_its_request(requests):
    """What the body reads of an item, put in its place, is the request of that item, value and type."""
    body, items = common_node([node(each) for each in requests], lambda _: False)

    class Lookup:
        def __init__(self, current):
            self.current = current

        def reference(self, reference):
            fields = reference.keys[1:]
            return json.loads(self.current)[fields[0]] if fields else self.current

    document = {
        key: {name: each.to_document() if isinstance(each, ItemReference) else each for name, each in value.items()}
        if isinstance(value, dict)
        else value.to_document()
        if isinstance(value, ItemReference)
        else value
        for key, value in body.arguments.items()
    }
    found = [evaluate(document, Lookup(each)) for each in items]
    assert json.dumps(found, sort_keys=True) == json.dumps(requests, sort_keys=True)
