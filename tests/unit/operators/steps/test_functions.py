"""Functions of a Dag file as steps."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal, TypedDict

import pytest
from airflow.sdk import task

from airflow_sm_pipelines import (
    ParameterFloat,
    SageMakerConditionStepOperator,
    SageMakerPipelineOperator,
    sagemaker_processing,
    sagemaker_training,
)
from airflow_sm_pipelines.exceptions import PipelineExecutionError, TranslationError
from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.operators.steps import decorators
from airflow_sm_pipelines.operators.steps.functions import (
    SageMakerProcessingFunctionOperator,
    SageMakerTrainingFunctionOperator,
)
from airflow_sm_pipelines.translation.functions.source import read_function
from airflow_sm_pipelines.translation.xcoms import JsonXComArg, StepValueXComArg

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


class Measures(TypedDict):
    rows: int
    accuracy: float


def measure(way: Literal["fast", "slow"] = "fast", table: Measures | None = None) -> Measures:
    return {"rows": len(way), "accuracy": 1.0 if table is None else table["accuracy"]}


class Report(TypedDict):
    step_report: str


def reporting() -> Report:
    return {"step_report": ""}


def clashing(returned: Path) -> dict[str, int]:
    return {"a": len(str(returned))}


def clashing_with_script_mode(sagemaker_program: str) -> None:
    print(sagemaker_program)


def arguments(made, step):
    [found] = [each for each in json.loads(made.compile().text)["Steps"] if each["Name"] == step]
    return found["Arguments"]


def code_of(made, step):
    """The files that a step uploads, by their last names."""
    [operator] = [each for each in made.children.values() if getattr(each, "step_name", None) == step]
    return {upload.uri.rsplit("/", 1)[1]: upload.content for upload in operator.to_step_node().uploads}


def test_what_another_pipeline_returns_is_written_into_json_as_json(dag, group):
    """Its quotes are escaped, and a dict in it stays one: the launch task renders it. In its own pipeline it is a reference."""
    with group("first"):
        score = sagemaker_processing(**JOB)(evaluate)(model="s3://lake/m", test="s3://lake/t")
    with group("second") as made:
        own = sagemaker_processing(**JOB, task_id="own")(evaluate)(model="s3://lake/m", test="s3://lake/t")
        sagemaker_training(**JOB)(fit)("s3://lake/t", label=score["name"])
        sagemaker_processing(**JOB, outputs=["train", "test"])(prepare)(
            raw="s3://lake/r", flags=[score["all"], own["name"]]
        )

    compiled = made.compile()
    assert arguments(made, "fit")["HyperParameters"]["label"] == {"Get": "Parameters.fit-label"}
    assert arguments(made, "prepare")["AppSpecification"]["ContainerArguments"][1] == {
        "Std:Join": {
            "On": "",
            "Values": ["[", {"Get": "Parameters.prepare-flags"}, ', "', own["name"].to_document(), '"]'],
        }
    }
    assert compiled.values == {
        "fit-label": JsonXComArg(StepValueXComArg(score["name"])),
        "prepare-flags": JsonXComArg(StepValueXComArg(score["all"])),
    }
    assert dag.get_task("second.launch").upstream_task_ids == {"first.evaluate"}


def in_itself():
    made = {}
    made["again"] = made
    return made


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([in_itself()], "it is not JSON: the document nests deeper than 300 levels; make it flatter"),
        (
            ["\0" + "0\0", "{{ ds }}"],
            "'\\x000\\x00' in it has the character U+0000, which no job can be given. Leave it out",
        ),
        ([{"\0": 1}], "'\\x00' in it has the character U+0000, which no job can be given. Leave it out"),
    ],
)
def test_what_json_cannot_be_made_of_is_refused(dag, group, flags, message):
    """Also what holds itself, and the character that marks what is not known yet."""
    with pytest.raises(TranslationError) as caught, group():
        sagemaker_processing(**JOB, outputs=["train", "test"])(prepare)(raw="s3://lake/raw", flags=flags)
    assert str(caught.value) == f"Dag 'd', task 'churn.prepare': {message}"


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
        "/opt/ml/processing/input/code/prepare_step.py",
    ]
    assert request["AppSpecification"]["ContainerArguments"] == [
        "--fraction",
        {"Get": "Parameters.prepare-fraction"},
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
    assert (list(files), files["helper.py"]) == (["evaluate_step.py", "helper.py"], b"x = 1\n")


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
            (
                "Dag 'd', task 'churn.evaluate': evaluate() needs 'test'. Give test='s3://...' or a reference. A directory "
                "that a processing function writes into is named in its decorator instead: outputs=['test']."
            ),
        ),
        (
            sagemaker_training(**JOB)(clashing_with_script_mode),
            (
                "Dag 'd', task 'churn.clashing_with_script_mode': clashing_with_script_mode() needs 'sagemaker_program'. "
                "Give it a value: sagemaker_program=..., or give the parameter a default."
            ),
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
            (
                "Dag 'd', task 'churn.prepare': outputs has 'trian', and prepare() has no parameter 'trian: Path'. It writes "
                "into the directories of its Path parameters."
            ),
        ),
        (
            lambda: sagemaker_processing(**JOB, outputs=["test"])(prepare)("s3://lake/x"),
            (
                "Dag 'd', task 'churn.prepare': prepare() needs 'train'. Give train='s3://...' or a reference. A directory "
                "that a processing function writes into is named in its decorator instead: outputs=['train']."
            ),
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
                "Dag 'd', task 'churn.evaluate': code_dir='nowhere' is not a directory (looked for {folder}/nowhere). "
                "A relative path starts at the Dag file's directory."
            ),
        ),
        (
            lambda: sagemaker_processing(**JOB, code="x.py")(evaluate),
            "function 'evaluate': code is not given: the function is the code; modules beside it belong in code_dir.",
        ),
        (
            lambda: sagemaker_training(**JOB)(fit).override(hyperparameters={}),
            "function 'fit': hyperparameters is not given: its other parameters are the hyperparameters.",
        ),
        (
            lambda: sagemaker_training(**JOB, multiple_outputs=True)(fit),
            "function 'fit': multiple_outputs is not given: a training function returns nothing.",
        ),
        (
            lambda: sagemaker_processing(**JOB, outputs=["train", "test"], multiple_outputs=True)(prepare)(
                "s3://lake/x"
            ),
            (
                "Dag 'd', task 'churn.prepare': multiple_outputs has no effect: prepare() returns nothing. Annotate it to "
                "return a dict."
            ),
        ),
        (
            sagemaker_processing(**JOB, multiple_outputs=True)(reporting),
            (
                "Dag 'd', task 'churn.reporting': multiple_outputs makes an XCom of each value that reporting() returns, and "
                "'step_report' cannot be one: tasks have an XCom of that name. Rename it, or leave "
                "multiple_outputs out."
            ),
        ),
        (
            lambda: sagemaker_processing(**JOB, outputs="train")(prepare)("s3://lake/x"),
            "Dag 'd', task 'churn.prepare': outputs='train' is not a list. Write outputs=['train'].",
        ),
        (
            sagemaker_processing(**JOB, outputs=["returned"])(clashing),
            (
                "Dag 'd', task 'churn.clashing': outputs has 'returned', which is the output of the dict that clashing() "
                "returns. Rename the parameter."
            ),
        ),
        (
            lambda: sagemaker_training(**JOB)(clashing_with_script_mode)(sagemaker_program="x"),
            (
                "Dag 'd', task 'churn.clashing_with_script_mode': the parameter 'sagemaker_program' of "
                "clashing_with_script_mode() begins with 'sagemaker_'. Script mode uses such hyperparameters itself "
                "and does not pass them to the script. Rename it."
            ),
        ),
        (
            lambda: sagemaker_processing(**JOB)(evaluate)(
                {"S3Uri": "s3://lake/m", "LocalPath": "{{ params.path }}"}, "s3://lake/t"
            ),
            (
                "Dag 'd', task 'churn.evaluate': the LocalPath of 'model' is '{{ params.path }}', and the script that calls "
                "evaluate() has to know it. Write it out."
            ),
        ),
        (
            lambda: sagemaker_processing(**JOB)(evaluate)(sagemaker_training(**JOB)(fit)("s3://lake/x"), "s3://lake/t"),
            (
                "Dag 'd', task 'churn.evaluate': evaluate() is given the whole step 'churn.fit' for 'model'. Give one of "
                "its references, such as .outputs['name'], .model_artifacts or ['key']."
            ),
        ),
        (
            lambda: sagemaker_training(**JOB)(fit)("s3://lake/x")["accuracy"],
            (
                "Dag 'd', task 'churn.fit': ['accuracy'] asks for what the function returns, and a training function "
                "returns nothing."
            ),
        ),
        (
            lambda: sagemaker_processing(**JOB)(evaluate)("s3://lake/m", "s3://lake/t")[0],
            "Dag 'd', task 'churn.evaluate': the function returns a dict, whose keys are text, not 0.",
        ),
        (
            lambda: sagemaker_processing(**JOB)(evaluate)("s3://lake/m", "s3://lake/t")["a"][-1],
            (
                "Dag 'd', task 'churn.evaluate': [-1] cannot be read from what the function returns: a key cannot hold "
                "quotes, and an index cannot be negative. Return the value under another key."
            ),
        ),
        (
            lambda: sagemaker_processing(**JOB)(measure)()["acuracy"],
            (
                "Dag 'd', task 'churn.measure': measure() returns no 'acuracy'. Did you mean 'accuracy'? It returns "
                "'accuracy', 'rows'."
            ),
        ),
        (
            lambda: sagemaker_processing(**JOB)(measure)(way="fsat"),
            (
                "Dag 'd', task 'churn.measure': measure() takes 'way' as one of 'fast', 'slow', and is given 'fsat'. Did "
                "you mean 'fast'?"
            ),
        ),
        (
            lambda: sagemaker_processing(**JOB)(measure)(table="x"),
            (
                "Dag 'd', task 'churn.measure': measure() takes 'table' as a list or a dict, and is given 'x'. Give a "
                "value of that type, Jinja, or a reference."
            ),
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
        "Dag 'd', task 'fit': SageMakerTrainingFunctionOperator is a step of a pipeline, but is not inside a "
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
    assert b"/opt/ml/processing/own" in code_of(made, "write")["write_step.py"]
    assert b"/opt/ml/processing/output/train" not in code_of(made, "write")["write_step.py"]


def test_an_input_with_a_place_of_its_own_is_read_there(dag, group):
    """The function gets the directory that SageMaker puts the input into."""

    def read(raw: Path) -> None:
        print(raw)

    with group() as made:
        sagemaker_processing(**JOB)(read)({"S3Uri": "s3://lake/x", "LocalPath": "/opt/ml/processing/own"})
    assert arguments(made, "read")["ProcessingInputs"][0]["S3Input"]["LocalPath"] == "/opt/ml/processing/own"
    assert b"_PATHS = {\n    'raw': '/opt/ml/processing/own',\n}\n" in code_of(made, "read")["read_step.py"]


def test_none_is_given_where_the_job_can_tell_it(dag, group):
    """It is left out where it is the default; for text, and where None is no value, it is refused."""

    def measure(depth: int | None = 5, label: str | None = None, name: str | None = "x", rows: int = 1) -> None:
        print(depth, label, name, rows)

    with group() as made:
        sagemaker_processing(**JOB)(measure)(label=None, depth=None)
    assert arguments(made, "measure")["AppSpecification"]["ContainerArguments"] == ["--depth", "null"]
    for given, message in (
        ("name", "which a job cannot tell from text. Make None its default."),
        ("rows", "which is int. Leave it out for its default, or annotate it with '| None'."),
    ):
        with pytest.raises(TranslationError) as caught, group(f"other_{given}"):
            sagemaker_processing(**JOB)(measure)(**{given: None})
        assert str(caught.value) == (
            f"Dag 'd', task 'other_{given}.measure': measure() is given None for '{given}', {message}"
        )


def test_a_function_is_read_once(dag, group, monkeypatch):
    """However often it is called, also with other keywords."""
    seen = []
    monkeypatch.setattr(decorators, "read_function", lambda function: seen.append(function) or read_function(function))
    decorated = sagemaker_training(**JOB)(fit)
    with group():
        decorated("s3://lake/x")
        decorated("s3://lake/x", depth=3)
        decorated.override(task_id="large")("s3://lake/x")
        decorated.override(task_id="many").partial(train="s3://lake/x").expand(depth=[1, 2])
    assert seen == [fit]


class Pulled:
    """A task instance that pulls XComs out of a dict."""

    def __init__(self, xcoms, task=None):
        self.xcoms = xcoms
        self.task = task

    def xcom_pull(self, task_ids, key, **_):
        return self.xcoms.get((task_ids, key))


def test_a_task_outside_gets_what_the_function_returned(dag, group):
    """The dict, or a value of it; it follows the step, which pushed them as property files."""
    with group():
        fitted = sagemaker_training(**JOB)(fit)("s3://lake/x")
        score = sagemaker_processing(**JOB)(evaluate)(fitted.model_artifacts, "s3://lake/t")

    @task
    def tell(result, value, nothing, text):
        print(result, value, nothing, text)

    told = tell(score, score["classes"]["a.b"][1], fitted, f"{score['accuracy']}").operator
    assert told.upstream_task_ids == {"churn.evaluate", "churn.fit"}
    returned = {"accuracy": 0.9, "classes": {"a.b": [1, 2]}}
    context = {"ti": Pulled({("churn.evaluate", "property_files"): {"returned": returned}}, told), "task": told}
    context["task_instance"] = context["ti"]
    assert [told.render_template(each, context) for each in told.op_args] == [returned, 2, None, "0.9"]


def test_multiple_outputs_are_asked_of_whoever_ends_the_task(dag, group):
    """Each value that is returned is then an XCom; also for the runs of a mapped function."""
    decorated = sagemaker_processing(**JOB, multiple_outputs=True)(measure)
    with group():
        many, mapped = decorated(), decorated.expand(way=["fast", "slow"])
        one = decorated.override(multiple_outputs=False)()
    asked = [each.awaited for each in (many, mapped._operators[1], one)]
    assert [each.spread for each in asked] == ["returned", "returned", None]
    assert [Awaited.from_dict(json.loads(json.dumps(each.to_dict()))) for each in asked] == asked
    assert many.trigger_arguments()["awaited"]["spread"] == "returned"


def test_what_was_not_returned_is_none_or_an_error(dag, group):
    """None of a step that was skipped, as of Airflow's own tasks; an error where it has run and XCom has no dict."""
    with group():
        score = sagemaker_processing(**JOB)(evaluate)("s3://lake/m", "s3://lake/t")
    skipped = {"ti": Pulled({})}
    assert [score.resolve(skipped), score["a"]["b"].resolve(skipped)] == [None, None]
    for files in (None, {"other": {}}):
        xcoms = {
            ("churn.evaluate", "step_report"): {"status": "Succeeded"},
            ("churn.evaluate", "property_files"): files,
        }
        with pytest.raises(PipelineExecutionError) as caught:
            score.resolve({"ti": Pulled(xcoms)})
        assert str(caught.value) == (
            "what evaluate() returned is not in the XCom 'property_files' of task 'churn.evaluate': the step failed, "
            "or the value is too large for an XCom. It is then in S3, and 'outputs' of the XCom 'step_report' say where"
        )


def test_another_pipeline_gets_a_returned_value_from_xcom(dag, group):
    """As a parameter, typed or not, in a step, a condition and a task that runs a whole pipeline: each follows the step."""
    with group("first"):
        score = sagemaker_processing(**JOB)(evaluate)("s3://lake/m", "s3://lake/t")
    late = StepValueXComArg(score["accuracy"])
    with group("second", parameters={"A": score["accuracy"], "B": ParameterFloat(score["accuracy"])}) as made:
        sagemaker_processing(**JOB)(measure)(way=score["way"])
        SageMakerConditionStepOperator(task_id="good", conditions=[score["rows"] >= 5])
    run = SageMakerPipelineOperator(task_id="run", pipeline_name="p", parameters={"A": score["accuracy"]})

    assert made.compile().values == {
        "A": late,
        "B": late,
        "measure-way": StepValueXComArg(score["way"]),
        "good-Conditions-0-1": StepValueXComArg(score["rows"]),
    }
    assert {parameter.name: parameter.type for parameter in made.compile().definition.parameters} == {
        "A": "String",
        "B": "Float",
        "measure-way": "String",
        "good-Conditions-0-1": "Float",
    }
    assert dag.get_task("second.launch").upstream_task_ids == run.upstream_task_ids == {"first.evaluate"}
    context = {"ti": Pulled({("first.evaluate", "property_files"): {"returned": {"accuracy": 0.9}}}, run)}
    assert run.render_template([late, late.value, score.output], context) == [0.9, 0.9, {"accuracy": 0.9}]


def test_a_returned_value_in_text_inside_the_pipeline_is_refused(dag, group):
    """Jinja is rendered before the pipeline starts. Added to text it is refused at once."""

    def in_text():
        score = sagemaker_processing(**JOB)(evaluate)("s3://lake/m", "s3://lake/t")
        sagemaker_processing(**JOB)(measure)(way=f"{score['way']}")

    with pytest.raises(TranslationError) as caught, group():
        in_text()
    assert str(caught.value).startswith(
        "Dag 'd', task group 'churn': task 'churn.measure' uses the XCom of 'churn.evaluate', a step of the same pipeline."
    )
    with group("other"):
        score = sagemaker_processing(**JOB)(evaluate)("s3://lake/m", "s3://lake/t")
    with pytest.raises(TypeError, match="has no value until the pipeline runs, so it cannot be put into text"):
        "x" + score["a"]
    with pytest.raises(TypeError, match=re.escape("What evaluate() returns is not known before the pipeline runs")):
        list(score)
