from __future__ import annotations

import itertools
import json

import pytest
from airflow.sdk import DAG
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from airflow_sm_pipelines import SageMakerPipelineTaskGroup
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.step_types import STEP_TYPES
from airflow_sm_pipelines.definition.validation import validate
from airflow_sm_pipelines.exceptions import PipelineDefinitionError
from airflow_sm_pipelines.requests import check_requests
from tests.unit.definition.documents import JSON, READABLE
from tests.valid_arguments import LEAST, TRAINING
from tests.versions import in_triggerer

ROLE = "arn:aws:iam::123456789012:role/sagemaker"
IS_X = {"Type": "Equals", "LeftValue": {"Get": "Execution.PipelineName"}, "RightValue": "x"}
CHECK = {"ModelPackageGroupName": "g", "SkipCheck": False, "RegisterNewBaseline": False}
KEYS_OF_TYPES = {
    "Processing": {"PropertyFiles": [{"PropertyFileName": "m", "OutputName": "o", "FilePath": "f"}]},
    "Training": {"CacheConfig": {"Enabled": True, "ExpireAfter": "P1D"}},
    "Tuning": {}, "Transform": {}, "AutoML": {}, "Model": {}, "RegisterModel": {}, "Fail": {},
    "Lambda": {"FunctionArn": "f", "OutputParameters": [{"OutputName": "x", "OutputType": "String"}]},
    "Callback": {"SqsQueueUrl": "q", "OutputParameters": [{"OutputName": "x", "OutputType": "Integer"}]},
    "EMR": {}, "EMRServerless": {}, "EndpointConfig": {}, "Endpoint": {}, "InferenceComponent": {}, "Lineage": {},
    "QualityCheck": {**CHECK, "CheckType": "DATA_QUALITY"}, "ClarifyCheck": {**CHECK, "CheckType": "DATA_BIAS"},
    "Job": {}, "Cleanup": {}, "ForEach": {}, "Condition": {}, "Brand-new": {"New": {"a": [None]}},
}  # fmt: skip
NAMES = st.sampled_from(["launch", "launch_", "0", "-a", "a_b", "A", "a", "x" * 64]) | st.from_regex(
    r"[A-Za-z0-9\-_]{1,8}", fullmatch=True
)
PROPERTIES = {
    **{name: f"{row.resource.api}Arn" for name, row in STEP_TYPES.items() if row.resource},
    "Brand-new": "A.B[0]",
    "Callback": "OutputParameters['x']",
    "ClarifyCheck": "CheckType",
    "Condition": "Outcome",
    "EMR": "ClusterId",
    "EMRServerless": "jobRun.arn",
    "ForEach": "Status",
    "Lambda": "OutputParameters['x']",
    "Lineage": "ArtifactArns['a']",
    "QualityCheck": "CheckType",
}
"""Something to read of each type of step that has it."""
TRIGGERS = st.sampled_from(["Completed", "Completed", "Failed", "Stopped", "Any"])


@st.composite
def valid_documents(draw):
    """Documents of steps of every type that wait for one another and read one another in every way they may."""
    names = iter(draw(st.lists(NAMES, min_size=1, max_size=9, unique=True)))

    types = {}

    def steps(visible, depth):
        made, visible = [], list(visible)
        for name in itertools.islice(names, draw(st.integers(1, 9 if depth == 0 else 3))):
            type_ = draw(st.sampled_from([*KEYS_OF_TYPES, *["Condition"] * (6 if depth < 3 else 0)]))
            types[name] = type_
            waited = draw(st.lists(st.sampled_from(visible), max_size=2, unique=True)) if visible else []
            triggers = {each: draw(TRIGGERS) for each in waited}
            readable = [
                each for each in visible if triggers.get(each, "Completed") == "Completed" and types[each] in PROPERTIES
            ]
            reads = draw(st.lists(st.sampled_from(readable), max_size=2)) if readable else []
            references = [{"Get": f"Steps.{each}.{PROPERTIES[types[each]]}"} for each in reads]
            made.append({"Name": name, "Type": type_, "Arguments": arguments(type_, name, references)})
            made[-1] |= KEYS_OF_TYPES[type_]
            if waited:
                made[-1]["DependsOn"] = [
                    each if trigger == "Completed" else {"Step": each, "Trigger": trigger}
                    for each, trigger in triggers.items()
                ]
            if type_ == "Condition":
                for branch in ("IfSteps", "ElseSteps"):
                    made[-1]["Arguments"][branch] = steps(visible, depth + 1)
            if type_ != "Fail":
                visible.append(name)
        return made

    return {"Version": "2020-12-01", "Metadata": draw(JSON), "Parameters": [], "Steps": steps([], 0)}


def arguments(type_, name, references):
    """The least that a step of a type has, and references to other steps."""
    if type_ == "Condition":
        return {"Conditions": [IS_X, *({**IS_X, "RightValue": reference} for reference in references)]}
    if type_ == "ForEach":
        first = {"Name": f"{name[:60]}-in", "Type": "Training", "Arguments": {**TRAINING, "Deep": references}}
        second = {"Name": f"{name[:60]}-2nd", "Type": "Training", "Arguments": TRAINING, "DependsOn": [first["Name"]]}
        return {"IterableItems": ["a", "b"], "MaxConcurrency": 2, "ForEachBody": [second, first][len(name) % 2 :]}
    if type_ == "Fail":
        return {"ErrorMessage": {"Std:Join": {"On": " ", "Values": ["no", *references]}}}
    if type_ == "Lineage":
        source = {"SourceUri": "s3://box/x"}
        return {"Artifacts": [{"ArtifactType": "Data", "Source": source, "Deep": {"er": references}}]}
    if type_ == "Cleanup":
        return {"Resources": {"S3": [{"StepName": name}]}}
    # An unknown member may be newer than the installed botocore, so that it may be anything.
    return {**LEAST.get(type_, {}), "Deep": {"er": references}}


def steps_by_task(definition):
    """The names of the steps that have a task, by the task's id inside the group: those of a ForEach step's body."""
    found = {}
    for located in definition.walk():
        body = located.step.body
        items = body and located.step.arguments["IterableItems"]
        waits = [each for child in body for each in child.depends_on or () if each.trigger != "Completed"]
        if isinstance(items, list) and not waits:
            found |= {f"{located.step.name}.{child.name}": child.name for child in body}
        else:
            found[located.step.name] = located.step.name
    return found


def group_of(text):
    with DAG("d", schedule=None) as dag:
        return dag, SageMakerPipelineTaskGroup.from_definition("g", definition=text, role_arn=ROLE)


relaxed = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@in_triggerer
@relaxed
@given(valid_documents())
def test_every_valid_document_has_its_tasks(document):
    """Steps of all types, unknown ones included, however they wait and read: a task for each, of the step's name."""
    definition = PipelineDefinition.from_document(document)
    problems = [*validate(definition), *check_requests(definition)]
    assert [str(problem) for problem in problems if problem.severity == "error"] == []
    text = json.dumps(document)
    dag, group = group_of(text)
    names = steps_by_task(definition)
    launch = group.launch.task_id.removeprefix("g.")
    assert sorted(task_id.removeprefix("g.") for task_id in dag.task_ids) == sorted([*names, launch])
    assert launch not in names
    assert {name: dag.get_task(f"g.{name}").step_name for name in names} == names
    assert group.compile().text == text
    dag.check_cycle()
    reached = group.launch.get_flat_relative_ids(upstream=False)
    assert reached == {f"g.{name}" for name in names}


@relaxed
@given(READABLE)
def test_what_is_refused_is_no_group(document):
    """Any document at all is a group of its steps, or an error that says what the validator or the API's model says."""
    text = json.dumps(document)
    definition = PipelineDefinition.from_json(text)
    errors = [problem for problem in validate(definition) if problem.severity == "error"]
    # What is wrong with the arguments is looked for in a valid document.
    errors = errors or [problem for problem in check_requests(definition) if problem.severity == "error"]
    event("refused" if errors else "accepted")
    if errors:
        with pytest.raises(PipelineDefinitionError) as caught:
            group_of(text)
        assert [str(problem) for problem in caught.value.problems] == [str(problem) for problem in errors]
    else:
        dag, group = group_of(text)
        assert set(dag.task_ids) - {group.launch.task_id} == {f"g.{name}" for name in steps_by_task(definition)}
