from __future__ import annotations

import json
import re
import time
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout, TaskDeferred

from airflow_sm_pipelines.compatibility.version import TASKS_LIVE_IN_TRIGGERER
from airflow_sm_pipelines.exceptions import (
    PipelineDefinitionError,
    PipelineExecutionError,
    SageMakerServiceError,
    TranslationError,
)
from airflow_sm_pipelines.execution.identity import execution_display_name, start_token
from airflow_sm_pipelines.hooks import patience
from airflow_sm_pipelines.operators.executions.pipeline import SageMakerPipelineOperator
from airflow_sm_pipelines.tasks import waiting
from airflow_sm_pipelines.translation.typed_parameters import ParameterFloat
from tests.scripted_service import EXECUTION_ARN, Refusal, step
from tests.versions import needs_argument

ROLE = "arn:aws:iam::123456789012:role/sagemaker"
PIPELINE_ARN = EXECUTION_ARN.partition("/execution/")[0]
OTHER = EXECUTION_ARN.replace("abcdef123456", "other1234567")
DEFINITION = {
    "Version": "2020-12-01",
    "Metadata": {},
    "Parameters": [
        {"Name": "InputData", "Type": "String"},
        {"Name": "MinAccuracy", "Type": "Float", "DefaultValue": 0.9},
    ],
    "Steps": [
        {"Name": "prepare", "Type": "Lambda", "Arguments": {}, "FunctionArn": "arn:aws:lambda:::function:f"},
        {
            "Name": "train",
            "Type": "Lambda",
            "DependsOn": ["prepare"],
            "Arguments": {},
            "FunctionArn": "arn:aws:lambda:::function:f",
        },
    ],
}
STUDIO = "https://console.aws.amazon.com/sagemaker/home?region=us-east-1#/pipelines/churn"
LINKS = {"_link_SageMakerPipelineExecutionLink": STUDIO}


def operator(**arguments):
    return SageMakerPipelineOperator(**{"task_id": "run", "pipeline_name": "churn", "waiter_delay": 0.01, **arguments})


def defined(**arguments):
    return operator(
        **{"definition": DEFINITION, "role_arn": ROLE, "parameters": {"InputData": "s3://lake/"}, **arguments}
    )


def token(map_index=-1, max_tries=0):
    return start_token("d", "manual__1", "run", map_index, run_start="2026-01-01 00:00:00+00:00", max_tries=max_tries)


NAME = execution_display_name("d", "manual__1", "run", -1)


REPORTING = ("DescribePipelineDefinitionForExecution", "DescribePipelineExecution")


def started(service, *arns):
    service.answers["StartPipelineExecution"] = [{"PipelineExecutionArn": arn} for arn in arns or (EXECUTION_ARN,)]
    service.answers["DescribePipelineDefinitionForExecution"] = [{"PipelineDefinition": json.dumps(DEFINITION)}]
    service.answers["ListPipelineExecutions"] = [{"PipelineExecutionSummaries": []}]


def deferred(made, context):
    with pytest.raises(TaskDeferred) as caught:
        made.execute(context)
    return caught.value


@needs_argument("MlflowExperimentName")
def test_it_defines_starts_and_defers(service, dag, context):
    """The pipeline gets the definition, one execution starts, its ARN and link are there, the wait is the triggerer's."""
    started(service)
    service.answers.update(
        DescribePipeline=[Refusal("ResourceNotFound", "no")], CreatePipeline=[{"PipelineArn": PIPELINE_ARN}]
    )
    made = defined(tags=[{"Key": "team", "Value": "ml"}], max_parallel_execution_steps=2, mlflow_experiment_name="m")
    running = context()
    deferral = deferred(made, running)

    (creation,) = service.requests_of("CreatePipeline")
    del creation["ClientRequestToken"]
    assert creation == {
        "PipelineName": "churn",
        "PipelineDefinition": json.dumps(DEFINITION, separators=(",", ":")),
        "RoleArn": ROLE,
        "Tags": [{"Key": "team", "Value": "ml"}, {"Key": "airflow_sm_pipelines:tags", "Value": "team"}],
    }
    assert service.requests_of("StartPipelineExecution") == [
        {
            "PipelineName": "churn",
            "ClientRequestToken": token(),
            "PipelineParameters": [{"Name": "InputData", "Value": "s3://lake/"}],
            "PipelineExecutionDisplayName": NAME,
            "ParallelismConfiguration": {"MaxParallelExecutionSteps": 2},
            "MlflowExperimentName": "m",
        }
    ]
    report = running["ti"].pushed.pop("pipeline_report")
    assert (report["pipeline"], report["execution"], report["created"]) == ("churn", EXECUTION_ARN, True)
    assert [(each["name"], each["value"]) for each in report["parameters"]] == [
        ("InputData", "s3://lake/"),
        ("MinAccuracy", None),
    ]
    assert running["ti"].pushed == {
        "pipeline_execution_arn": EXECUTION_ARN,
        "ended__run": {"try_number": 0, "failure": None},
    }
    assert made.link_addresses == LINKS
    assert (deferral.method_name, deferral.timeout) == ("execute_complete", None)
    assert deferral.trigger.serialize() == (
        "airflow_sm_pipelines.triggers.execution.SageMakerPipelineExecutionTrigger",
        {
            "pipeline_execution_arn": EXECUTION_ARN,
            "awaited": {},
            "connection": {},
            "wait": {"waiter_delay": 0.01},
            "ends_here": ["success", "skipped"] if TASKS_LIVE_IN_TRIGGERER else [],
            "deferred_by_worker": True,
            "pipeline_name": None,
            "started_from": None,
            "started_before": None,
            "time_limit": None,
            "masked": {},
        },
    )


@pytest.mark.parametrize("deferrable", [True, False])
def test_without_waiting(service, dag, context, deferrable):
    """wait_for_completion=False ends the task once the execution started, whether it could defer or not."""
    started(service)
    service.execution("Executing")
    made = operator(deferrable=deferrable, wait_for_completion=False)
    assert made.execute(context()) == EXECUTION_ARN
    assert [name for name, _ in service.requests] == ["StartPipelineExecution", *REPORTING]


def test_a_version_that_is_no_number(service, dag, context):
    """What is rendered for the version has to be a number: trying again would not help."""
    made = operator(pipeline_version_id="{{ 'one' }}", retries=1)
    made.pipeline_version_id = "one"
    message = "pipeline_version_id is 'one', not the number of a version"
    with pytest.raises(AirflowFailException, match=f"^{re.escape(message)}$"):
        made.execute(context())


@needs_argument("MlflowExperimentName")
def test_a_pipeline_as_it_is(service, dag, context):
    """Without a definition nothing is updated; version and parameters go into the start."""
    started(service)
    service.execution("Executing")
    made = operator(
        wait_for_completion=False, pipeline_version_id="7", parameters={"Rounds": 3, "Fast": ParameterFloat(0.5)}
    )
    made.execute(context())
    assert service.requests[:1] == [
        (
            "StartPipelineExecution",
            {
                "PipelineName": "churn",
                "ClientRequestToken": token(),
                "PipelineParameters": [{"Name": "Rounds", "Value": "3"}, {"Name": "Fast", "Value": "0.5"}],
                "PipelineExecutionDisplayName": NAME,
                "PipelineVersionId": 7,
            },
        )
    ]


def test_each_mapped_task_and_each_clear_has_an_execution_of_its_own(service, dag, context):
    """The token tells mapped instances and generations apart, and not the tries of one generation."""
    started(service)
    service.execution("Executing")
    service.steps([])
    made = operator(wait_for_completion=False, retries=2)
    for instance in (
        {"max_tries": 2},
        {"max_tries": 2, "map_index": 3},
        {"max_tries": 5, "try_number": 4},
        {"max_tries": 5, "try_number": 5},
    ):
        made.execute(context(**instance) | {"task_state_store": None})
    assert [request["ClientRequestToken"] for request in service.requests_of("StartPipelineExecution")] == [
        token(max_tries=2),
        token(map_index=3, max_tries=2),
        token(max_tries=5),
        token(max_tries=5),
    ]
    names = [request["PipelineExecutionDisplayName"] for request in service.requests_of("StartPipelineExecution")]
    assert names == [NAME, execution_display_name("d", "manual__1", "run", 3), NAME, NAME]


def test_waiting_on_the_worker(service, dag, context, task_log):
    """A synchronous task looks until the execution is over; its log has a line whenever a step changes."""
    started(service)
    service.execution("Executing", "Executing", "Succeeded")
    service.steps(
        [step("prepare", "Executing")],
        [step("prepare", "Executing")],
        [step("prepare", "Succeeded", EndTime=1690315958.0)],
    )
    made = operator(deferrable=False)
    lines = task_log(made)
    assert made.execute(context()) == EXECUTION_ARN
    assert lines == [
        ("INFO", f"Execution {EXECUTION_ARN}"),
        ("INFO", f"Following execution {EXECUTION_ARN}"),
        ("INFO", "Step 'prepare' is Executing"),
        ("INFO", "The execution is Executing"),
        ("INFO", "Step 'prepare' is Succeeded after 3.0 s"),
        ("INFO", "The execution is Succeeded"),
    ]


def test_the_log_of_a_failed_execution(service, dag, context, task_log):
    """The log ends with the failed step's job and the last lines of the job's log."""
    job = "arn:aws:sagemaker:us-east-1:123456789012:training-job/pipelines-abc-train"
    started(service)
    service.execution("Failed")
    service.steps([step("train", "Failed", FailureReason="boom", Metadata={"TrainingJob": {"Arn": job}})])
    service.answers["DescribeLogStreams"] = [{"logStreams": [{"logStreamName": "pipelines-abc-train/algo-1"}]}]
    service.answers["GetLogEvents"] = [{"events": [{"timestamp": 1, "message": "KeyError: 'x'"}]}]
    made = operator(deferrable=False, log_lines=1)
    lines = task_log(made)
    with pytest.raises(PipelineExecutionError):
        made.execute(context())
    assert [line for level, line in lines if level == "ERROR"] == [
        f"Job: {job}",
        "The last lines of the job's log (1):",
        "    KeyError: 'x'",
    ]


def test_trouble_is_waited_out(service, dag, context):
    """A worker that waits survives throttling and server errors."""
    started(service)
    service.execution("Succeeded")
    service.answers["DescribePipelineExecution"][:0] = [
        Refusal("ThrottlingException", "Rate exceeded"),
        Refusal("InternalFailure", "oops", 500),
    ]
    service.steps([])
    config = {"retries": {"total_max_attempts": 1}}
    assert operator(deferrable=False, botocore_config=config).execute(context()) == EXECUTION_ARN
    assert service.count("DescribePipelineExecution") == 3


def test_a_refusal_is_not_waited_out(service, dag, context):
    """No access fails the task at once, in the service's words, and without another try."""
    started(service)
    service.answers["DescribePipelineExecution"] = [Refusal("AccessDeniedException", "not you")]
    with pytest.raises(AirflowFailException, match="DescribePipelineExecution failed: AccessDeniedException: not you"):
        operator(deferrable=False).execute(context())


def test_expired_credentials_are_read_once_more(service, dag, context):
    """An expired token is worth one look at the connection; a second one fails the task."""
    started(service)
    service.execution("Succeeded")
    service.steps([])
    service.answers["DescribePipelineExecution"].insert(0, Refusal("ExpiredTokenException", "expired"))
    assert operator(deferrable=False).execute(context()) == EXECUTION_ARN

    service.answers["DescribePipelineExecution"] = [Refusal("ExpiredTokenException", "expired")]
    with pytest.raises(AirflowFailException, match="ExpiredTokenException: expired"):
        operator(task_id="again", deferrable=False).execute(context())


FAILURES = [
    ("Failed", [step("train", "Failed", FailureReason="boom")], "step 'train' failed: boom"),
    ("Stopped", [step("train", "Stopped")], "step 'train' was stopped"),
    (
        "CompletedWithFailures",
        [step("prepare", "Succeeded"), step("train", "Failed", FailureReason="boom")],
        "step 'train' failed: boom",
    ),
]


def synchronously(made, context):
    made.execute(context)


def after_the_trigger(made, context):
    made.execute_complete(
        context, {"status": "failed", "pipeline_execution_arn": EXECUTION_ARN, "reason": None, "limit": None}
    )


@pytest.mark.parametrize(("status", "steps", "reason"), FAILURES)
@pytest.mark.parametrize("end", [synchronously, after_the_trigger])
def test_an_execution_that_did_not_end_well(service, dag, context, end, status, steps, reason):
    """Failed, Stopped and CompletedWithFailures fail the task, naming the steps and why; both modes decide alike."""
    started(service)
    service.execution(status)
    service.steps(steps)
    message = f"execution {EXECUTION_ARN} ended {status}: {reason}"
    with pytest.raises(PipelineExecutionError, match=f"^{re.escape(message)}$"):
        end(operator(deferrable=False), context())


def test_after_the_trigger_the_execution_is_looked_at_again(service, dag, context):
    """The event is not believed: the worker looks itself and returns the ARN."""
    service.execution("Succeeded")
    service.steps([])
    made = operator()
    event = {"status": "failed", "reason": "?", "pipeline_execution_arn": EXECUTION_ARN, "limit": None}
    assert (made.execute_complete(context(), event), made.link_addresses) == (EXECUTION_ARN, LINKS)


def test_a_service_in_trouble_after_the_trigger(service, dag, context, monkeypatch):
    """When the last look fails for too long it is Airflow's turn to try again: the next try finds the execution."""
    monkeypatch.setattr(patience, "SECONDS", 0)
    service.answers["DescribePipelineExecution"] = [Refusal("ThrottlingException", "Rate exceeded")]
    event = {"status": "success", "reason": None, "pipeline_execution_arn": EXECUTION_ARN, "limit": None}
    with pytest.raises(SageMakerServiceError, match="Rate exceeded"):
        operator().execute_complete(context(), event)


@pytest.mark.parametrize(
    ("limit", "exception"), [("execution_timeout", AirflowTaskTimeout), ("waiter_delay", PipelineExecutionError)]
)
def test_a_wait_in_the_triggerer_that_was_given_up(service, dag, context, limit, exception):
    """The task ends with what the trigger says was last seen; Airflow's own limit ends it with Airflow's exception."""
    event = {"status": "timeout", "reason": "gave up", "pipeline_execution_arn": EXECUTION_ARN, "limit": limit}
    with pytest.raises(exception, match=r"^gave up$"):
        operator().execute_complete(context(), event)


def test_the_limits_go_to_the_trigger(service, dag, context):
    """The limit that comes first is the trigger's; Airflow's own comes later, for it cannot say what was last seen."""
    from datetime import timedelta

    started(service)
    before = time.time()
    deferral = deferred(operator(execution_timeout=timedelta(seconds=60), waiter_max_attempts=100), context())
    limit = deferral.trigger.time_limit().to_dict()
    assert (limit["name"], limit["seconds"]) == ("waiter_delay 0.01 x waiter_max_attempts 100", 1)
    assert before + 1 <= limit["at"] <= time.time() + 1
    assert deferral.timeout == timedelta(minutes=6)
    again = deferred(operator(task_id="b", execution_timeout=timedelta(seconds=60)), context())
    assert (again.trigger.time_limit().name, again.trigger.time_limit().seconds) == ("execution_timeout", 60)


def test_waiter_max_attempts_on_the_worker(service, dag, context):
    """A worker gives up after waiter_delay times waiter_max_attempts, and says what was last seen."""
    started(service)
    service.execution("Executing")
    service.steps([step("train", "Executing")])
    message = (
        f"gave up on execution {EXECUTION_ARN} after 0.03 seconds (waiter_delay 0.01 x waiter_max_attempts 3); last "
        "seen: Executing, running 'train'. The execution was not stopped"
    )
    with pytest.raises(PipelineExecutionError, match=f"^{re.escape(message)}$"):
        operator(deferrable=False, waiter_max_attempts=3).execute(context())
    assert service.count("StopPipelineExecution") == 0


def test_execution_timeout_on_the_worker(service, dag, context, monkeypatch):
    """When Airflow's own timeout ends the wait, the message says what was last seen, and nothing is stopped."""
    started(service)
    service.execution("Executing")
    service.steps([step("train", "Executing")])

    def out_of_time(_):
        raise AirflowTaskTimeout("Timeout, PID: 1")

    monkeypatch.setattr(time, "sleep", out_of_time)
    made = operator(deferrable=False)
    message = (
        f"the task's execution_timeout has passed; execution {EXECUTION_ARN} was last seen: Executing, running "
        "'train'. The execution was not stopped"
    )
    with pytest.raises(AirflowTaskTimeout, match=f"^{re.escape(message)}$"):
        made.execute(context())
    made.on_kill()  # As Airflow does after a timeout.
    assert service.count("StopPipelineExecution") == 0


@pytest.mark.parametrize(
    ("instance", "arguments", "stops"),
    [
        ({"state": "failed"}, {}, 1),
        ({"state": "skipped", "dag_run_state": "failed"}, {}, 1),
        ({"state": "skipped"}, {}, 0),
        ({"state": "restarting"}, {}, 0),
        ({"state": "success"}, {}, 0),
        ({"state": "running"}, {}, 0),
        ({"state": "failed"}, {"stop_on_kill": False}, 0),
    ],
    ids=["failed", "run failed", "skipped", "cleared", "marked successful", "worker shut down", "not asked for"],
)
def test_killed_while_it_waits_on_the_worker(service, dag, context, monkeypatch, instance, arguments, stops):
    """A kill stops the execution only when a person failed the task or the Dag run."""
    started(service)
    service.execution("Executing")
    service.steps([])
    service.answers["StopPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    made = operator(deferrable=False, **arguments)

    class Killed(BaseException):
        pass

    def kill(_):
        made.on_kill()
        raise Killed

    monkeypatch.setattr(time, "sleep", kill)
    with pytest.raises(Killed):
        made.execute(context(**instance))
    assert service.count("StopPipelineExecution") == stops


@pytest.mark.parametrize(("silence", "stops"), [(100, 1), (299, 0)], ids=["heard of soon", "Airflow's own time-out"])
def test_a_worker_that_stood_still_stops_nothing(service, dag, context, monkeypatch, silence, stops):
    """Airflow fails a task that is silent for 300 seconds. When its worker wakes it is killed as if a person had."""
    started(service)
    service.execution("Executing")
    service.steps([])
    service.answers["StopPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    made = operator(deferrable=False, waiter_delay=10)
    passed = [0.0]
    monkeypatch.setattr(waiting, "_clocks", lambda: (passed[0], passed[0]))

    class Killed(BaseException):
        pass

    def stand_still(_):
        passed[0] += silence
        made.on_kill()
        raise Killed

    monkeypatch.setattr(time, "sleep", stand_still)
    with pytest.raises(Killed):
        made.execute(context(state="failed"))
    assert service.count("StopPipelineExecution") == stops


def test_a_long_wait_sees_that_it_is_alive(service, dag, context, monkeypatch):
    """Between two looks that are hours apart the supervisor is asked four times in each 300 seconds."""
    started(service)
    service.execution("Executing", "Executing", "Succeeded")
    service.steps([])
    passed, asked = [0.0], []
    monkeypatch.setattr(waiting, "_clocks", lambda: (passed[0], passed[0]))
    monkeypatch.setattr(waiting, "own_state", lambda _: asked.append(passed[0]) or "running")
    clock = SimpleNamespace(
        time=time.time, monotonic=lambda: passed[0], sleep=lambda s: passed.insert(0, passed[0] + s)
    )
    monkeypatch.setattr(waiting, "time", clock)
    monkeypatch.setattr(waiting, "Pace", lambda _: SimpleNamespace(after_change=lambda: 600.0))
    assert operator(deferrable=False).execute(context()) == EXECUTION_ARN
    assert asked == [75.0 * number for number in range(1, 9)]


def test_a_kill_amid_a_question_to_the_supervisor(service, dag, context, monkeypatch):
    """No second question can be asked then, and in doubt nothing is stopped: the supervisor may have stood still."""
    started(service)
    service.execution("Executing")
    service.steps([])
    made = operator(deferrable=False)
    monkeypatch.setattr(waiting.WorkerWait, "_silence", lambda _: 80.0)

    class Killed(BaseException):
        pass

    def killed(_):
        made.on_kill()
        raise Killed

    monkeypatch.setattr(waiting, "own_state", killed)
    with pytest.raises(Killed):
        made.execute(context(state="failed"))
    assert service.count("StopPipelineExecution") == 0


def second_try(**more):
    return {"try_number": 2, "max_tries": 1, **more}


def test_a_retry_finds_the_execution_that_goes_on(service, dag, context):
    """A try after a lost worker follows the execution of before, and neither resumes nor stops it."""
    started(service)
    service.execution("Executing")
    service.steps([])
    made = operator(wait_for_completion=False, retries=1)
    assert made.execute(context(**second_try())) == EXECUTION_ARN
    assert [name for name, _ in service.requests] == [
        "ListPipelineExecutions",
        "StartPipelineExecution",
        "DescribePipelineExecution",
        "ListPipelineExecutionSteps",
        *REPORTING,
    ]
    assert service.requests_of("StartPipelineExecution")[0]["ClientRequestToken"] == token(max_tries=1)


def test_a_retry_does_not_need_the_service_to_remember(service, dag, context):
    """What the first try started is remembered by Airflow, too: the second starts nothing."""
    started(service)
    service.execution("Executing")
    service.steps([])
    made = operator(wait_for_completion=False, retries=1)
    made.execute(context(max_tries=1))
    assert made.execute(context(**second_try())) == EXECUTION_ARN
    assert service.count("StartPipelineExecution") == 1


FAILED_STEP = step("train", "Failed", FailureReason="boom", EndTime=1690315999.0)


def test_a_retry_resumes_a_failed_execution(service, dag, context):
    """The next try has SageMaker go on with the same execution, under the same ARN."""
    started(service)
    service.execution("Failed")
    service.steps([FAILED_STEP])
    service.answers["RetryPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    made = operator(wait_for_completion=False, retries=1)
    assert made.execute(context(**second_try())) == EXECUTION_ARN
    assert [request["PipelineExecutionArn"] for request in service.requests_of("RetryPipelineExecution")] == [
        EXECUTION_ARN
    ]
    assert service.count("StartPipelineExecution") == 1


def test_an_execution_that_is_stopping_is_resumed_once_it_has_stopped(service, dag, context):
    """A try that finds the execution stopping waits for that, since it cannot be resumed before."""
    started(service)
    service.execution("Stopping", "Stopping", "Stopped")
    service.steps([step("train", "Stopped", EndTime=1690315999.0)])
    service.answers["RetryPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    made = operator(wait_for_completion=False, retries=1)
    assert made.execute(context(**second_try())) == EXECUTION_ARN
    assert service.count("RetryPipelineExecution") == 1


def test_a_fail_step_cannot_be_resumed(service, dag, context):
    """An execution that ended in a Fail step fails the next try at once, saying what can be done."""
    started(service)
    service.execution("Failed")
    service.steps([step("reject", "Failed", Metadata={"Fail": {"ErrorMessage": "not good enough"}})])
    message = (
        f"execution {EXECUTION_ARN} ended in the Fail step 'reject', and SageMaker does not resume such an execution "
        "(not good enough). Clear the task that launched it to start a new execution. "
        "See docs/troubleshooting.md#sagemaker-does-not-resume-it"
    )
    with pytest.raises(AirflowFailException, match=f"^{re.escape(message)}$"):
        operator(retries=1).execute(context(**second_try()))
    assert service.count("RetryPipelineExecution") == 0


def test_a_retry_that_restarts(service, dag, context):
    """With on_retry='restart' each next try starts one execution instead of the one that failed, and only one."""
    started(service, EXECUTION_ARN, OTHER)
    service.execution("Failed")
    service.steps([FAILED_STEP])
    made = operator(wait_for_completion=False, retries=1, on_retry="restart", parameters={"Rounds": 3})
    assert made.execute(context(**second_try())) == OTHER
    first, second = service.requests_of("StartPipelineExecution")
    assert first["ClientRequestToken"] != second["ClientRequestToken"]
    assert {**first, "ClientRequestToken": ""} == {**second, "ClientRequestToken": ""}
    assert service.count("RetryPipelineExecution") == 0


def test_a_failed_execution_of_another_definition_is_not_resumed(service, dag, context):
    """Who corrects the definition between two tries gets an execution of the corrected one."""
    started(service, EXECUTION_ARN, OTHER)
    old = {**DEFINITION, "Metadata": {"Version": "old"}}
    service.answers["DescribePipelineDefinitionForExecution"] = [
        {"PipelineDefinition": json.dumps(old)},
        {"PipelineDefinition": json.dumps(DEFINITION)},
    ]
    earlier = {**summary("abcdef123456", "Failed"), "PipelineExecutionDisplayName": NAME}
    service.answers["ListPipelineExecutions"] = [{"PipelineExecutionSummaries": [earlier]}]
    service.answers["DescribePipeline"] = [
        {"PipelineArn": PIPELINE_ARN, "PipelineDefinition": json.dumps(DEFINITION), "RoleArn": ROLE}
    ]
    service.execution("Failed")
    service.steps([FAILED_STEP])
    assert defined(wait_for_completion=False, retries=1).execute(context(**second_try())) == OTHER
    assert service.count("RetryPipelineExecution") == 0


def test_an_execution_of_anothers_definition_is_stopped(service, dag, context):
    """When someone else updates the pipeline between update and start, the execution is stopped and the task fails."""
    started(service)
    service.answers["DescribePipelineDefinitionForExecution"] = [{"PipelineDefinition": '{"Steps": []}'}]
    service.answers["DescribePipeline"] = [
        {"PipelineArn": PIPELINE_ARN, "PipelineDefinition": json.dumps(DEFINITION), "RoleArn": ROLE}
    ]
    service.answers["StopPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    message = (
        f"execution {EXECUTION_ARN} does not run the definition that task 'run' has now, and was stopped. Someone else "
        "updated pipeline 'churn' at the same moment, or the Dag file changed since the first try. Clear the task that "
        "launches it to start a new execution, and give each definition its own pipeline_name. "
        "See docs/troubleshooting.md#another-definition"
    )
    with pytest.raises(AirflowFailException, match=f"^{re.escape(message)}$"):
        defined().execute(context())
    assert service.count("StopPipelineExecution") == 1


def selection(service):
    (request,) = service.requests_of("StartPipelineExecution")
    return request["SelectiveExecutionConfig"]


def summary(name, status):
    return {"PipelineExecutionArn": f"{PIPELINE_ARN}/execution/{name}", "PipelineExecutionStatus": status}


def test_a_selective_execution_finds_its_source(service, dag, context):
    """The source is the latest execution over in which the steps needed succeeded, whatever became of the others."""
    started(service)
    service.answers["DescribePipeline"] = [{"PipelineArn": PIPELINE_ARN, "PipelineDefinition": json.dumps(DEFINITION)}]
    service.answers["ListPipelineExecutions"] = [
        {
            "PipelineExecutionSummaries": [
                summary("running", "Executing"),
                summary("stopped", "Stopped"),
                summary("early", "Failed"),
                summary("fits", "Failed"),
                summary("older", "Succeeded"),
            ]
        }
    ]
    steps = {
        "early": [step("prepare", "Failed")],
        "fits": [step("prepare", "Succeeded"), step("train", "Failed")],
    }
    service.answers["ListPipelineExecutionSteps"] = [
        lambda request: {"PipelineExecutionSteps": steps[request["PipelineExecutionArn"].rpartition("/")[2]]}
    ]
    operator(wait_for_completion=False, selected_steps=["train"]).execute(context())
    assert selection(service) == {
        "SelectedSteps": [{"StepName": "train"}],
        "SourcePipelineExecutionArn": f"{PIPELINE_ARN}/execution/fits",
    }


def test_a_try_after_a_lost_worker_asks_for_the_same_source(service, dag, context):
    """What the lost try started is over by now and would be a source itself; but one token goes with one request."""
    service.answers["DescribePipeline"] = [{"PipelineArn": PIPELINE_ARN, "PipelineDefinition": json.dumps(DEFINITION)}]
    service.answers["ListPipelineExecutions"] = [
        {"PipelineExecutionSummaries": [summary("first", "Succeeded")]},
        {"PipelineExecutionSummaries": [summary("abcdef123456", "Succeeded"), summary("first", "Succeeded")]},
    ]
    service.execution("Succeeded")
    service.steps([step("prepare", "Succeeded")])
    service.answers["StartPipelineExecution"] = [
        Refusal("AccessDeniedException", "the answer that the worker did not live to see"),
        {"PipelineExecutionArn": EXECUTION_ARN},
    ]
    made = operator(wait_for_completion=False, selected_steps=["train"], retries=1)
    with pytest.raises(AirflowFailException):
        made.execute(context(max_tries=1))
    assert made.execute(context(**second_try())) == EXECUTION_ARN
    first, second = service.requests_of("StartPipelineExecution")
    assert first == second
    assert first["SelectiveExecutionConfig"]["SourcePipelineExecutionArn"] == f"{PIPELINE_ARN}/execution/first"


def test_a_selective_execution_without_a_source_that_fits(service, dag, context):
    """When no execution has what the selected steps need, the task says which steps that are, and starts nothing."""
    service.answers["DescribePipeline"] = [{"PipelineArn": PIPELINE_ARN, "PipelineDefinition": json.dumps(DEFINITION)}]
    service.answers["ListPipelineExecutions"] = [{"PipelineExecutionSummaries": [summary("early", "Failed")]}]
    service.steps([step("prepare", "Failed")])
    message = (
        "no execution of pipeline 'churn' can be the source of a selective execution: none of the latest 1 that "
        "Succeeded or Failed has run 'prepare' with success. Select these steps too, or name a source: "
        "source_pipeline_execution_arn='arn:...'"
    )
    with pytest.raises(AirflowFailException, match=f"^{re.escape(message)}$"):
        operator(selected_steps=["train"]).execute(context())
    assert service.count("StartPipelineExecution") == 0


def test_selected_steps_that_need_no_others(service, dag, context):
    """Steps that wait for none but selected ones need no source, and none is looked for."""
    started(service)
    service.answers["DescribePipeline"] = [{"PipelineArn": PIPELINE_ARN, "PipelineDefinition": json.dumps(DEFINITION)}]
    operator(wait_for_completion=False, selected_steps=["prepare", "train"]).execute(context())
    assert selection(service) == {"SelectedSteps": [{"StepName": "prepare"}, {"StepName": "train"}]}
    assert service.count("ListPipelineExecutions") == 0


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"selected_steps": ["train"]}, "selected_steps"),
        ({"selected_steps": ["train"], "source_pipeline_execution_arn": OTHER}, "source_pipeline_execution_arn"),
        ({"pipeline_version_id": 1}, "pipeline_version_id"),
        ({"pipeline_version_alias": "prod"}, "pipeline_version_alias"),
    ],
)
def test_an_xcom_that_is_none(service, dag, context, arguments, name):
    """An upstream task that left nothing does not make the task run all steps, the latest version, or any source."""
    made = operator(**arguments)
    setattr(made, name, None)
    message = f"{name} is None: the task it comes from left no value"
    with pytest.raises(AirflowFailException, match=f"^{re.escape(message)}$"):
        made.execute(context())
    assert service.requests == []


def test_a_named_source(service, dag, context):
    """A source that is named is taken as it is."""
    started(service)
    operator(wait_for_completion=False, selected_steps=["train"], source_pipeline_execution_arn=OTHER).execute(
        context()
    )
    assert selection(service) == {"SelectedSteps": [{"StepName": "train"}], "SourcePipelineExecutionArn": OTHER}


def test_a_selected_step_that_does_not_exist(service, dag, context):
    """A wrong step name is an error that names the right one."""
    service.answers["DescribePipeline"] = [{"PipelineArn": PIPELINE_ARN, "PipelineDefinition": json.dumps(DEFINITION)}]
    message = "selected_steps names 'trian', and the pipeline has no such step. Did you mean 'train'? It has 'prepare', 'train'"
    with pytest.raises(AirflowFailException, match=f"^{re.escape(message)}$"):
        operator(selected_steps=["trian"]).execute(context())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pipeline_name": "no_underscores"}, "Set pipeline_name."),
        ({"on_retry": "again"}, "on_retry must be 'resume' or 'restart', got 'again'."),
        (
            {"definition": DEFINITION},
            "a definition needs the role that the pipeline runs with: role_arn='arn:aws:iam::...'.",
        ),
        ({"role_arn": ROLE}, "role_arn belongs to a definition. Give definition=..., or leave role_arn out."),
        ({"tags": []}, "tags belongs to a definition. Give definition=..., or leave tags out."),
        (
            {"definition": DEFINITION, "role_arn": ROLE, "pipeline_version_id": 1},
            "a given definition runs as its own version. Leave out pipeline_version_id, or the definition.",
        ),
        (
            {"pipeline_version_id": 1, "pipeline_version_alias": "a"},
            "pipeline_version_id and pipeline_version_alias both name a version. Give one of them.",
        ),
        ({"selected_steps": "train"}, "selected_steps='train' is not a list. Write selected_steps=['train']."),
        ({"selected_steps": []}, "selected_steps=[] selects nothing. Name steps, or leave selected_steps out."),
        (
            {"definition": DEFINITION, "role_arn": ROLE, "parameters": {"InputData": "x"}, "selected_steps": ["trian"]},
            (
                "selected_steps names 'trian', and the pipeline has no such step. Did you mean 'train'? It has "
                "'prepare', 'train'."
            ),
        ),
        ({"pipeline_version_id": "one"}, "pipeline_version_id must be the number of a version, such as 1, got 'one'."),
        (
            {"source_pipeline_execution_arn": OTHER},
            "source_pipeline_execution_arn is for a selective execution. Give selected_steps=[...].",
        ),
        (
            {"definition": DEFINITION, "role_arn": ROLE},
            "the definition has no default for 'InputData'. Give a value in parameters={...}.",
        ),
        (
            {"definition": DEFINITION, "role_arn": ROLE, "parameters": {"InputDta": "x"}},
            (
                "the definition declares no pipeline parameter 'InputDta'. Did you mean 'InputData'? It declares "
                "'InputData', 'MinAccuracy'."
            ),
        ),
        ({"waiter_delay": 0}, "waiter_delay must be greater than 0 seconds, got 0."),
    ],
)
def test_arguments_that_do_not_fit_are_errors_of_the_dag_file(dag, arguments, message):
    """What can be known while a Dag is parsed is an error there, naming Dag and task."""
    with pytest.raises(TranslationError) as caught:
        operator(**arguments)
    assert str(caught.value).startswith("Dag 'd', task 'run': ")
    assert str(caught.value).endswith(message)


def test_a_broken_definition_is_an_error_of_the_dag_file(dag):
    """Every rule that the definition breaks is named while the Dag is parsed."""
    broken = {**DEFINITION, "Steps": [{**DEFINITION["Steps"][1], "DependsOn": ["trian"]}]}
    with pytest.raises(PipelineDefinitionError) as caught:
        operator(definition=broken, role_arn=ROLE, parameters={"InputData": "x"})
    assert str(caught.value).startswith("Dag 'd', task 'run', pipeline 'churn': ")


def test_a_definition_beside_the_dag_file(dag, tmp_path):
    """A relative path starts at the Dag file's directory."""
    (tmp_path / "churn.json").write_text(json.dumps(DEFINITION))
    made = defined(definition="churn.json")
    assert made._given.definition.to_document() == DEFINITION


def test_mapped(service, dag, context):
    """A mapped operator is complete for each item, also with a definition beside the Dag file."""
    mapped = SageMakerPipelineOperator.partial(
        task_id="run",
        pipeline_name="churn",
        definition=json.dumps(DEFINITION),
        role_arn=ROLE,
        wait_for_completion=False,
    ).expand(parameters=[{"InputData": "s3://a"}, {"InputData": "s3://box"}])
    made = mapped.unmap({"parameters": {"InputData": "s3://box"}})
    assert made.parameters == {"InputData": "s3://box"}
    assert made.subject == "Dag 'd', task 'run'"


def test_nothing_secret_is_rendered(dag):
    """Connection arguments are no template fields: what Airflow shows as rendered has no credentials."""
    made = operator(aws_conn_id="secret", botocore_config={"proxies": {"https": "secret"}})
    shown = {name: getattr(made, name) for name in made.template_fields}
    assert "secret" not in json.dumps(shown)
