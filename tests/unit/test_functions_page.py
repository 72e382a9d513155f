"""The Dag of docs/guides/functions.md can be pasted, and what else stands there works with it."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from airflow_sm_pipelines.operators.steps.functions import (
    SageMakerProcessingFunctionOperator,
    SageMakerTrainingFunctionOperator,
)

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "functions.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def load(tmp_path):
    """Return the module of a Dag file."""

    def load(text):
        (tmp_path / "pasted.py").write_text(text, encoding="utf-8")
        specification = importlib.util.spec_from_file_location("pasted", tmp_path / "pasted.py")
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        return module

    return load


def steps(dag):
    group = dag.task_group.children["mean"]
    return {step["Name"]: step for step in json.loads(group.compile().text)["Steps"]}


def test_the_dag_of_the_page_is_a_pipeline(load):
    """With the parameter's name that the page names, and a task outside that follows the step it is given."""
    dag = load(BLOCKS[0].replace("\nmean_of_rows()", "\nmade = mean_of_rows()")).made
    assert list(steps(dag)) == ["prepare", "fit", "evaluate", "good_enough"]
    arguments = steps(dag)["prepare"]["Arguments"]["AppSpecification"]["ContainerArguments"]
    assert arguments == ["--fraction", {"Get": "Parameters.prepare-fraction"}]
    assert dag.get_task("announce").upstream_task_ids == {"mean.evaluate"}


def test_the_mapped_calls_of_the_page_are_two_for_each_steps(load):
    """In place of the calls of the Dag; what reads them by name is left out."""
    lines = "".join(f"        {line}\n" for line in BLOCKS[1].splitlines())
    text = (
        BLOCKS[0].replace("\nmean_of_rows()", "\nmade = mean_of_rows()").replace("announce(score)", "announce(scores)")
    )
    before, rest = text.split("        fitted = fit", 1)
    after = rest[rest.index("    announce(") :]
    found = steps(load(before + lines + after).made)
    assert list(found) == ["prepare", "fit-for-each", "evaluate-for-each"]
    assert found["fit-for-each"]["Arguments"]["IterableItems"] == ["0.5", "1.0", "2.0"]
    assert len(found["evaluate-for-each"]["Arguments"]["IterableItems"]) == 3


def test_the_best_of_the_page_is_evaluated_and_registered(load):
    """By the metric that the page's other ``fit`` prints."""
    text = BLOCKS[0].replace("\nmean_of_rows()", "\nmade = mean_of_rows()")
    text = text.replace("import SageMakerCond", "import SageMakerRegisterModelStepOperator, SageMakerCond")
    before, rest = text.split("@task.sagemaker_training", 1)
    between, rest = rest[rest.index("@task.sagemaker_processing") :].split("        fitted = fit", 1)
    lines = "".join(f"        {line}\n" for line in BLOCKS[3].splitlines())
    found = steps(load(before + BLOCKS[2] + "\n\n" + between + lines + rest[rest.index("    announce(") :]).made)
    assert list(found) == ["prepare", "fit-for-each", "evaluate", "good_enough"]
    fits = found["fit-for-each"]["Arguments"]
    assert fits["Selector"] == {
        "Pick": "MinBy",
        "Field": {"Get": "IterationOutput.fit.FinalMetricDataList['loss'].Value"},
    }
    assert fits["ForEachBody"][0]["Arguments"]["AlgorithmSpecification"]["MetricDefinitions"] == [
        {"Name": "loss", "Regex": "loss: ([0-9.e+-]+)"}
    ]
    assert found["good_enough"]["Arguments"]["IfSteps"][0]["Name"] == "register"


def test_the_test_of_the_page_passes(load, tmp_path):
    """The function itself is called, without Airflow."""
    module = load(f"{BLOCKS[0]}\n\n{BLOCKS[4]}")
    module.test_the_model_is_the_mean(tmp_path)


def test_the_page_names_every_keyword_that_is_refused():
    """As the decorators refuse it."""
    reserved = {**SageMakerProcessingFunctionOperator.reserved, **SageMakerTrainingFunctionOperator.reserved}
    not_keywords = {"python_callable", "op_args", "op_kwargs"}
    assert [each for each in reserved.keys() - not_keywords if f"`{each}`" not in PAGE] == []
