from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)
from airflow.sdk import Asset

from airflow_sm_pipelines.exceptions import PipelineExecutionError, TranslationError
from airflow_sm_pipelines.sensors.execution import SageMakerPipelineExecutionSensor
from airflow_sm_pipelines.sensors.step import SageMakerPipelineStepSensor
from tests.reports import job_report, step_report
from tests.scripted_service import EXECUTION_ARN, Refusal, step
from tests.versions import in_triggerer

PIPELINE_ARN = EXECUTION_ARN.partition("/execution/")[0]
JOB = "arn:aws:sagemaker:us-east-1:123456789012:training-job/pipelines-abc-train"
TRAINING = {"TrainingJob": {"Arn": JOB}}
NO_PIPELINE = Refusal("ResourceNotFound", "Pipeline 'churn' does not exist.")


def lambda_step(name, **more):
    return {"Name": name, "Type": "Lambda", "Arguments": {}, "FunctionArn": "arn:aws:lambda:::function:f", **more}


CONDITION = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
DEFINITION = {
    "Version": "2020-12-01",
    "Metadata": {},
    "Parameters": [],
    "Steps": [
        lambda_step("prepare"),
        {
            "Name": "good",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [CONDITION],
                "IfSteps": [lambda_step("train")],
                "ElseSteps": [lambda_step("no")],
            },
        },
        {
            "Name": "each",
            "Type": "ForEach",
            "Arguments": {"IterableItems": [1, 2], "MaxConcurrency": 1, "ForEachBody": [lambda_step("part")]},
        },
    ],
}


@pytest.fixture
def definition(service):
    service.answers["DescribePipelineDefinitionForExecution"] = [{"PipelineDefinition": json.dumps(DEFINITION)}]


def execution_sensor(**arguments):
    given = {} if "pipeline_name" in arguments else {"pipeline_execution_arn": EXECUTION_ARN}
    return SageMakerPipelineExecutionSensor(**{"task_id": "wait", "poke_interval": 0.01, **given, **arguments})


def step_sensor(**arguments):
    return SageMakerPipelineStepSensor(
        **{
            "task_id": "wait",
            "pipeline_execution_arn": EXECUTION_ARN,
            "step_name": "train",
            "poke_interval": 0.01,
            "deferrable": False,
            **arguments,
        }
    )


def summary(name, start=datetime(2026, 1, 1, tzinfo=timezone.utc)):
    return {
        "PipelineExecutionArn": f"{PIPELINE_ARN}/execution/{name}",
        "PipelineExecutionStatus": "Executing",
        "StartTime": start.timestamp(),
    }


def event(status, reason=None, arn=EXECUTION_ARN):
    return {"status": status, "reason": reason, "pipeline_execution_arn": arn, "limit": None}


def test_over_already(service, dag, context):
    """What is over when the sensor first looks needs no triggerer: it returns the ARN at once."""
    service.execution("Succeeded")
    service.steps([])
    assert execution_sensor().execute(context()) == EXECUTION_ARN


def test_poking(service, dag, context, task_log):
    """In poke mode the sensor looks until the execution succeeded, and tells only what changed."""
    service.execution("Executing", "Executing", "Executing", "Succeeded")
    service.steps([step("train", "Executing")], [step("train", "Executing")], [step("train", "Succeeded")])
    made = execution_sensor(deferrable=False)
    lines = task_log(made)
    assert made.execute(context()) == EXECUTION_ARN
    assert lines == [
        ("INFO", f"Execution {EXECUTION_ARN} is Executing, running 'train'"),
        ("INFO", f"Execution {EXECUTION_ARN} is Executing"),
        ("INFO", f"Execution {EXECUTION_ARN} is Succeeded"),
        ("INFO", "Success criteria met. Exiting."),
    ]


def test_a_sensor_that_need_not_wait_says_what_it_found(service, dag, context, task_log):
    """One look is enough, and the log names the execution that was meant."""
    service.answers["ListPipelineExecutions"] = [
        {"PipelineExecutionSummaries": [{"PipelineExecutionArn": EXECUTION_ARN, "StartTime": 1690315955.0}]}
    ]
    service.execution("Succeeded")
    service.steps([])
    made = execution_sensor(pipeline_execution_arn=None, pipeline_name="churn")
    lines = task_log(made)
    assert made.execute(context()) == EXECUTION_ARN
    assert lines == [("INFO", f"Execution {EXECUTION_ARN} is Succeeded")]


@in_triggerer
@pytest.mark.parametrize(("more", "delay"), [({}, 0.01), ({"waiter_delay": 5}, 5)])
def test_deferring(service, dag, context, more, delay):
    """By default a sensor that has to wait does so in the triggerer, with its own timeout, and its own delay if it has one."""
    service.execution("Executing")
    service.steps([])
    made = execution_sensor(timeout=3600, **more)
    with pytest.raises(TaskDeferred) as caught:
        made.execute(context())
    arguments = caught.value.trigger.serialize()[1]
    limit = arguments.pop("time_limit")
    assert (limit["name"], limit["seconds"]) == ("timeout", 3600)
    assert arguments == {
        "pipeline_execution_arn": EXECUTION_ARN,
        "pipeline_name": None,
        "started_from": None,
        "started_before": None,
        "awaited": {},
        "connection": {},
        "wait": {"waiter_delay": delay, "stop_on_kill": False},
        "ends_here": ["success", "skipped"],
        "deferred_by_worker": True,
        "masked": {},
    }
    assert (caught.value.method_name, caught.value.timeout) == ("execute_complete", timedelta(seconds=3900))


def test_after_the_trigger(service, dag, context):
    """The worker looks itself: an execution that goes on again is waited for again."""
    service.execution("Succeeded")
    service.steps([])
    assert execution_sensor().execute_complete(context(), event("success")) == EXECUTION_ARN
    service.execution("Executing")
    with pytest.raises(TaskDeferred):
        execution_sensor(task_id="again").execute_complete(context(), event("failed", "boom"))


@pytest.mark.parametrize("status", ["Failed", "Stopped", "CompletedWithFailures"])
def test_an_execution_that_did_not_end_well(service, dag, context, status):
    """Failed, Stopped and CompletedWithFailures fail the sensor, in the triggerer's mode and in others alike."""
    service.execution(status)
    service.steps([step("train", "Failed", FailureReason="boom")])
    message = f"^{re.escape(f'execution {EXECUTION_ARN} ended {status}')}: step 'train' failed: boom$"
    for made in (execution_sensor(), execution_sensor(task_id="b", deferrable=False)):
        with pytest.raises(PipelineExecutionError, match=message):
            made.execute(context())
    with pytest.raises(PipelineExecutionError, match=message):
        execution_sensor(task_id="c").execute_complete(context(), event("failed"))


def test_soft_fail(service, dag, context):
    """With soft_fail a failure skips the sensor, in every mode."""
    service.execution("Failed")
    service.steps([])
    for made in (execution_sensor(soft_fail=True), execution_sensor(task_id="b", soft_fail=True, deferrable=False)):
        with pytest.raises(AirflowSkipException, match="ended Failed"):
            made.execute(context())


def test_timeout_in_the_triggerer(service, dag, context):
    """A wait in the triggerer that took too long ends as Airflow's sensors do, with what was last seen."""
    told = {**event("timeout", "gave up on it; last seen: Executing"), "limit": "timeout"}
    with pytest.raises(AirflowSensorTimeout, match=r"^gave up on it; last seen: Executing$"):
        execution_sensor().execute_complete(context(), told)
    with pytest.raises(AirflowSkipException, match=r"^gave up on it; last seen: Executing$"):
        execution_sensor(task_id="soft", soft_fail=True).execute_complete(context(), told)


def test_trouble_and_refusals(service, dag, context):
    """Server errors are waited out in poke mode; a refusal ends the sensor at once, in the service's words."""
    config = {"retries": {"total_max_attempts": 1}}
    service.execution("Succeeded")
    service.steps([])
    service.answers["DescribePipelineExecution"].insert(0, Refusal("InternalFailure", "oops", 500))
    assert execution_sensor(deferrable=False, botocore_config=config).execute(context()) == EXECUTION_ARN
    service.answers["DescribePipelineExecution"] = [Refusal("AccessDeniedException", "not you")]
    with pytest.raises(AirflowFailException, match="AccessDeniedException: not you"):
        execution_sensor(task_id="b", deferrable=False).execute(context())


def test_the_latest_execution(service, dag, context, task_log):
    """A pipeline and an execution that do not exist yet are waited for; then the sensor stays with what it found."""
    service.answers["ListPipelineExecutions"] = [
        NO_PIPELINE,
        {"PipelineExecutionSummaries": []},
        {"PipelineExecutionSummaries": [summary("abcdef123456")]},
        {"PipelineExecutionSummaries": [summary("later1234567"), summary("abcdef123456")]},
    ]
    service.execution("Executing", "Succeeded")
    service.steps([])
    made = execution_sensor(pipeline_name="churn", deferrable=False)
    lines = task_log(made)
    assert made.execute(context()) == EXECUTION_ARN
    assert service.count("ListPipelineExecutions") == 3
    assert lines[0] == ("INFO", "Pipeline 'churn' has no such execution yet: waiting for one")
    assert len([line for line in lines if "has no such execution" in line[1]]) == 1


def test_rescheduling(service, dag, context):
    """In reschedule mode, where each poke is a process of its own, the sensor stays with what it found, too."""
    service.answers["ListPipelineExecutions"] = [
        {"PipelineExecutionSummaries": [summary("abcdef123456")]},
        {"PipelineExecutionSummaries": [summary("later1234567")]},
    ]
    service.execution("Executing", "Succeeded")
    service.steps([])
    running = context()
    running["ti"].get_first_reschedule_date = lambda _: None
    arguments = {"pipeline_name": "churn", "deferrable": False, "mode": "reschedule"}
    with pytest.raises(AirflowRescheduleException):
        execution_sensor(**arguments).execute(running)
    assert execution_sensor(task_id="b", **arguments).execute(running) == EXECUTION_ARN
    assert service.count("ListPipelineExecutions") == 1


DAY = timedelta(days=1)
START = datetime(2026, 1, 5, tzinfo=timezone.utc)


def test_the_latest_of_the_data_interval(service, dag, context):
    """Only executions that started in the data interval count: its start belongs to it, its end does not."""
    service.answers["ListPipelineExecutions"] = [
        {
            "PipelineExecutionSummaries": [
                summary("atend1234567", START + DAY),
                summary("abcdef123456", START),
                summary("before123456", START - DAY),
            ]
        }
    ]
    service.execution("Succeeded")
    service.steps([])
    made = execution_sensor(pipeline_name="churn", which="latest_in_data_interval")
    interval = {"data_interval_start": START, "data_interval_end": START + DAY}
    assert made.execute(context() | interval) == EXECUTION_ARN
    (request,) = service.requests_of("ListPipelineExecutions")
    assert (request["CreatedAfter"], request["CreatedBefore"]) == (
        START.timestamp() - 1,
        (START + DAY).timestamp() + 1,
    )


def test_no_execution_in_a_data_interval_that_is_over(service, dag, context):
    """When the interval is over without an execution none can come any more: the sensor does not wait for it."""
    service.answers["ListPipelineExecutions"] = [{"PipelineExecutionSummaries": []}]
    made = execution_sensor(pipeline_name="churn", which="latest_in_data_interval")
    interval = {"data_interval_start": START, "data_interval_end": START + DAY}
    message = (
        "no execution of pipeline 'churn' started in the data interval from 2026-01-05 00:00:00+00:00 to 2026-01-06 "
        "00:00:00+00:00, and none can any more"
    )
    with pytest.raises(AirflowFailException, match=f"^{re.escape(message)}$"):
        made.execute(context() | interval)


def test_a_data_interval_that_goes_on(service, dag, context):
    """While the interval is not over, the wait is the triggerer's, which knows the interval."""
    service.answers["ListPipelineExecutions"] = [{"PipelineExecutionSummaries": []}]
    now = datetime.now(timezone.utc)
    made = execution_sensor(pipeline_name="churn", which="latest_in_data_interval")
    with pytest.raises(TaskDeferred) as caught:
        made.execute(context() | {"data_interval_start": now - DAY, "data_interval_end": now + DAY})
    arguments = caught.value.trigger.serialize()[1]
    assert (arguments["pipeline_name"], arguments["started_from"], arguments["started_before"]) == (
        "churn",
        (now - DAY).isoformat(),
        (now + DAY).isoformat(),
    )


@pytest.mark.parametrize(
    ("interval", "what"),
    [({}, "none"), ({"data_interval_start": START, "data_interval_end": START}, f"an empty one at {START}")],
)
def test_a_dag_run_without_a_data_interval(service, dag, context, interval, what):
    """A run without a data interval, or with an empty one, is an error that names the fix."""
    made = execution_sensor(pipeline_name="churn", which="latest_in_data_interval")
    with pytest.raises(AirflowFailException, match=re.escape(f"and this one has {what}. Give the Dag a schedule")):
        made.execute(context() | interval)


def test_a_step_that_succeeds(service, definition, dag, context):
    """A step that is over leaves the XComs of a step's task, and the links to execution, job and log."""
    service.execution("Executing")
    service.steps([], [step("train", "Executing")], [step("train", "Succeeded", Metadata=TRAINING)])
    service.answers["DescribeTrainingJob"] = [{"ModelArtifacts": {"S3ModelArtifacts": "s3://box/model.tar.gz"}}]
    made, running = step_sensor(), context()
    assert made.execute(running) == EXECUTION_ARN
    assert running["ti"].pushed == {
        "step_report": step_report(
            "Succeeded",
            JOB,
            outputs={"model_artifacts": "s3://box/model.tar.gz"},
            request={},
            job=job_report("training"),
        )
    }
    assert sorted(made.link_addresses) == [
        "_link_CloudWatchLogLink",
        "_link_SageMakerJobLink",
        "_link_SageMakerPipelineExecutionLink",
    ]
    assert service.count("DescribePipelineDefinitionForExecution") == 1


def test_a_step_that_fails(service, definition, dag, context, task_log):
    """A failed step fails the sensor with its reason, and the log has the job."""
    service.execution("Executing")
    service.steps([step("train", "Failed", FailureReason="boom", Metadata=TRAINING)])
    service.answers["DescribeTrainingJob"] = [{}]
    service.answers["DescribeLogStreams"] = [{"logStreams": []}]
    made = step_sensor()
    lines = task_log(made)
    with pytest.raises(PipelineExecutionError, match=r"^step 'train' failed: boom$"):
        made.execute(context())
    assert lines == [("INFO", f"Step 'train' of {EXECUTION_ARN} is Failed"), ("ERROR", f"Job: {JOB}")]


def test_a_step_in_a_branch_that_was_not_taken(service, definition, dag, context):
    """The sensor is skipped as soon as the condition decided against the step, while the execution still runs."""
    service.execution("Executing")
    service.steps([step("good", "Succeeded", Metadata={"Condition": {"Outcome": "False"}}), step("each", "Executing")])
    with pytest.raises(AirflowSkipException, match="step 'train' is in the branch of 'good' that was not taken"):
        step_sensor().execute(context())


def test_a_step_that_will_never_start(service, definition, dag, context):
    """When the execution is over without the step the sensor fails, naming what ended the execution."""
    service.execution("Failed")
    service.steps([step("prepare", "Failed", FailureReason="no data")])
    message = "step 'train' never started: the execution ended Failed: step 'prepare' failed: no data"
    with pytest.raises(PipelineExecutionError, match=f"^{re.escape(message)}$"):
        step_sensor().execute(context())


def test_a_step_that_a_successful_execution_went_without(service, definition, dag, context):
    """A step that exists and was not run, as in a selective execution, fails the sensor."""
    service.execution("Succeeded")
    service.steps([step("prepare", "Succeeded")])
    message = (
        f"step 'train' never started: execution {EXECUTION_ARN} Succeeded without it. A selective execution runs only "
        "the selected steps, and a step can also wait for a failure that did not happen"
    )
    with pytest.raises(PipelineExecutionError, match=f"^{re.escape(message)}$"):
        step_sensor().execute(context())


def test_a_step_that_does_not_exist(service, definition, dag, context):
    """A wrong name is not waited for: the error names the steps there are."""
    service.execution("Executing")
    service.steps([])
    message = (
        f"execution {EXECUTION_ARN} has no step 'trian'. Did you mean 'train'? Its definition has 'prepare', 'good', "
        "'train', 'no', 'each'"
    )
    with pytest.raises(PipelineExecutionError, match=f"^{re.escape(message)}$"):
        step_sensor(step_name="trian").execute(context())


def test_a_step_of_a_for_each_body(service, definition, dag, context):
    """The step that a ForEach body becomes for one item can be waited for by its own name."""
    service.execution("Executing")
    service.steps([step("part-0", "Succeeded"), step("part-1", "Executing")], [step("part-1", "Succeeded")])
    assert step_sensor(step_name="part-1").execute(context()) == EXECUTION_ARN


def test_the_trigger_of_a_step_sensor(service, definition, dag, context):
    """A deferrable step sensor waits for its step."""
    service.execution("Executing")
    service.steps([])
    with pytest.raises(TaskDeferred) as caught:
        step_sensor(deferrable=True, log_lines=7).execute(context())
    arguments = caught.value.trigger.serialize()[1]
    assert (arguments["awaited"]["step_name"], arguments["wait"]["log_lines"]) == ("train", 7)


@in_triggerer
@pytest.mark.parametrize(
    ("arguments", "ends", "skips"),
    [
        ({}, ("success", "skipped"), False),
        ({"soft_fail": True}, ("success", "skipped"), True),
        ({"never_fail": True}, ("success", "skipped"), True),
        ({"outlets": [Asset("a")]}, ("skipped",), False),
        ({"on_success_callback": print}, ("skipped",), False),
        ({"on_skipped_callback": [print]}, ("success",), False),
        ({"on_execute_callback": print}, (), False),
        ({"do_xcom_push": False}, (), False),
    ],
    ids=["alone", "soft_fail", "never_fail", "outlets", "on success", "on skip", "on execute", "no XCom"],
)
def test_where_a_deferred_sensor_ends(service, dag, context, arguments, ends, skips):
    """The triggerer ends a sensor that does not fail, where nothing waits for its end; it knows soft_fail, never_fail."""
    service.execution("Executing")
    service.steps([])
    with pytest.raises(TaskDeferred) as caught:
        execution_sensor(**arguments).execute(context())
    trigger = caught.value.trigger
    assert (trigger.ends_here, trigger.awaited.skip_on_failure) == (ends, skips)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pipeline_execution_arn": None}, "give either pipeline_execution_arn or pipeline_name."),
        (
            {"pipeline_execution_arn": EXECUTION_ARN, "pipeline_name": "churn"},
            "give either pipeline_execution_arn or pipeline_name.",
        ),
        (
            {"pipeline_name": "churn", "which": "newest"},
            "which='newest' is neither 'latest' nor 'latest_in_data_interval'.",
        ),
        (
            {"which": "latest_in_data_interval"},
            "which='latest_in_data_interval' chooses among a pipeline's executions. Give pipeline_name.",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_errors_of_the_dag_file(dag, arguments, message):
    """What can be known while a Dag is parsed is an error there, naming Dag and task."""
    with pytest.raises(TranslationError) as caught:
        execution_sensor(**arguments)
    assert str(caught.value) == f"Dag 'd', task 'wait': {message}"


@pytest.mark.parametrize(
    ("made", "arguments", "message"),
    [
        (execution_sensor, {"waiter_delay": 0}, "waiter_delay must be greater than 0 seconds, got 0."),
        (execution_sensor, {"poke_interval": 0}, "poke_interval must be greater than 0 seconds, got 0.0."),
        (step_sensor, {"poke_interval": timedelta(0)}, "poke_interval must be greater than 0 seconds, got 0.0."),
        (step_sensor, {"log_lines": -1}, "log_lines must be a whole number from 0 to 10000, got -1."),
        (step_sensor, {"log_lines": 10_001}, "log_lines must be a whole number from 0 to 10000, got 10001."),
    ],
)
def test_settings_that_cannot_be(dag, made, arguments, message):
    """The triggerer would ask without a pause, or for a log without an end: refused while the Dag is parsed."""
    with pytest.raises(TranslationError) as caught:
        made(**arguments)
    assert str(caught.value).endswith(f": {message}")


EVALUATION = "arn:aws:sagemaker:us-east-1:123456789012:processing-job/pipelines-abc-evaluate"


@pytest.mark.parametrize("deferrable", [False, True], ids=["poking", "over at the first look"])
def test_a_soft_sensor_is_skipped_where_the_step_left_no_property_file(service, dag, context, deferrable):
    """The step succeeded, and its declared file names an output that the job does not have: a failure as any other."""
    declared = [{"PropertyFileName": "metrics", "OutputName": "evaluation", "FilePath": "metrics.json"}]
    document = {**DEFINITION, "Steps": [{**lambda_step("train"), "Type": "Processing", "PropertyFiles": declared}]}
    service.answers["DescribePipelineDefinitionForExecution"] = [{"PipelineDefinition": json.dumps(document)}]
    service.answers["DescribeProcessingJob"] = [{}]
    service.execution("Executing")
    service.steps([step("train", "Succeeded", Metadata={"ProcessingJob": {"Arn": EVALUATION}})])
    reason = (
        "property file 'metrics' of step 'train' is declared for output 'evaluation', but its job "
        f"{EVALUATION} has the outputs []"
    )
    with pytest.raises(AirflowSkipException, match=f"^{re.escape(reason)}$"):
        step_sensor(deferrable=deferrable, soft_fail=True).execute(context())
    with pytest.raises(PipelineExecutionError, match=f"^{re.escape(reason)}$"):
        step_sensor(task_id="hard", deferrable=deferrable).execute(context())


def test_a_failed_step_leaves_its_xcoms(service, definition, dag, context):
    """As the step's own task does: how it ended, and which job ran it."""
    service.execution("Executing")
    service.steps([step("train", "Failed", Metadata=TRAINING, FailureReason="boom")])
    running = context()
    with pytest.raises(PipelineExecutionError, match=r"^step 'train' failed: boom$"):
        step_sensor().execute(running)
    assert running["ti"].pushed == {"step_report": step_report("Failed", JOB, reason="boom")}


@pytest.mark.parametrize(("arn", "message"), [("None", "'None' is not the ARN"), (None, "the task it comes from")])
def test_an_arn_that_is_none(service, dag, context, arn, message):
    """An upstream task that left no ARN is an error at once, not a wait without end."""
    made = execution_sensor()
    made.pipeline_execution_arn = arn
    with pytest.raises(AirflowFailException, match=message) as caught:
        made.execute(context())
    # Said once: with the error that it was made of the log would have it twice.
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
