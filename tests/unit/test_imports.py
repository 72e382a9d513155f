from __future__ import annotations

import ast
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

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
    "g", role_arn="arn:aws:iam::123456789012:role/r", artifact_uri="s3://box/p", parameters={"P": "{{ ds }}"}
) as pipeline:
    evaluate = SageMakerProcessingStepOperator(
        task_id="evaluate", image_uri="i", instance_type="ml.m5.large", code="evaluate.py",
        inputs={"x": pipeline.parameters["P"]}, outputs=["o"], property_files={"m": "o/m.json"},
    )
    train = SageMakerTrainingStepOperator(task_id="train", image_uri="i", instance_type="ml.m5.large")
    register = SageMakerRegisterModelStepOperator(
        image_uri="i",
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
        task_id="branch", conditions=[Metric("a") >= 1], if_task_ids=["stop"], metrics_uri="s3://box/m.json"
    )
"""

A_GIVEN_DEFINITION = """
from airflow.sdk import DAG
from airflow_sm_pipelines import SageMakerPipelineTaskGroup

with DAG("d"):
    SageMakerPipelineTaskGroup.from_definition(
        "g",
        role_arn="arn:aws:iam::123456789012:role/r",
        definition={
            "Version": "2020-12-01",
            "Metadata": {},
            "Parameters": [],
            "Steps": [{"Name": "no", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}],
        },
    )
"""

EVERYTHING_BUT_THE_HOOK = """
import airflow_sm_pipelines

for name in {*airflow_sm_pipelines.__all__} - {"SageMakerPipelineHook"}:
    getattr(airflow_sm_pipelines, name)
"""

GROUP = """
from airflow.sdk import DAG
from airflow_sm_pipelines import SageMakerPipelineTaskGroup, SageMakerStepOperator

with DAG("d"), SageMakerPipelineTaskGroup(
    "g", role_arn="arn:aws:iam::123456789012:role/r", artifact_uri="s3://box/p"
) as pipeline:
    SageMakerStepOperator(task_id="a", step_type="New", arguments={"RoleArn": "{{ ds }}"})
"""

PARSE = """
import json, socket, sys

def refuse(*arguments, **keywords):
    raise AssertionError(f"the Dag file used the network: {arguments}")

socket.socket.connect = socket.getaddrinfo = refuse
import runpy
from airflow.sdk import DAG, BaseOperator, TaskGroup
with DAG("plain"), TaskGroup("group"):
    BaseOperator(task_id="task")
before = set(sys.modules)
runpy.run_path(sys.argv[1])
print(json.dumps([sorted(before), sorted(set(sys.modules) - before)]))
"""

ROOMS = {
    "compatibility",
    "definition",
    "documentation",
    "exceptions",
    "execution",
    "links",
    "operators",
    "settings",
    "tasks",
    "translation",
}
"""What every Dag file with our names may load of ours: not hooks and triggers, which wait for a task to run."""

CHECKS_STEPS = {"botocore", "urllib3"}
"""What the check of a pipeline's steps loads besides, once in a file: botocore's models, no client."""

NAMES_THAT_MOVED = {
    "airflow.providers.common.compat._compat_utils",
    "airflow.providers.common.compat.sdk",
    "airflow.providers.common.compat.version_compat",
}
"""Airflow's own names, wherever the installed version has them: nothing of the provider besides."""


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


def test_a_zipped_package_works(tmp_path):
    """A Dag bundle may be a zip file with the package in it: names, tables and groups come from there."""
    package = Path(airflow_sm_pipelines.__file__).parent
    with zipfile.ZipFile(tmp_path / "dags.zip", "w") as archive:
        for path in package.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(package.parent))
    code = f"import json, sys; sys.path.insert(0, {str(tmp_path / 'dags.zip')!r}); import airflow_sm_pipelines\n{GROUP}"
    code += "print(json.dumps([airflow_sm_pipelines.__file__, pipeline.compile().definition.steps[0].name]))"
    assert loaded(code) == [str(tmp_path / "dags.zip" / "airflow_sm_pipelines" / "__init__.py"), "a"]


def test_every_public_name_is_exported_as_itself():
    """Type checkers take a name of the stub for a public one only where it is imported as itself; each stands once."""
    stub = ast.parse(Path(airflow_sm_pipelines.__file__).with_suffix(".pyi").read_text())
    exported = [alias for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert [(each.name, each.asname) for each in exported] == [
        (name, name) for name in airflow_sm_pipelines.__all__[1:]
    ]
    assert len({each.name for each in exported}) == len(exported)


@pytest.mark.parametrize(
    ("dag_file", "rooms", "needed"),
    [
        pytest.param(DAG_FILE, ROOMS | {"requests", "task_groups"}, CHECKS_STEPS, id="pipeline group"),
        pytest.param(A_GIVEN_DEFINITION, ROOMS | {"requests", "task_groups"}, CHECKS_STEPS, id="given definition"),
        pytest.param(WHOLE_EXECUTIONS, ROOMS | {"requests", "sensors"}, CHECKS_STEPS, id="whole executions"),
        pytest.param(EVERYTHING_BUT_THE_HOOK, ROOMS | {"sensors", "task_groups"}, set(), id="all names"),
    ],
)
def test_parsing_a_dag_file_loads_little_and_calls_nobody(tmp_path, dag_file, rooms, needed):
    """On top of what Airflow loads for a plain Dag: these rooms of ours, and these packages. No AWS client, no HTTP.

    Of Airflow's providers it is the one that says where names have moved.
    """
    (tmp_path / "evaluate.py").touch()
    (tmp_path / "dag.py").write_text(dag_file)
    before, more = loaded(PARSE, str(tmp_path / "dag.py"))
    packages = {name.partition(".")[0] for name in more} - {name.partition(".")[0] for name in before}
    providers = {name for name in more if name.startswith("airflow.providers.")}
    ours = {name.split(".")[1] for name in more if name.startswith("airflow_sm_pipelines.")}
    clients = {"boto3", "botocore.client", "botocore.endpoint", "botocore.session"} & {*more}
    assert (packages - sys.stdlib_module_names, providers, ours) == (needed, NAMES_THAT_MOVED, rooms)
    assert clients == set()


def test_a_plain_dag_loads_of_this_package_what_airflow_asks_every_provider_for(tmp_path):
    """Airflow asks wherever it is imported what a provider has to offer: that must not cost anything."""
    (tmp_path / "dag.py").touch()
    before, _ = loaded(PARSE, str(tmp_path / "dag.py"))
    ours = [name for name in before if name.startswith("airflow_sm_pipelines")]
    assert ours == ["airflow_sm_pipelines", "airflow_sm_pipelines.get_provider_info"]
