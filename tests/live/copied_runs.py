"""Many runs of a Dag, made out of one: as many real ones would take too long."""

from __future__ import annotations

import sqlite3
import uuid

TABLES = ("task_instance", "xcom")


def copy_run(database, run, count):
    """Copy a Dag run with its task instances and XComs, in Airflow's SQLite database; return the new runs' ids.

    :param database: its file.
    :param run: the run.
    :param count: how many copies.
    """
    run_ids = [f"copy_{number:04}__{run.run_id}" for number in range(count)]
    with sqlite3.connect(database, timeout=60) as connection:
        connection.row_factory = sqlite3.Row
        [original] = connection.execute(
            "SELECT * FROM dag_run WHERE dag_id = ? AND run_id = ?", (run.dag_id, run.run_id)
        )
        rows = {
            table: connection.execute(
                f"SELECT * FROM {table} WHERE dag_id = ? AND run_id = ?", (run.dag_id, run.run_id)
            ).fetchall()
            for table in TABLES
        }
        for run_id in run_ids:
            copied = {key: value for key, value in dict(original).items() if key not in ("id", "logical_date")}
            number = _insert(connection, "dag_run", {**copied, "run_id": run_id})
            for row in rows["task_instance"]:
                _insert(connection, "task_instance", {**dict(row), "id": uuid.uuid4().hex, "run_id": run_id})
            for row in rows["xcom"]:
                _insert(connection, "xcom", {**dict(row), "dag_run_id": number, "run_id": run_id})
    connection.close()
    return run_ids


def _insert(connection, table, row):
    columns = ", ".join(row)
    marks = ", ".join("?" * len(row))
    return connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values())).lastrowid
