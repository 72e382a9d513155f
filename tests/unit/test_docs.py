from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from airflow.configuration import conf
from packaging.version import Version

import airflow_sm_pipelines
from airflow_sm_pipelines import SageMakerPipelineTaskGroup
from airflow_sm_pipelines.cli.program import COMMANDS
from airflow_sm_pipelines.compatibility.version import tasks_live_in_triggerer
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.execution.pipeline_report import StartedPipeline
from airflow_sm_pipelines.execution.report import STEP_REPORT, StepResult
from airflow_sm_pipelines.execution.snapshot import StepSnapshot
from airflow_sm_pipelines.settings import AwsConnection, WaitSettings
from docs import public_names
from tests.oracles import command_line, coverage, dependencies, rules, step_type_table
from tests.versions import needs_pinned_botocore

DOCS = Path(__file__).parents[2] / "docs"


def test_every_public_name_is_in_the_reference():
    """The reference names everything that the package offers."""
    reference = (DOCS / "reference" / "index.md").read_text()
    names = [name for name in airflow_sm_pipelines.__all__ if not name.startswith("__")]
    assert [name for name in names if f"`{name}" not in reference] == []


@pytest.mark.parametrize("name", [name for name in airflow_sm_pipelines.__all__ if not name.startswith("__")])
def test_every_keyword_of_a_public_name_is_documented(name):
    """Its docstring, or that of a class it is made from, says what each keyword means; and the API's pages list the name."""
    public = getattr(airflow_sm_pipelines, name)
    silent = (
        [keyword for keyword, text in public_names.keywords(public).items() if not text] if callable(public) else []
    )
    pages = "".join(page.read_text() for page in (DOCS / "reference" / "api").glob("*.md"))
    directive = re.findall(rf"^\.\. auto\w+:: airflow_sm_pipelines\.(?:[\w.]+\.)?{name}$", pages, re.MULTILINE)
    assert (silent, len(directive), bool(inspect.getdoc(public))) == ([], 1, True)


def test_the_keywords_of_an_operator_are_those_it_hands_on_as_well():
    """A tuning step takes what a training step takes, and what every step takes."""
    taken = public_names.parameters(airflow_sm_pipelines.SageMakerTuningStepOperator)
    assert {"max_jobs", "hyperparameters", "cache", "step_name"} <= taken.keys()
    assert (
        public_names.keywords(airflow_sm_pipelines.sagemaker_training)["instance_type"] == "such as ``ml.m5.xlarge``."
    )


def test_the_reference_names_nothing_else():
    """Every name of ours in the reference exists."""
    reference = (DOCS / "reference" / "index.md").read_text()
    named = set(re.findall(r"`((?:SageMaker|Parameter)\w+)", reference))
    assert named - set(airflow_sm_pipelines.__all__) - {"SageMakerPipelinesError"} == set()


def text_of(page):
    """Return a page without its blocks of code and inline code, in which nothing is a link."""
    return re.sub(r"^(```+).*?^\1$|`[^`\n]*`", "code", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(page):
    """Return the anchors that GitHub and the site give the headings of a page."""
    found: list[str] = []
    blocks = re.sub(r"^(```+).*?^\1$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for heading in re.findall(r"^#+ (.+)$", blocks, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        found.append(f"{slug}-{found.count(slug)}" if slug in found else slug)
    return {*found, *re.findall(r'<a (?:id|name)="([^"]+)"', blocks)}


def test_links_between_pages_lead_somewhere():
    """A relative link in a page is a file of the repository, and its anchor a heading there."""
    pages = [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]
    links = [
        (page, target, anchor)
        for page in pages
        for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?[^)]*\)", text_of(page))
        if not target.startswith(("http://", "https://", "mailto:"))
    ]
    dead = [(page.name, target) for page, target, _ in links if not (page.parent / target).exists()]
    astray = [
        (page.name, target, anchor)
        for page, target, anchor in links
        if anchor and (file := page.parent / target if target else page).exists() and anchor not in anchors(file)
    ]
    assert (dead, astray) == ([], [])
    assert len(links) > 50


def test_the_table_of_step_types_is_that_of_the_catalogue():
    """What the reference says of step types is made from their rows: python -m tests.oracles.step_type_table."""
    page = step_type_table.PAGE.read_text()
    assert step_type_table.with_table(page) == page
    assert list(step_type_table.table())[2] in page


@needs_pinned_botocore
def test_the_page_of_dependencies_is_that_of_the_installed_packages():
    """Each with its licence and what it is for: python -m tests.oracles.dependencies."""
    assert dependencies.PAGE.read_text() == dependencies.page()
    assert "| `boto3` | Apache-2.0 |" in dependencies.page()


@needs_pinned_botocore
def test_the_page_of_what_is_covered_is_that_of_the_code():
    """What the local endpoint does of step types and operations is made from it: python -m tests.oracles.coverage."""
    assert coverage.PAGE.read_text() == coverage.page()
    assert "| `Lambda` | runs |" in coverage.page()


@needs_pinned_botocore
def test_the_page_of_the_rules_is_that_of_the_code():
    """Each message, its level, where it is from and who asks: python -m tests.oracles.rules."""
    assert rules.PAGE.read_text() == rules.page()
    assert "| two pipeline parameters are named … | error |" in rules.page()


def test_the_table_of_versions_is_that_of_the_tests():
    """What "Where it runs" calls tested are the pins of the environments, and what it supports is what pyproject.toml says."""
    page = (DOCS / "production" / "where-it-runs.md").read_text()
    root = DOCS.parent
    files = [root / "constraints.txt", *(root / "tests" / "airflow").glob("constraints-*.txt")]

    def pins(package):
        found = {re.search(rf"^{package}==([\w.]+)", file.read_text(), re.MULTILINE)[1] for file in files}
        return sorted(found, key=Version)

    assert f"| {', '.join(pins('apache-airflow'))} |" in page
    for package in ("apache-airflow-providers-amazon", "apache-airflow-providers-common-compat", "boto3"):
        lowest = re.search(rf'"{package}>=([\d.]+)"', (root / "pyproject.toml").read_text())[1]
        tested = pins(package)
        assert f"| `{package}` | {lowest} and later | {tested[0]} to {tested[-1]} |" in page


def test_the_versions_that_the_reference_names_are_those_that_are_tested():
    """The table of executors and databases has the versions that the environments are made with."""
    reference = (DOCS / "reference" / "index.md").read_text()
    [table] = re.findall(r"## Executors and databases\n.*?\n(\|.*?)\n\n", reference, re.DOTALL)
    pins = {
        name: version
        for file in ("constraints.txt", "tests/celery/constraints.txt")
        for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", (DOCS.parent / file).read_text(), re.MULTILINE)
    }
    named = {
        "apache-airflow-core": re.findall(r"\| Airflow \| ([\d.]+) \| ([\d.]+) \|", table),
        "apache-airflow-providers-celery": re.findall(r"celery provider ([\d.]+),", table),
        "celery": re.findall(r"Celery ([\d.]+),", table),
        "psycopg2-binary": re.findall(r"psycopg2-binary ([\d.]+),", table),
        "asyncpg": re.findall(r"asyncpg ([\d.]+) ", table),
    }

    assert named == {
        name: [(pins[name], pins[name])] if name == "apache-airflow-core" else [pins[name]] for name in named
    }


def table(heading: str) -> list[list[str]]:
    """The cells of the first table below a line of the reference, without the table's own heading."""
    below = (DOCS / "reference" / "index.md").read_text().partition(f"\n{heading}")[2]
    [rows] = re.findall(r"\A.*?\n\|[^\n]*\n\|[-|]+\n((?:\|[^\n]*\n)+)", below, re.DOTALL)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows.splitlines()]


def test_the_table_of_a_report_has_what_reports_have():
    """Each member of the XCom step_report, in the same order."""
    step = StepSnapshot.from_response({"StepName": "train", "StepStatus": "Succeeded"})
    report = StepResult(step).xcoms()[STEP_REPORT]
    assert sorted(re.findall(r"`(\w+)`", row[0])[0] for row in table("another pipeline is read")) == sorted(
        {*report, "left_out"}
    )


def test_the_table_of_a_pipeline_report_has_what_reports_have():
    """Each member of the XCom pipeline_report."""
    definition = PipelineDefinition.from_document({"Version": "2020-12-01", "Steps": []})
    report = StartedPipeline("churn", "arn", definition, {}).report()
    named = [name for row in table("What the execution runs") for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(named) == sorted(report)


def test_the_airflow_versions_of_the_table_are_those_that_are_tested():
    """Its second column has every Airflow with pins of its own in which tasks do not live in the triggerer."""
    reference = (DOCS / "reference" / "index.md").read_text()
    [(since, before)] = re.findall(r"\n\| \| ([\d.]+) and later, [\d.]+ \| (.*?) \|\n", reference)
    [pinned] = re.findall(r"^apache-airflow==([\w.]+)", (DOCS.parent / "constraints.txt").read_text(), re.MULTILINE)
    others = [
        file.stem.removeprefix("constraints-") for file in (DOCS.parent / "tests/airflow").glob("constraints-*.txt")
    ]
    older = sorted(version for version in others if not tasks_live_in_triggerer(version))
    assert tasks_live_in_triggerer(pinned)
    assert tasks_live_in_triggerer(since)
    assert [version for version in others if Version(version) > Version(pinned)] != []
    assert [name for name in before.split(", ") if f"{older}".count(f"'{name}") == 1] == ["3.0.6", "3.1", "3.2"]
    assert len(older) == 3


def test_the_defaults_of_airflows_settings_are_airflows():
    """What the table for wide pipelines says of the pinned Airflow."""
    named = {
        setting: default.removesuffix(" s").split(", ")[0]
        for cell, default, *_ in table("## Wide pipelines and many Dag runs")
        for setting in re.findall(r"`\[(\w+)\] (\w+)`", cell)
    }
    assert named == {setting: str(conf.get_default_value(*setting)) for setting in named}
    assert len(named) == 6


def test_the_signature_of_a_group_is_that_of_the_reference():
    """With all settings that groups take over from common classes, and their defaults."""
    [written] = re.findall(
        r"^`SageMakerPipelineTaskGroup(\(.*\))`$", (DOCS / "reference" / "index.md").read_text(), re.MULTILINE
    )
    documented = inspect.signature(eval(f"lambda {written[1:-1]}: None"))
    own = inspect.signature(SageMakerPipelineTaskGroup.__init__).parameters
    expected = {
        **{name: each.default for name, each in own.items() if each.kind is not each.VAR_KEYWORD and name != "self"},
        **{each.name: each.default for kind in (AwsConnection, WaitSettings) for each in fields(kind)},
        "pipeline_name": None,
        "launch_arguments": None,
    }
    assert {name: each.default for name, each in documented.parameters.items()} == expected


def test_the_page_of_the_command_line_has_the_help_of_every_command():
    """Each command's help is what ``--help`` prints: python -m tests.oracles.command_line."""
    assert command_line.PAGE.read_text() == command_line.page()
    assert set(command_line.INTROS) == set(COMMANDS)
    ended = subprocess.run(
        [sys.executable, "-m", "airflow_sm_pipelines.cli", "validate", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert ended.stdout.strip() == command_line.help_of("validate")
