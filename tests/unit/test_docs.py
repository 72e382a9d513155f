from __future__ import annotations

import re
from pathlib import Path

import airflow_sm_pipelines
from tests.oracles import step_type_table

DOCS = Path(__file__).parents[2] / "docs"


def test_every_public_name_is_in_the_reference():
    """The reference names everything that the package offers."""
    reference = (DOCS / "reference.md").read_text()
    names = [name for name in airflow_sm_pipelines.__all__ if not name.startswith("__")]
    assert [name for name in names if f"`{name}" not in reference] == []


def test_the_reference_names_nothing_else():
    """Every name of ours in the reference exists."""
    reference = (DOCS / "reference.md").read_text()
    named = set(re.findall(r"`((?:SageMaker|Parameter)\w+)", reference))
    assert named - set(airflow_sm_pipelines.__all__) - {"SageMakerPipelinesError"} == set()


def test_links_between_pages_lead_somewhere():
    """A relative link in a page is a file of the repository."""
    pages = [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]
    links = [
        (page, target)
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
        if not target.startswith(("http://", "https://", "mailto:"))
    ]
    assert [(page.name, target) for page, target in links if not (page.parent / target).exists()] == []


def test_the_table_of_step_types_is_that_of_the_catalogue():
    """What the reference says of step types is made from their rows: python -m tests.oracles.step_type_table."""
    page = step_type_table.PAGE.read_text()
    assert step_type_table.with_table(page) == page
    assert list(step_type_table.table())[2] in page


def test_the_versions_that_the_reference_names_are_those_that_are_tested():
    """The table of executors and databases has the versions that the environments are made with."""
    reference = (DOCS / "reference.md").read_text()
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
