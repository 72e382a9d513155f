"""Airflow cancels a trigger that it kills again and again, each second, also in the midst of its ``on_kill``."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests import made_triggers
from tests.fake_triggerer import LAUNCH
from tests.scripted_service import EXECUTION_ARN, Refusal, step
from tests.versions import in_triggerer

SECONDS = 10


async def step_trigger(service, triggerer):
    """The trigger of a step that is being followed."""
    looked = threading.Event()

    def look(_request):
        looked.set()
        return {"PipelineExecutionSteps": [step("train", "Executing")]}

    service.answers["ListPipelineExecutionSteps"] = [look]
    made = made_triggers.step_trigger(triggerer, launch_task_id=LAUNCH)
    following = asyncio.ensure_future(anext(made.run()))
    await asyncio.to_thread(looked.wait, SECONDS)
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    return made


async def execution_trigger(service, triggerer):
    """The trigger of a whole execution."""
    return made_triggers.execution_trigger(triggerer, stop_on_kill=True)


@in_triggerer
@pytest.mark.parametrize("make", [step_trigger, execution_trigger])
async def test_a_stop_that_was_begun_is_seen_through(service, triggerer, make):
    """The first request is throttled, then Airflow cancels on_kill: the execution is stopped all the same."""
    throttled, stopped = threading.Event(), threading.Event()

    def throttle(_request):
        throttled.set()
        return Refusal("ThrottlingException", "Rate exceeded")

    def stop(_request):
        stopped.set()
        return {"PipelineExecutionArn": EXECUTION_ARN}

    service.execution("Executing")
    service.answers["StopPipelineExecution"] = [throttle, stop]
    triggerer.states["churn.train"] = "failed"
    made = await make(service, triggerer)
    killing = asyncio.create_task(made.on_kill())
    assert await asyncio.to_thread(throttled.wait, SECONDS)
    killing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killing

    assert await asyncio.to_thread(stopped.wait, SECONDS)
    assert service.count("StopPipelineExecution") == 2
