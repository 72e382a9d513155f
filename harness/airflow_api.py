"""The few calls of Airflow's REST API (v2) that are needed to run a Dag and look at what became of it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

ENDED = frozenset({"success", "failed"})
SECONDS_BETWEEN_LOOKS = 0.5
TRIES = 10
PAGE = 100
"""Airflow gives no more at once (``[api] maximum_page_limit``)."""


class AirflowApiError(Exception):
    """Airflow refused a call, or something did not happen in time."""


@dataclass(frozen=True)
class TaskInstance:
    """A task of a Dag run, as it is at the moment.

    :param task_id: with the ids of its groups.
    :param state: ``None`` before anything was decided.
    :param try_number: the latest.
    :param seconds: how long that try took, where it has ended, as Airflow says.
    :param pid: of the worker process that ran it; ``None`` where none did.
    :param hostname: of that worker; empty where none ran it.
    :param map_index: -1 of a task that is not mapped.
    :param ended: when that try ended, where it has.
    :param started: when it started, where it has.
    :param label: how an instance of a mapped task is shown; ``None`` before it has run.
    """

    task_id: str
    state: str | None
    try_number: int
    seconds: float | None
    pid: int | None
    hostname: str
    map_index: int = -1
    ended: datetime | None = None
    started: datetime | None = None
    label: str | None = None


@dataclass(frozen=True)
class DagRun:
    """A Dag run's names and state."""

    dag_id: str
    run_id: str
    state: str


@dataclass(frozen=True)
class Event:
    """Something that Airflow noted down about a task.

    :param task_id: with the ids of its groups.
    :param name: what happened: ``running``, ``deferred``, ``success``, ...
    :param when: at what time.
    """

    task_id: str
    name: str
    when: datetime


class AirflowApi:
    """A client that is logged in. Does not retry: the server is on this machine.

    :param url: of the api-server, without a path.
    :param user: a user of the SimpleAuthManager.
    :param password: that user's.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=60)
        answer = self._http.post("/auth/token", json={"username": user, "password": password})
        self._http.headers["Authorization"] = f"Bearer {_checked(answer).json()['access_token']}"

    def ask(self, path: str, **parameters: Any) -> httpx.Response:
        """Ask for a path outside the REST API, such as a plugin's, and return whatever is answered.

        :param path: from the root.
        :param parameters: of the query.
        """
        return self._http.get(path, params=parameters or None)

    @property
    def token(self) -> str:
        """What the user is known by: a browser has it as the cookie ``_token``."""
        return str(self._http.headers["Authorization"]).removeprefix("Bearer ")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def wait_for_dags(self, dag_ids: set[str], seconds: float, on_wait: Callable[[], None]) -> None:
        """Wait until Dags are known.

        :param on_wait: called while waiting; may raise.
        :raises AirflowApiError: a Dag file does not import, or the Dags are not there in time.
        """
        deadline = time.monotonic() + seconds
        while True:
            known = {dag["dag_id"] for dag in self._get("/dags", limit=100)["dags"]}
            if dag_ids <= known:
                return
            if errors := self.import_errors():
                raise AirflowApiError("\n".join(f"{file}:\n{trace}" for file, trace in errors.items()))
            if time.monotonic() > deadline:
                raise AirflowApiError(f"Airflow has no Dag {sorted(dag_ids - known)} after {seconds:.0f} s.")
            on_wait()
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def import_errors(self) -> dict[str, str]:
        """Return the errors of Dag files by file."""
        errors = self._get("/importErrors", limit=100)["import_errors"]
        return {error["filename"]: error["stack_trace"] for error in errors}

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> DagRun:
        """Start a Dag run.

        :param conf: values for the Dag's params.
        """
        body = {"logical_date": None, "conf": dict(conf or {})}
        return _dag_run(self._change("POST", f"/api/v2/dags/{dag_id}/dagRuns", body))

    def unpause(self, dag_id: str) -> None:
        """Let a Dag's schedule run."""
        self._change("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def set_connection(self, conn_id: str, **fields: Any) -> None:
        """Make a connection in Airflow's database, in the place of one of that id.

        :param conn_id: its id.
        :param fields: such as ``conn_type``, ``login``, ``password`` and ``extra`` (JSON text).
        """
        path = f"/api/v2/connections/{conn_id}"
        if self._http.get(path).is_success:
            _checked(self._http.delete(path))
        self._change("POST", "/api/v2/connections", {"connection_id": conn_id, **fields})

    def dag_runs(self, dag_id: str) -> list[DagRun]:
        """Return a Dag's runs, the newest last."""
        answer = self._get(f"/dags/{dag_id}/dagRuns", limit=100, order_by="run_after")
        return [_dag_run(run) for run in answer["dag_runs"]]

    def dag_run(self, run: DagRun) -> DagRun:
        """Look at a Dag run again."""
        return _dag_run(self._get(f"/dags/{run.dag_id}/dagRuns/{run.run_id}"))

    def run_seconds(self, run: DagRun) -> float:
        """Return how long a Dag run took that is over."""
        answer = self._get(f"/dags/{run.dag_id}/dagRuns/{run.run_id}")
        return (_time(answer["end_date"]) - _time(answer["start_date"])).total_seconds()

    def task_instances(self, run: DagRun) -> list[TaskInstance]:
        """Return a run's tasks, in the order they started."""
        path = f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances"
        return [
            TaskInstance(
                task_id=task["task_id"],
                state=task["state"],
                try_number=task["try_number"],
                seconds=task["duration"],
                pid=task["pid"],
                hostname=task["hostname"] or "",
                map_index=task["map_index"],
                ended=None if task["end_date"] is None else _time(task["end_date"]),
                started=None if task["start_date"] is None else _time(task["start_date"]),
                label=task["rendered_map_index"],
            )
            for task in sorted(self._pages(path, "task_instances"), key=lambda task: task["start_date"] or "")
        ]

    def clear(self, run: DagRun, task_ids: Iterable[str | tuple[str, int]] | None = None, **options: bool) -> None:
        """Clear tasks of a run, as a person does in the UI; the run goes on.

        :param task_ids: which, an instance of a mapped task with its map index; ``None`` for all.
        :param options: such as ``include_downstream``; by default just these tasks, whatever their state.
        """
        body = {"dag_run_id": run.run_id, "dry_run": False, "only_failed": False, **options}
        if task_ids is not None:
            body["task_ids"] = list(task_ids)
        self._change("POST", f"/api/v2/dags/{run.dag_id}/clearTaskInstances", body)

    def mark_task(self, run: DagRun, task_id: str, state: str) -> None:
        """Mark a task ``success``, ``failed`` or ``skipped``, as a person does in the UI."""
        path = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}"
        self._change("PATCH", path, {"new_state": state})

    def mark_run(self, run: DagRun, state: str) -> None:
        """Mark a run ``success`` or ``failed``, as a person does in the UI."""
        self._change("PATCH", f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}", {"state": state})

    def events(self, run: DagRun) -> list[Event]:
        """Return what happened to a run's tasks, the earliest first; every start of a process by a worker is there."""
        return [
            Event(event["task_id"], event["event"], _time(event["when"]))
            for event in self._pages("/eventLogs", "event_logs", dag_id=run.dag_id, run_id=run.run_id)
            if event["task_id"]
        ]

    def xcom(self, run: DagRun, task_id: str, key: str, map_index: int = -1) -> Any:
        """Return a value that a task left, or ``None`` where there is none."""
        path = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        answer = self._http.get(path, params={"stringify": "false", "map_index": map_index})
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return _checked(answer).json()["value"]

    def log(self, run: DagRun, task_id: str, try_number: int = 1, map_index: int = -1) -> list[dict[str, Any]]:
        """Return the records of a try's log; each has ``event`` and, from Airflow's own logging, ``level``."""
        path = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}/logs/{try_number}"
        headers = {"Accept": "application/x-ndjson"}
        answer = _checked(
            self._http.get(path, params={"full_content": "true", "map_index": map_index}, headers=headers)
        )
        records = [json.loads(line) for line in answer.text.splitlines() if line]
        return [record if isinstance(record, dict) else {"event": record} for record in records]

    def errors(self, run: DagRun, task_id: str, try_number: int = 1, map_index: int = -1) -> list[str]:
        """Return what a try's log says with level error; an exception as its last line, without the frames."""
        found = []
        for record in self.log(run, task_id, try_number, map_index):
            if record.get("level") == "error":
                causes = [f"{each['exc_type']}: {each['exc_value']}" for each in record.get("error_detail", [])]
                found.extend(causes or [str(record["event"])])
        return found

    def jobs_alive(self, job_type: str) -> int:
        """Return how many components of a type send heartbeats.

        :param job_type: ``SchedulerJob``, ``TriggererJob`` or ``DagProcessorJob``.
        """
        return len(self._get("/jobs", job_type=job_type, is_alive=True, limit=100)["jobs"])

    def graph(self, dag_id: str) -> dict[str, dict[str, Any]]:
        """Return the boxes of a Dag's graph by the ids of tasks and groups, as the UI gets them."""
        answer = _checked(self._http.get("/ui/structure/structure_data", params={"dag_id": dag_id})).json()
        boxes: dict[str, dict[str, Any]] = {}
        nodes = list(answer["nodes"])
        while nodes:
            node = nodes.pop()
            boxes[node["id"]] = node
            nodes.extend(node["children"] or ())
        return boxes

    def links(self, run: DagRun, task_id: str) -> dict[str, str | None]:
        """Return the addresses of a task's extra links by their names."""
        return dict(self._get(f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}/links")["extra_links"])

    def rendered_fields(self, run: DagRun, task_id: str) -> dict[str, Any]:
        """Return what "Rendered Templates" shows of a task."""
        task = self._get(f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}")
        return dict(task["rendered_fields"])

    def asset_event_extras(self, name: str) -> list[dict[str, Any]]:
        """Return the extras of an Asset's events, the oldest first."""
        [asset] = self._get("/assets", name_pattern=name)["assets"]
        events = self._get("/assets/events", asset_id=asset["id"], order_by="timestamp")["asset_events"]
        return [event["extra"] for event in events]

    def follow(self, run: DagRun, seconds: float, on_wait: Callable[[], None]) -> Iterator[TaskInstance]:
        """Yield every change of a task's state until the Dag run has ended.

        A state that lasts less than half a second may be missed. Tasks end before their run does: the last
        changes are always there.

        :param on_wait: called between two looks; may raise.
        :raises AirflowApiError: the run does not end in time.
        """
        deadline = time.monotonic() + seconds
        seen: dict[str, str | None] = {}
        while True:
            state = self.dag_run(run).state
            for task in self.task_instances(run):
                if seen.get(task.task_id) != task.state:
                    seen[task.task_id] = task.state
                    yield task
            if state in ENDED:
                return
            if time.monotonic() > deadline:
                raise AirflowApiError(f"Run {run.run_id} of {run.dag_id} has not ended after {seconds:.0f} s: {seen}")
            on_wait()
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def _change(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """Ask for a change, again when SQLite was locked: nothing was changed then."""
        for _ in range(TRIES):
            answer = self._http.request(method, path, json=body)
            if answer.status_code != httpx.codes.INTERNAL_SERVER_ERROR or "Database error" not in answer.text:
                break
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return _checked(answer).json()

    def _pages(self, path: str, key: str, **parameters: Any) -> Iterator[Any]:
        found = 0
        while page := self._get(path, limit=PAGE, offset=found, order_by="id", **parameters)[key]:
            yield from page
            found += len(page)
            if len(page) < PAGE:
                return

    def _get(self, path: str, **parameters: Any) -> Any:
        return _checked(self._http.get(f"/api/v2{path}", params=parameters)).json()


def _checked(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        request = answer.request
        raise AirflowApiError(f"{request.method} {request.url.path}: {answer.status_code} {answer.text}")
    return answer


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _dag_run(run: Mapping[str, Any]) -> DagRun:
    return DagRun(dag_id=run["dag_id"], run_id=run["dag_run_id"], state=run["state"])
