"""The tabs of Airflow's pages as a person sees them, in a real browser and on real components."""

from __future__ import annotations

import pytest

from airflow_sm_pipelines.compatibility.version import REACT_PAGES
from tests.live.copied_runs import copy_run

if REACT_PAGES:
    pytest.importorskip("playwright")
    from playwright.sync_api import expect

    from tests.live.browser import browsing

pytestmark = pytest.mark.skipif(not REACT_PAGES, reason="Airflow gives plugins Chakra UI from 3.2 on")
GROUP = "breast_cancer"


@pytest.fixture
def tab(live):
    """A browser's page; nothing went wrong in it."""
    with browsing(live) as tab:
        yield tab
        assert tab.troubles == []


def accuracy(live, run):
    return live.api.xcom(run, f"{GROUP}.evaluate", "property_files")["metrics"]["accuracy"]["value"]


def test_a_run_that_succeeded(live, example_runs, tab):
    """The execution with its version, each step with its status, the comparison with both values, the branch taken."""
    tab.open_run(example_runs.registered)
    page = tab.page
    expect(page.get_by_role("heading", name="breast-cancer")).to_be_visible()
    graph = page.get_by_role("group", name="Graph of the pipeline breast-cancer")
    compared = f"accuracy {accuracy(live, example_runs.registered):.5g} ≥ MinAccuracy 0.9"
    expect(graph.get_by_text(compared)).to_be_visible()
    for step, status in (("prepare", "Succeeded"), ("register", "Succeeded"), ("reject", "Skipped")):
        expect(graph.get_by_role("button", name=f"{step}, ").first).to_have_accessible_name(
            __import__("re").compile(f"^{step}, .*{status}")
        )


def test_a_run_that_failed(live, example_runs, tab):
    """The step that failed stands first, with its reason; a person can repair the run from here."""
    tab.open_run(example_runs.rejected)
    page = tab.page
    expect(page.get_by_text("reject failed")).to_be_visible()
    expect(page.get_by_text("The model is less accurate than MinAccuracy asks for.").first).to_be_visible()
    expect(page.get_by_role("button", name="Repair")).to_be_visible()
