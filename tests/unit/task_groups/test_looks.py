"""What Airflow's UI shows of a group and its tasks: names in the graph, documentation, tooltips."""

from __future__ import annotations

import json

import pytest

from airflow_sm_pipelines import (
    Metric,
    SageMakerConditionStepOperator,
    SageMakerFailStepOperator,
    SageMakerMetricBranchOperator,
    SageMakerPipelineExecutionSensor,
    SageMakerPipelineOperator,
    SageMakerPipelineStepSensor,
    SageMakerPipelineTaskGroup,
    SageMakerRetryPipelineExecutionOperator,
    SageMakerStepOperator,
    SageMakerStopPipelineExecutionOperator,
)
from airflow_sm_pipelines.exceptions import TranslationError
from tests.scripted_service import EXECUTION_ARN
from tests.valid_arguments import PROCESSING, TRAINING
from tests.versions import DagSerialization, in_triggerer

ROLE = "arn:aws:iam::123456789012:role/sagemaker"


def shown_names(dag):
    """The name of each task's operator, as the scheduler and the UI have it."""
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    return {task.task_id: task.operator_name for task in stored.tasks}


@in_triggerer
def test_the_graph_names_the_types_of_steps(dag, group):
    """A box of the graph has the type of its step, whatever its operator's class; launch says what it does."""
    with group():
        good = SageMakerStepOperator(task_id="good", step_type="Training", arguments=TRAINING)
        bad = SageMakerFailStepOperator(task_id="bad", error_message="no")
        SageMakerStepOperator(task_id="unheard_of", step_type="Mystery")
        first = SageMakerStepOperator(task_id="first", step_type="Processing", arguments=PROCESSING)
        SageMakerConditionStepOperator(
            task_id="choose", conditions=[first.properties.ExitMessage.equals("x")], if_steps=[good], else_steps=[bad]
        )
    assert shown_names(dag) == {
        "churn.launch": "Launch pipeline",
        "churn.good": "Training",
        "churn.bad": "Fail",
        "churn.unheard_of": "Mystery",
        "churn.first": "Processing",
        "churn.choose": "Condition",
    }


def given(*steps):
    return SageMakerPipelineTaskGroup.from_definition(
        "churn", definition={"Version": "2020-12-01", "Steps": list(steps)}, role_arn=ROLE
    )


@in_triggerer
def test_the_graph_names_the_types_of_given_steps(dag):
    """Steps of a definition that was made elsewhere are named by their types, too."""
    is_x = [{"Type": "Equals", "LeftValue": {"Get": "Execution.PipelineName"}, "RightValue": "x"}]
    branches = {"Conditions": is_x, "IfSteps": [{"Name": "b", "Type": "Mystery", "Arguments": {}}], "ElseSteps": []}
    given(
        {"Name": "a", "Type": "Processing", "Arguments": PROCESSING},
        {"Name": "choose", "Type": "Condition", "Arguments": branches},
    )
    assert shown_names(dag) == {
        "churn.launch": "Launch pipeline",
        "churn.a": "Processing",
        "churn.choose": "Condition",
        "churn.b": "Mystery",
    }


@in_triggerer
def test_the_graph_names_tasks_for_whole_executions(dag):
    """Operators and sensors for whole executions have short names, which the graph does not cut off."""
    SageMakerPipelineOperator(task_id="run", pipeline_name="p")
    SageMakerStopPipelineExecutionOperator(task_id="stop", pipeline_execution_arn=EXECUTION_ARN)
    SageMakerRetryPipelineExecutionOperator(task_id="retry", pipeline_execution_arn=EXECUTION_ARN)
    SageMakerPipelineExecutionSensor(task_id="sense", pipeline_execution_arn=EXECUTION_ARN)
    SageMakerPipelineStepSensor(task_id="sense_step", pipeline_execution_arn=EXECUTION_ARN, step_name="a")
    SageMakerPipelineOperator.partial(task_id="mapped", pipeline_name="p").expand(parameters=[{}, {}])
    SageMakerMetricBranchOperator(
        task_id="branch", conditions=[Metric("a") >= 1], metrics_uri="s3://box/m.json", if_task_ids="run"
    )
    assert shown_names(dag) == {
        "run": "Pipeline execution",
        "stop": "Stop execution",
        "retry": "Retry execution",
        "sense": "Execution sensor",
        "sense_step": "Step sensor",
        "mapped": "Pipeline execution",
        "branch": "Metric branch",
    }


@pytest.mark.parametrize(
    ("texts", "documentation"),
    [
        ({}, None),
        ({"description": "Fits the trees"}, "Fits the trees"),
        ({"description": "Fits the trees", "doc_md": "## Trees"}, "## Trees"),
    ],
)
def test_a_steps_description_documents_its_task(dag, group, texts, documentation):
    """The description of a step is its task's documentation, where that is not given."""
    with group():
        task = SageMakerStepOperator(task_id="a", step_type="Training", arguments=TRAINING, **texts)
    assert task.doc_md == documentation


def test_a_given_steps_description_documents_its_task(dag):
    """That of a step of a given definition too, as it stands there: Jinja in it is left alone."""
    text = "Fits {{ many }} trees"
    given({"Name": "a", "Type": "Training", "Arguments": TRAINING, "Description": text})
    assert dag.get_task("churn.a").doc_md == text


def test_a_label_with_a_typo(dag):
    """Looking up a task that is not there names those that are, and the one that may be meant."""
    group = given({"Name": "train", "Type": "Training", "Arguments": TRAINING})
    with pytest.raises(TranslationError) as caught:
        group.get_child_by_label("trian")
    assert str(caught.value) == (
        "Dag 'd', task group 'churn': there is no 'trian' in it. Did you mean 'train'? There are 'launch', 'train'."
    )
    assert group.get_child_by_label("train") is dag.get_task("churn.train")


def test_a_group_says_which_pipeline_it_is(dag, group):
    """A group's tooltip names its pipeline, where no other is given."""
    with group("one"):
        SageMakerStepOperator(task_id="a", step_type="Training", arguments=TRAINING)
    with group("two", tooltip="Weekly", pipeline_name="weekly"):
        SageMakerStepOperator(task_id="a", step_type="Training", arguments=TRAINING)
    stored = json.loads(json.dumps(DagSerialization.to_dict(dag)["dag"]["task_group"]))
    found = {name: child[1]["tooltip"] for name, child in stored["children"].items()}
    assert found == {"one": "SageMaker pipeline d-one", "two": "Weekly"}
