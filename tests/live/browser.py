"""A browser that a person could sit at: headless Chromium, logged in to Airflow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright

SECONDS = 60


@dataclass
class Tab:
    """A page of Airflow, and what went wrong in it.

    :param page: Playwright's.
    :param url: of Airflow.
    """

    page: Page
    url: str
    troubles: list[str] = field(default_factory=list)

    def open(self, *path: str) -> None:
        """Go to a page of Airflow.

        :param path: its parts, as they are.
        """
        self.page.goto("/".join([self.url, *(quote(part, safe="") for part in path)]))

    def open_run(self, run) -> None:
        """Go to the tab SageMaker of a Dag run."""
        self.open("dags", run.dag_id, "runs", run.run_id, "plugin", "sagemaker")

    def open_models(self, dag_id: str) -> None:
        """Go to the tab Models of a Dag."""
        self.open("dags", dag_id, "plugin", "sagemaker-models")

    def open_step(self, run, task_id: str) -> None:
        """Go to the tab Step of a task instance."""
        self.open("dags", run.dag_id, "runs", run.run_id, "tasks", task_id, "plugin", "sagemaker-step")


@contextmanager
def browsing(live, **options) -> Iterator[Tab]:
    """Open a browser until the block ends.

    :param live: the running Airflow.
    :param options: of Playwright's context, such as ``color_scheme``.
    """
    program = shutil.which("chromium")
    assert program, "There is no program chromium. On Debian: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1500, "height": 1300}, **options)
        context.set_default_timeout(SECONDS * 1000)
        context.add_cookies([{"name": "_token", "value": live.api.token, "url": live.stack.airflow_url}])
        tab = Tab(context.new_page(), live.stack.airflow_url)
        tab.page.on("console", lambda message: tab.troubles.append(message.text) if message.type == "error" else None)
        tab.page.on("pageerror", lambda error: tab.troubles.append(str(error)))
        yield tab
        browser.close()
