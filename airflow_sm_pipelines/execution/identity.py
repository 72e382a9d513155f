"""How a task recognises the executions that it started in a Dag run."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from airflow_sm_pipelines.definition.validation.names import hyphenated

MAXIMUM_DISPLAY_NAME_LENGTH: Final = 82
_DIGEST_LENGTH: Final = 12


def start_token(dag_id: str, run_id: str, task_id: str, map_index: int, *, run_start: str, max_tries: int) -> str:
    """Return the token that makes a start happen once, whatever dies, and however the Dag is edited between two tries.

    :param dag_id: the Dag.
    :param run_id: the Dag run.
    :param task_id: the launch task.
    :param map_index: the launch task's map index.
    :param run_start: when the Dag run started: a run that was deleted and made again has the same id. Airflow sets
        it once, and again only when a finished run is cleared.
    :param max_tries: the task instance's. Airflow sets it from ``retries`` when it makes the task instance, and again
        when the task is cleared: to the number of tries so far, and ``retries`` more. An edit of ``retries`` does not
        change it. So a clear does not show when ``retries`` were lowered by just the number of tries made before.
    :return: 64 hexadecimal digits.
    """
    identity = json.dumps([dag_id, run_id, run_start, task_id, map_index, max_tries])
    return hashlib.sha256(identity.encode()).hexdigest()


def execution_display_name(dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    """Return the display name of a task's executions in a Dag run; no other task has it.

    SageMaker takes at most 82 letters, digits and hyphens, and ids do not fit as they are. So the name has what fits of
    Dag and run, and ends in a hash.

    :param dag_id: the Dag.
    :param run_id: the Dag run.
    :param task_id: the task that starts the execution.
    :param map_index: its map index.
    """
    identity = json.dumps([dag_id, run_id, task_id, map_index])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:_DIGEST_LENGTH]
    room = MAXIMUM_DISPLAY_NAME_LENGTH - _DIGEST_LENGTH - 1
    return f"{hyphenated(f'{dag_id}-{run_id}')[-room:].strip('-')}-{digest}".strip("-")
