from __future__ import annotations

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.graph import PipelineGraph, find_cycle, waits_for
from airflow_sm_pipelines.definition.steps import BranchOwner, Step, StepDependency
from airflow_sm_pipelines.exceptions import PipelineDefinitionError


def step(name, reads=(), depends_on=(), **more):
    arguments = [{"Get": f"Steps.{each}.A"} for each in reads]
    return {"Name": name, "Type": "Processing", "Arguments": {"x": arguments}, "DependsOn": list(depends_on), **more}


def condition(name, reads, if_steps=(), else_steps=(), depends_on=()):
    conditions = [{"Type": "Equals", "LeftValue": {"Get": f"Steps.{each}.A"}, "RightValue": 1} for each in reads]
    arguments = {"Conditions": conditions, "IfSteps": list(if_steps), "ElseSteps": list(else_steps)}
    return {"Name": name, "Type": "Condition", "Arguments": arguments, "DependsOn": list(depends_on)}


def graph(*steps):
    return PipelineGraph.of(PipelineDefinition(steps=tuple(map(Step.from_document, steps))))


def test_explicit_dependencies_come_before_references():
    """A step waits for what it depends on and for what it reads, each once; the explicit trigger wins."""
    built = graph(step("a"), step("b"), step("c", reads=["b", "a", "b"], depends_on=[{"Step": "a", "Trigger": "Any"}]))
    assert built.nodes["c"].dependencies == (StepDependency("a", "Any"), StepDependency("b"))


def test_a_condition_waits_for_what_it_looks_at_only():
    """What a branch reads is not waited for by the condition, and the steps know their branch."""
    built = graph(step("a"), step("b"), condition("c", ["a"], if_steps=[step("d", reads=["b"])]))
    assert built.nodes["c"].dependencies == (StepDependency("a"),)
    assert built.nodes["d"].dependencies == (StepDependency("b"),)
    assert built.nodes["d"].owner == BranchOwner("c", True)
    assert built.order == ("a", "b", "c", "d")


def test_order_is_that_of_the_document_where_it_may_be():
    """A step comes after what it waits for, else as in the document; the same document gives the same order."""
    steps = [step("z", reads=["b"]), step("b"), step("a"), step("y", reads=["a"])]
    assert graph(*steps).order == graph(*steps).order == ("b", "z", "a", "y")


def test_depending_on_a_condition_means_on_its_branches_too():
    """A join after a condition waits for the condition and every step of its branches, nested ones included."""
    inner = condition("inner", ["a"], if_steps=[step("e")])
    built = graph(
        step("join", depends_on=["c"]),
        step("a"),
        condition("c", ["a"], if_steps=[step("d"), inner], else_steps=[step("f")]),
    )
    assert waits_for(built.nodes)["join"] == ("c", "d", "inner", "e", "f")
    assert built.order == ("a", "c", "d", "inner", "e", "f", "join")


def test_inside_a_branch_its_own_condition_is_no_cycle():
    """A step that depends on the very condition it is in waits for the condition alone."""
    built = graph(step("a"), condition("c", ["a"], if_steps=[step("d", depends_on=["c"]), step("e")]))
    assert waits_for(built.nodes)["d"] == ("c",)


def test_a_cycle_is_named_whole():
    """Steps that wait for one another are an error that names each of them."""
    with pytest.raises(PipelineDefinitionError) as caught:
        graph(step("x"), step("a", reads=["c"]), step("b", reads=["a"]), step("c", depends_on=["b"]))
    assert tuple(map(str, caught.value.problems)) == (
        (
            "the steps wait for one another in a cycle: 'a' -> 'c' -> 'b' -> 'a' (each waits for the next); remove one "
            "of these dependencies @ $.Steps[1]"
        ),
    )


def test_a_name_twice_is_refused():
    """Two steps of one name have no graph."""
    with pytest.raises(PipelineDefinitionError) as caught:
        graph(step("a"), condition("c", ["a"], else_steps=[step("a")]))
    assert tuple(map(str, caught.value.problems)) == (
        "two steps are named 'a', the first @ $.Steps[0] @ $.Steps[1].Arguments.ElseSteps[0].Name",
    )


def test_dependencies_on_nothing_are_left_to_validation():
    """A dependency on a step that does not exist does not stop the graph from being built."""
    assert graph(step("a", reads=["nowhere"], depends_on=["neither"])).order == ("a",)


def test_no_cycle_is_an_empty_one():
    """A graph without a cycle has none, however its paths meet; unknown names are passed over."""
    assert find_cycle({"a": ["b", "c"], "b": ["d"], "c": ["d", "unknown"], "d": []}) == ()


def test_a_long_chain_is_no_limit():
    """Five thousand steps in a row are put in order."""
    steps = [step(f"s{number}", reads=[f"s{number + 1}"] if number < 4999 else []) for number in range(5000)]
    assert graph(*steps).order == tuple(f"s{number}" for number in reversed(range(5000)))


def test_a_foreach_step_waits_for_what_its_body_waits_for():
    """Dependencies and references of body steps on steps outside are the ForEach step's; those on one another are not."""
    body = [
        {"Name": "load", "Type": "Lambda", "Arguments": {"x": {"Get": "Steps.b.A"}}, "DependsOn": ["a"]},
        {"Name": "use", "Type": "Lambda", "Arguments": {"x": {"Get": "Steps.load.A"}}, "DependsOn": ["load"]},
    ]
    fan = {"Name": "fan", "Type": "ForEach", "Arguments": {"ForEachBody": body}, "DependsOn": ["c"]}
    built = graph(fan, *({"Name": name, "Type": "Lambda", "Arguments": {}} for name in "abc"))
    assert built.nodes["fan"].dependencies == (StepDependency("c"), StepDependency("a"), StepDependency("b"))
    assert built.order == ("a", "b", "c", "fan")


def bad(name):
    return step(name) | {"Arguments": {"x": [{"Get": "Steps.a["}]}}


@pytest.mark.parametrize(
    ("within", "place"),
    [
        (bad("a"), "$.Steps[1].Arguments.x[0]"),
        (condition("c", ["a["]), "$.Steps[1].Arguments.Conditions[0].LeftValue"),
        (condition("c", ["b"], if_steps=[bad("a")]), "$.Steps[1].Arguments.IfSteps[0].Arguments.x[0]"),
        (
            {"Name": "f", "Type": "ForEach", "Arguments": {"ForEachBody": [bad("a")]}},
            "$.Steps[1].Arguments.ForEachBody[0].Arguments.x[0]",
        ),
    ],
)
def test_a_reference_that_cannot_be_read_is_refused_with_its_place(within, place):
    """A graph is made from references, so one that says nothing is an error that says where it stands."""
    with pytest.raises(PipelineDefinitionError) as caught:
        graph(step("b"), within)
    (problem,) = caught.value.problems
    reference = "Steps.a[.A" if within["Type"] == "Condition" and "LeftValue" in place else "Steps.a["
    assert str(problem) == (
        f"'{reference}' is not a reference: cannot read it from character 8, '{reference[7:]}'. References look like "
        f"Parameters.Name or Steps.name.Property[0].Other['key'] @ {place}"
    )
