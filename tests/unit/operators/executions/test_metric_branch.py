from __future__ import annotations

import json
import re

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, DownstreamTasksSkipped
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import TaskGroup

from airflow_sm_pipelines.compatibility.dag_files import load_dag_file
from airflow_sm_pipelines.definition.conditions import Not, Or
from airflow_sm_pipelines.definition.expressions import JsonGet, ParameterReference, PropertyReference
from airflow_sm_pipelines.exceptions import SageMakerServiceError, TranslationError
from airflow_sm_pipelines.hooks import patience
from airflow_sm_pipelines.operators.executions.metric_branch import SageMakerMetricBranchOperator
from airflow_sm_pipelines.operators.executions.metrics import Metric
from airflow_sm_pipelines.operators.steps.decisions import SageMakerConditionStepOperator
from airflow_sm_pipelines.translation.typed_parameters import ParameterFloat
from tests.scripted_service import EXECUTION_ARN, Refusal, connection_json, step
from tests.unit.hooks.conftest import moto, s3

__all__ = ["moto", "s3"]

METRICS = {"accuracy": {"value": 0.93}, "classes": [{"f1": 0.5}], "model": "tree", "calibrated": True, "none": None}
URI = "s3://artifacts/evaluation/metrics.json"
JOB = "arn:aws:sagemaker:us-east-1:123456789012:processing-job/pipelines-abc-evaluate"
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/churn/3"
DEFINITION = {
    "Version": "2020-12-01",
    "Metadata": {},
    "Parameters": [
        {"Name": "MinAccuracy", "Type": "Float", "DefaultValue": 0.99},
        {"Name": "Kind", "Type": "String", "DefaultValue": "tree"},
    ],
    "Steps": [
        {
            "Name": "evaluate",
            "Type": "Processing",
            "Arguments": {},
            "PropertyFiles": [
                {"PropertyFileName": "metrics", "OutputName": "evaluation", "FilePath": "metrics.json"},
            ],
        },
        {"Name": "register", "Type": "RegisterModel", "Arguments": {}},
    ],
}


@pytest.fixture(autouse=True)
def stored(service, moto, s3, monkeypatch):
    """An execution whose step evaluate left its metrics in S3, and whose step register made a model package."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection_json(service.url, s3=moto))
    s3.put_object(Bucket="artifacts", Key="evaluation/metrics.json", Body=json.dumps(METRICS).encode())
    service.execution("Succeeded")
    service.steps(
        [
            step("evaluate", "Succeeded", Metadata={"ProcessingJob": {"Arn": JOB}}),
            step("register", "Succeeded", Metadata={"RegisterModel": {"Arn": PACKAGE}}),
        ]
    )
    output = {"OutputName": "evaluation", "S3Output": {"S3Uri": "s3://artifacts/evaluation"}}
    service.answers.update(
        DescribePipelineDefinitionForExecution=[{"PipelineDefinition": json.dumps(DEFINITION)}],
        DescribeProcessingJob=[{"ProcessingOutputConfig": {"Outputs": [output]}}],
        ListPipelineParametersForExecution=[{"PipelineParameters": [{"Name": "MinAccuracy", "Value": "0.9"}]}],
        DescribeModelPackage=[
            {
                "ModelMetrics": {
                    "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": URI}},
                    "Bias": {"Report": {"ContentType": "application/json", "S3Uri": "s3://artifacts/bias.json"}},
                }
            }
        ],
    )


def branch(conditions, **arguments):
    """A branch to tasks a and b, directly downstream."""
    made = SageMakerMetricBranchOperator(
        task_id="choose", conditions=conditions, if_task_ids=["a"], else_task_ids=["b"], **arguments
    )
    made >> [EmptyOperator(task_id="a"), EmptyOperator(task_id="b")]
    return made


def chosen(made, context):
    return made.choose_branch(context)


def failure(made, context):
    with pytest.raises(AirflowFailException) as caught:
        made.choose_branch(context)
    return str(caught.value)


OF_THE_STEP = {"pipeline_execution_arn": EXECUTION_ARN, "step_name": "evaluate", "property_file": "metrics"}
PLACES = [
    OF_THE_STEP,
    {"metrics_uri": URI},
    {"model_package_arn": PACKAGE},
    {"pipeline_execution_arn": EXECUTION_ARN, "step_name": "register"},
]


@pytest.mark.parametrize("place", PLACES, ids=["property file", "file", "model package", "RegisterModel step"])
@pytest.mark.parametrize(("minimum", "ids"), [(0.9, ["a"]), (0.95, ["b"])])
def test_wherever_the_metrics_are(dag, context, place, minimum, ids):
    """The same condition is decided alike over a property file, a file, and a model package's metrics."""
    running = context()
    assert chosen(branch([Metric("accuracy.value") >= minimum], **place), running) == ids
    holds = ids == ["a"]
    compared = {
        "comparison": f"accuracy.value (0.93) >= {minimum}",
        "holds": holds,
        "operator": ">=",
        "operands": [{"name": "accuracy.value", "value": 0.93}, {"name": None, "value": minimum}],
    }
    assert running["ti"].pushed == {"outcome": {"holds": holds, "comparisons": [compared]}}


def test_the_conditions_of_a_condition_step(service, dag, context, task_log):
    """The very conditions of a Condition step can be decided in Airflow: its metric, its pipeline parameter."""
    metric = JsonGet("evaluate", "metrics", "accuracy.value")
    made = branch(
        [metric >= ParameterReference("Parameters.MinAccuracy", "Float"), metric < 1],
        pipeline_execution_arn=EXECUTION_ARN,
    )
    lines = task_log(made)
    assert chosen(made, context()) == ["a"]
    assert [line for _, line in lines] == [
        "evaluate.metrics.accuracy.value (0.93) >= Parameters.MinAccuracy (0.9): holds",
        "evaluate.metrics.accuracy.value (0.93) < 1: holds",
        "The conditions hold",
    ]
    assert made.link_addresses == {
        "_link_SageMakerPipelineExecutionLink": (
            "https://console.aws.amazon.com/sagemaker/home?region=us-east-1#/pipelines/churn"
        )
    }
    assert service.count("DescribeProcessingJob") == 1


def test_a_parameter_with_its_default(dag, context):
    """A pipeline parameter that the execution was not given has its default."""
    made = branch([Metric("model").equals(ParameterReference("Parameters.Kind"))], **OF_THE_STEP)
    assert chosen(made, context()) == ["a"]


def test_every_comparison_is_told(dag, context, task_log):
    """The log has each comparison with its values, also those whose outcome does not matter any more."""
    made = branch(
        [
            Or(Metric("accuracy.value") > 0.5, Metric("classes[0].f1") >= 0.9),
            Not(Metric("model").in_(["tree", "forest"])),
            Metric("calibrated").equals(True),
        ],
        metrics_uri=URI,
    )
    lines = task_log(made)
    assert chosen(made, context()) == ["b"]
    assert [line for _, line in lines] == [
        "accuracy.value (0.93) > 0.5: holds",
        "classes[0].f1 (0.5) >= 0.9: does not hold",
        "model ('tree') in ['tree', 'forest']: holds",
        "calibrated (True) == True: holds",
        "The conditions do not hold",
    ]


def test_rendered_values(dag, context):
    """Jinja, XComArgs and typed parameters stand in a template field; what they render to takes the metric's type."""
    upstream = EmptyOperator(task_id="minimum")
    made = branch(
        [
            Metric("accuracy.value") >= "{{ params.minimum }}",
            Metric("accuracy.value") >= upstream.output,
            Metric("accuracy.value") < ParameterFloat("{{ params.maximum }}"),
            Metric("model").equals("{{ params.model }}"),
            Metric("calibrated").equals("{{ params.calibrated }}"),
        ],
        metrics_uri=URI,
    )
    assert made.condition_values == [
        "{{ params.minimum }}",
        upstream.output,
        "{{ params.maximum }}",
        "{{ params.model }}",
        "{{ params.calibrated }}",
    ]
    assert made.upstream_task_ids == {"minimum"}
    made.condition_values = ["0.9", 0.5, "1", "tree", "True"]
    assert chosen(made, context()) == ["a"]


def test_rendered_paths(service, dag, context, task_log):
    """The path of a metric may be Jinja or an XComArg; of one in the branch's file, and of a step's property file."""
    path = EmptyOperator(task_id="path").output
    made = branch(
        [Metric("{{ params.metric }}.value") >= 0.9, JsonGet("evaluate", "metrics", path) < "{{ params.most }}"],
        metrics_uri=URI,
        pipeline_execution_arn=EXECUTION_ARN,
    )
    assert made.condition_values == ["{{ params.metric }}.value", path, "{{ params.most }}"]
    assert made.upstream_task_ids == {"path"}
    lines = task_log(made)
    made.condition_values = ["accuracy.value", "classes[0].f1", "0.75"]
    assert chosen(made, context()) == ["a"]
    assert [line for _, line in lines] == [
        "accuracy.value (0.93) >= 0.9: holds",
        "evaluate.metrics.classes[0].f1 (0.5) < 0.75: holds",
        "The conditions hold",
    ]


@pytest.mark.parametrize(
    ("rendered", "condition", "message"),
    [
        (
            None,
            Metric("{{ x }}") >= 0.9,
            "the path '{{ x }}' of a metric was rendered to None, which is not text.",
        ),
        (
            "high",
            Metric("accuracy.value") >= "{{ x }}",
            "Airflow rendered 'high', which is compared with the number 0.93.",
        ),
        (
            "yes",
            Metric("calibrated").equals("{{ x }}"),
            "Airflow rendered 'yes', which is compared with the boolean True.",
        ),
    ],
)
def test_rendered_values_that_do_not_fit(dag, context, rendered, condition, message):
    """Text that cannot be compared with the metric is an error, no else."""
    made = branch([condition], metrics_uri=URI)
    made.condition_values = [rendered]
    assert failure(made, context()) == message


FILE = f"The file {URI}"
KEYS = "an object with the keys 'accuracy', 'classes', 'model', 'calibrated', 'none'"


@pytest.mark.parametrize(
    ("condition", "place", "message"),
    [
        (
            Metric("acuracy.value") >= 0.9,
            {"metrics_uri": URI},
            f"{FILE} has nothing at 'acuracy.value': at the top there is {KEYS}.",
        ),
        (
            Or(Metric("accuracy.value") >= 0.9, Metric("accuracy.mean") >= 0.9),
            {"metrics_uri": URI},
            f"{FILE} has nothing at 'accuracy.mean': at 'accuracy' there is an object with the keys 'value'.",
        ),
        (
            Metric("accuracy") >= 0.9,
            {"metrics_uri": URI},
            "accuracy is an object with the keys 'value'; only text, numbers and booleans can be compared.",
        ),
        (
            Metric("none").equals("x"),
            {"metrics_uri": URI},
            "none is None; only text, numbers and booleans can be compared.",
        ),
        (
            Metric("model") >= 0.9,
            {"metrics_uri": URI},
            "GreaterThanOrEqualTo needs two numbers or two texts, but got 'tree' and 0.9.",
        ),
        (
            Metric("x") >= 1,
            {**OF_THE_STEP, "property_file": "metric"},
            (
                f"step 'evaluate' of {EXECUTION_ARN} has no property file 'metric'. Did you mean 'metrics'? It has "
                "'metrics'"
            ),
        ),
        (
            Metric("x") >= 1,
            {**OF_THE_STEP, "step_name": "evaluation"},
            (
                f"execution {EXECUTION_ARN} has no step 'evaluation'. Did you mean 'evaluate'? Its definition has "
                "'evaluate', 'register'"
            ),
        ),
        (
            Metric("x") >= 1,
            {"model_package_arn": PACKAGE, "model_metrics": "ModelQuality.Statistic"},
            (
                f"model package {PACKAGE} has no metrics 'ModelQuality.Statistic'. Did you mean "
                "'ModelQuality.Statistics'? It has 'ModelQuality.Statistics', 'Bias.Report'"
            ),
        ),
        (
            Metric("x") >= 1,
            {"pipeline_execution_arn": EXECUTION_ARN, "step_name": "evaluate"},
            (
                f"step 'evaluate' of {EXECUTION_ARN} made no model package, but {JOB}. Name a RegisterModel step, or the "
                "property file of a Processing step: property_file='...'"
            ),
        ),
        (
            Metric("accuracy.value") >= ParameterReference("Parameters.Minimum"),
            OF_THE_STEP,
            (
                "'Parameters.Minimum' has no value outside the pipeline. Compare metrics with pipeline parameters, "
                "Execution.PipelineName, Execution.PipelineArn, Execution.PipelineExecutionId, "
                "Execution.PipelineExecutionArn, and values of Airflow."
            ),
        ),
    ],
)
def test_what_is_missing_is_an_error(dag, context, condition, place, message):
    """A path, a file or a step that is not there fails the task and says what there is; there is no silent else."""
    assert failure(branch([condition], **place), context()) == message


def test_a_file_that_is_not_there(dag, context):
    """The service's words say which object is missing."""
    made = branch([Metric("x") >= 1], metrics_uri="s3://artifacts/nothing.json")
    assert failure(made, context()).startswith("GetObject failed: NoSuchKey: The specified key does not exist.")


def test_a_file_that_is_no_json(s3, dag, context):
    """NaN is no JSON: nothing is greater or less than it, so a condition over it would be a silent else."""
    s3.put_object(Bucket="artifacts", Key="nan.json", Body=b'{"accuracy": NaN}')
    made = branch([Metric("accuracy") >= 1], metrics_uri="s3://artifacts/nan.json")
    assert failure(made, context()) == (
        "s3://artifacts/nan.json cannot be read: the number is NaN, infinite or too large for a float; write it as text, "
        "or null @ $.accuracy"
    )


def test_a_step_that_has_not_run(service, dag, context):
    """Metrics of a step that did not succeed are none."""
    service.execution("Executing")
    service.steps([step("evaluate", "Executing")])
    assert failure(branch([Metric("x") >= 1], **OF_THE_STEP), context()) == (
        f"step 'evaluate' of {EXECUTION_ARN} is Executing, so it has no metrics. The execution is Executing"
    )


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ({"metrics_uri": URI}, "metrics_uri"),
        ({"model_package_arn": PACKAGE}, "model_package_arn"),
        (OF_THE_STEP, "pipeline_execution_arn"),
        (OF_THE_STEP, "property_file"),
    ],
)
def test_a_place_that_is_none(service, dag, context, place, name):
    """An upstream task that left nothing is an error that names what it was for; no other place is taken instead."""
    made = branch([Metric("accuracy.value") >= 0.9], **place)
    setattr(made, name, None)
    assert failure(made, context()) == f"{name} is None: the task it comes from left no value"
    assert service.requests == []


def test_a_service_in_trouble(service, dag, context, monkeypatch):
    """After its patience is over the task fails in a way that Airflow tries again; nothing is wrong with the metrics."""
    monkeypatch.setattr(patience, "SECONDS", 0)
    service.answers["DescribeModelPackage"] = [Refusal("ThrottlingException", "Rate exceeded")]
    with pytest.raises(SageMakerServiceError, match="Rate exceeded"):
        branch([Metric("accuracy.value") >= 0.9], model_package_arn=PACKAGE).choose_branch(context())


def test_tasks_and_groups_instead_of_ids(dag, context):
    """Branches are given as ids or as the tasks and task groups themselves."""
    a = EmptyOperator(task_id="a")
    with TaskGroup("g") as group:
        EmptyOperator(task_id="x")
    made = SageMakerMetricBranchOperator(
        task_id="choose", conditions=[Metric("model").equals("x")], if_task_ids=a, else_task_ids=group, metrics_uri=URI
    )
    made >> [a, group]
    assert (made.if_task_ids, made.else_task_ids) == (("a",), ("g",))
    assert chosen(made, context()) == ["g"]


def test_no_else(dag, context):
    """Without an else branch all downstream tasks are skipped when the conditions do not hold."""
    made = SageMakerMetricBranchOperator(
        task_id="choose", conditions=[Metric("model").equals("x")], if_task_ids="a", metrics_uri=URI
    )
    made >> EmptyOperator(task_id="a")
    assert chosen(made, context()) == []


def test_a_branch_that_is_not_downstream(dag, context):
    """Airflow skips direct downstream tasks only, so a branch that is none is an error before anything is read."""
    made = SageMakerMetricBranchOperator(
        task_id="choose", conditions=[Metric("x") >= 1], if_task_ids=["register"], metrics_uri=URI
    )
    made >> EmptyOperator(task_id="registered")
    assert failure(made, context()) == (
        "it branches to 'register', which is not a task of the Dag. Did you mean 'registered'? Directly downstream are "
        "'registered'. Draw the edge: this operator does not."
    )


@pytest.mark.parametrize(
    ("branches", "message"),
    [
        ("if_task_ids='register'", "'register', which is not a task of the Dag. Did you mean 'registered'?"),
        ("if_task_ids='registered', else_task_ids='far'", "'far', which is not directly downstream."),
        ("if_task_ids='group', else_task_ids='registered'", None),
    ],
)
def test_branches_are_looked_at_when_the_dag_file_has_run(tmp_path, branches, message):
    """Edges are drawn after the operator is made. What is wrong then is an import error of the Dag."""
    file = tmp_path / "dag.py"
    file.write_text(f"""
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TaskGroup
from airflow_sm_pipelines import Metric, SageMakerMetricBranchOperator

with DAG("d"):
    choose = SageMakerMetricBranchOperator(
        task_id="choose", conditions=[Metric("x") >= 1], metrics_uri="s3://bucket/metrics.json", {branches}
    )
    with TaskGroup("group") as group:
        EmptyOperator(task_id="inside")
    choose >> [EmptyOperator(task_id="registered"), group] >> EmptyOperator(task_id="far")
""")
    dags, errors = load_dag_file(file)
    if message is None:
        assert (list(dags), errors) == (["d"], [])
    else:
        [error] = errors
        assert error.splitlines()[-1].rpartition("TranslationError: ")[2] == (
            f"Dag 'd', task 'choose': it branches to {message} Directly downstream are 'group.inside', 'registered'. "
            "Draw the edge: this operator does not."
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"conditions": []},
            "conditions is not a list of conditions. Give conditions=[Metric('accuracy.value') >= 0.9].",
        ),
        (
            {"conditions": [True]},
            (
                "True is not a condition. Compare metrics: Metric('accuracy.value') >= 0.9; equality is "
                "Metric('name').equals('value')."
            ),
        ),
        (
            {"metrics_uri": None},
            (
                "nothing says where the metrics are. Give step_name with property_file, metrics_uri or "
                "model_package_arn."
            ),
        ),
        (
            {"model_package_arn": PACKAGE},
            "metrics_uri and model_package_arn both say where the metrics are. Give one of them.",
        ),
        ({"property_file": "metrics"}, "property_file needs a step. Give step_name."),
        (
            {"metrics_uri": None, "step_name": "evaluate"},
            "step_name='evaluate' needs an execution. Give pipeline_execution_arn=....",
        ),
        (
            {"conditions": [JsonGet("evaluate", "metrics", "a") >= 1]},
            (
                "{'Std:JsonGet': {'PropertyFile': {'Get': 'Steps.evaluate.PropertyFiles.metrics'}, 'Path': 'a'}} "
                "needs an execution. Give pipeline_execution_arn=...."
            ),
        ),
        (
            {"conditions": [PropertyReference("Steps.train.FinalMetric") >= 1]},
            (
                "PropertyReference('Steps.train.FinalMetric') has a value only in the pipeline. Compare metrics and "
                "pipeline parameters with values of Airflow, such as XComs."
            ),
        ),
        ({"if_task_ids": [1]}, "if_task_ids has 1, which is not a task. Give ids or tasks: if_task_ids=[...]."),
        ({"else_task_ids": ["a"]}, "'a' is in both if_task_ids and else_task_ids."),
    ],
)
def test_arguments_that_do_not_fit_are_errors_of_the_dag_file(dag, arguments, message):
    """What can be known while a Dag is parsed is an error there, naming Dag and task."""
    given = {"conditions": [Metric("a") >= 1], "if_task_ids": ["a"], "metrics_uri": URI, **arguments}
    with pytest.raises(TranslationError) as caught:
        SageMakerMetricBranchOperator(task_id="choose", **given)
    assert str(caught.value) == f"Dag 'd', task 'choose': {message}"


def test_a_metric_in_a_condition_step(dag, group):
    """A pipeline knows no file of Airflow's: such a metric in a Condition step is an error that names the other."""
    message = (
        "Metric('accuracy') is for SageMakerMetricBranchOperator. In a pipeline compare a step's metric: "
        "evaluate.metric('<property file>', '<path>')."
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"), group():
        SageMakerConditionStepOperator(task_id="c", conditions=[Metric("accuracy") >= 1])


def test_the_other_branch_is_skipped(dag, context):
    """Airflow is told to skip what is directly downstream and not in the branch."""
    made = branch([Metric("accuracy.value") >= 0.9], metrics_uri=URI)
    running = context(map_index=-1, task=made)
    with pytest.raises(DownstreamTasksSkipped) as caught:
        made.execute(running)
    assert caught.value.tasks == [("b", -1)]
