from __future__ import annotations

import json
import re
from pathlib import Path

from airflow.sdk import DAG

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.validation import validate

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "sdk-comparison.md"
NAMES = {
    "ROLE": "arn:aws:iam::123456789012:role/SageMakerRole",
    "XGBOOST": "123456789012.dkr.ecr.us-east-1.amazonaws.com/image:1",
    "SKLEARN": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
}
# What the SDK writes and the service takes for granted.
SDK_ONLY = {"DebugHookConfig", "ProfilerConfig", "SkipModelValidation"}


def blocks():
    """The page's two programs: the SDK's and ours."""
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def lines(program):
    return sum(1 for line in program.splitlines() if line.strip())


def alike(value):
    """A document without the places in S3 that each side chooses by itself, empty objects and the SDK's extras."""
    if isinstance(value, str) and value.startswith("s3://ml/abalone/input"):
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


def test_ours_is_at_most_a_third_of_the_lines():
    """The comparison says how many lines each program has, and ours has at most a third."""
    sdk, ours = map(lines, blocks())
    assert f"**{sdk} lines with the SDK, {ours} here**" in PAGE.read_text()
    assert ours * 3 <= sdk
