"""The Dags of docs/moving/ and of the guides named here can be pasted: those before a move and those after it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

from airflow_sm_pipelines.task_groups.base import BasePipelineTaskGroup

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [
    *sorted((DOCS / "moving").glob("*.md")),
    *(DOCS / "guides" / f"{name}.md" for name in ("alerts", "existing-pipelines")),
]
FILES = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_dag_of_a_page_loads_and_its_groups_compile(page, tmp_path):
    """Airflow has no import error, and each Dag file has a Dag."""
    files = dict(FILES.findall(page.read_text(encoding="utf-8")))
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    bag = DagBag(str(tmp_path / "dags"))
    assert bag.import_errors == {}
    dag_files = {name for name, text in files.items() if "from airflow.sdk import" in text}
    assert {str(Path(dag.fileloc).relative_to(tmp_path)) for dag in bag.dags.values()} == dag_files
    assert dag_files
    for dag in bag.dags.values():
        for group in dag.task_group.get_task_group_dict().values():
            if isinstance(group, BasePipelineTaskGroup):
                group.compile()
