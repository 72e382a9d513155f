"""Loading a Dag file as Airflow's Dag processor does, without its database."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FRAMES = "AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACK_DEPTH"


def load_dag_file(dag_file: Path) -> tuple[Mapping[str, Any], list[str]]:
    """Run a Dag file; return its Dags by id, and its import errors, each as the text of its traceback.

    :param dag_file: a Python file.
    """
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # before Airflow 3.2
        from airflow.models.dagbag import DagBag  # type: ignore[no-redef]

    before = os.environ.get(_FRAMES)
    os.environ[_FRAMES] = "100"  # by default there are two, and the line of the Dag file may be none of them
    try:
        bag = DagBag(dag_folder=str(dag_file.resolve()), safe_mode=False, load_op_links=False)
    finally:
        if before is None:
            del os.environ[_FRAMES]
        else:
            os.environ[_FRAMES] = before
    return bag.dags, list(bag.import_errors.values())
