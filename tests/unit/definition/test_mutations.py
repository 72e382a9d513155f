from __future__ import annotations

import itertools
import json
import re

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.validation import validate
from airflow_sm_pipelines.requests import check_requests
from tests.unit.definition.valid_pipelines import READABLE, all_steps, pairs, places, valid_pipelines

relaxed = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def found_in(document):
    definition = PipelineDefinition.from_document(document)
    return [*validate(definition), *check_requests(definition)]


def own_dependencies(step):
    """What a step itself names: in DependsOn and, but for what lies in its branches, in references."""
    named = [each if isinstance(each, str) else each["Step"] for each in step.get("DependsOn", ())]
    looked_at = {
        **step,
        "Arguments": step["Arguments"].get("Conditions") if step["Type"] == "Condition" else step["Arguments"],
    }
    for _, key, value, _ in places(looked_at):
        if key == "Get" and value.startswith("Steps."):
            named.append(value.split(".")[1])
    return named


def chooser(number):
    """Pick the option of a number; a pipeline without any is not looked at."""

    def choose(options):
        assume(options)
        return options[number % len(options)]

    return choose


class Mutation:
    """One change to a document: makes it, and says where which message is expected.

    :param document: the document, changed in place.
    :param choose: picks one of the places where the change can be made.
    """

    def __init__(self, document, choose):
        self.document = document
        self._choose = choose

    def place(self, wanted):
        return self._choose([place for place in places(self.document) if wanted(*place)])

    def step(self, wanted=lambda *_: True):
        return self._choose([each for each in all_steps(self.document) if wanted(*each)])

    def pair(self, wanted):
        return self._choose([(one, other) for one, other in pairs(self.document) if wanted(one, other)])

    def replaced(self, wanted, new, message):
        container, key, value, path = self.place(wanted)
        container[key] = new(value) if callable(new) else new
        return path, message

    def reference_replaced(self, pattern, new, message):
        container, _, value, path = self.place(lambda _, key, value, __: key == "Get" and re.search(pattern, value))
        container["Get"] = re.sub(pattern, new, value)
        return path.removesuffix(".Get"), message

    def dependency_added(self, reader, target):
        step, path, *_ = reader
        step.setdefault("DependsOn", []).append(target)
        return f"{path}.DependsOn[{len(step['DependsOn']) - 1}]"

    def reference_added(self, reader, target):
        step, path, *_ = reader
        read = {"Get": f"Steps.{target['Name']}.{READABLE.get(target['Type'], ('A',))[0]}"}
        if step["Type"] == "Condition":
            step["Arguments"]["Conditions"].append({"Type": "Equals", "LeftValue": read, "RightValue": 1})
            return f"{path}.Arguments.Conditions[{len(step['Arguments']['Conditions']) - 1}].LeftValue"
        step["Arguments"]["Added"] = read
        return f"{path}.Arguments.Added"


def unknown_step(mutation):
    """A reference to a step that does not exist."""
    return mutation.reference_replaced(r"^Steps\.\w+", "Steps.no-where", "there is no step 'no-where'")


def unknown_dependency(mutation):
    """A dependency on a step that does not exist."""
    return mutation.dependency_added(mutation.step(), "no-where"), "there is no step 'no-where'"


def unknown_parameter(mutation):
    """A reference to a parameter that does not exist."""
    return mutation.reference_replaced(r"^Parameters\.\w+$", "Parameters.no", "there is no pipeline parameter 'no'")


def unknown_property_file(mutation):
    """A JsonGet of a property file that its step does not declare."""
    return mutation.reference_replaced(r"PropertyFiles\.report$", "PropertyFiles.no", "declares no property file 'no'")


def unknown_output(mutation):
    """A reference to an output that its step does not have."""
    reader, made = mutation.pair(reads_outside_branches("Processing"))
    path = mutation.reference_added(reader, made[0])
    for container, key, value, where in places(mutation.document):
        if where == f"{path}.Get":
            container[key] = value.replace("['out']", "['no']")
    return path, "has no output 'no'"


def unknown_output_parameter(mutation):
    """A reference to an OutputParameter that its step does not declare."""
    pattern = r"^(Steps|IterationOutput)\.(\w+)\.OutputParameters\['text'\]$"
    return mutation.reference_replaced(pattern, r"\1.\2.OutputParameters['no']", "declares no output parameter 'no'")


def output_of_a_property_file(mutation):
    """A property file in an output that the step does not have."""
    return mutation.replaced(
        lambda _, key, __, path: key == "OutputName" and "PropertyFiles[" in path, "no", "is in output 'no'"
    )


def reads_outside_branches(*types):
    """A step may read another one of these types that comes before it, outside of all branches and bodies."""

    def wanted(one, other):
        (reader, path, _, _), (target, target_path, branches, loop) = one, other
        before = [int(re.match(r"\$\.Steps\[(\d+)", each).group(1)) for each in (target_path, path)]
        readers = reader["Type"] not in ("Fail", "Cleanup")
        return target["Type"] in types and not branches and loop is None and readers and before[0] < before[1]

    return wanted


def from_outside(one, other):
    """A step stands outside of the branch that another one is in."""
    (_, _, branches, _), (target, _, inside, loop) = one, other
    return target["Type"] != "Fail" and loop is None and inside and branches[: len(inside)] != inside


def reference_into_a_branch(mutation):
    """A reference from outside to a step in a branch."""
    reader, target = mutation.pair(from_outside)
    return mutation.reference_added(reader, target[0]), "it runs only in the "


def dependency_into_a_branch(mutation):
    """A dependency from outside on a step in a branch."""
    reader, target = mutation.pair(from_outside)
    return mutation.dependency_added(reader, target[0]["Name"]), "it runs only in the "


def reference_into_a_body(mutation):
    """A reference from outside to a step of a ForEach body."""
    reader, target = mutation.pair(lambda one, other: other[3] is not None and one[3] is not other[3])
    return mutation.reference_added(reader, target[0]), "it runs once per item of ForEach step"


def dependency_on_a_fail_step(mutation):
    """A dependency on a Fail step."""
    reader, target = mutation.pair(lambda _, other: other[0]["Type"] == "Fail")
    return mutation.dependency_added(reader, target[0]["Name"]), "it is a Fail step"


def reference_to_a_fail_step(mutation):
    """A reference to a Fail step."""
    reader, target = mutation.pair(lambda _, other: other[0]["Type"] == "Fail")
    return mutation.reference_added(reader, target[0]), "it is a Fail step"


def dependency_on_itself(mutation):
    """A dependency of a step on itself."""
    reader = mutation.step()
    return mutation.dependency_added(reader, reader[0]["Name"]), "depends on itself"


def reference_to_itself(mutation):
    """A reference of a step to itself."""
    reader = mutation.step(lambda step, _, __, loop: loop is None and step["Type"] != "Fail")
    return mutation.reference_added(reader, reader[0]), "a step cannot read its own properties"


def duplicate_step(mutation):
    """Two steps of one name: the later one is reported."""
    (one, one_path, _, _), (other, other_path, _, _) = mutation.pair(lambda *_: True)
    order = [path for _, path, _, _ in all_steps(mutation.document)]
    one["Name"] = other["Name"]
    return f"{max(one_path, other_path, key=order.index)}.Name", f"two steps are named '{other['Name']}'"


def duplicate_parameter(mutation):
    """Two parameters of one name."""
    container, _, value, _ = mutation.place(lambda *place: re.fullmatch(r"\$\.Parameters\[\d+\]\.Name", place[3]))
    mutation.document["Parameters"].append(dict(container))
    return f"$.Parameters[{len(mutation.document['Parameters']) - 1}].Name", f"parameters are named '{value}'"


def duplicate_in_a_list(key, message, inside=""):
    """The first entry of a list of things with names, twice."""

    def mutate(mutation):
        _, _, value, path = mutation.place(lambda _, name, __, ___: name == key)
        value.append(dict(value[0]))
        return f"{path}[{len(value) - 1}]{inside}", message

    return mutate


def conflicting_triggers(mutation):
    """Two triggers for one step waited for."""
    _, _, value, path = mutation.place(lambda _, key, __, ___: key == "DependsOn")
    first = value[0] if isinstance(value[0], dict) else {"Step": value[0], "Trigger": "Completed"}
    value.append({"Step": first["Step"], "Trigger": "Any" if first["Trigger"] != "Any" else "Failed"})
    return f"{path}[{len(value) - 1}]", "keep one of them"


def of_a_request(key, new, message, under="Arguments"):
    """A member of a request that is of the wrong type, or breaks a limit of the API."""

    def mutate(mutation):
        return mutation.replaced(
            lambda _, name, __, path: name == key and f".{under}" in path and ".Properties" not in path, new, message
        )

    return mutate


def missing(*keys):
    """A member that a request must have is gone."""

    def mutate(mutation):
        container, key, _, path = mutation.place(lambda _, name, __, path: name in keys and ".Arguments" in path)
        del container[key]
        return path.removesuffix(f".{key}"), f"lacks '{key}'"

    return mutate


MUTATIONS = {
    "unknown step": unknown_step,
    "unknown dependency": unknown_dependency,
    "unknown parameter": unknown_parameter,
    "unknown property file": unknown_property_file,
    "unknown output": unknown_output,
    "unknown output parameter": unknown_output_parameter,
    "output of a property file": output_of_a_property_file,
    "reference into a branch": reference_into_a_branch,
    "dependency into a branch": dependency_into_a_branch,
    "reference into a body": reference_into_a_body,
    "dependency on a Fail step": dependency_on_a_fail_step,
    "reference to a Fail step": reference_to_a_fail_step,
    "dependency on itself": dependency_on_itself,
    "reference to itself": reference_to_itself,
    "duplicate step": duplicate_step,
    "duplicate parameter": duplicate_parameter,
    "duplicate property file": duplicate_in_a_list("PropertyFiles", "declares property file 'report' twice"),
    "duplicate output parameter": duplicate_in_a_list(
        "OutputParameters", "declares output parameter 'text' twice", ".OutputName"
    ),
    "conflicting triggers": conflicting_triggers,
    "Integer for text": of_a_request("S3OutputPath", {"Get": "Parameters.Count"}, "which is Integer where"),
    "Float for text": of_a_request("ImageUri", {"Get": "Parameters.Rate"}, "which is Float where"),
    "Boolean for text": of_a_request("depth", {"Get": "Parameters.Flag"}, "which is Boolean where"),
    "text for a number": of_a_request("InstanceCount", {"Get": "Parameters.Text"}, "which is String where"),
    "joined text for a number": of_a_request(
        "VolumeSizeInGB", {"Std:Join": {"On": "", "Values": ["3"]}}, "gives a Std:Join where"
    ),
    "text for true or false": of_a_request("EnableNetworkIsolation", {"Get": "Parameters.Text"}, "which is String where"),
    "literal number for text": of_a_request("Image", 5, "gives 5 where"),
    "literal text for a number": of_a_request("MaxRuntimeInSeconds", "5", "gives '5' where"),
    "literal for an object": of_a_request("ResourceConfig", "x", "gives 'x' where"),
    "name of a step": lambda mutation: mutation.replaced(
        lambda container, key, _, path: key == "Name" and "Type" in container and "Steps[" in path and "Arguments" in container,
        lambda name: f"{name} x",
        "SageMaker refuses the step name",
    ),
    "long name of a step": lambda mutation: mutation.replaced(
        lambda container, key, *_: key == "Name" and "Arguments" in container,
        "x" * 65,
        "SageMaker refuses the step name",
    ),
    "name of a parameter": lambda mutation: mutation.replaced(
        lambda *place: re.fullmatch(r"\$\.Parameters\[\d+\]\.Name", place[3]),
        lambda name: f"{name}.x",
        "SageMaker refuses the parameter name",
    ),
    "length of a value": of_a_request("A", "x" * 10241, "characters; at most"),
    "count of output parameters": lambda mutation: mutation.replaced(
        lambda _, key, __, ___: key == "OutputParameters",
        [{"OutputName": f"o{number}", "OutputType": "String"} for number in range(51)],
        "has 51 output parameters; at most 50",
    ),
    "number of machines": of_a_request("InstanceCount", 0, "it must be at least", "ClusterConfig"),
    "missing member of a request": missing(
        "RoleArn", "AppSpecification", "ImageUri", "ProcessingResources", "OutputDataConfig", "S3UploadMode",
        "ActionType", "SourceUri", "Destination",
    ),
}  # fmt: skip


@relaxed
@given(valid_pipelines())
def test_valid_pipelines_pass(pipeline):
    """What the mutations start from survives a round trip and has no error, so that each error is the mutation's."""
    text = json.dumps(pipeline, separators=(",", ":"))
    assert PipelineDefinition.from_json(text).to_json() == text
    assert [str(problem) for problem in found_in(pipeline) if problem.severity == "error"] == []


@pytest.mark.parametrize("kind", MUTATIONS)
@relaxed
@given(pipeline=valid_pipelines(), number=st.integers(0, 10**6))
def test_any_mutation_of_any_valid_pipeline_is_reported_at_its_place(kind, pipeline, number):
    """Whatever single thing of a kind is made wrong in a valid pipeline, an error says so at that place."""
    path, message = MUTATIONS[kind](Mutation(pipeline, chooser(number)))
    errors = [problem for problem in found_in(pipeline) if problem.severity == "error"]
    assert [problem for problem in errors if problem.path == path and message in problem.message], (path, errors)


@relaxed
@given(pipeline=valid_pipelines(), number=st.integers(0, 10**6))
def test_any_cycle_is_named_whole(pipeline, number):
    """A dependency that closes a cycle is reported: each step named waits for the next, and the last for the first."""
    mutation = Mutation(pipeline, chooser(number))
    (later, *_), (earlier, *_) = mutation.pair(
        lambda one, other: (
            one[2:] == other[2:] == ((), None) and other[0]["Name"] in own_dependencies(one[0])
        )  # neither in a branch nor in a body
    )
    earlier.setdefault("DependsOn", []).append(later["Name"])
    steps = {step["Name"]: (step, path) for step, path, _, _ in all_steps(pipeline)}
    reports = [problem for problem in found_in(pipeline) if "in a cycle" in problem.message]
    assert len(reports) == 1
    chain = re.findall(r"'(\w+)'", reports[0].message.partition("cycle: ")[2])
    assert chain[0] == chain[-1]
    assert len(set(chain)) == len(chain) - 1
    assert (earlier["Name"], later["Name"]) in list(itertools.pairwise(chain))
    assert reports[0].path == steps[chain[0]][1]
    for name, following in itertools.pairwise(chain):
        assert following in waits_of(steps[name][0], pipeline), (name, following)


def waits_of(step, pipeline):
    """What a step waits for: what it names, what its body names, and what lies in a condition that it waits for."""
    named = own_dependencies(step)
    for child in step["Arguments"].get("ForEachBody", ()) if step["Type"] == "ForEach" else ():
        named += own_dependencies(child)
    owners = {each["Name"]: [name for name, _ in branches] for each, _, branches, _ in all_steps(pipeline)}
    inside = [name for name, around in owners.items() if set(around) & set(named) and step["Name"] != name]
    return [*named, *inside, *owners[step["Name"]]]
