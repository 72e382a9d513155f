from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.outcome import StepTarget
from airflow_sm_pipelines.execution.secrets import Secrets
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.hooks.step_results import step_result
from tests.scripted_service import EXECUTION_ARN, Refusal, step

PIPELINE, _, EXECUTION_ID = EXECUTION_ARN.rpartition("/execution/")
EARLIER = f"{PIPELINE}/execution/earlier12345"
JOBS = "arn:aws:sagemaker:us-east-1:123456789012:training-job"
CACHED = Awaited(StepTarget("train"), cache_config={"Enabled": True, "ExpireAfter": "PT1H"}, returns_arn=False)
START = 1690315955.0


def trained(job: str, *, ended: float = START, **more):
    return step("train", "Succeeded", EndTime=ended, Metadata={"TrainingJob": {"Arn": f"{JOBS}/{job}"}}, **more)


def job(trees: str):
    return {
        "TrainingJobName": "n",
        "HyperParameters": {"trees": trees},
        "ModelArtifacts": {"S3ModelArtifacts": "s3://m"},
    }


@pytest.fixture
def result(service, hook):
    """Collects the result of the step, when it has ended and the earlier execution is as scripted."""
    service.execution("Succeeded")
    service.answers["ListPipelineExecutions"] = [
        {"PipelineExecutionSummaries": [{"PipelineExecutionArn": arn} for arn in (EXECUTION_ARN, EARLIER)]}
    ]
    service.answers["DescribeTrainingJob"] = [job("200"), job("100")]

    def collect(now=None, before=(), awaited=CACHED, secrets=None):
        service.steps([trained("now", ended=START + 60) if now is None else now], list(before))
        snapshot: ExecutionSnapshot = hook.snapshot(EXECUTION_ARN)
        ending = awaited.ending(snapshot)
        ending = ending if secrets is None else replace(ending, secrets=secrets)
        service.requests.clear()
        return step_result(hook, ending, ending.step)

    return collect


def test_what_differs_from_the_latest_success(service, result):
    """The step is looked for in earlier executions, and its job is described beside the present one."""
    found = result(before=[step("other", "Succeeded"), trained("before", ended=START - 60)])
    reason = f"HyperParameters.trees 100 → 200; compared with its latest success, in execution {EARLIER}"
    assert found.cache_lines() == [f"No cached result was taken: {reason}"]
    assert found.xcoms()["step_report"]["cache"] == {"hit": False, "source_execution": None, "miss": reason}
    assert service.requests == [
        ("DescribeTrainingJob", {"TrainingJobName": "now"}),
        (
            "ListPipelineExecutions",
            {"PipelineName": PIPELINE, "SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 20},
        ),
        (
            "ListPipelineExecutionSteps",
            {"PipelineExecutionArn": EARLIER, "SortOrder": "Ascending", "MaxResults": 100},
        ),
        ("DescribeTrainingJob", {"TrainingJobName": "before"}),
    ]


@pytest.mark.parametrize("spread", [None, "returned"])
def test_the_task_says_whether_members_are_xcoms_of_their_own(result, spread):
    """So that a worker and a triggerer push the same."""
    assert result(awaited=replace(CACHED, cache_config=None, spread=spread)).spread == spread


def test_values_are_not_told_where_there_are_secrets(result):
    """Where the execution has secrets, a value of the earlier one may be one as well, and nobody knows which."""
    found = result(before=[trained("before", ended=START - 60)], secrets=Secrets(frozenset({"p4ssword"})))
    assert found.cache_miss == (
        f"HyperParameters.trees changed; compared with its latest success, in execution {EARLIER}"
    )


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ([], "the step has not succeeded in an earlier execution of the pipeline"),
        (
            [step("train", "Failed", EndTime=START - 60)],
            "the step has not succeeded in an earlier execution of the pipeline",
        ),
        # It took a result itself, ran at the same time, or was copied.
        (
            [trained("b", ended=START - 60, CacheHitResult={"SourcePipelineExecutionArn": EARLIER})],
            "the step has not succeeded in an earlier execution of the pipeline",
        ),
        ([trained("b", ended=START + 1)], "the step has not succeeded in an earlier execution of the pipeline"),
        (
            [trained("b", ended=START - 60, SelectiveExecutionResult={"SourcePipelineExecutionArn": EARLIER})],
            "the step has not succeeded in an earlier execution of the pipeline",
        ),
        (
            [trained("b", ended=START - 3601)],
            (
                f"its latest success, in execution {EARLIER}, has expired: it ended at 2023-07-25T19:12:34+00:00, and "
                "results are kept for PT1H"
            ),
        ),
    ],
    ids=["new", "failed", "a hit", "at the same time", "copied", "expired"],
)
def test_there_is_no_success_to_take(service, result, before, told):
    """A success that was not a run of the step, or has expired, is not looked into."""
    assert result(before=before).cache_miss == told
    assert service.count("DescribeTrainingJob") == 1


@pytest.mark.parametrize(
    ("now", "awaited"),
    [
        (None, replace(CACHED, cache_config=None)),
        (trained("now", CacheHitResult={"SourcePipelineExecutionArn": EARLIER}), CACHED),
        (trained("now", SelectiveExecutionResult={"SourcePipelineExecutionArn": EARLIER}), CACHED),
        (step("train", "Failed", EndTime=START, Metadata={"TrainingJob": {"Arn": f"{JOBS}/now"}}), CACHED),
    ],
    ids=["caching is off", "a hit", "copied", "failed"],
)
def test_nobody_is_asked(service, result, now, awaited):
    """Earlier executions are looked at for a step that ran, succeeded, and has caching on: no other."""
    assert result(now, awaited=awaited).cache_miss is None
    assert [name for name, _ in service.requests] == ["DescribeTrainingJob"]


def test_what_cannot_be_found_out_is_a_line(service, result):
    """A refusal does not fail the task, and neither does a duration that is none."""
    awaited = replace(CACHED, cache_config={"Enabled": True, "ExpireAfter": "soon"})
    assert result(before=[trained("b", ended=START - 60)], awaited=awaited).cache_miss == (
        "the reason cannot be found: 'soon' is not an ISO 8601 duration"
    )
    service.answers["ListPipelineExecutions"] = [Refusal("AccessDeniedException", "not you")]
    missed = result().cache_miss
    assert missed is not None
    assert missed.startswith(
        "the reason cannot be found: ListPipelineExecutions failed: AccessDeniedException: not you."
    )


def test_a_step_whose_arguments_nobody_tells(service, result):
    """Of a Lambda step the service tells no arguments: all that is known is the success they would be compared with."""
    now = step("train", "Succeeded", EndTime=START + 60, Metadata={"Lambda": {"Arn": "arn:aws:lambda:r:1:function:f"}})
    assert result(now, before=[{**now, "EndTime": START - 60}]).cache_miss == (
        "the service does not report the arguments of a step of type Lambda, so they cannot be compared with those of "
        f"its latest success, in execution {EARLIER}"
    )
