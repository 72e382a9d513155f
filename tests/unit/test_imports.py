from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import airflow_sm_pipelines

DAG_FILE = """
from airflow.sdk import DAG
from airflow_sm_pipelines import (
    SageMakerConditionStepOperator,
    SageMakerFailStepOperator,
    SageMakerPipelineTaskGroup,
    SageMakerProcessingStepOperator,
    SageMakerRegisterModelStepOperator,
    SageMakerTrainingStepOperator,
)

with DAG("d"), SageMakerPipelineTaskGroup(
    "g", role_arn="arn:aws:iam::123456789012:role/r", artifact_uri="s3://b/p", parameters={"P": "{{ ds }}"}
) as pipeline:
    evaluate = SageMakerProcessingStepOperator(
        task_id="evaluate", image_uri="i", instance_type="ml.m5.large", code="evaluate.py",
        inputs={"x": pipeline.parameters["P"]}, outputs=["o"], property_files={"m": "o/m.json"},
    )
    train = SageMakerTrainingStepOperator(task_id="train", image_uri="i", instance_type="ml.m5.large")
    register = SageMakerRegisterModelStepOperator(
        task_id="register", model_package_group_name="g", model_data=train.model_artifacts
    )
    reject = SageMakerFailStepOperator(task_id="reject", error_message="no")
    SageMakerConditionStepOperator(
        task_id="c", conditions=[evaluate.metric("m", "a") >= 1], if_steps=[register], else_steps=[reject]
    )
"""

WHOLE_EXECUTIONS = """
from airflow.sdk import DAG
from airflow_sm_pipelines import (
    Metric,
    SageMakerMetricBranchOperator,
    SageMakerPipelineExecutionSensor,
    SageMakerPipelineOperator,
    SageMakerPipelineStepSensor,
    SageMakerRetryPipelineExecutionOperator,
    SageMakerStopPipelineExecutionOperator,
)

with DAG("d"):
    run = SageMakerPipelineOperator(
        task_id="run",
        pipeline_name="p",
        role_arn="arn:aws:iam::123456789012:role/r",
        definition={
            "Version": "2020-12-01",
            "Metadata": {},
            "Parameters": [],
            "Steps": [{"Name": "no", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}],
        },
    )
    SageMakerPipelineExecutionSensor(task_id="wait", pipeline_name="p")
    SageMakerPipelineStepSensor(task_id="step", pipeline_execution_arn=run.output, step_name="no")
    SageMakerRetryPipelineExecutionOperator(task_id="retry", pipeline_execution_arn=run.output)
    SageMakerStopPipelineExecutionOperator(task_id="stop", pipeline_execution_arn=run.output)
    SageMakerMetricBranchOperator(
        task_id="branch", conditions=[Metric("a") >= 1], if_task_ids=["stop"], metrics_uri="s3://b/m.json"
    )
"""

PARSE = """
import json, socket, sys

def refuse(*arguments, **keywords):
    raise AssertionError(f"the Dag file used the network: {arguments}")

socket.socket.connect = socket.getaddrinfo = refuse
import airflow.sdk
before = set(sys.modules)
import runpy
runpy.run_path(sys.argv[1])
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def loaded(code, *arguments):
    result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_the_package_alone_loads_neither_airflow_nor_boto3():
    """Importing the package is free: what it offers is loaded when it is used."""
    modules = loaded("import airflow_sm_pipelines, json, sys; print(json.dumps(sorted(sys.modules)))")
    assert [name for name in modules if name.split(".")[0] in ("airflow", "boto3", "botocore", "sagemaker")] == []


def test_every_public_name_can_be_had():
    """All names that the package lists exist, are documented, and no other name does."""
    public = {name: getattr(airflow_sm_pipelines, name) for name in airflow_sm_pipelines.__all__}
    assert [name for name, value in public.items() if not value.__doc__] == []
    assert set(airflow_sm_pipelines.__all__) <= set(dir(airflow_sm_pipelines))
    assert not hasattr(airflow_sm_pipelines, "SageMakerSomething")


def test_type_checkers_see_what_can_be_had():
    """The imports that only type checkers follow are those of the table of names; each name is exported as itself."""
    tree = ast.parse(Path(airflow_sm_pipelines.__file__).read_text())
    [block] = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    seen = {
        node.module: [(alias.name, alias.asname) for alias in node.names]
        for node in block.body
        if isinstance(node, ast.ImportFrom)
    }
    assert seen == {
        f"airflow_sm_pipelines.{module}": [(name, name) for name in names]
        for module, names in airflow_sm_pipelines._NAMES.items()
    }


def test_parsing_a_dag_file_loads_no_aws_library_and_calls_nobody(tmp_path):
    """A Dag file with our operators loads what airflow.sdk loads, and only our own modules more."""
    (tmp_path / "evaluate.py").touch()
    (tmp_path / "dag.py").write_text(DAG_FILE)
    modules = loaded(PARSE, str(tmp_path / "dag.py"))
    heavy = ("boto3", "botocore", "sagemaker", "moto", "airflow.providers.amazon", "airflow_sm_pipelines.hooks")
    assert [name for name in modules if name.startswith(heavy)] == []
    ours = {name.split(".")[1] for name in modules if name.startswith("airflow_sm_pipelines.")}
    assert ours == {
        "compatibility",
        "definition",
        "exceptions",
        "execution",
        "links",
        "operators",
        "settings",
        "task_groups",
        "tasks",
        "translation",
    }


def test_parsing_a_dag_file_with_whole_executions_is_as_light(tmp_path):
    """Operators, sensors and branches for whole executions load no AWS library either, and call nobody."""
    (tmp_path / "dag.py").write_text(WHOLE_EXECUTIONS)
    modules = loaded(PARSE, str(tmp_path / "dag.py"))
    heavy = ("boto3", "botocore", "moto", "airflow.providers.amazon", "airflow_sm_pipelines.hooks")
    assert [name for name in modules if name.startswith((*heavy, "airflow_sm_pipelines.triggers"))] == []
