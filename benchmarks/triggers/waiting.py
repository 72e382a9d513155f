"""A process that waits as a triggerer does, with the triggers of one side, and prints what it saw of itself.

The triggers are created and run by the triggerer's own ``TriggerRunner`` on one event loop. What a triggerer has
besides is left out: its database, its supervisor (through which log lines, XComs and connections go), and its timeouts.

``python -m benchmarks.triggers.waiting '<a Plan as JSON>'``; the connection is taken from the environment.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
import urllib.request
from collections.abc import Awaitable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.outcome import StepTarget
from airflow_sm_pipelines.settings import AwsConnection, WaitSettings, to_dict
from benchmarks.triggers.stub import STEPS, execution_arn

OURS, AMAZON, IDLE = "ours", "amazon", "idle"

CLASS_PATHS = {
    OURS: "airflow_sm_pipelines.triggers.step.SageMakerPipelineStepTrigger",
    AMAZON: "airflow.providers.amazon.aws.triggers.sagemaker.SageMakerPipelineTrigger",
    IDLE: "benchmarks.triggers.idle.IdleTrigger",
}
"""Ten of ours for each execution; one of amazon's; ten that do nothing."""

HEARTBEAT = 0.01
"""How often the heartbeat beats, in seconds. How late it is, is how long the event loop did something else."""

STALL = 0.1
"""A heartbeat this late, in seconds, is counted."""


@dataclass(frozen=True)
class Plan:
    """What to wait for, and how long.

    :param side: ``ours``, ``amazon`` or ``idle``.
    :param endpoint_url: the stub.
    :param executions: how many executions.
    :param waiter_delay: the interval between two looks, in seconds.
    :param start_seconds: what counts as the start, from the moment that all triggers are there: looks come more often.
    :param steady_seconds: what is measured after that: ten intervals, since ours may leave out nine looks of ten.
    """

    side: str
    endpoint_url: str
    executions: int
    waiter_delay: int = 10
    start_seconds: float = 40
    steady_seconds: float = 100


@dataclass(frozen=True)
class Phase:
    """What was seen in a part of the time.

    :param seconds: how long it took.
    :param calls: how many calls of each operation the stub had.
    :param cpu_seconds: CPU time of the process, all threads.
    :param longest_stall: how late the latest heartbeat was, in seconds.
    :param longest_own_stall: the same, counting of each heartbeat's time only what the process had of the CPU: the
        rest was the machine being busy with other processes.
    :param stalls: how many heartbeats were late by a tenth of a second of the process's own.
    """

    seconds: float
    calls: dict[str, int]
    cpu_seconds: float
    longest_stall: float
    longest_own_stall: float
    stalls: int


@dataclass(frozen=True)
class Waited:
    """What one side cost.

    :param start: from the first trigger on.
    :param steady: afterwards.
    :param memory: what the process had more than before the first trigger, in bytes; the largest value seen.
    :param triggers: how many triggers ran to the end of the time.
    """

    start: Phase
    steady: Phase
    memory: int
    triggers: int

    @classmethod
    def from_json(cls, text: str) -> Waited:
        """Read what the process printed.

        :param text: its last line.
        """
        values = json.loads(text)
        return cls(**{**values, "start": Phase(**values["start"]), "steady": Phase(**values["steady"])})


def triggers(plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield class path and arguments of every trigger of a side.

    :param plan: which side, how many.
    """
    path = CLASS_PATHS[plan.side]
    for number in range(plan.executions):
        arn = execution_arn(number)
        if plan.side == AMAZON:
            waiter = {"waiter_type": 1, "waiter_max_attempts": 9999, "waiter_delay": plan.waiter_delay}
            yield path, {"pipeline_execution_arn": arn, "aws_conn_id": "aws_default", **waiter}
            continue
        for step in STEPS:
            # Of steps that have not started: a trigger whose step is over would end at its first look.
            yield (
                path,
                {
                    "pipeline_execution_arn": arn,
                    "awaited": Awaited(StepTarget(f"late-{step}"), returns_arn=False).to_dict(),
                    "connection": to_dict(AwsConnection()),
                    "wait": to_dict(WaitSettings(waiter_delay=plan.waiter_delay)),
                    "ends_here": ["success", "skipped"],
                },
            )


class Heartbeat:
    """Measures how late the event loop is."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget what was seen."""
        self.longest = 0.0
        self.longest_own = 0.0
        self.stalls = 0

    async def run(self) -> None:
        """Beat until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due, cpu = loop.time() + HEARTBEAT, time.process_time()
            await asyncio.sleep(HEARTBEAT)
            late = loop.time() - due
            own = min(late, time.process_time() - cpu)
            self.longest = max(self.longest, late)
            self.longest_own = max(self.longest_own, own)
            self.stalls += own >= STALL


class Meter:
    """Takes the difference between two moments.

    :param endpoint_url: of the stub, which counts calls.
    :param heartbeat: which runs all the time.
    """

    def __init__(self, endpoint_url: str, heartbeat: Heartbeat) -> None:
        self._url = f"{endpoint_url}/calls"
        self._heartbeat = heartbeat
        self._calls: dict[str, int] = {}
        self._cpu, self._time = time.process_time(), time.monotonic()

    async def phase(self, passing: Awaitable[object]) -> Phase:
        """Return what happens until something is over.

        :param passing: what to wait for.
        """
        self._heartbeat.reset()
        await passing
        before, cpu, now = self._calls, self._cpu, self._time
        stalls = self._heartbeat.longest, self._heartbeat.longest_own, self._heartbeat.stalls
        self._cpu, self._time = time.process_time(), time.monotonic()
        self._calls = await asyncio.to_thread(self._read)
        calls = {operation: count - before.get(operation, 0) for operation, count in sorted(self._calls.items())}
        return Phase(self._time - now, calls, self._cpu - cpu, *stalls)

    def _read(self) -> dict[str, int]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self._url, timeout=60) as answer:
            counts: dict[str, int] = json.load(answer)
        return counts


async def wait(plan: Plan) -> Waited:
    """Run the triggers of one side for the planned time.

    :param plan: what to wait for.
    """
    from airflow.executors.workloads.trigger import RunTrigger
    from airflow.jobs.triggerer_job_runner import TriggerRunner
    from airflow.models.trigger import Trigger

    runner = TriggerRunner()  # type: ignore[no-untyped-call]
    workloads = [
        RunTrigger(id=number, ti=None, classpath=path, encrypted_kwargs=Trigger.encrypt_kwargs(arguments))
        for number, (path, arguments) in enumerate(triggers(plan))
    ]
    for path in {workload.classpath for workload in workloads}:
        runner.get_trigger_by_classpath(path)
    gc.collect()
    memory = _memory()
    heartbeat = Heartbeat()
    beating = asyncio.create_task(heartbeat.run())
    meter = Meter(plan.endpoint_url, heartbeat)
    runner.to_create.extend(workloads)
    creating = asyncio.create_task(runner.create_triggers())  # type: ignore[no-untyped-call]
    start = await meter.phase(_one_after_the_other(creating, asyncio.sleep(plan.start_seconds)))
    after_start = _memory()
    steady = await meter.phase(asyncio.sleep(plan.steady_seconds))
    largest = max(after_start, _memory())
    running = sum(not details["task"].done() for details in runner.triggers.values())
    for task in (beating, *(details["task"] for details in runner.triggers.values())):
        task.cancel()
    return Waited(start, steady, largest - memory, running)


async def _one_after_the_other(*awaitables: Awaitable[object]) -> None:
    for awaitable in awaitables:
        await awaitable


def _memory() -> int:
    """The process's own memory; what it shares with others is shared out, where the system says so."""
    memory = psutil.Process().memory_full_info()
    return int(getattr(memory, "pss", memory.rss))


def main(argument: str) -> None:
    """Wait as planned, print what was seen, and leave.

    :param argument: the plan, as JSON.
    :raises SystemExit: for a side there is not.
    """
    plan = Plan(**json.loads(argument))
    if plan.side not in CLASS_PATHS:
        raise SystemExit(f"side={plan.side!r} is none of {', '.join(CLASS_PATHS)}")
    from airflow.sdk.log import configure_logging

    # As in the triggerer's child process, where lines go to the supervisor as JSON. Here they go nowhere.
    with Path(os.devnull).open("wb", buffering=0) as nowhere:
        configure_logging(json_output=True, output=nowhere, sending_to_supervisor=True)
        waited = asyncio.run(wait(plan))
    print(json.dumps(asdict(waited)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
