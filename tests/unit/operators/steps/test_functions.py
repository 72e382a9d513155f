"""Functions of a Dag file as steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import task

from airflow_sm_pipelines import SageMakerConditionStepOperator, sagemaker_processing, sagemaker_training
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.operators.steps.functions import (
    SageMakerProcessingFunctionOperator,
    SageMakerTrainingFunctionOperator,
)
from airflow_sm_pipelines.translation.xcoms import JsonXComArg

JOB = {"image_uri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/i:1", "instance_type": "ml.m5.large"}


def prepare(
    raw: Path, train: Path, test: Path, fraction: float = 0.2, name: str = "x", flags: list | None = None
) -> None:
    """Split the rows."""
    print(raw, train, test, fraction, name, flags)


def fit(train: Path, model_dir: Path, depth: int = 5, label: str = "", deep: bool = False) -> None:
    print(train, model_dir, depth, label, deep)


def evaluate(model: Path, test: Path) -> dict[str, Any]:
    return {"accuracy": len(str(model)) / len(str(test))}


def arguments(made, step):
    [found] = [each for each in json.loads(made.compile().text)["Steps"] if each["Name"] == step]
    return found["Arguments"]


def code_of(made, step):
    """The files that a step uploads, by their last names."""
    [operator] = [each for each in made.children.values() if getattr(each, "step_name", None) == step]
    return {upload.uri.rsplit("/", 1)[1]: upload.content for upload in operator.to_step_node().uploads}


def test_a_pipeline_of_functions(dag, group):
    """Path parameters are inputs, outputs and channels; the others arguments and hyperparameters; what is returned a metric."""
    with group(parameters={"InputData": "s3://lake/raw", "Depth": 7}) as made:
        prepared = sagemaker_processing(**JOB, outputs=["train", "test"])(prepare)(
            raw=made.parameters["InputData"], fraction="{{ params.fraction }}", name="a b", flags=["x"]
        )
        fitted = sagemaker_training(**JOB)(fit)(
            prepared.outputs["train"], depth=made.parameters["Depth"], label=fitted_label(made), deep=True
        )
        score = sagemaker_processing(**JOB)(evaluate)(model=fitted.model_artifacts, test=prepared.outputs["test"])
        SageMakerConditionStepOperator(task_id="good", conditions=[score["accuracy"] >= 0.9, score["a"]["b.c"][0] < 1])

    request = arguments(made, "prepare")
    assert request["AppSpecification"]["ContainerEntrypoint"] == [
        "python3",
        "/opt/ml/processing/input/code/prepare.py",
    ]
    assert request["AppSpecification"]["ContainerArguments"] == [
        "--fraction",
        {"Get": "Parameters.prepare-container-arguments-1"},
        "--name",
        "a b",
        "--flags",
        '["x"]',
    ]
    read = {each["InputName"]: each["S3Input"] for each in request["ProcessingInputs"]}
    assert (list(read), read["raw"]["S3Uri"], read["raw"]["LocalPath"]) == (
        ["raw", "code"],
        {"Get": "Parameters.InputData"},
        "/opt/ml/processing/input/raw",
    )
    written = {
        each["OutputName"]: each["S3Output"]["LocalPath"] for each in request["ProcessingOutputConfig"]["Outputs"]
    }
    assert written == {"train": "/opt/ml/processing/output/train", "test": "/opt/ml/processing/output/test"}

    request = arguments(made, "fit")
    given = {name: value for name, value in request["HyperParameters"].items() if not name.startswith("sagemaker_")}
    assert given == {
        "depth": {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Depth"}]}},
        "label": {"Std:Join": {"On": "", "Values": ['"', {"Get": "Execution.PipelineName"}, '"']}},
        "deep": "true",
    }
    assert [each["ChannelName"] for each in request["InputDataConfig"]] == ["train"]

    step = json.loads(made.compile().text)["Steps"][2]
    returned = [{"PropertyFileName": "returned", "OutputName": "returned", "FilePath": "returned.json"}]
    assert step["PropertyFiles"] == returned
    compared = [each["LeftValue"]["Std:JsonGet"]["Path"] for each in arguments(made, "good")["Conditions"]]
    assert compared == ["['accuracy']", "['a']['b.c'][0]"]
    assert (dag.get_task("churn.prepare").doc_md, dag.get_task("churn.fit").doc_md) == ("Split the rows.", None)


def fitted_label(_made):
    from airflow_sm_pipelines.definition.expressions import Get

    return Get("Execution.PipelineName")


def test_jinja_of_a_hyperparameter_is_json_once_rendered(dag, group):
    """So the script tells the text "5" from the number."""
    with group() as made:
        sagemaker_training(**JOB)(fit)("s3://lake/x", label="{{ ds }}", depth="{{ params.depth }}")
    assert made.compile().values == {
        "fit-depth": JsonXComArg("{{ params.depth }}"),
        "fit-label": JsonXComArg("{{ ds }}"),
    }


def test_the_decorators_are_airflows(dag, group):
    """``@task`` has them, by the provider's information; each call is a task, and ``override`` changes it."""

    @task.sagemaker_training(**JOB, retries=2)
    def train(train: Path, depth: int = 5) -> None:
        print(train, depth)

    with group(default_args={"role_arn": "arn:aws:iam::123456789012:role/job"}) as made:
        one, two = train("s3://lake/x"), train("s3://lake/x", depth=3)
        large = train.override(task_id="large", instance_type="ml.m5.4xlarge", retries=0)("s3://lake/x")
        one >> two >> large
    assert [each.task_id for each in (one, two, large)] == ["churn.train", "churn.train__1", "churn.large"]
    assert [each.retries for each in (one, two, large)] == [2, 2, 0]
    assert arguments(made, "large")["ResourceConfig"]["InstanceType"] == "ml.m5.4xlarge"
    assert arguments(made, "train")["RoleArn"] == "arn:aws:iam::123456789012:role/job"
    assert code_of(made, "train") == code_of(made, "train__1")
    assert (train.__name__, isinstance(one, SageMakerTrainingFunctionOperator)) == ("train", True)


def test_modules_beside_the_script(dag, group, tmp_path):
    """All files of ``code_dir`` are uploaded with it."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "helper.py").write_text("x = 1\n")
    with group() as made:
        sagemaker_processing(**JOB, code_dir="lib")(evaluate)("s3://lake/m", "s3://lake/t")
    files = code_of(made, "evaluate")
    assert (list(files), files["helper.py"]) == (["evaluate.py", "helper.py"], b"x = 1\n")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: sagemaker_processing(**JOB)(evaluate)("lake/m", "s3://lake/t"),
            (
                "Dag 'd', task 'churn.evaluate': evaluate() reads 'model' as a directory, and is given 'lake/m'. Give an S3 "
                "URI, or a reference such as made.outputs['train']."
            ),
        ),
        (
            lambda: sagemaker_processing(**JOB)(evaluate)("s3://lake/m"),
            "Dag 'd', task 'churn.evaluate': evaluate() needs 'test'. Give test=....",
        ),
        (
            lambda: sagemaker_training(**JOB)(fit)("s3://lake/x", depht=3),
            (
                "Dag 'd', task 'churn.fit': fit() has no parameter 'depht'. Did you mean 'depth'? It has 'train', "
                "'model_dir', 'depth', 'label', 'deep'."
            ),
        ),
        (
            lambda: sagemaker_training(**JOB)(fit)("s3://lake/x", depth="deep"),
            (
                "Dag 'd', task 'churn.fit': fit() takes 'depth' as int, and is given 'deep'. Give a value of that type, "
                "Jinja, or a reference."
            ),
        ),
        (
            lambda: sagemaker_training(**JOB)(fit)("s3://lake/x", depth=True),
            (
                "Dag 'd', task 'churn.fit': fit() takes 'depth' as int, and is given True. Give a value of that type, "
                "Jinja, or a reference."
            ),
        ),
        (
            lambda: sagemaker_training(**JOB)(fit)("s3://lake/x", "s3://lake/y"),
            "Dag 'd', task 'churn.fit': fit() writes into 'model_dir', so it is not given. Leave it out.",
        ),
        (
            lambda: sagemaker_processing(**JOB, outputs=["trian"])(prepare)("s3://lake/x"),
            "Dag 'd', task 'churn.prepare': prepare() needs 'train'. Give train=....",
        ),
        (
            lambda: sagemaker_processing(**JOB, outputs=["train", "test", "more"])(prepare)("s3://lake/x"),
            (
                "Dag 'd', task 'churn.prepare': outputs has 'more', and prepare() has no parameter 'more: Path'. It writes "
                "into the directories of its Path parameters."
            ),
        ),
        (
            lambda: sagemaker_training(**JOB)(evaluate)("s3://lake/m", "s3://lake/t"),
            (
                "Dag 'd', task 'churn.evaluate': evaluate() returns a dict, and a training job has no property file. Write "
                "it into output_data_dir: Path, or print it as a metric."
            ),
        ),
        (
            lambda: sagemaker_processing(**JOB, outputs=["train", "test"])(prepare)("s3://lake/x")["accuracy"],
            "Dag 'd', task 'churn.prepare': the function returns nothing. Annotate it to return a dict.",
        ),
        (
            lambda: sagemaker_processing(**JOB, code_dir="nowhere")(evaluate)("s3://lake/m", "s3://lake/t"),
            (
                "Dag 'd', task 'churn.evaluate': code_dir='nowhere' is no directory (looked for {folder}/nowhere). A relative path "
                "starts at the Dag file's directory."
            ),
        ),
        (
            lambda: sagemaker_processing(**JOB, code="x.py")(evaluate),
            "function 'None': code is not given: the function is the code; modules beside it stand in code_dir.",
        ),
        (
            lambda: sagemaker_training(**JOB)(fit).override(hyperparameters={}),
            "function 'fit': hyperparameters is not given: its other parameters are the hyperparameters.",
        ),
        (
            lambda: sagemaker_training(**JOB)(fit).partial(depth=1),
            "function 'fit' cannot be mapped. Call it once for each item, in a Python loop.",
        ),
    ],
)
def test_what_is_refused(dag, group, tmp_path, build, message):
    """Dag, task, function, parameter and fix."""
    with pytest.raises(TranslationError) as caught, group():
        build()
    assert str(caught.value) == message.replace("{folder}", str(tmp_path))


def test_a_call_outside_a_pipeline_is_refused(dag):
    """As of any step."""
    with pytest.raises(TranslationError) as caught:
        sagemaker_training(**JOB)(fit)("s3://lake/x")
    assert str(caught.value) == (
        "Dag 'd', task 'fit': SageMakerTrainingFunctionOperator is a step of a pipeline and stands in no "
        "SageMakerPipelineTaskGroup. Define it inside 'with SageMakerPipelineTaskGroup(...)'."
    )


def test_without_keywords(dag, group):
    """The bare decorator, with all that a step needs in default_args."""
    with group(default_args=JOB):
        made = sagemaker_processing(evaluate)("s3://lake/m", "s3://lake/t")
    assert isinstance(made, SageMakerProcessingFunctionOperator)


@pytest.mark.parametrize("place", ["/opt/ml/processing/own", {"LocalPath": "/opt/ml/processing/own"}])
def test_an_output_with_a_place_of_its_own_is_written_there(dag, group, place):
    """The function gets the directory that SageMaker uploads, wherever `outputs` puts it in the container."""

    def write(train: Path) -> None:
        print(train)

    with group() as made:
        sagemaker_processing(**JOB, outputs={"train": place})(write)()
    [output] = arguments(made, "write")["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["LocalPath"] == "/opt/ml/processing/own"
    assert b"/opt/ml/processing/own" in code_of(made, "write")["write.py"]
    assert b"/opt/ml/processing/output/train" not in code_of(made, "write")["write.py"]


def test_none_is_not_taken_for_another_default(dag, group):
    """A job is not told None, so a parameter whose default is something else cannot be given it; any other can."""

    def measure(depth: int | None = 5, label: str | None = None) -> None:
        print(depth, label)

    with group() as made:
        sagemaker_processing(**JOB)(measure)(label=None)
    assert "ContainerArguments" not in arguments(made, "measure")["AppSpecification"]

    def given_none():
        with group("other"):
            sagemaker_processing(**JOB)(measure)(depth=None)

    with pytest.raises(TranslationError) as caught:
        given_none()
    assert str(caught.value).endswith(
        "measure() is given None for 'depth', and would get its default, 5. Leave it out, or make None the default."
    )
