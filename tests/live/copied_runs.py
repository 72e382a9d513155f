"""Many runs of a Dag, made out of one: as many real ones would take too long."""

from __future__ import annotations

import sqlite3
import uuid


def copy_run(database, run, count):
    """Copy a Dag run with its task instances and XComs, in Airflow's SQLite database; return the new runs' ids.

    :param database: its file.
    :param run: the run.
    :param count: how many copies.
    """
    run_ids = [f"copy_{number:04}__{run.run_id}" for number in range(count)]
    of_run = (run.dag_id, run.run_id)
    with sqlite3.connect(database, timeout=60) as connection:
        connection.row_factory = sqlite3.Row
        [original] = connection.execute("SELECT * FROM dag_run WHERE dag_id = ? AND run_id = ?", of_run)
        tasks = connection.execute("SELECT * FROM task_instance WHERE dag_id = ? AND run_id = ?", of_run).fetchall()
        # From Airflow 3.4 on an XCom belongs to a task instance.
        [by_task] = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'xcom_v2'").fetchone()
        xcoms = connection.execute(
            "SELECT xcom_v2.* FROM xcom_v2 JOIN task_instance ON task_instance.id = task_instance_id"
            " WHERE dag_id = ? AND run_id = ?"
            if by_task
            else "SELECT * FROM xcom WHERE dag_id = ? AND run_id = ?",
            of_run,
        ).fetchall()
        for run_id in run_ids:
            copied = {key: value for key, value in dict(original).items() if key not in ("id", "logical_date")}
            number = _insert(connection, "dag_run", {**copied, "run_id": run_id})
            ids = {row["id"]: uuid.uuid4().hex for row in tasks}
            for row in tasks:
                _insert(connection, "task_instance", {**dict(row), "id": ids[row["id"]], "run_id": run_id})
            for row in xcoms:
                if by_task:
                    owner = {"id": uuid.uuid4().hex, "task_instance_id": ids[row["task_instance_id"]]}
                    _insert(connection, "xcom_v2", {**dict(row), **owner})
                else:
                    _insert(connection, "xcom", {**dict(row), "dag_run_id": number, "run_id": run_id})
    connection.close()
    return run_ids


def _insert(connection, table, row):
    columns = ", ".join(row)
    marks = ", ".join("?" * len(row))
    return connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values())).lastrowid
