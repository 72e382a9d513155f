from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import botocore
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import DAG, task_group
from airflow.sdk.log import mask_secret

from airflow_sm_pipelines import (
    CURRENT_ITEM,
    SageMakerCallbackStepOperator,
    SageMakerPipelineTaskGroup,
    SageMakerStepOperator,
)
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.identity import execution_display_name
from airflow_sm_pipelines.hooks import patience
from airflow_sm_pipelines.operators.launch import SageMakerPipelineLaunchOperator
from airflow_sm_pipelines.translation.compile import CompiledPipeline
from tests.scripted_service import EXECUTION_ARN, Refusal, ScriptedService, connection_json, serve, step
from tests.unit.conftest import PIPELINE_SETTINGS
from tests.valid_arguments import TRAINING
from tests.versions import needs_pinned_botocore

PIPELINE_ARN = EXECUTION_ARN.partition("/execution/")[0]
OTHER = EXECUTION_ARN.replace("abcdef123456", "other1234567")
NAME = execution_display_name("d", "r", "churn.launch", -1)
SOMEBODY_ELSES = '{"Version": "2020-12-01", "Steps": []}'
FIX = (
    "Someone else updated pipeline 'd-churn' at the same moment, or the Dag file changed since the first try. Clear the "
    "task that launches it to start a new execution, and give each definition its own pipeline_name. "
    "See docs/troubleshooting.md#another-definition"
)


@dataclass
class Launch:
    """The launch task of a group, and the scripted service that it meets."""

    service: ScriptedService
    task: SageMakerPipelineLaunchOperator
    log: list[tuple[str, str]]
    store: dict[str, str] | None = None
    pushed: dict[str, object] = field(default_factory=dict)
    states: dict[str, str | None] = field(default_factory=dict)

    def run(self, try_number: int = 1, max_tries: int = 2) -> str:
        """Run one try."""
        instance = SimpleNamespace(
            dag_id="d", run_id="r", task_id="churn.launch", map_index=-1, try_number=try_number, max_tries=max_tries
        )
        instance.get_task_states = lambda **_: {"r": self.states}
        instance.xcom_push = lambda key, value: self.pushed.update({key: value})
        after = datetime(2026, 1, 2, tzinfo=timezone.utc)
        run = SimpleNamespace(start_date="2026", run_after=after, clear_number=2)
        return self.task.execute({"ti": instance, "dag_run": run, "task_state_store": self.store})  # type: ignore[typeddict-item]

    def listed(self, **statuses: str) -> None:
        """Script the executions that this launch task has started, by the last part of their ARNs."""
        self.service.answers["ListPipelineExecutions"] = [
            {
                "PipelineExecutionSummaries": [
                    {
                        "PipelineExecutionArn": f"{PIPELINE_ARN}/execution/{name}",
                        "PipelineExecutionStatus": status,
                        "PipelineExecutionDisplayName": NAME,
                    }
                    for name, status in statuses.items()
                ]
                + [
                    {
                        "PipelineExecutionArn": f"{PIPELINE_ARN}/execution/stranger1234",
                        "PipelineExecutionStatus": "Executing",
                        "PipelineExecutionDisplayName": "of-another-task",
                    }
                ]
            }
        ]

    @property
    def operations(self) -> list[str]:
        """What was asked, in order."""
        return [operation for operation, _ in self.service.requests]

    @property
    def stopped(self) -> list[str]:
        """The executions that were asked to stop."""
        return [request["PipelineExecutionArn"] for request in self.service.requests_of("StopPipelineExecution")]


class Store(dict[str, str]):
    """Airflow's task state store, as far as it is used."""

    set = dict.__setitem__


@pytest.fixture
def launch(monkeypatch, dag, group, task_log) -> Iterator[Launch]:
    """A launch task whose execution starts and runs this group's definition."""
    monkeypatch.setattr("airflow_sm_pipelines.operators.launch.triggerer_runs", lambda: True)
    with serve() as service:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection_json(service.url))
        with group() as pipeline:
            SageMakerStepOperator(task_id="a", step_type="Training", arguments=TRAINING)
        yield launch_of(pipeline, service, task_log)


def launch_of(pipeline, service, task_log):
    """The launch task of a group, and a service that answers as it should."""
    text = pipeline.compile().definition.to_json()
    described = {"PipelineArn": PIPELINE_ARN, "PipelineDefinition": text, "RoleArn": pipeline.settings.role_arn}
    service.answers = {
        "DescribePipeline": [described],
        "StartPipelineExecution": [{"PipelineExecutionArn": EXECUTION_ARN}],
        "DescribePipelineDefinitionForExecution": [
            {"PipelineDefinition": json.dumps(json.loads(text), indent=2)}  # equal, whatever its spaces
        ],
        "RetryPipelineExecution": [{"PipelineExecutionArn": EXECUTION_ARN}],
        "StopPipelineExecution": [{"PipelineExecutionArn": EXECUTION_ARN}],
    }
    service.execution("Executing")
    service.steps([step("a", "Executing")])
    made = Launch(service, pipeline.launch, task_log(pipeline.launch))
    made.listed()
    return made


@needs_pinned_botocore
def test_arguments_that_the_api_would_refuse_start_nothing(launch):
    """Arguments that changed after the block are checked again, as the check of the command line does."""
    launch.task.dag.get_task("churn.a").arguments = {"OutputDataConfig": {}, "Mode": "File"}
    with pytest.raises(AirflowFailException) as caught:
        launch.run()
    place = "@ $.Steps[0].Arguments"
    assert str(caught.value).splitlines() == [
        f"Dag 'd', task group 'churn', pipeline 'd-churn', by botocore {botocore.__version__} has 2 problems:",
        f"  - step 'a' lacks 'RoleArn', which CreateTrainingJob requires {place}",
        f"  - step 'a' lacks 'S3OutputPath', which OutputDataConfig (CreateTrainingJob) requires {place}.OutputDataConfig",
    ]
    assert launch.service.requests == []


@needs_pinned_botocore
def test_what_may_be_right_of_the_arguments_is_a_warning(launch):
    """The launch task warns of a member that botocore does not know, with its place, and starts the execution."""
    launch.task.dag.get_task("churn.a").arguments = {**TRAINING, "Mode": "File"}
    compiled = launch.task.task_group.compile()
    launch.service.answers["UpdatePipeline"] = [{"PipelineArn": PIPELINE_ARN}]
    launch.service.answers["DescribePipelineDefinitionForExecution"] = [{"PipelineDefinition": compiled.text}]
    assert launch.run() == EXECUTION_ARN
    assert [line for line in launch.log if line[0] == "WARNING"] == [
        (
            "WARNING",
            (
                "step 'a' has 'Mode', which CreateTrainingJob does not know; it may be newer than the installed botocore "
                "@ $.Steps[0].Arguments.Mode"
            ),
        )
    ]


STARTING = ["DescribePipeline", "StartPipelineExecution", "DescribePipelineDefinitionForExecution"]
AGAIN = ["DescribePipeline", "ListPipelineExecutions", *STARTING[1:]]
LOOKING = ["DescribePipelineExecution", "ListPipelineExecutionSteps"]
REPORTING = "DescribePipelineExecution"


@pytest.mark.parametrize(
    ("status", "try_number", "max_tries", "operations"),
    [
        ("Failed", 1, 2, [*STARTING, REPORTING]),
        ("Executing", 2, 2, [*AGAIN, *LOOKING, REPORTING]),
        ("Failed", 2, 2, [*AGAIN, *LOOKING, "RetryPipelineExecution", REPORTING]),
        ("Executing", 4, 5, [*AGAIN, *LOOKING, REPORTING]),
        ("Failed", 5, 5, [*AGAIN, *LOOKING, "RetryPipelineExecution", REPORTING]),
    ],
    ids=["first", "found executing", "found failed", "first after a clear", "found failed after a clear"],
)
def test_a_retry_that_finds_its_execution_failed_resumes_it(launch, status, try_number, max_tries, operations):
    """Another try finds the execution of the first by its token; one that failed meanwhile is resumed."""
    launch.service.execution(status)
    launch.service.steps([step("a", "Failed" if status == "Failed" else "Executing", EndTime=1690315999.5)])
    assert launch.run(try_number, max_tries) == EXECUTION_ARN
    assert launch.operations == operations


# --- What runs is what the Dag says


def test_an_execution_of_another_definition_is_stopped(launch):
    """When the execution does not run what this group says, it is stopped and the launch fails."""
    launch.service.answers["DescribePipelineDefinitionForExecution"] = [{"PipelineDefinition": SOMEBODY_ELSES}]
    with pytest.raises(AirflowFailException) as caught:
        launch.run()
    assert str(caught.value) == (
        f"execution {EXECUTION_ARN} does not run the definition that task group 'churn' has now, and was stopped. {FIX}"
    )
    assert launch.stopped == [EXECUTION_ARN]


def test_an_execution_of_another_definition_that_cannot_be_stopped(launch):
    """Both is told: what runs under which ARN, and that it goes on."""
    launch.service.answers["DescribePipelineDefinitionForExecution"] = [{"PipelineDefinition": SOMEBODY_ELSES}]
    launch.service.answers["StopPipelineExecution"] = [Refusal("AccessDeniedException", "not you")]
    with pytest.raises(AirflowFailException) as caught:
        launch.run()
    assert str(caught.value) == (
        f"execution {EXECUTION_ARN} does not run the definition that task group 'churn' has now, and could not be "
        "stopped: StopPipelineExecution failed: AccessDeniedException: not you. Check what the connection's "
        f"credentials, and the role, are allowed to do. "
        f"See docs/troubleshooting.md#accessdenied (connection 'aws_default', region us-east-1). {FIX}"
    )


def test_an_execution_of_another_definition_while_the_service_is_unavailable(launch, monkeypatch):
    """The stop is tried again with the next try; until then both is told."""
    monkeypatch.setattr(patience, "SECONDS", 0)
    launch.service.answers["DescribePipelineDefinitionForExecution"] = [{"PipelineDefinition": SOMEBODY_ELSES}]
    launch.service.answers["StopPipelineExecution"] = [Refusal("ThrottlingException", "Rate exceeded")]
    with pytest.raises(SageMakerServiceError) as caught:
        launch.run()
    assert caught.value.retryable
    assert str(caught.value) == (
        f"execution {EXECUTION_ARN} does not run the definition that task group 'churn' has now, and could not be "
        "stopped yet: StopPipelineExecution failed: ThrottlingException: Rate exceeded. (connection 'aws_default', "
        f"region us-east-1). {FIX}"
    )


# --- Credentials, retries


def test_credentials_that_expire_at_the_start_are_read_once_more(launch):
    """One ExpiredTokenException at StartPipelineExecution fails nothing."""
    launch.service.answers["StartPipelineExecution"].insert(0, Refusal("ExpiredTokenException", "expired"))
    assert launch.run() == EXECUTION_ARN
    assert ("INFO", "Reading connection 'aws_default' again") in [
        (level, line.partition(":")[0]) for level, line in launch.log
    ]


def made(group, dag_arguments, **launch_arguments):
    with DAG("e", schedule=None, **dag_arguments), group(launch_arguments=launch_arguments) as pipeline:
        SageMakerStepOperator(task_id="a", step_type="Training", arguments=TRAINING)
    return pipeline.launch.retries, pipeline.launch.retry_delay


def test_options_reach_the_pipeline_and_its_execution(launch, group):
    """The group's, which the launch task has in a template field; a pipeline that is there has its tags kept."""
    tags = [{"Key": "team", "Value": "{{ params.team }}"}]
    options = {
        "pipeline_display_name": "Churn",
        "pipeline_description": "who leaves, by {{ params.team }}",
        "tags": tags,
        "max_parallel_execution_steps": 2,
    }
    with group("other", pipeline_name="d-churn-2", **options) as pipeline:
        SageMakerStepOperator(task_id="a", step_type="Training", arguments=TRAINING)
    assert pipeline.launch.options == options
    launch.task.options = {**options, "tags": [{"Key": "team", "Value": "ml"}]}  # as Airflow has rendered them
    launch.service.answers |= {
        "UpdatePipeline": [{"PipelineArn": PIPELINE_ARN}],
        "ListTags": [{"Tags": []}],
        "AddTags": [{"Tags": []}],
    }
    launch.run()

    [update] = launch.service.requests_of("UpdatePipeline")
    texts = (update["PipelineDisplayName"], update["PipelineDescription"])
    assert texts == ("Churn", "who leaves, by {{ params.team }}")
    [added] = launch.service.requests_of("AddTags")
    assert added["Tags"] == [{"Key": "team", "Value": "ml"}, {"Key": "airflow_sm_pipelines:tags", "Value": "team"}]
    [start] = launch.service.requests_of("StartPipelineExecution")
    assert start["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 2}
    assert ("INFO", f"Pipeline {PIPELINE_ARN}: updated; tags: team=ml") in launch.log


def test_launching_is_tried_again_by_default(group):
    """A lost launch leaves an execution alone, and another try finds it. Who says otherwise is obeyed."""
    assert made(group, {}) == (2, timedelta(seconds=30))
    assert made(group, {"default_args": {"retries": 5}}) == (5, timedelta(seconds=30))
    assert made(group, {"default_args": {"retries": 5}}, retries=0, retry_delay=timedelta(1)) == (0, timedelta(1))


# --- One execution for a Dag run


def test_edited_retries_start_no_second_execution(launch):
    """The worker died after the start; retries were lowered, then raised: every try asks with the same token."""
    for try_number, retries in ((1, 2), (2, 1), (3, 9)):
        launch.task.retries = retries
        launch.run(try_number, max_tries=2)
    tokens = {request["ClientRequestToken"] for request in launch.service.requests_of("StartPipelineExecution")}
    assert len(tokens) == 1


def test_a_dag_that_changed_between_two_tries_starts_no_second_execution(launch):
    """Renamed parameters make another request of the start: the first try's execution is stopped, and it is told."""
    launch.listed(abcdef123456="Executing")
    launch.service.answers["StartPipelineExecution"] = [Refusal("ConflictException", "token in use")]
    with pytest.raises(AirflowFailException) as caught:
        launch.run(2)
    assert str(caught.value) == (
        "the Dag changed between two tries of this task, and so did its request to start: StartPipelineExecution "
        "failed: ConflictException: token in use. (connection 'aws_default', region us-east-1). The execution of the "
        "earlier try is not continued. Clear this task to start a new one. "
        "See docs/troubleshooting.md#another-definition"
    )
    assert launch.stopped == [EXECUTION_ARN]


def test_a_cleared_launch_leaves_no_earlier_execution_executing(launch):
    """The launch was lost, its execution went on alone, and the task is cleared: one execution is executing then."""
    launch.listed(other1234567="Executing", old123456789="Succeeded")
    assert launch.run(2, max_tries=3) == EXECUTION_ARN
    assert launch.stopped == [OTHER]
    assert launch.log[-1] == (
        "WARNING",
        f"Execution {OTHER} was started by an earlier try of this task, and was stopped",
    )
    [request] = launch.service.requests_of("ListPipelineExecutions")
    assert (request["PipelineName"], request["CreatedAfter"]) == (
        "d-churn",
        datetime(2026, 1, 1, tzinfo=timezone.utc).timestamp(),
    )


def test_an_earlier_execution_that_cannot_be_stopped_is_told(launch):
    """The new execution runs all the same, and the log says that it is not alone."""
    launch.listed(other1234567="Executing")
    launch.service.answers["StopPipelineExecution"] = [Refusal("AccessDeniedException", "not you")]
    assert launch.run(2, max_tries=3) == EXECUTION_ARN
    assert launch.log[-1][1].startswith(
        f"Execution {OTHER} was started by an earlier try of this task, and could not be stopped: "
    )


def test_executions_that_may_not_be_listed(launch):
    """Where the service refuses to list executions, the log says what is not looked for; the launch goes on."""
    launch.service.answers["ListPipelineExecutions"] = [Refusal("AccessDeniedException", "not you")]
    assert launch.run(2) == EXECUTION_ARN
    assert [line.partition(":")[0] for level, line in launch.log if level == "WARNING"][-1] == (
        "Executions that earlier tries may have started cannot be looked for"
    )


def test_a_retry_does_not_need_the_service_to_remember(launch):
    """What the first try started is remembered by Airflow, too: the second starts nothing."""
    launch.store = Store()
    assert [launch.run(1), launch.run(2)] == [EXECUTION_ARN] * 2
    assert launch.service.count("StartPipelineExecution") == 1


def test_a_retry_restarts_where_the_group_says_so(launch):
    """With on_retry='restart' one execution is started instead of the one that failed, and no other is stopped."""
    object.__setattr__(launch.task.settings.wait, "on_retry", "restart")
    launch.listed(abcdef123456="Failed", other1234567="Executing")
    launch.service.execution("Failed", "Executing")
    launch.service.steps([step("a", "Failed", EndTime=1690315999.5)], [step("a", "Executing")])
    launch.service.answers["StartPipelineExecution"].append({"PipelineExecutionArn": OTHER})
    assert launch.run(3) == OTHER
    first, second = launch.service.requests_of("StartPipelineExecution")
    assert first["ClientRequestToken"] != second["ClientRequestToken"]
    assert launch.stopped == []


def test_a_pipeline_that_was_never_started(launch):
    """The first try died before the start: there is nothing to find, and the second starts the one execution."""
    launch.service.answers["ListPipelineExecutions"] = [Refusal("ResourceNotFound", "no such pipeline")]
    assert launch.run(2) == EXECUTION_ARN
    assert launch.stopped == []


def test_the_steps_are_told_what_the_launch_task_knows(launch, monkeypatch):
    """Step triggers learn when the launch task ran, whether the run was cleared, and whether a plugin listens here."""
    monkeypatch.setattr("airflow_sm_pipelines.operators.launch.time", SimpleNamespace(time=lambda: 1000.5))
    launch.run()
    assert launch.pushed == {
        "launched": {"at": 1000.5, "clears": 2, "listens": False, "masked": {}},
        "ended__churn.a": {"try_number": 0, "failure": None},
        "pipeline_report": launch.pushed["pipeline_report"],
    }


# --- Mapped steps


@pytest.fixture
def mapped_launch(monkeypatch, dag, group, task_log) -> Iterator[Launch]:
    """The launch task of a group with a mapped step, whose items are a pipeline parameter, a mapped group, and a step."""
    monkeypatch.setattr("airflow_sm_pipelines.operators.launch.triggerer_runs", lambda: True)
    with serve() as service:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection_json(service.url))
        with group(parameters={"Items": "{{ params.items | tojson }}"}) as pipeline:
            SageMakerStepOperator(task_id="a", step_type="Training", arguments=TRAINING)
            SageMakerCallbackStepOperator.partial(
                task_id="each", sqs_queue_url="https://queue", inputs={"x": CURRENT_ITEM["x"]}
            ).expand(item=pipeline.items("Items"))

            @task_group
            def fit(item):
                SageMakerCallbackStepOperator(
                    task_id="b", sqs_queue_url="https://queue", inputs={"x": CURRENT_ITEM["x"]}
                )

            fit.expand(item=[{"x": 1}])
        yield launch_of(pipeline, service, task_log)


def test_each_instance_of_a_mapped_step_has_a_memory(mapped_launch):
    """The launch task begins as many as there are items."""
    mapped_launch.task.parameters = {"Items": '[{"x": 1}, {"x": 2}]'}
    mapped_launch.run()
    assert [key for key in mapped_launch.pushed if key.startswith("ended__")] == [
        "ended__churn.a",
        "ended__churn.each__0",
        "ended__churn.each__1",
        "ended__churn.fit.b__0",
    ]


def test_each_instance_of_a_given_for_each_step_has_a_memory(monkeypatch, dag, group, task_log):
    """As many as the items in the document, be they a parameter's default."""
    monkeypatch.setattr("airflow_sm_pipelines.operators.launch.triggerer_runs", lambda: True)
    body = {"Name": "each", "Type": "Callback", "Arguments": {}, "SqsQueueUrl": "https://queue", "OutputParameters": []}
    over = {"IterableItems": {"Get": "Parameters.Items"}, "MaxConcurrency": 1, "ForEachBody": [body]}
    definition = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "Items", "Type": "String", "DefaultValue": '["a", "b"]'}],
        "Steps": [{"Name": "fan", "Type": "ForEach", "Arguments": over}],
    }
    with serve() as service:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection_json(service.url))
        pipeline = SageMakerPipelineTaskGroup.from_definition(
            "churn", definition=definition, role_arn=PIPELINE_SETTINGS["role_arn"]
        )
        made = launch_of(pipeline, service, task_log)
        made.run()
    assert [key for key in made.pushed if key.startswith("ended__")] == [
        "ended__churn.fan.each__0",
        "ended__churn.fan.each__1",
    ]


OVER = "Task 'churn.launch': pipeline parameter 'Items', over which ForEach step 'each-for-each' runs,"


@pytest.mark.parametrize(
    ("items", "why"),
    [
        ("[]", f"{OVER} is an empty list. Skip the launch task when there is nothing to run"),
        ("3", f"{OVER} is '3', which is not a JSON list"),
        ("[", f"{OVER} is '[', which is not a JSON list"),
        ('[{"x": 1}, {"y": 1}]', f"{OVER} has the item {{\"y\": 1}}, which has no field 'x'"),
        ("[3]", f"{OVER} has the item 3, which has no field 'x'"),
        ('[{"x": [1]}]', f'{OVER} has the item {{"x": [1]}}, where the step reads one text, number or boolean'),
        (
            json.dumps([{"x": "y" * 200}] * 5),
            (
                "Task 'churn.launch': The value of pipeline parameter 'Items' has 1055 characters; SageMaker takes at most "
                "1024. Put the content in S3 and pass its URI."
            ),
        ),
    ],
)
def test_items_that_the_step_cannot_run_over_start_nothing(mapped_launch, items, why):
    """The launch fails in one sentence, before anything is uploaded, updated or started."""
    mapped_launch.task.parameters = {"Items": items}
    with pytest.raises(AirflowFailException) as caught:
        mapped_launch.run()
    assert (str(caught.value), mapped_launch.operations) == (why, [])


# --- What people are told


def test_what_an_update_changes(launch):
    """The log and an XCom say what changed since the pipeline's latest version."""
    definition = PipelineDefinition.from_json('{"Version": "2020-12-01", "Steps": [{"Name": "new", "Type": "Fail"}]}')
    compiled = CompiledPipeline(definition, definition.to_json(), {})
    object.__setattr__(launch.task.task_group, "compile_changes", lambda: compiled)
    launch.service.answers["DescribePipeline"] = [
        {"PipelineArn": PIPELINE_ARN, "PipelineDefinition": SOMEBODY_ELSES, "RoleArn": launch.task.settings.role_arn}
    ]
    launch.service.answers["UpdatePipeline"] = [{"PipelineArn": PIPELINE_ARN}]
    launch.service.answers["DescribePipelineDefinitionForExecution"] = [{"PipelineDefinition": compiled.text}]
    launch.run()
    assert launch.pushed["pipeline_report"]["changes"] == ["step 'new' (Fail) added"]
    assert [text for _, text in launch.log if "updated" in text] == [
        f"Pipeline {PIPELINE_ARN}: updated",
        "updated: step 'new' (Fail) added",
    ]


def warnings(launch):
    """What the log warns of, arguments that the API would refuse aside."""
    return [line for level, line in launch.log if level == "WARNING" and "which CreateTrainingJob requires" not in line]


def test_secrets_of_connections_are_left_as_airflow_shows_them(launch):
    """The XCom for the steps has the values in which Airflow masks something, masked; and no other value."""
    mask_secret("p4ssword-of-a-test")
    launch.task.parameters = {"Url": "postgres://me:p4ssword-of-a-test@db", "Plain": "text"}
    names = [{"Name": name, "Type": "String"} for name in launch.task.parameters]
    definition = PipelineDefinition.from_json(json.dumps({**json.loads(SOMEBODY_ELSES), "Parameters": names}))
    compiled = CompiledPipeline(definition, definition.to_json(), launch.task.parameters)
    object.__setattr__(launch.task.task_group, "compile_changes", lambda: compiled)
    launch.service.answers["UpdatePipeline"] = [{"PipelineArn": PIPELINE_ARN}]
    launch.service.answers["DescribePipelineDefinitionForExecution"] = [{"PipelineDefinition": compiled.text}]
    launch.run()
    assert launch.pushed["launched"]["masked"] == {"Url": "postgres://me:***@db"}


@pytest.mark.parametrize(("runs", "told"), [(True, 0), (None, 0), (False, 1)])
def test_a_triggerer_that_does_not_run(launch, monkeypatch, runs, told):
    """Without a triggerer the steps' tasks would wait for ever: the log says so, and how to start one."""
    monkeypatch.setattr("airflow_sm_pipelines.operators.launch.triggerer_runs", lambda: runs)
    launch.run()
    assert warnings(launch) == told * [
        (
            "No triggerer is running: the tasks of the steps stay deferred until one does. Start it with 'airflow triggerer'. "
            "See docs/troubleshooting.md#stays-deferred"
        )
    ]


def test_a_launch_task_that_was_cleared_alone(launch):
    """The steps' tasks keep their states, and do not follow the new execution: the log names them, and what to clear."""
    launch.states = {"churn.a": "success"}
    launch.run(3, max_tries=4)
    assert warnings(launch) == [
        (
            "These tasks do not follow the execution, because they have already ended: 'churn.a'. Clear 'churn.launch' "
            "with its downstream tasks. See docs/troubleshooting.md#these-tasks-do-not-follow-the-execution"
        )
    ]


def test_a_launch_task_that_was_cleared_with_its_downstream_tasks(launch):
    """Nothing is to say when the steps' tasks wait for it."""
    launch.states = {"churn.a": None}
    launch.run(3, max_tries=4)
    assert warnings(launch) == []
