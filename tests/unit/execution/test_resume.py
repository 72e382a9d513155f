from __future__ import annotations

from datetime import datetime, timedelta, timezone

from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.resume import OnRetry, failure_identity, resume_refusal, token_after
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus

ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"
NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def execution(*steps: StepSnapshot, status=ExecutionStatus.FAILED, modified=None) -> ExecutionSnapshot:
    return ExecutionSnapshot(
        PipelineExecutionArn.parse(ARN), status, {step.name: step for step in steps}, last_modified_time=modified
    )


def failed(name: str, end=NOON, **more) -> StepSnapshot:
    return StepSnapshot(name, StepStatus.FAILED, end_time=end, **more)


def test_a_step_that_ended_has_its_own_failure():
    """The identity of a step's failure is its name, status and end; what other steps do does not matter."""
    identity = f"{ARN} train Failed 1767268800.000"
    assert failure_identity(execution(failed("train")), "train") == identity
    going_on = execution(failed("train"), StepSnapshot("other", StepStatus.EXECUTING), status=ExecutionStatus.EXECUTING)
    assert failure_identity(going_on, "train") == identity


def test_a_later_end_is_another_failure():
    """A step that fails again after a resume has another identity."""
    later = execution(failed("train", NOON + timedelta(seconds=1)))
    assert failure_identity(later, "train") != failure_identity(execution(failed("train")), "train")


def test_the_time_zone_does_not_matter():
    """boto3 gives times in the zone of the machine; two machines find the same identity."""
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert failure_identity(execution(failed("train", elsewhere))) == failure_identity(execution(failed("train")))


def test_a_step_that_never_started_has_the_failure_of_the_execution():
    """Its identity is made of all steps that failed or were stopped, in a fixed order."""
    steps = [failed("b"), StepSnapshot("a", StepStatus.STOPPED, end_time=NOON), StepSnapshot("c", StepStatus.SUCCEEDED)]
    identity = f"{ARN} Failed a Stopped 1767268800.000, b Failed 1767268800.000"
    assert failure_identity(execution(*steps), "never") == identity
    assert failure_identity(execution(*reversed(steps))) == identity


def test_an_execution_stopped_between_two_steps():
    """No step says when: the execution's own last change does."""
    stopped = execution(status=ExecutionStatus.STOPPED, modified=NOON)
    assert failure_identity(stopped) == f"{ARN} Stopped 1767268800.000"


def test_tokens_are_those_of_the_failure():
    """Whoever sees one failure sends one token for each purpose; another failure has others."""
    first, again = execution(failed("a"), failed("b")), execution(failed("b"), failed("a"))
    second = execution(failed("a"), failed("b", NOON + timedelta(seconds=1)))
    assert token_after(first, OnRetry.RESUME) == token_after(again, OnRetry.RESUME)
    assert token_after(first, OnRetry.RESTART) == token_after(again, OnRetry.RESTART)
    tokens = {
        token_after(first, OnRetry.RESUME),
        token_after(first, OnRetry.RESTART),
        token_after(second, OnRetry.RESUME),
        token_after(second, OnRetry.RESTART),
    }
    assert [len(token) for token in tokens] == [64] * 4


def test_only_a_fail_step_is_known_to_rule_out_a_resume():
    """SageMaker resumes no execution that a Fail step ended; all others it may."""
    fail = failed("reject", type="Fail", metadata={"Fail": {"ErrorMessage": "not accurate enough"}})
    assert resume_refusal(execution(failed("train", type="Training"))) is None
    assert resume_refusal(execution(fail)) == (
        f"execution {ARN} ended in the Fail step 'reject', and SageMaker does not resume such an execution (not accurate "
        "enough). Clear the task that launched it to start a new execution. "
        "See docs/troubleshooting.md#sagemaker-does-not-resume-it"
    )
