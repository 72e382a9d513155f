"""What Airflow's database holds of an older version of this package goes on in this one: docs/production/upgrades.md."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from airflow.triggers.base import TaskSuccessEvent

import airflow_sm_pipelines
from airflow_sm_pipelines.execution.identity import execution_display_name, start_token
from airflow_sm_pipelines.execution.quiet import Launched
from airflow_sm_pipelines.triggers.memory import TryEnd
from tests.scripted_service import EXECUTION_ARN, step
from tests.versions import in_triggerer, smart_decode_trigger_kwargs

VERSIONS = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parents[2] / "golden" / "upgrades").glob("*.json"))
}
"""What each released version writes. A file is never changed: a version that writes something else gets another one."""

TRIGGERS = [
    pytest.param(trigger, id=f"{version}-{number}")
    for version, written in VERSIONS.items()
    for number, trigger in enumerate(written["triggers"])
]


def made(trigger: dict[str, Any]) -> Any:
    """Make a trigger as the triggerer does."""
    module, _, name = trigger["classpath"].rpartition(".")
    kwargs = {key: smart_decode_trigger_kwargs(value) for key, value in trigger["kwargs"].items()}
    return getattr(import_module(module), name)(**kwargs)


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_trigger_of_an_older_version_means_the_same(trigger):
    """Its class is where it was, takes what was serialised, and keeps each value."""
    path, kwargs = made(trigger).serialize()
    assert path == trigger["classpath"]
    assert {key: kwargs.get(key) for key in trigger["kwargs"]} == trigger["kwargs"]


@pytest.mark.parametrize(
    "trigger", [param for param in TRIGGERS if str(param.id).startswith(airflow_sm_pipelines.__version__)]
)
def test_the_file_of_this_version_has_all_that_it_writes(trigger):
    """A keyword that is new makes this fail: then the file of the version that is developed needs it."""
    assert made(trigger).serialize() == (trigger["classpath"], trigger["kwargs"])


@in_triggerer
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_task_that_waited_goes_on(version, service, triggerer):
    """A step's task of an older version, with what its launch task left, ends as its step does."""
    written = VERSIONS[version]
    triggerer.launch_xcoms.update({**written["launch_task"], "return_value": EXECUTION_ARN})
    service.answers["ListPipelineParametersForExecution"] = [{"PipelineParameters": [{"Name": "Token", "Value": "x"}]}]
    service.execution("Executing")
    service.steps([step("train", "Succeeded", EndTime=1690315999.5)])
    trigger = made(written["started_in_triggerer"])
    trigger.task_instance = triggerer.task_instance
    assert [type(event) async for event in trigger.run()] == [TaskSuccessEvent]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_launch_task_left_is_read(version):
    """The XComs of an older launch task can be made again."""
    left = VERSIONS[version]["launch_task"]
    assert Launched(**left["launched"]).masked == left["launched"]["masked"]
    assert TryEnd(**left["ended__churn.train"]).try_number == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_a_launch_that_is_tried_again_finds_its_execution(version):
    """The token and the display name of a start do not depend on the version."""
    run = ("d", "r", "churn.launch", -1)
    assert VERSIONS[version]["start"] == {
        "token": start_token(*run, run_start="2026-01-01 00:00:00+00:00", max_tries=2),
        "display_name": execution_display_name(*run),
    }


@pytest.mark.parametrize("place", [(), ("connection",), ("wait",)], ids=["trigger", "connection", "wait"])
def test_a_keyword_of_a_newer_version_fails_the_task_alone(place):
    """After a rollback. Airflow's triggerer fails the task of a trigger that raises TypeError here, and no other."""
    trigger = json.loads(json.dumps(VERSIONS[airflow_sm_pipelines.__version__]["triggers"][0]))
    arguments = trigger["kwargs"]
    for key in place:
        arguments = arguments[key]
    arguments["of_a_newer_version"] = 1
    with pytest.raises(TypeError, match="of_a_newer_version"):
        made(trigger)


def test_a_property_file_in_the_form_of_another_version_fails_the_task_alone():
    """Airflow's triggerer catches a TypeError only: any other error would end it, with the triggers of all tasks."""
    trigger = json.loads(json.dumps(VERSIONS[airflow_sm_pipelines.__version__]["triggers"][0]))
    trigger["kwargs"]["awaited"]["property_files"] = [{"PropertyFileName": "metrics"}]
    with pytest.raises(TypeError) as raised:
        made(trigger)
    assert str(raised.value) == (
        "another version of the package has written what the task awaits: KeyError('OutputName')"
    )
