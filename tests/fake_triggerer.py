"""What a triggerer gives a trigger, as far as this package uses it."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace
from typing import Any

from airflow.sdk.exceptions import ErrorType
from airflow.sdk.execution_time.comms import DagRunStateResult, ErrorResponse, TaskStatesResult, XComResult

LAUNCH = "churn.launch"


class Triggerer:
    """A task instance, XComs, and the states of tasks; keeps what was pushed for the task and for the launch task.

    Like the real one, it can be sent to from the event loop asynchronously only, and from other threads.
    """

    def __init__(self) -> None:
        self.pushed: list[tuple[str, Any]] = []
        self.launch_xcoms: dict[str, Any] = {}
        self.read: list[str] = []
        self.states: dict[str, str | None] = {}
        self.run_state = "running"
        self.try_number = 1
        self.task_instance_id = "01990000-0000-7000-8000-000000000000"
        self.thread = threading.get_ident()

    async def asend(self, message: Any) -> Any:
        kind = type(message).__name__
        if kind == "GetTaskStates":
            [task_id] = message.task_ids
            assert message.run_ids == ["manual__1"]
            found = {task_id: self.states[task_id]} if task_id in self.states else {}
            return TaskStatesResult(task_states={"manual__1": found} if found else {})
        if kind == "GetDagRunState":
            return DagRunStateResult(state=self.run_state)
        if kind in ("SetXCom", "GetXCom"):
            assert (message.dag_id, message.run_id, message.map_index) == ("train_model", "manual__1", -1)
        if kind == "GetXCom":
            self.read.append(message.key)
            xcoms = self.launch_xcoms if message.task_id == LAUNCH else dict(self.pushed)
            return XComResult(key=message.key, value=xcoms.get(message.key))
        if kind == "SetXCom":
            if message.task_id == LAUNCH:
                self.launch_xcoms[message.key] = json.loads(json.dumps(message.value))
            else:
                assert message.task_id == "churn.train"
                self.pushed.append((message.key, message.value))
        return None

    def send(self, message: Any) -> Any:
        assert threading.get_ident() != self.thread, f"{message!r} was sent in a way that blocks the event loop"
        # Connections that there are stand in the environment.
        missing = ErrorResponse(error=ErrorType.CONNECTION_NOT_FOUND)
        return missing if type(message).__name__ == "GetConnection" else None

    @property
    def task_instance(self) -> SimpleNamespace:
        return SimpleNamespace(
            dag_id="train_model",
            task_id="churn.train",
            run_id="manual__1",
            map_index=-1,
            try_number=self.try_number,
            id=self.task_instance_id,
        )
