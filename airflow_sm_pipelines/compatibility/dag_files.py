"""Loading a Dag file as Airflow's Dag processor does, without its database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def load_dag_file(dag_file: Path) -> tuple[Mapping[str, Any], list[str]]:
    """Run a Dag file; return its Dags by id, and its import errors.

    :param dag_file: a Python file.
    """
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # before Airflow 3.2
        from airflow.models.dagbag import DagBag  # type: ignore[no-redef]

    bag = DagBag(dag_folder=str(dag_file.resolve()), safe_mode=False, load_op_links=False)
    return bag.dags, list(bag.import_errors.values())
