from __future__ import annotations

import ast
import io
import json
import re
import runpy
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest
from airflow.sdk import DAG

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.validation import validate

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "about" / "sdk-comparison.md"
NAMES = {
    "ROLE": "arn:aws:iam::123456789012:role/SageMakerRole",
    "XGBOOST": "123456789012.dkr.ecr.us-east-1.amazonaws.com/image:1",
    "SKLEARN": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
}
# What the SDK writes and the service takes for granted.
SDK_ONLY = {"DebugHookConfig", "ProfilerConfig", "SkipModelValidation"}


def blocks():
    """The page's programs: the SDK's and ours, of step classes and of functions."""
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def lines(program):
    return sum(1 for line in program.splitlines() if line.strip())


def alike(value):
    """A document without the places in S3 that each side chooses by itself, empty objects and the SDK's extras."""
    if isinstance(value, str) and value.startswith("s3://lab/abalone/input"):
        return value
    if isinstance(value, str) and value.startswith("s3://"):
        return "s3"
    if isinstance(value, dict):
        joined = value.get("Std:Join", {}).get("Values", [""])[0]
        if isinstance(joined, str) and joined.startswith("s3:/"):
            return "s3"
        return {key: alike(inner) for key, inner in value.items() if key not in SDK_ONLY and inner != {}}
    if isinstance(value, list):
        return [alike(inner) for inner in value]
    return value


def test_both_programs_of_the_comparison_make_equivalent_documents(tmp_path):
    """Ours makes the steps, references, conditions and settings that the SDK's program makes."""
    for name in ("preprocessing.py", "evaluation.py"):
        (tmp_path / name).write_text("print('step')\n")
    names = dict(NAMES)
    with DAG("d", schedule=None) as dag:
        dag.fileloc = str(tmp_path / "d.py")
        exec(blocks()[1], names)
    ours = names["pipeline"].compile().definition
    sdk = json.loads((TESTS / "golden" / "sdk2" / "abalone.json").read_text())
    assert {**alike(ours.to_document()), "Metadata": {}} == {**alike(sdk), "Metadata": {}}
    assert validate(PipelineDefinition.from_document(sdk)) == validate(ours) == []


def edges(steps):
    """Which steps each step reads or waits for, by their names; those inside a condition stand for themselves."""
    found = {}
    for step in steps:
        inside = [each for branch in ("IfSteps", "ElseSteps") for each in step["Arguments"].get(branch, [])]
        own = {**step["Arguments"], "IfSteps": [], "ElseSteps": []}
        found[step["Name"]] = {*step.get("DependsOn", []), *re.findall(r"Steps\.([\w-]+)\.", json.dumps(own))}
        found |= edges(inside)
    return found


def decision(document):
    """The condition, whose value each side reads where it writes it; its branches; and the parameters."""
    [condition] = [step["Arguments"] for step in document["Steps"] if step["Type"] == "Condition"]
    [comparison] = condition["Conditions"]
    return {
        "condition": (comparison["Type"], comparison["RightValue"]),
        "if": [step["Name"] for step in condition["IfSteps"]],
        "else": [(step["Name"], step["Arguments"]) for step in condition["ElseSteps"]],
        "parameters": {parameter["Name"]: parameter for parameter in document["Parameters"]},
    }


def functions_document(tmp_path):
    """What our program of functions makes. Functions need a file, since their source is read."""
    (tmp_path / "d.py").write_text(blocks()[3])
    with DAG("d", schedule=None) as dag:
        dag.fileloc = str(tmp_path / "d.py")
        pipeline = runpy.run_path(str(tmp_path / "d.py"), NAMES)["pipeline"]
    return pipeline.compile().definition.to_document()


def test_both_programs_of_functions_make_equivalent_documents(tmp_path):
    """The same steps, edges, condition, branches and parameters: what runs as a step differs, as the page says."""
    ours = functions_document(tmp_path)
    sdk = json.loads((TESTS / "golden" / "sdk2" / "abalone_functions.json").read_text())
    assert edges(ours["Steps"]) == edges(sdk["Steps"])
    assert decision(ours) == decision(sdk)
    assert validate(PipelineDefinition.from_document(ours)) == []


def without_code(step):
    """A step without its script and arguments, and with other names for what an evaluation writes."""
    arguments = dict(step["Arguments"])
    arguments["AppSpecification"] = {"ImageUri": arguments["AppSpecification"]["ImageUri"]}
    arguments["ProcessingInputs"] = [each for each in arguments["ProcessingInputs"] if each["InputName"] != "code"]
    return json.loads(json.dumps(alike(arguments)).replace("evaluation", "returned"))


def test_functions_make_the_processing_steps_that_operators_make(tmp_path):
    """Inputs, outputs, machines and settings of our two programs are the same: only the code is another."""
    (tmp_path / "operators").mkdir()
    for name in ("preprocessing.py", "evaluation.py"):
        (tmp_path / "operators" / name).write_text("print('step')\n")
    names = dict(NAMES)
    with DAG("e", schedule=None) as dag:
        dag.fileloc = str(tmp_path / "operators" / "e.py")
        exec(blocks()[1].replace('        instance_count=pipeline.parameters["ProcessingInstanceCount"],\n', ""), names)
    by_name = [
        {step["Name"]: step for step in document["Steps"]}
        for document in (functions_document(tmp_path), names["pipeline"].compile().definition.to_document())
    ]
    functions, operators = (
        {name: without_code(steps[name]) for name in ("AbaloneProcess", "AbaloneEval")} for steps in by_name
    )
    assert functions == operators


def formatted(program, *options):
    command = [sys.executable, "-m", "ruff", "format", "--isolated", *options, "-"]
    return subprocess.run(command, input=program, capture_output=True, text=True, check=True).stdout


def nodes(program, kind):
    return [node for node in ast.walk(ast.parse(program)) if isinstance(node, kind)]


def tokens(program):
    layout = {tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    return [each for each in tokenize.generate_tokens(io.StringIO(program).readline) if each.type not in layout]


WIDE = ("--line-length", "120", "--config", "format.skip-magic-trailing-comma=true")
MEASURES = {
    "lines, each side laid out as its examples are": lines,
    "statements (logical lines)": lambda program: len(nodes(program, ast.stmt)),
    "names imported": lambda program: len(nodes(program, ast.alias)),
    "calls": lambda program: len(nodes(program, ast.Call)),
    "lines by `ruff format` as it comes (88 columns)": lambda program: lines(formatted(program)),
    "lines by `ruff format`, 120 columns, no magic trailing commas": lambda program: lines(formatted(program, *WIDE)),
    "tokens": lambda program: len(tokens(program)),
}


def test_the_page_says_what_each_program_takes():
    """Every measure in the page's tables is that of the programs on the page, those that flatter us less included."""
    pytest.importorskip("ruff", reason="lays the programs out; other environments than .venv have none")
    programs = blocks()
    tables = []
    for sdk, ours in (programs[:2], programs[2:]):
        tables.append("| | SDK | here | |")
        for name, measure in MEASURES.items():
            of_sdk, of_ours = measure(sdk), measure(ours)
            tables.append(f"| {name} | {of_sdk} | {of_ours} | {of_ours / of_sdk:.0%} |".replace("%", " %"))
    assert [line for line in PAGE.read_text().splitlines() if line.startswith("| ")] == tables


@pytest.mark.parametrize("name", ["lines, each side laid out as its examples are", "statements (logical lines)"])
def test_ours_is_at_most_a_third_of_the_lines(name):
    """A third of the lines, as written and as Python counts logical ones; not under one formatter, as the page says."""
    sdk, ours = map(MEASURES[name], blocks()[:2])
    assert ours * 3 <= sdk
