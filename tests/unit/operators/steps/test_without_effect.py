"""Arguments that would change nothing are import errors: their author means something else."""

from __future__ import annotations

import pytest

from airflow_sm_pipelines import (
    SageMakerEMRStepOperator,
    SageMakerEndpointConfigStepOperator,
    SageMakerLambdaStepOperator,
    SageMakerModelStepOperator,
    SageMakerProcessingStepOperator,
    SageMakerRegisterModelStepOperator,
    SageMakerStepOperator,
    SageMakerTrainingStepOperator,
    SageMakerTuningStepOperator,
)
from airflow_sm_pipelines.exceptions import TranslationError
from tests.valid_arguments import LEAST

JOB = {"image_uri": "i", "instance_type": "ml.m5.large"}
ROLE = "arn:aws:iam::123456789012:role/of-the-step"
IMAGE_RUNS = (
    "without code the image runs its own entry point. Give code=..., or AppSpecification.ContainerEntrypoint in "
    "arguments."
)
IN_VARIANTS = "arguments already give the ProductionVariants. Give it there, or leave them out."


@pytest.mark.parametrize(
    ("operator", "keywords", "message"),
    [
        (
            SageMakerProcessingStepOperator,
            {**JOB, "command": ["sleep", "2"]},
            "command=['sleep', '2'] has no effect: " + IMAGE_RUNS,
        ),
        (
            SageMakerProcessingStepOperator,
            {**JOB, "entry_point": "main.py"},
            "entry_point='main.py' has no effect: " + IMAGE_RUNS,
        ),
        (
            SageMakerProcessingStepOperator,
            {**JOB, "code": "s3://box/code/main.py", "entry_point": "other.py"},
            (
                "entry_point='other.py' has no effect: code='s3://box/code/main.py' is one file in S3, which is what runs. Leave "
                "it out."
            ),
        ),
        (
            SageMakerTrainingStepOperator,
            {**JOB, "entry_point": "main.py"},
            "entry_point='main.py' has no effect: without code the image's own algorithm runs. Give code=..., too.",
        ),
        (
            SageMakerTrainingStepOperator,
            {**JOB, "content_type": "text/csv"},
            (
                "content_type='text/csv' has no effect: it belongs to the channels in inputs, and there are none. A "
                "channel in arguments has its own ContentType."
            ),
        ),
        (
            SageMakerRegisterModelStepOperator,
            {"model_package_group_name": "g", "model_data": "s3://box/model.tar.gz"},
            (
                "model_data='s3://box/model.tar.gz' has no effect: it belongs to the container that image_uri names. "
                "Give image_uri=..., too, or ModelDataUrl with the containers in arguments."
            ),
        ),
        (
            SageMakerRegisterModelStepOperator,
            {"model_package_group_name": "g", "role_arn": ROLE},
            (
                f"role_arn='{ROLE}' has no effect: the request of a step of type RegisterModel has no role. Leave it "
                "out; if this step needs one, give it in arguments."
            ),
        ),
        (
            SageMakerLambdaStepOperator,
            {"function_arn": "arn:aws:lambda:us-east-1:123456789012:function:f", "role_arn": ROLE},
            (
                f"role_arn='{ROLE}' has no effect: the request of a step of type Lambda has no role. Leave it out; if "
                "this step needs one, give it in arguments."
            ),
        ),
        (
            SageMakerEMRStepOperator,
            {"jar": "s3://box/a.jar", "cluster_id": "j-1", "role_arn": ROLE},
            (
                f"role_arn='{ROLE}' has no effect: the request of a step of type EMR has no role. Leave it out; if "
                "this step needs one, give it in arguments."
            ),
        ),
        (
            SageMakerEndpointConfigStepOperator,
            {"endpoint_config_name": "c", "arguments": {"ProductionVariants": []}, "model_name": "m"},
            "model_name='m' has no effect: " + IN_VARIANTS,
        ),
        (
            SageMakerEndpointConfigStepOperator,
            {"endpoint_config_name": "c", "arguments": {"ProductionVariants": []}, "initial_instance_count": 2},
            "initial_instance_count=2 has no effect: " + IN_VARIANTS,
        ),
    ],
)
def test_what_has_no_effect_is_refused(dag, group, operator, keywords, message):
    """Dag, task, the keyword, why it does nothing, and what to do."""
    with pytest.raises(TranslationError) as caught, group():
        operator(task_id="t", **keywords)
    assert str(caught.value) == "Dag 'd', task 'churn.t': " + message


def test_default_args_are_for_the_steps_that_have_a_use_for_them(dag, group):
    """A default for all tasks of a group, or of the Dag, is no mistake where it has no effect."""
    dag.default_args = {"entry_point": "main.py"}
    with group(default_args={"role_arn": ROLE, "content_type": "text/csv"}):
        steps = [
            SageMakerTrainingStepOperator(task_id="train", **JOB),
            SageMakerLambdaStepOperator(task_id="call", function_arn="f"),
            SageMakerModelStepOperator(task_id="model", image_uri="i"),
        ]
    roles = [step.to_step_node().arguments.get(key) for step in steps for key in ("RoleArn", "ExecutionRoleArn")]
    assert roles == [ROLE, None, None, None, None, ROLE]


@pytest.mark.parametrize(
    ("step_type", "role"),
    [("Training", {"RoleArn": ROLE}), ("Processing", {"RoleArn": ROLE}), ("Model", {"ExecutionRoleArn": ROLE})],
)
def test_a_generic_step_has_its_role_where_its_request_has_it(dag, group, step_type, role):
    """Whatever the request calls it."""
    with group():
        step = SageMakerStepOperator(task_id="t", step_type=step_type, role_arn=ROLE, arguments=LEAST[step_type])
    assert step.to_step_node().arguments == {**LEAST[step_type], **role}


def test_roles_of_tuning_steps_and_endpoint_configurations(dag, group):
    """Of the former it is the role of the training jobs."""
    with group():
        tune = SageMakerTuningStepOperator(
            task_id="tune", **JOB, hyperparameter_ranges={"a": (1, 2)}, objective_metric_name="m", role_arn=ROLE
        )
        config = SageMakerEndpointConfigStepOperator(task_id="c", endpoint_config_name="c", role_arn=ROLE)
        assert tune.to_step_node().arguments["TrainingJobDefinition"]["RoleArn"] == ROLE
        assert config.to_step_node().arguments == {
            "EndpointConfigName": "c",
            "ExecutionRoleArn": ROLE,
            "ProductionVariants": [{"VariantName": "AllTraffic", "InitialInstanceCount": 1}],
        }
