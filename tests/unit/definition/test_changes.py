from __future__ import annotations

import copy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_sm_pipelines.definition.changes import Change, changes, told, value_changes
from airflow_sm_pipelines.definition.document import PipelineDefinition
from tests.unit.definition.valid_pipelines import places, valid_pipelines

A, B = "a" * 64, "b" * 64


def training(name="train", **arguments):
    return {"Name": name, "Type": "Training", "Arguments": arguments}


def document(*steps, parameters=(), **more):
    return {"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps), **more}


def lines(before, after):
    return [str(each) for each in changes(*map(PipelineDefinition.from_document, (before, after)))]


def of_a_step(before, after):
    return lines(document(training(**before)), document(training(**after)))


def test_the_smallest_value_that_differs_is_told():
    """Objects are compared key by key; members of the arguments have their own names alone."""
    before = {"HyperParameters": {"trees": "100", "depth": "3"}, "RoleArn": "r"}
    after = {"HyperParameters": {"trees": "200", "eta": "0.1 or so"}, "RoleArn": "r"}
    assert of_a_step(before, after) == [
        "step 'train' HyperParameters.trees 100 → 200",
        "step 'train' HyperParameters.depth removed",
        "step 'train' HyperParameters.eta added: \"0.1 or so\"",
    ]


def test_steps_come_and_go():
    """Steps are matched by name; whole steps are not told, but their type and the branch they come to are."""
    condition = {"Name": "c", "Type": "Condition", "Arguments": {"Conditions": [], "IfSteps": [], "ElseSteps": []}}
    filled = copy.deepcopy(condition)
    filled["Arguments"]["IfSteps"] = [training("x", RoleArn="r")]
    filled["Arguments"]["ElseSteps"] = [training("moved", RoleArn="new")]
    loop = {"Name": "f", "Type": "ForEach", "Arguments": {"IterableItems": [1], "ForEachBody": [training("inner")]}}
    after_loop = copy.deepcopy(loop)
    after_loop["Arguments"]["ForEachBody"][0]["Arguments"] = {"RoleArn": "r"}
    before = document(training("y"), training("moved", RoleArn="old"), condition, loop)
    assert lines(before, document(filled, after_loop)) == [
        "step 'x' (Training) added in the IfSteps of 'c'",
        "step 'moved' moved from the top level to the ElseSteps of 'c'",
        "step 'moved' RoleArn old → new",
        "step 'inner' RoleArn added: r",
        "step 'y' (Training) removed",
    ]


def test_parameters_by_name():
    """A parameter's default, type and allowed values are told by those words."""
    before = document(
        parameters=[
            {"Name": "P", "Type": "Integer", "DefaultValue": 1},
            {"Name": "Q", "Type": "String", "EnumValues": ["a", "b"]},
            {"Name": "Gone", "Type": "String"},
        ]
    )
    after = document(
        parameters=[
            {"Name": "Q", "Type": "String", "EnumValues": ["a", "c"], "DefaultValue": ""},
            {"Name": "P", "Type": "Float", "DefaultValue": 2},
            {"Name": "New", "Type": "String", "DefaultValue": "n"},
            {"Name": "Bare", "Type": "String"},
        ]
    )
    assert lines(before, after) == [
        "parameter 'Q' allowed values[1] b → c",
        "parameter 'Q' default added: \"\"",
        "parameter 'P' type Integer → Float",
        "parameter 'P' default 1 → 2",
        "parameter 'New' added, default n",
        "parameter 'Bare' added",
        "parameter 'Gone' removed",
        "parameters in another order",
    ]


def test_dependencies_by_the_step_waited_for():
    """A dependency is added, removed, or waits for something else."""
    before = {**training(), "DependsOn": ["a", "b", {"Step": "c", "Trigger": "Failed"}]}
    after = {**training(), "DependsOn": ["a", "c", {"Step": "d", "Trigger": "Any"}]}
    others = [training(name) for name in "abcd"]
    assert lines(document(*others, before), document(*others, after)) == [
        "step 'train' dependency on 'd' added (Any)",
        "step 'train' dependency on 'b' removed",
        "step 'train' dependency on 'c' Failed → Completed",
    ]
    assert lines(document(*others, before), document(*others, training())) == [
        f"step 'train' dependency on '{name}' removed" for name in "abc"
    ]
    swapped = {**before, "DependsOn": before["DependsOn"][::-1]}
    assert lines(document(*others, before), document(*others, swapped)) == ["step 'train' DependsOn in another order"]
    written = {**before, "DependsOn": [{"Step": "a", "Trigger": "Completed"}, *before["DependsOn"][1:]]}
    assert lines(document(*others, before), document(*others, written)) == [
        "step 'train' DependsOn written differently"
    ]


def test_named_entries_of_lists_are_matched_by_name():
    """Inputs, outputs, channels and tags have names, by which an entry is found wherever it stands."""
    before = {
        "ProcessingInputs": [{"InputName": "raw", "AppManaged": False}, {"InputName": "x", "AppManaged": False}],
        "InputDataConfig": [{"ChannelName": "train", "ContentType": "csv"}],
        "Tags": [{"Key": "team", "Value": "a"}],
        "ContainerEntrypoint": ["python3", "a.py"],
        "ContainerArguments": ["--x"],
    }
    after = {
        "ProcessingInputs": [{"InputName": "x", "AppManaged": True}, {"InputName": "raw", "AppManaged": False}],
        "InputDataConfig": [{"ChannelName": "test"}, {"ChannelName": "train", "ContentType": "json"}],
        "Tags": [{"Key": "team", "Value": "b"}],
        "ContainerEntrypoint": ["python3", "b.py"],
        "ContainerArguments": ["--x", "--y"],
    }
    assert of_a_step(before, after) == [
        "step 'train' ProcessingInputs.x.AppManaged false → true",
        "step 'train' ProcessingInputs in another order",
        "step 'train' InputDataConfig.train.ContentType csv → json",
        "step 'train' InputDataConfig.test added",
        "step 'train' Tags.team.Value a → b",
        "step 'train' ContainerEntrypoint[1] a.py → b.py",
        'step \'train\' ContainerArguments ["--x"] → ["--x","--y"]',
    ]


def test_code_is_told_by_its_hash():
    """Where the same file lies under another content's hash, its code has changed; the hashes tell nobody anything."""
    uri = {"HyperParameters": {"sagemaker_submit_directory": f'"s3://box/code/{A}/sourcedir.tar.gz"'}}
    other = {"HyperParameters": {"sagemaker_submit_directory": f'"s3://box/code/{B}/sourcedir.tar.gz"'}}
    moved = {"HyperParameters": {"sagemaker_submit_directory": f'"s3://new/code/{A}/sourcedir.tar.gz"'}}
    assert of_a_step(uri, other) == ["step 'train' HyperParameters.sagemaker_submit_directory code changed"]
    assert value_changes(f"s3://box/code/{A}", f"s3://box/code/{B}", "S3Uri") == ["S3Uri code changed"]
    (line,) = of_a_step(uri, moved)
    assert line.startswith("step 'train' HyperParameters.sagemaker_submit_directory \"s3://box/")


def test_an_environment_is_not_told():
    """Secrets are given in an environment: that a variable differs is told, its values are not."""
    before = {"Environment": {"TOKEN": "secret", "OLD": "o", "L": ["secret"]}, "Nested": {"Environment": {"A": "s"}}}
    after = {"Environment": {"TOKEN": "other", "NEW": "n", "L": ["a", "b"]}, "Nested": {"Environment": {"A": "t"}}}
    assert of_a_step(before, after) == [
        "step 'train' Environment.TOKEN changed",
        "step 'train' Environment.OLD removed",
        "step 'train' Environment.L changed",
        "step 'train' Environment.NEW added",
        "step 'train' Nested.Environment.A changed",
    ]
    assert value_changes("secret", {"a": "secret"}, "Environment") == ["Environment changed"]


def test_long_values_are_cut_to_what_differs():
    """Of a long value the beginning that both have is left out."""
    assert value_changes("x" * 300 + "1" + "y" * 300, "x" * 300 + "2", "V") == [
        f"V ...{'x' * 20}1{'y' * 59}... → ...{'x' * 20}2"
    ]
    assert value_changes("short", "z" * 100, "V") == [f"V short → {'z' * 80}..."]


def test_expressions_are_values():
    """A reference is told by what it reads; an expression is not compared inside."""
    assert value_changes({"Get": "Parameters.A"}, "s3://a", "V") == ["V Parameters.A → s3://a"]
    join = {"Std:Join": {"On": "/", "Values": ["a"]}}
    assert value_changes(join, {"Get": "Parameters.A"}, "V") == [
        'V {"Std:Join":{"On":"/","Values":["a"]}} → Parameters.A'
    ]


def test_text_is_told_from_what_looks_like_it():
    """A number that became text, or the other way, is shown with quotes."""
    assert value_changes(5, "5", "V") == ['V 5 → "5"']
    assert value_changes({}, {"odd key": 1}, "V") == ["V['odd key'] added: 1"]


def test_the_rest_of_the_document():
    """The experiment's names and keys that this version does not know are the pipeline's."""
    before = document(PipelineExperimentConfig={"ExperimentName": "a", "TrialName": "t"})
    after = document(PipelineExperimentConfig={"ExperimentName": "b", "TrialName": "t"}, New=1)
    assert lines(before, after) == ["pipeline PipelineExperimentConfig.ExperimentName a → b", "pipeline New added: 1"]
    left_out = {key: value for key, value in document().items() if key != "Parameters"}
    assert lines(document(), left_out) == ["pipeline is written differently"]
    assert lines(document(training("a"), training("b")), document(training("b"), training("a"))) == [
        "steps of the top level in another order"
    ]


def test_few_lines_are_told():
    """Of many changes the first are told, and how many there are besides."""
    found = [Change("step 'a'", f"x{number}") for number in range(5)]
    assert told(found, 3) == ["step 'a' x0", "step 'a' x1", "step 'a' x2", "and 2 more"]
    assert told(found, 5) == [f"step 'a' x{number}" for number in range(5)]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(valid_pipelines(), st.integers(min_value=0))
def test_what_differs_is_told(written, number):
    """A document has no changes to itself, and at least one to a document with any other value in it."""
    one = copy.deepcopy(written)
    other = copy.deepcopy(written)
    leaves = [
        (holder, key)
        for holder, key, value, _ in places(other)
        if isinstance(value, (str, int)) and key not in ("Name", "Type", "Trigger", "Step", "Get")
    ]
    holder, key = leaves[number % len(leaves)]
    holder[key] = "something else"
    assert lines(one, written) == []
    assert lines(one, other) != []


def test_a_name_that_stands_twice():
    """A document with a name twice is not valid, and compared all the same."""
    before, after = document(training(), training(RoleArn="a")), document(training(), training(RoleArn="b"))
    assert lines(before, after) == ["step 'train' RoleArn a → b"]
    assert lines(before, document(training())) == ["step 'train' (Training) removed"]
