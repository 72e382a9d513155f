"""What nests deep is translated or refused in words, wherever it stands: nobody sees a RecursionError."""

from __future__ import annotations

import pytest
from airflow.sdk import DAG
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_sm_pipelines import (
    Join,
    Not,
    Or,
    SageMakerConditionStepOperator,
    SageMakerFailStepOperator,
    SageMakerPipelineTaskGroup,
    SageMakerStepOperator,
    SageMakerTrainingStepOperator,
)
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.expressions import Get
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.definition.validation import validate
from airflow_sm_pipelines.exceptions import Problem, SageMakerPipelinesError
from airflow_sm_pipelines.requests import check_requests
from tests.valid_arguments import TRAINING

ROLE = "arn:aws:iam::123456789012:role/r"
TOO_DEEP = "the document nests deeper than 300 levels; make it flatter"
IS_X = Get("Execution.PipelineName").equals("x")

WRAPS = {
    "list": lambda inner: [inner],
    "object": lambda inner: {"K": inner},
    "Join": lambda inner: Join("", ["x", inner]),
    "written Join": lambda inner: {"Std:Join": {"On": "", "Values": [inner]}},
}
CONDITION_WRAPS = {"Not": Not, "Or": lambda inner: Or(inner, IS_X)}


def nested(wrap, times, inner):
    for _ in range(times):
        inner = wrap(inner)
    return inner


def train(**keywords):
    return SageMakerTrainingStepOperator(task_id="train", image_uri="i", instance_type="ml.m5.large", **keywords)


PLACES = {
    "arguments": lambda value: SageMakerStepOperator(task_id="a", step_type="Training", arguments={"Tags": value}),
    "an unknown type": lambda value: SageMakerStepOperator(task_id="a", step_type="New", arguments={"X": value}),
    "merged arguments": lambda value: train(arguments={"ResourceConfig": {"InstanceGroups": value}}),
    "hyperparameter": lambda value: train(hyperparameters={"x": value}),
    "environment": lambda value: train(environment={"X": value}),
    "message": lambda value: SageMakerFailStepOperator(task_id="no", error_message=value),
}


def deeper(frames, act):
    """Act as somebody who is called from far below, as tasks are."""
    return act() if frames == 0 else deeper(frames - 1, act)


def build(define):
    """Return the problem with a group that one step is defined in, or nothing; what is compiled compiles again."""
    with DAG("d"):
        try:
            with SageMakerPipelineTaskGroup("g", role_arn=ROLE, artifact_uri="s3://box/p") as group:
                define()
        except SageMakerPipelinesError as error:
            return str(error)
    compiled = deeper(120, group.compile)
    deeper(120, lambda: list(check_requests(compiled.definition)))
    assert PipelineDefinition.from_json(compiled.text).to_json() == compiled.text
    return None


@given(
    place=st.sampled_from(sorted(PLACES)),
    kind=st.sampled_from(sorted(WRAPS)),
    times=st.integers(0, 400) | st.sampled_from([1000, 5000]),
    runtime=st.booleans(),
)
@example(place="arguments", kind="object", times=296, runtime=True)
@settings(max_examples=150, deadline=None)
def test_no_value_of_a_step_is_a_recursion_error(place, kind, times, runtime):
    """Any depth at any place is translated, or refused as a mistake of the author's."""
    value = nested(WRAPS[kind], times, "{{ ds }}" if runtime else "x")
    build(lambda: PLACES[place](value))


@pytest.mark.parametrize(("kind", "taken"), [("list", 296), ("object", 296), ("Join", 98), ("written Join", 98)])
def test_arguments_are_taken_up_to_three_hundred_levels(kind, taken):
    """What stands in a step's arguments is four levels down; one level too many is refused, the task named."""
    define = PLACES["an unknown type"]
    assert build(lambda: define(nested(WRAPS[kind], taken, "x"))) is None
    message = build(lambda: define(nested(WRAPS[kind], taken + 1, "x")))
    assert message.startswith("Dag 'd', task group 'g'")
    assert TOO_DEEP in message


def test_a_deep_parameter_is_refused(dag):
    """A pipeline parameter holds no list, however deep; the message does not write it out."""
    value = nested(WRAPS["list"], 5000, 1)
    with pytest.raises(SageMakerPipelinesError) as caught:
        SageMakerPipelineTaskGroup("g", role_arn=ROLE, artifact_uri="s3://box/p", parameters={"P": value})
    assert str(caught.value) == (
        "Dag 'd', task group 'g': pipeline parameter 'P' is given a list of 1. A parameter holds text, a number "
        "or a boolean of at most 1024 characters; put more into S3 and pass its URI."
    )


@pytest.mark.parametrize("kind", sorted(CONDITION_WRAPS))
@pytest.mark.parametrize("times", [90, 140, 1000, 5000])
def test_conditions_nest_as_deep_as_documents(kind, times):
    """Conditions in one another are levels of the document like all else."""
    condition = nested(CONDITION_WRAPS[kind], times, IS_X)

    def define():
        no = SageMakerFailStepOperator(task_id="no", error_message="no")
        SageMakerConditionStepOperator(task_id="c", conditions=[condition], if_steps=[no])

    message = build(define)
    if times == 90:
        assert message is None
    elif times >= 1000:
        assert message == f"Dag 'd', task group 'g': task 'g.c': {TOO_DEEP}"


@pytest.mark.parametrize(("conditions", "refused"), [(97, False), (99, True), (400, True)])
def test_branches_in_branches_are_levels(conditions, refused):
    """Each Condition around a step is three levels, however flat the steps themselves are."""

    def define():
        inner = SageMakerFailStepOperator(task_id="no", error_message="no")
        for index in range(conditions):
            inner = SageMakerConditionStepOperator(task_id=f"c{index}", conditions=[IS_X], if_steps=[inner])

    message = build(define)
    place = f"$.Steps[0]{'.Arguments.IfSteps[0]' * 99}"
    assert message == (f"Dag 'd', task group 'g', pipeline 'd-g': {TOO_DEEP} @ {place[:100]}..." if refused else None)


@pytest.mark.parametrize("times", [400, 5000])
def test_a_definition_made_by_hand_is_refused_by_its_validation(times):
    """Steps that were not read from a document are checked like those that were."""
    step = Step("a", "Training", arguments={"Tags": nested(WRAPS["list"], times, 1)})
    [problem] = validate(PipelineDefinition(steps=(step,)))
    place = "$.Steps[0].Arguments.Tags" + "[0]" * 300
    assert problem == Problem("error", TOO_DEEP, f"{place[:100]}...")


@pytest.mark.parametrize("times", [296, 297, 5000])
def test_a_given_definition_is_taken_or_refused(times):
    """A definition from elsewhere has the same limit, and its requests are checked up to it."""
    value = nested(WRAPS["list"], times, 1)
    arguments = {**TRAINING, "Deep": value}
    document = {"Version": "2020-12-01", "Steps": [{"Name": "a", "Type": "Training", "Arguments": arguments}]}

    def make():
        with DAG("d"):
            return SageMakerPipelineTaskGroup.from_definition("g", definition=document, role_arn=ROLE)

    if times == 296:
        assert deeper(120, lambda: len(list(check_requests(make().compile().definition)))) > 0
    else:
        with pytest.raises(SageMakerPipelinesError, match=TOO_DEEP):
            make()
