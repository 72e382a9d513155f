"""The calls that docs/aws/costs.md counts."""

from __future__ import annotations

import asyncio
from collections import Counter

from tests.made_triggers import step_trigger
from tests.scripted_service import step
from tests.unit.triggers.test_told import TRAINING, logged


async def test_the_calls_of_a_step_that_ends(service, triggerer, log):
    """Each look is one call, the first one two. The end is three: what the step made, its log's streams, one for each of them."""
    service.execution("Executing")
    running = step("train", "Executing", Metadata=TRAINING)
    ended = step("train", "Succeeded", Metadata=TRAINING, EndTime=1690315999.5)
    next_one = step("evaluate", "Executing")
    service.steps([running], [running], [ended, next_one])
    service.answers["DescribeTrainingJob"] = [{"ModelArtifacts": {"S3ModelArtifacts": "s3://box/model.tar.gz"}}]
    logged(service, "one", "two")
    async for _ in step_trigger(triggerer).run():
        pass
    assert Counter(operation for operation, _ in service.requests) == {
        "DescribePipelineExecution": 1,  # the first look
        "ListPipelineExecutionSteps": 3,  # one for each look
        "DescribeTrainingJob": 1,
        "DescribeLogStreams": 1,
        "GetLogEvents": 1,
    }


async def test_ten_steps_that_wait_look_once(service, triggerer, log):
    """All tasks of one execution share its looks."""
    service.execution("Executing")
    names = [f"s{number}" for number in range(10)]
    service.steps(
        [step(name, "Executing") for name in names],
        [step(name, "Executing") for name in names],
        [step(name, "Failed", EndTime=1690315999.5) for name in names],
    )

    async def run(name):
        return [event async for event in step_trigger(triggerer, step_name=name).run()]

    await asyncio.gather(*map(run, names))
    assert service.count("ListPipelineExecutionSteps") <= 4
    assert service.count("DescribePipelineExecution") <= 2
