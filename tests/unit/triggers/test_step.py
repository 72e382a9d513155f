from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from airflow.triggers.base import (
    BaseTrigger,
    TaskFailedEvent,
    TaskSkippedEvent,
    TaskSuccessEvent,
    TriggerEvent,
)

from airflow_sm_pipelines.definition.steps import BranchOwner
from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.progress import StepProgress
from airflow_sm_pipelines.execution.time_limit import AIRFLOW_LATER, execution_limit
from airflow_sm_pipelines.settings import AwsConnection
from airflow_sm_pipelines.triggers.step import SageMakerPipelineStepTrigger
from tests.made_triggers import step_trigger as trigger
from tests.reports import job_report, step_report
from tests.scripted_service import EXECUTION_ARN, Refusal, ScriptedService, step
from tests.versions import smart_decode_trigger_kwargs

JOB = "arn:aws:sagemaker:us-east-1:123456789012:training-job/pipelines-abc-train"
TRAINING = {"TrainingJob": {"Arn": JOB}}
STUDIO = "https://console.aws.amazon.com/sagemaker/home?region=us-east-1#/pipelines/churn"
JOB_LINKS = {
    "_link_SageMakerJobLink": (
        "https://console.aws.amazon.com/sagemaker/home?region=us-east-1#/jobs/pipelines-abc-train"
    ),
    "_link_CloudWatchLogLink": (
        "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/"
        "$252Faws$252Fsagemaker$252FTrainingJobs$3FlogStreamNameFilter$3Dpipelines-abc-train$252F"
    ),
}


async def events(made: BaseTrigger) -> list[tuple[type, Any]]:
    """All events of a trigger, in parts: end events do not compare."""
    return [(type(event), event.payload) async for event in made.run()]


SUCCESS = [(TaskSuccessEvent, "success")]
FAILED = [(TaskFailedEvent, "failed")]
SKIPPED = [(TaskSkippedEvent, "skipped")]
FOLLOWING = ("INFO", f"Following step 'train' of {EXECUTION_ARN}")


TRAINED = step_report(
    "Succeeded",
    JOB,
    end="2023-07-25T20:13:19.500000+00:00",
    outputs={"model_artifacts": "s3://box/model.tar.gz"},
    request={"RoleArn": "role"},
    job=job_report("training"),
)


def training(service: ScriptedService) -> None:
    service.execution("Executing")
    service.steps(
        [],
        [step("train", "Starting")],
        [step("train", "Executing", Metadata=TRAINING)],
        [step("train", "Executing", Metadata=TRAINING)],
        [step("train", "Succeeded", Metadata=TRAINING, EndTime=1690315999.5)],
    )
    service.answers["DescribeTrainingJob"] = [
        {"RoleArn": "role", "ModelArtifacts": {"S3ModelArtifacts": "s3://box/model.tar.gz"}}
    ]


async def test_a_step_that_succeeds(service, triggerer, log):
    """The task ends here with success; its log has each change once; its XComs and links are pushed before."""
    training(service)
    service.answers["DescribeLogStreams"] = [{"logStreams": []}]
    assert await events(trigger(triggerer)) == SUCCESS
    assert log() == [
        FOLLOWING,
        ("INFO", "Step 'train' has not started; the execution is Executing"),
        ("INFO", "Step 'train' is Starting"),
        ("INFO", "Step 'train' is Executing"),
        ("INFO", f"Job: {JOB}"),
        ("INFO", "Step 'train' is Succeeded after 44.5 s"),
    ]
    assert triggerer.pushed == [
        ("_link_SageMakerPipelineExecutionLink", STUDIO),
        *JOB_LINKS.items(),
        ("step_report", TRAINED),
    ]


QUIET = {"launched": {"at": 2e9, "clears": 0, "listens": False}}


@pytest.mark.parametrize(
    ("try_number", "launched", "here"),
    [
        (1, QUIET, True),
        (2, QUIET, False),
        (1, {"launched": {**QUIET["launched"], "listens": True}}, False),
        (1, {"launched": {**QUIET["launched"], "clears": 1}}, False),
        (1, {"launched": {**QUIET["launched"], "at": 1e9}}, False),
        (1, {}, False),
    ],
    ids=["first try", "second try", "a listener", "a cleared run", "made after the launch", "an older launch"],
)
async def test_a_quiet_success_ends_here(service, triggerer, try_number, launched, here):
    """The first try ends in the triggerer when nobody asked; everything else, and every doubt, goes to a worker."""
    service.execution("Succeeded")
    service.steps([step("train", "Succeeded")])
    triggerer.try_number = try_number
    triggerer.launch_xcoms.update(launched)
    made = trigger(triggerer, end_tasks="auto", ends_here=["success", "skipped"], deferred_by_worker=False)
    resumed = [(TriggerEvent, told("success", try_number=try_number))]
    assert await events(made) == (SUCCESS if here else resumed)
    assert (
        ("step_report", step_report()) in triggerer.pushed
        if here
        else triggerer.pushed == [("_link_SageMakerPipelineExecutionLink", STUDIO)]
    )


async def test_a_failure_goes_to_a_worker_at_once(service, triggerer, log, monkeypatch):
    """A task that no worker has deferred need not wait for one; its failure is remembered, and told by the worker."""
    monkeypatch.setattr("airflow_sm_pipelines.compatibility.triggerer.SETTLED_AFTER", 1000)
    triggerer.launch_xcoms.update(QUIET)
    service.execution("Failed")
    service.steps([step("train", "Failed", FailureReason="boom", EndTime=1690315999.5)])
    made = trigger(triggerer, end_tasks="auto", ends_here=["success", "skipped"], deferred_by_worker=False)
    assert await events(made) == [(TriggerEvent, told("failed", "step 'train' failed: boom"))]
    assert triggerer.launch_xcoms["ended__churn.train"]["failure"].startswith(EXECUTION_ARN)
    assert [line for line in log() if line[0] == "ERROR"] == []


def told(status, reason=None, try_number=1):
    return {
        "status": status,
        "reason": reason,
        "pipeline_execution_arn": EXECUTION_ARN,
        "limit": None,
        "try_number": try_number,
    }


async def test_without_a_task_instance_nothing_is_pushed(service, log):
    """In dag.test() a trigger has no task instance: it follows its step all the same."""
    training(service)
    assert await events(trigger(end_from_trigger=False)) == [
        (
            TriggerEvent,
            {
                "status": "success",
                "reason": None,
                "pipeline_execution_arn": EXECUTION_ARN,
                "limit": None,
                "try_number": None,
            },
        )
    ]
    assert log()[-1] == ("INFO", "Step 'train' is Succeeded after 44.5 s")


async def test_resuming_on_a_worker(service, triggerer, log):
    """A task that resumes on a worker gets its links here, and leaves results and last words to the worker."""
    service.execution("Failed")
    service.steps([step("train", "Failed", Metadata=TRAINING, FailureReason="AlgorithmError: boom")])
    assert await events(trigger(triggerer, end_from_trigger=False)) == [
        (
            TriggerEvent,
            {
                "status": "failed",
                "reason": "step 'train' failed: AlgorithmError: boom",
                "pipeline_execution_arn": EXECUTION_ARN,
                "limit": None,
                "try_number": 1,
            },
        )
    ]
    assert log() == [FOLLOWING, ("INFO", "Step 'train' is Failed"), ("INFO", f"Job: {JOB}")]
    assert triggerer.pushed == [("_link_SageMakerPipelineExecutionLink", STUDIO), *JOB_LINKS.items()]


async def test_a_task_is_not_resumed_too_early(service, triggerer, monkeypatch):
    """A trigger that hands its task back to a worker gives the scheduler time to notice that it deferred."""
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    service.execution("Succeeded")
    service.steps([step("train", "Succeeded")])
    monkeypatch.setattr("airflow_sm_pipelines.compatibility.triggerer.SETTLED_AFTER", 1000)
    monkeypatch.setattr("airflow_sm_pipelines.compatibility.triggerer.asyncio.sleep", sleep)
    assert [kind for kind, _ in await events(trigger(triggerer, end_from_trigger=False))] == [TriggerEvent]
    assert 900 < slept[-1] <= 1000


async def test_a_step_that_fails(service, triggerer, log):
    """A failed step fails the task; the log has the reason, the job and the last lines of the job's log."""
    service.execution("Executing")
    service.steps([step("train", "Failed", Metadata=TRAINING, FailureReason="AlgorithmError: boom")])
    service.answers["DescribeTrainingJob"] = [{}]
    service.answers["DescribeLogStreams"] = [{"logStreams": [{"logStreamName": "pipelines-abc-train/algo-1"}]}]
    service.answers["GetLogEvents"] = [
        {"events": [{"timestamp": second, "message": f"line {second}"} for second in (1, 2)]}
    ]
    assert await events(trigger(triggerer, log_lines=2)) == FAILED
    assert log() == [
        FOLLOWING,
        ("INFO", "Step 'train' is Failed"),
        ("INFO", f"Job: {JOB}"),
        ("ERROR", "step 'train' failed: AlgorithmError: boom"),
        ("ERROR", f"Job: {JOB}"),
        ("ERROR", "The last lines of the job's log (2):"),
        ("ERROR", "    line 1"),
        ("ERROR", "    line 2"),
    ]
    assert service.requests_of("GetLogEvents") == [
        {
            "logGroupName": "/aws/sagemaker/TrainingJobs",
            "logStreamName": "pipelines-abc-train/algo-1",
            "limit": 2,
            "startFromHead": False,
        }
    ]
    assert triggerer.pushed[-1] == (
        "step_report",
        step_report("Failed", JOB, request={}, reason="AlgorithmError: boom", job=job_report("training")),
    )


async def test_a_fail_step(service, triggerer, log):
    """A Fail step fails its task with the step's message."""
    service.execution("Failed")
    service.steps([step("train", "Failed", Metadata={"Fail": {"ErrorMessage": "not accurate enough"}})])
    assert await events(trigger(triggerer)) == FAILED
    assert log()[-1] == ("ERROR", "step 'train' failed: not accurate enough")


async def test_a_step_that_never_started(service, triggerer, log):
    """When the execution ends before the step, the task fails naming the step that ended it."""
    service.execution("Failed")
    service.steps([step("prepare", "Failed", FailureReason="AlgorithmError: no data")])
    assert await events(trigger(triggerer)) == FAILED
    assert log() == [
        FOLLOWING,
        ("INFO", "Step 'train' has not started; the execution is Failed"),
        (
            "ERROR",
            "step 'train' never started: the execution ended Failed: step 'prepare' failed: AlgorithmError: no data",
        ),
    ]
    assert triggerer.pushed == [("_link_SageMakerPipelineExecutionLink", STUDIO)]


async def test_a_step_that_the_execution_does_not_have(service, triggerer, log):
    """A step that a successful execution went without fails its task: the execution ran another definition."""
    service.execution("Succeeded")
    service.steps([step("prepare", "Succeeded")])
    assert await events(trigger(triggerer)) == FAILED
    assert log()[-1] == (
        "ERROR",
        (
            "step 'train' never started although the execution succeeded: its definition has no such step, or does not "
            "run it here. Clear the launch task to start an execution of the Dag as it is now"
        ),
    )


async def test_a_step_in_a_branch_not_taken(service, triggerer):
    """A step in a branch that was not taken is skipped while the execution still goes on."""
    service.execution("Executing")
    service.steps([step("good_enough", "Succeeded", Metadata={"Condition": {"Outcome": "False"}})])
    assert await events(trigger(triggerer, branches=(BranchOwner("good_enough", True),))) == SKIPPED


@pytest.mark.parametrize(
    ("outcome", "skipped"), [("True", ["churn.reject"]), ("False", ["churn.register", "churn.deploy"])]
)
async def test_a_condition(service, triggerer, log, outcome, skipped):
    """A condition tells the scheduler which tasks to skip, as SkipMixin does."""
    service.execution("Executing")
    service.steps([step("train", "Succeeded", Metadata={"Condition": {"Outcome": outcome}})])
    made = trigger(triggerer, skipped_task_ids={"True": ["churn.reject"], "False": ["churn.register", "churn.deploy"]})
    assert await events(made) == SUCCESS
    assert dict(triggerer.pushed)["skipmixin_key"] == {"skipped": skipped}
    assert ("INFO", f"Outcome: {outcome}") in log()


@pytest.mark.parametrize(("outcome", "skipped"), [("True", []), ("False", ["churn.register"])])
async def test_a_condition_that_skips_nothing_this_time(service, triggerer, outcome, skipped):
    """That it skips nothing is told as well: XComs of an earlier try, which went the other way, are still there."""
    service.execution("Executing")
    service.steps([step("train", "Succeeded", Metadata={"Condition": {"Outcome": outcome}})])
    assert await events(trigger(triggerer, skipped_task_ids={"True": [], "False": ["churn.register"]})) == SUCCESS
    assert dict(triggerer.pushed)["skipmixin_key"] == {"skipped": skipped}


async def test_a_condition_without_branches_in_airflow(service, triggerer):
    """There is nothing to skip whatever its outcome is, so nothing is pushed for that."""
    service.execution("Executing")
    service.steps([step("train", "Succeeded", Metadata={"Condition": {"Outcome": "True"}})])
    assert await events(trigger(triggerer)) == SUCCESS
    assert [key for key, _ in triggerer.pushed] == ["_link_SageMakerPipelineExecutionLink", "step_report", "outcome"]


async def test_a_condition_without_an_outcome(service, triggerer, log):
    """A condition that succeeded without an outcome fails: no branch is taken by default."""
    service.execution("Executing")
    service.steps([step("train", "Succeeded")])
    assert await events(trigger(triggerer, skipped_task_ids={"True": [], "False": ["churn.register"]})) == FAILED
    assert log()[-1] == ("ERROR", "condition step 'train' succeeded, but the service lists no outcome for it")


async def test_a_cache_hit(service, triggerer, log):
    """A cache hit is success, and the log names the execution whose result was taken."""
    service.execution("Executing")
    service.steps([step("train", "Succeeded", CacheHitResult={"SourcePipelineExecutionArn": EXECUTION_ARN})])
    assert await events(trigger(triggerer)) == SUCCESS
    assert log()[-1] == ("INFO", f"Taken from the cache of {EXECUTION_ARN}")


async def test_a_step_that_was_not_selected(service, triggerer, log):
    """A step whose result was taken from another execution is success, and the log names that execution."""
    service.execution("Executing")
    source = {"SourcePipelineExecutionArn": EXECUTION_ARN}
    service.steps([step("train", "Succeeded", SelectiveExecutionResult=source, AttemptCount=2)])
    assert await events(trigger(triggerer)) == SUCCESS
    assert log()[-2:] == [
        ("INFO", "Step 'train' is Succeeded (attempt 2)"),
        ("INFO", f"Not selected; taken from {EXECUTION_ARN}"),
    ]


async def test_a_step_on_a_later_page(service, triggerer):
    """A step is found on whichever page of the list it is."""
    service.execution("Executing")
    service.answers["ListPipelineExecutionSteps"] = [
        {
            "PipelineExecutionSteps": [step(f"s{number}", "Succeeded") for number in range(100)],
            "NextToken": "2",
        },
        {"PipelineExecutionSteps": [step("train", "Succeeded")]},
    ]
    assert await events(trigger(triggerer)) == SUCCESS


async def test_trouble_is_told_once_and_outlived(service, triggerer, log):
    """Throttling is told once, not for each call; the task goes on when the service answers again."""
    service.execution("Executing")
    service.answers["DescribePipelineExecution"][:0] = [Refusal("ThrottlingException", "Rate exceeded")] * 3
    service.steps([step("train", "Succeeded")])
    assert await events(trigger(triggerer)) == SUCCESS
    assert log() == [
        FOLLOWING,
        (
            "WARNING",
            (
                "SageMaker is unavailable, retrying: DescribePipelineExecution failed: ThrottlingException: Rate "
                "exceeded. (connection 'aws_default', region us-east-1)"
            ),
        ),
        ("INFO", "SageMaker answers again"),
        ("INFO", "Step 'train' is Succeeded"),
    ]


async def test_trouble_while_collecting(service, triggerer):
    """Trouble after the step has ended does not fail its task either."""
    training(service)
    service.answers["DescribeTrainingJob"].insert(0, Refusal("ThrottlingException", "Rate exceeded"))
    assert await events(trigger(triggerer)) == SUCCESS
    assert dict(triggerer.pushed)["step_report"] == TRAINED


async def test_access_denied_fails_all_tasks_at_once(service, triggerer, log):
    """A refusal fails all tasks of the execution with the service's words and no traceback."""
    service.answers["DescribePipelineExecution"] = [
        Refusal("AccessDeniedException", "User x is not authorized to perform: sagemaker:DescribePipelineExecution")
    ]
    made = [trigger(triggerer, step_name=name) for name in ("a", "b", "c")]
    assert await asyncio.gather(*(events(each) for each in made)) == [FAILED] * 3
    words = (
        "DescribePipelineExecution failed: AccessDeniedException: User x is not authorized to perform: "
        "sagemaker:DescribePipelineExecution. Check what the connection's credentials, and the role, are allowed "
        "to do. See docs/troubleshooting.md#accessdenied (connection 'aws_default', region us-east-1)"
    )
    assert [line for line in log() if line[0] != "INFO"] == [("ERROR", words)] * 3


async def test_a_missing_connection(triggerer, log):
    """A connection that does not exist fails the task, naming it."""
    assert await events(trigger(triggerer, aws_conn_id="aws_missing")) == FAILED
    assert log() == [
        (
            "ERROR",
            (
                "there is no Airflow connection 'aws_missing'. Define it, or set aws_conn_id. "
                "See docs/troubleshooting.md#connection-credentials-and-region"
            ),
        )
    ]


async def test_the_execution_that_was_launched(service, triggerer):
    """Without an ARN it is the one that the launch task has left, read before anything is asked of SageMaker."""
    service.execution("Executing")
    service.steps([step("train", "Succeeded")])
    triggerer.launch_xcoms["return_value"] = EXECUTION_ARN
    assert await events(trigger(triggerer, pipeline_execution_arn=None)) == SUCCESS
    assert triggerer.read[0] == "return_value"
    assert {request["PipelineExecutionArn"] for _, request in service.requests} == {EXECUTION_ARN}


async def test_no_execution(triggerer, log):
    """Where the launch task left no ARN, the task fails at once instead of waiting for nothing."""
    assert await events(trigger(triggerer, pipeline_execution_arn=None)) == FAILED
    assert log() == [
        (
            "ERROR",
            (
                "step 'train' has no execution to follow: task 'churn.launch' has pushed no execution ARN in this Dag run. "
                "Clear task 'churn.launch' with its downstream tasks to start one. On the command line run the whole Dag, with "
                "'airflow dags test': 'airflow tasks test' runs this task alone. "
                "See docs/troubleshooting.md#no-execution-to-follow"
            ),
        )
    ]


async def test_no_arn(triggerer, log):
    """Anything else that is no execution's ARN fails at once, too."""
    assert await events(trigger(triggerer, pipeline_execution_arn="{{ arn }}")) == FAILED
    assert log()[0][1].startswith("'{{ arn }}' is not the ARN of a pipeline execution; expected 'arn:aws:")


async def test_an_unknown_status(service, triggerer, log):
    """A status this version does not know fails the task loudly."""
    service.execution("Executing")
    service.steps([step("train", "Hibernating")])
    assert await events(trigger(triggerer)) == FAILED
    assert log()[-1][1].startswith("unknown step status 'Hibernating'; this version of airflow_sm_pipelines knows")


@pytest.fixture
def after(monkeypatch) -> Callable[[str], None]:
    """Lets an hour pass as soon as a trigger has told its log of something."""
    passed = [0.0]

    def let_time_pass(told: str) -> None:
        tell, clock = getattr(StepProgress, told), time.time

        def tell_and_pass(progress: StepProgress, what: Any) -> None:
            tell(progress, what)
            passed[0] = 3600.0

        monkeypatch.setattr(StepProgress, told, tell_and_pass)
        monkeypatch.setattr(time, "time", lambda: clock() + passed[0])

    return let_time_pass


async def test_giving_up(service, triggerer, log, after):
    """After waiter_delay x waiter_max_attempts the task fails, and says what was last seen."""
    service.execution("Executing")
    service.steps([step("train", "Executing", Metadata=TRAINING)])
    after("seen")
    assert await events(trigger(triggerer, waiter_delay=100, waiter_max_attempts=2)) == FAILED
    assert log()[-1] == (
        "ERROR",
        (
            f"gave up on step 'train' of execution {EXECUTION_ARN} after 200 seconds (waiter_delay 100 x waiter_max_attempts 2); "
            f"last seen: Executing, job {JOB}. The execution was not stopped"
        ),
    )


async def test_giving_up_on_a_silent_service(service, triggerer, log, after):
    """A service that never answers does not keep the task beyond its time either."""
    service.answers["DescribePipelineExecution"] = [Refusal("InternalFailure", "sorry", 500)]
    after("trouble")
    assert await events(trigger(triggerer, waiter_delay=100, waiter_max_attempts=2)) == FAILED
    assert log()[-1] == (
        "ERROR",
        (
            f"gave up on step 'train' of execution {EXECUTION_ARN} after 200 seconds (waiter_delay 100 x waiter_max_attempts 2); "
            "last seen: nothing; the service has not answered yet. The execution was not stopped"
        ),
    )


async def test_the_execution_timeout(service, triggerer, log, after):
    """The trigger ends the task itself when Airflow says its time is up, so that the log says what was last seen."""
    service.execution("Executing")
    service.steps([step("train", "Executing", Metadata=TRAINING)])
    after("seen")
    made = trigger(triggerer, execution_timeout=600.0)
    made.timeout_after = datetime.fromtimestamp(time.time() + 600, timezone.utc).replace(tzinfo=None)
    assert await events(made) == FAILED
    assert log()[-1] == (
        "ERROR",
        (
            f"gave up on step 'train' of execution {EXECUTION_ARN} after 600 seconds (execution_timeout); last seen: Executing, "
            f"job {JOB}. The execution was not stopped"
        ),
    )


async def test_the_execution_timeout_of_a_task_deferred_by_a_worker(service, triggerer, after):
    """Airflow's own limit is later: the trigger gives up at the execution_timeout, and says what it saw last."""
    service.execution("Executing")
    service.steps([step("train", "Executing", Metadata=TRAINING)], [step("train", "Succeeded", Metadata=TRAINING)])
    after("seen")
    limit = execution_limit(time.time(), timedelta(seconds=600))
    made = trigger(triggerer, end_from_trigger=False, time_limit=limit.to_dict())
    made.timeout_after = datetime.fromtimestamp(limit.at, timezone.utc) + AIRFLOW_LATER
    reason = (
        f"gave up on step 'train' of execution {EXECUTION_ARN} after 600 seconds (execution_timeout); last seen: Executing, "
        f"job {JOB}. The execution was not stopped"
    )
    [(_, payload)] = await events(made)
    assert payload == {
        "status": "timeout",
        "reason": reason,
        "pipeline_execution_arn": EXECUTION_ARN,
        "limit": "execution_timeout",
        "try_number": 1,
    }


async def test_the_region_is_that_of_the_execution(service, triggerer, monkeypatch):
    """Without a region_name the execution's own region is asked, whatever the connection's."""
    arn = EXECUTION_ARN.replace("us-east-1", "eu-west-1")
    regions: list[str | None] = []

    def refuse(connection: AwsConnection) -> None:
        regions.append(connection.region_name)
        raise SageMakerServiceError("not needed")

    monkeypatch.setattr("airflow_sm_pipelines.triggers.base.shared_connection", refuse)
    for region_name in (None, "us-west-2"):
        assert await events(trigger(triggerer, pipeline_execution_arn=arn, region_name=region_name)) == FAILED
    assert regions == ["eu-west-1", "us-west-2"]


def test_each_trigger_in_an_event_loop_of_its_own(service):
    """dag.test() runs one trigger after the other, each in its own event loop, taking the first event only."""
    service.execution("Succeeded")
    service.steps([step("train", "Succeeded"), step("evaluate", "Succeeded")])

    async def first_event(name: str) -> Any:
        return (await anext(trigger(step_name=name, end_from_trigger=False).run())).payload["status"]

    assert [asyncio.run(first_event(name)) for name in ("train", "evaluate")] == ["success", "success"]


ARGUMENTS = {
    "pipeline_execution_arn": EXECUTION_ARN,
    "awaited": {
        "step_name": "good_enough",
        "branches": [{"condition": "outer", "outcome": True}],
        "property_files": [{"PropertyFileName": "metrics", "OutputName": "evaluation", "FilePath": "metrics.json"}],
        "skipped_task_ids": {"True": ["churn.reject"], "False": ["churn.register"]},
        "returns_arn": False,
    },
    "connection": {
        "aws_conn_id": None,
        "region_name": "eu-west-1",
        "verify": False,
        "botocore_config": {"read_timeout": 5},
        "studio_domain_id": "d-ours",
    },
    "wait": {
        "waiter_delay": 7,
        "waiter_max_attempts": 9,
        "log_lines": 3,
        "on_retry": "restart",
        "stop_on_kill": False,
        "end_tasks": "worker",
    },
    "execution_timeout": 60.0,
    "time_limit": {"name": "execution_timeout", "seconds": 60, "at": 10.5},
    "ends_here": ["success"],
    "deferred_by_worker": False,
    "launch_task_id": "churn.launch",
    "definition_digest": "0123abcd",
    "masked": {"Token": "***"},
}


def test_serialization_with_all_arguments():
    """A trigger comes back from its serialized form with every argument, and serializes the same again."""
    path, arguments = SageMakerPipelineStepTrigger(**ARGUMENTS).serialize()
    assert (path, arguments) == (
        "airflow_sm_pipelines.triggers.step.SageMakerPipelineStepTrigger",
        ARGUMENTS,
    )
    decoded = {key: smart_decode_trigger_kwargs(value) for key, value in arguments.items()}
    assert SageMakerPipelineStepTrigger(**decoded).serialize() == (path, ARGUMENTS)
