from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

from airflow_sm_pipelines.definition.comparisons import show_comparison
from airflow_sm_pipelines.running.results import StepResults, file_name, make_root
from airflow_sm_pipelines.running.rows import rows_of
from airflow_sm_pipelines.running.summary import Summary
from tests.unit.running.executions import ARN, DEFINITION, OTHER, START, snapshot, step

COMPARED = show_comparison("GreaterThanOrEqualTo", ["prepare.metrics.a", None], [1, 2])
JOB = "arn:aws:sagemaker:us-east-1:123456789012:processing-job/prepare"
SEEN = snapshot(
    "Failed",
    step(
        "prepare",
        "Succeeded",
        0,
        3.5,
        attempt_count=1,
        metadata={"ProcessingJob": {"Arn": JOB}},
        cache_hit_source=OTHER,
    ),
    step("check", "Succeeded", 4, 4, metadata={"Condition": {"Outcome": "False"}}),
    step("reject", "Failed", 5, 5, metadata={"Fail": {"ErrorMessage": "not accurate"}}),
    step("each", "Failed", 5, 6),
)
SUMMARY = Summary(
    SEEN,
    rows_of(DEFINITION, SEEN, START),
    [
        StepResults(
            SEEN.steps["prepare"],
            outputs={"train": Path(".sm-pipelines/x/prepare/train")},
            metrics={"auc": 0.93},
            property_files={"metrics": {"a": 1}},
            remarks=("the output 'test' cannot be brought here",),
        ),
        StepResults(SEEN.steps["check"], comparisons=(COMPARED,)),
        StepResults(SEEN.steps["reject"]),
        StepResults(SEEN.steps["each"], log_tail=("one", "two")),
    ],
    Path(".sm-pipelines/x"),
)


def test_the_end_as_text():
    """What failed and why first, then what was decided, measured and made, and what could not be had."""
    assert list(SUMMARY.lines()) == [
        "pipeline churn, execution abcdef123456: Failed",
        "step reject failed: not accurate",
        "step each failed: no reason is given",
        "  the last lines of its log (2):",
        "    one",
        "    two",
        "conditions:",
        "  check: False",
        "    prepare.metrics.a (1) >= 2: does not hold",
        "metrics:",
        "  prepare  auc = 0.93",
        "  prepare  metrics.a = 1",
        "outputs:",
        "  prepare  train: .sm-pipelines/x/prepare/train",
        "the output 'test' cannot be brought here",
    ]


def test_the_values_of_property_files():
    """Each with its place; of many the first, and how many more there are."""
    content = {"accuracy": {"value": 0.95614035}, "classes": [{"f1": 1, "name": "é"}, None], "many": list(range(30))}
    summary = replace(SUMMARY, results=[StepResults(SEEN.steps["prepare"], property_files={"metrics": content})])
    assert list(summary.lines())[1:] == [
        "metrics:",
        "  prepare  metrics.accuracy.value = 0.95614",
        "  prepare  metrics.classes[0].f1 = 1",
        '  prepare  metrics.classes[0].name = "é"',
        "  prepare  metrics.classes[1] = null",
        *(f"  prepare  metrics.many[{index}] = {index}" for index in range(16)),
        "  prepare  ... and 14 more values in its property files",
    ]


def test_the_end_as_json():
    """Every step of the definition, each with what there is of it."""
    assert json.loads(json.dumps(SUMMARY.to_dict())) == {
        "pipeline": "churn",
        "execution_arn": ARN,
        "status": "Failed",
        "failure_reason": None,
        "directory": ".sm-pipelines/x",
        "steps": [
            {
                "name": "prepare",
                "type": "Processing",
                "status": "Succeeded",
                "seconds": 3.5,
                "attempt": 1,
                "job_arn": JOB,
                "metrics": {"auc": 0.93},
                "property_files": {"metrics": {"a": 1}},
                "outputs": {"train": ".sm-pipelines/x/prepare/train"},
                "cached_from": OTHER,
                "remarks": ["the output 'test' cannot be brought here"],
            },
            {
                "name": "check",
                "type": "Condition",
                "status": "Succeeded",
                "seconds": 0.0,
                "attempt": 0,
                "outcome": False,
                "comparisons": [COMPARED.to_dict()],
            },
            {"name": "register", "type": "RegisterModel", "status": "Not taken", "seconds": None, "attempt": 0},
            {
                "name": "reject",
                "type": "Fail",
                "status": "Failed",
                "seconds": 0.0,
                "attempt": 0,
                "failure_reason": "not accurate",
            },
            {
                "name": "each",
                "type": "ForEach",
                "status": "Failed",
                "seconds": 1.0,
                "attempt": 0,
                "log_tail": ["one", "two"],
            },
        ],
    }


def test_metrics_that_are_no_numbers_of_json():
    """A model that diverges prints NaN, which JSON does not have: the text is, as in AWS's own JSON."""
    values = {"loss": math.nan, "high": math.inf, "low": -math.inf, "accuracy": 0.5}
    summary = replace(SUMMARY, results=[StepResults(SEEN.steps["prepare"], metrics=values)])
    (metrics,) = (each["metrics"] for each in summary.to_dict()["steps"] if "metrics" in each)
    assert metrics == {"loss": "NaN", "high": "Infinity", "low": "-Infinity", "accuracy": 0.5}


def test_directories_are_named_after_outputs():
    """An output's name may hold anything; none of it leads elsewhere."""
    names = ["train", "a/b", "..", ".", "", "a\x00b", "../x", "ä b"]
    assert [file_name(name) for name in names] == ["train", "a_b", "__", "_", "_", "a_b", ".._x", "ä b"]


def test_the_directory_of_outputs_is_ignored_by_git(tmp_path):
    """What somebody has written into the file stays."""
    assert make_root(tmp_path) == tmp_path / ".sm-pipelines"
    ignore = tmp_path / ".sm-pipelines" / ".gitignore"
    assert ignore.read_text() == "*\n"
    ignore.write_text("*.csv\n")
    make_root(tmp_path)
    assert ignore.read_text() == "*.csv\n"
