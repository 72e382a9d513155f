"""Whatever stands in the shared settings reaches all that wait or call AWS: also a field that is added later."""

from __future__ import annotations

import asyncio
import json
from dataclasses import fields, replace
from typing import get_args, get_origin, get_type_hints

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred
from airflow.sdk import DAG, Asset
from airflow.sdk.module_loading import import_string

from airflow_sm_pipelines import (
    Metric,
    SageMakerFailStepOperator,
    SageMakerMetricBranchOperator,
    SageMakerPipelineExecutionSensor,
    SageMakerPipelineOperator,
    SageMakerPipelineStepSensor,
    SageMakerPipelineTaskGroup,
    SageMakerRetryPipelineExecutionOperator,
    SageMakerStopPipelineExecutionOperator,
)
from airflow_sm_pipelines.links.console import Console
from airflow_sm_pipelines.settings import AwsConnection, WaitSettings
from airflow_sm_pipelines.triggers.connections import SharedConnection, shared_connection
from tests.scripted_service import EXECUTION_ARN
from tests.unit.conftest import PIPELINE_SETTINGS

FIELDS = [(kind, field.name) for kind in (AwsConnection, WaitSettings) for field in fields(kind)]
EACH_FIELD = pytest.mark.parametrize(("kind", "name"), FIELDS, ids=[name for _, name in FIELDS])

DEFINITION = {
    "Version": "2020-12-01",
    "Metadata": {},
    "Parameters": [],
    "Steps": [{"Name": "no", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}],
}

OF_EXECUTIONS = {
    SageMakerPipelineOperator: {"pipeline_name": "p"},
    SageMakerRetryPipelineExecutionOperator: {"pipeline_execution_arn": EXECUTION_ARN},
    SageMakerStopPipelineExecutionOperator: {"pipeline_execution_arn": EXECUTION_ARN},
}
SENSORS = {
    SageMakerPipelineExecutionSensor: {"pipeline_execution_arn": EXECUTION_ARN},
    SageMakerPipelineStepSensor: {"pipeline_execution_arn": EXECUTION_ARN, "step_name": "no"},
}

KEYWORDS_OF_SENSORS = {"waiter_delay": "poke_interval"}
"""Airflow's sensors call it so."""

NOT_OF_SENSORS = {
    "waiter_max_attempts": "a sensor has a timeout instead",
    "on_retry": "a sensor resumes nothing: it did not start the execution",
    "stop_on_kill": "a sensor stops nothing: it did not start the execution",
}


def other_value(kind, name):
    """A value that the field takes and that is not its default."""
    hint = get_type_hints(kind)[name]
    types = tuple(get_origin(each) or each for each in get_args(hint) or (hint,))
    default = getattr(kind(), name)
    for value in (not default, 7, 0.5, "restart", "worker", "another", "eu-west-1", {"connect_timeout": 7}):
        # A bool is an int to Python, but no number of anything. Of regions there are only so many.
        if name == "region_name" and value != "eu-west-1":
            continue
        fits = bool in types if isinstance(value, bool) else isinstance(value, types)
        if fits and value != default and getattr(kind(**{name: value}), "problem", None) is None:
            return value
    raise AssertionError(f"no value here is one for {kind.__name__}.{name}: add one")


def settings_of(made):
    """The connection and the wait of a task group, a task or a trigger, wherever it keeps them."""
    holder = getattr(made, "settings", made)
    wait = holder._wait if isinstance(made, tuple(SENSORS)) else getattr(holder, "wait", None)
    return {AwsConnection: getattr(made, "connection", holder.connection), WaitSettings: wait}


def made_again(path, arguments):
    """The trigger that the triggerer makes of what the database keeps."""
    return import_string(path)(**json.loads(json.dumps(arguments)))


def triggers_of(task, monkeypatch):
    """The trigger a task defers to, and the one that the triggerer makes of it."""
    for method, answer in (("begin", EXECUTION_ARN), ("poke", False)):
        if hasattr(task, method):
            monkeypatch.setattr(type(task), method, lambda *_, answer=answer: answer)

    # No service is asked, so it is not asked who shows the execution either.
    for room in ("executions.base", "steps.base"):
        monkeypatch.setattr(f"airflow_sm_pipelines.operators.{room}.console_of", lambda _hook: Console())

    class TaskInstance:
        def xcom_push(self, key, value):
            pass

    task.pipeline_execution_arn = EXECUTION_ARN
    with pytest.raises(TaskDeferred) as deferred:
        task.execute({"ti": TaskInstance()})
    return [deferred.value.trigger, made_again(*deferred.value.trigger.serialize())]


@pytest.fixture(params=["keyword", "default_args"])
def make(request):
    """Make a task that is given settings, by keywords or by its Dag's ``default_args``."""

    def of(task_class, arguments, settings):
        by_keyword = request.param == "keyword"
        with DAG("given", default_args={} if by_keyword else settings):
            return task_class(task_id="task", **arguments, **(settings if by_keyword else {}))

    return of


@EACH_FIELD
def test_a_groups_settings_reach_its_tasks_and_their_triggers(dag, monkeypatch, kind, name):
    """Each field, given to a group, is that of its launch task, its step tasks, and each trigger made of these."""
    value = other_value(kind, name)
    with SageMakerPipelineTaskGroup("g", **PIPELINE_SETTINGS, **{name: value}) as group:
        here = SageMakerFailStepOperator(task_id="here", error_message="no")
        on_a_worker = SageMakerFailStepOperator(task_id="worker", error_message="no", outlets=[Asset("a")])
    given = SageMakerPipelineTaskGroup.from_definition(
        "given", definition=DEFINITION, role_arn=PIPELINE_SETTINGS["role_arn"], **{name: value}
    )
    existing = given.get_child_by_label("no")
    tasks = [here, on_a_worker, existing]
    started = [each.start_trigger_args for each in (here, existing)]
    triggers = [made_again(each.trigger_cls, each.trigger_kwargs) for each in started]
    triggers += [made_again(*each.serialize()) for each in triggers]
    triggers += triggers_of(on_a_worker, monkeypatch)
    everywhere = [group, given, group.launch, given.launch, *tasks, *triggers]
    assert [settings_of(each)[kind] for each in everywhere] == [kind(**{name: value})] * len(everywhere)


@EACH_FIELD
@pytest.mark.parametrize("task_class", OF_EXECUTIONS, ids=lambda each: each.__name__)
def test_settings_reach_tasks_for_executions_and_their_triggers(make, monkeypatch, task_class, kind, name):
    """Each field, given to an operator for a whole execution, is that of the trigger which waits for the execution."""
    value = other_value(kind, name)
    task = make(task_class, OF_EXECUTIONS[task_class], {name: value})
    everywhere = [task, *triggers_of(task, monkeypatch)]
    assert [settings_of(each)[kind] for each in everywhere] == [kind(**{name: value})] * 3


@pytest.mark.parametrize(("kind", "name"), [field for field in FIELDS if field[1] not in NOT_OF_SENSORS])
@pytest.mark.parametrize("task_class", SENSORS, ids=lambda each: each.__name__)
def test_settings_reach_sensors_and_their_triggers(make, monkeypatch, task_class, kind, name):
    """Each field that makes sense for a sensor is that of the trigger which waits in its place."""
    value = other_value(kind, name)
    task = make(task_class, SENSORS[task_class], {KEYWORDS_OF_SENSORS.get(name, name): value})
    everywhere = [task, *triggers_of(task, monkeypatch)]
    assert [getattr(settings_of(each)[kind], name) for each in everywhere] == [value] * 3


@pytest.mark.parametrize("name", [field.name for field in fields(AwsConnection)])
async def test_a_connection_reaches_hooks(make, monkeypatch, name):
    """Each field of a connection is one of the hook's keywords, and triggers share no hook with another value of it."""
    value = other_value(AwsConnection, name)
    branch = {"conditions": [Metric("a") >= 1], "if_task_ids": "b", "metrics_uri": "s3://box/m.json"}
    task = make(SageMakerMetricBranchOperator, branch, {name: value})
    assert task.connection == AwsConnection(**{name: value})
    assert value in task.connection.hook_arguments.values()
    assert type(task.new_hook()).__name__ == "SageMakerPipelineHook"
    sensor = make(SageMakerPipelineExecutionSensor, SENSORS[SageMakerPipelineExecutionSensor], {name: value})
    trigger, again = triggers_of(sensor, monkeypatch)
    again.connection = replace(again.connection, **{name: getattr(AwsConnection(), name)})
    monkeypatch.setattr(SharedConnection, "join", lambda _: asyncio.sleep(0))  # reads the connection from Airflow
    async with (
        shared_connection(trigger.connection) as one,
        shared_connection(trigger.connection) as same,
        shared_connection(again.connection) as other,
    ):
        assert one is same
        assert one is not other
