"""Airflow tasks in the middle of a pipeline group: Callback steps in their places, and tasks beside them."""

from __future__ import annotations

import json
from typing import TypedDict

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import ShortCircuitOperator
from airflow.sdk import TaskGroup, task

from airflow_sm_pipelines import (
    Join,
    ParameterInteger,
    SageMakerConditionStepOperator,
    SageMakerStepOperator,
    SageMakerTrainingStepOperator,
    sagemaker_processing,
    sagemaker_training,
)
from airflow_sm_pipelines.definition.expressions import Get
from airflow_sm_pipelines.exceptions import SageMakerPipelinesError
from tests.valid_arguments import TRAINING
from tests.versions import DagSerialization

QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/churn"
JOB = {"image_uri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/i:1", "instance_type": "ml.m5.large"}
IN_GROUP = "Dag 'd', task group 'churn': "


class Choice(TypedDict):
    rounds: int
    who: str


def step(task_id, hyperparameters=None, **keywords):
    arguments = TRAINING if hyperparameters is None else {**TRAINING, "HyperParameters": hyperparameters}
    return SageMakerStepOperator(task_id=task_id, step_type="Training", arguments=arguments, **keywords)


def ordinary(task_id, **keywords):
    return EmptyOperator(task_id=task_id, **keywords)


def documents(group):
    """The steps of a group by their names."""
    return {each["Name"]: each for each in json.loads(group.compile().text)["Steps"]}


def depends(group):
    return {name: each.get("DependsOn") for name, each in documents(group).items()}


def upstream(dag):
    return {
        each.task_id.removeprefix("churn."): {name.removeprefix("churn.") for name in each.upstream_task_ids}
        for each in dag.tasks
    }


def refused(build):
    with pytest.raises(SageMakerPipelinesError) as caught:
        build()
    return str(caught.value)


def test_a_task_in_the_middle_becomes_a_callback_step(dag, group):
    """The step has the task's name and place; the task beside it follows what the task follows, and not the task."""
    with group(callback_queue_url=QUEUE) as pipeline:
        step("train") >> ordinary("approve") >> step("register")

    assert depends(pipeline) == {"train": None, "register": ["approve"], "approve": ["train"]}
    assert {
        key: documents(pipeline)["approve"][key] for key in ("Type", "Arguments", "SqsQueueUrl", "OutputParameters")
    } == {
        "Type": "Callback",
        "Arguments": {"dag_id": "d", "task_id": "churn.approve"},
        "SqsQueueUrl": QUEUE,
        "OutputParameters": [],
    }
    assert upstream(dag) == {
        "launch": set(),
        "train": {"launch"},
        "approve": {"train"},
        "approve_callback": {"train"},
        "register": {"approve"},
    }


def test_the_task_beside_waits_for_as_long_as_it_takes(dag, group):
    """Limits of time, and dependencies on past runs, of the Dag's defaults do not reach it; nor those of other steps."""
    with group(callback_queue_url=QUEUE, waiter_max_attempts=3, end_tasks="triggerer", waiter_delay=5):
        step("train") >> ShortCircuitOperator(task_id="approve", python_callable=bool) >> step("register")
    beside = dag.get_task("churn.approve_callback")

    assert (beside.retries, beside.execution_timeout, beside.depends_on_past) == (2, None, False)
    arguments = beside.trigger_arguments()
    assert {key: arguments[key] for key in ("awaited", "wait", "ends_here", "answered")} == {
        "awaited": {"step_name": "approve", "fails_for_good": True, "returns_arn": False},
        "wait": {"waiter_delay": 5, "end_tasks": "triggerer"},
        "ends_here": ["success", "skipped"],
        "answered": {"task_id": "churn.approve", "queue_url": QUEUE, "followers": ["churn.register"]},
    }
    DagSerialization.to_dict(dag)


def test_xcoms_become_outputs_of_the_types_that_are_known(dag, group):
    """From annotations, or as the author says; text otherwise. Only what a step uses is declared."""

    @task
    def choose() -> Choice: ...

    @task
    def rate() -> float: ...

    @task
    def name(): ...

    with group(callback_queue_url=QUEUE) as pipeline:
        train = step("train")
        chosen, rated, named = choose(), rate(), name()
        train >> [chosen, rated, named]
        step("one", {"rounds": Join("", [chosen["rounds"]]), "who": chosen["who"], "name": named})
        step("two", {"rate": Join("", ["r", rated]), "depth": Join("", [ParameterInteger(named["depth"])])})

    found = documents(pipeline)
    outputs = {
        each: {output["OutputName"]: output["OutputType"] for output in found[each]["OutputParameters"]}
        for each in ("choose", "rate", "name")
    }
    assert outputs == {
        "choose": {"rounds": "Integer", "who": "String"},
        "rate": {"return_value": "Float"},
        "name": {"return_value": "String", "depth": "Integer"},
    }
    assert found["one"]["Arguments"]["HyperParameters"] == {
        "rounds": {"Std:Join": {"On": "", "Values": [{"Get": "Steps.choose.OutputParameters['rounds']"}]}},
        "who": {"Get": "Steps.choose.OutputParameters['who']"},
        "name": {"Get": "Steps.name.OutputParameters['return_value']"},
    }
    assert upstream(dag)["one"] == {"choose", "name"}
    assert json.loads(pipeline.compile().text)["Parameters"] == []


def test_tasks_in_a_row_and_in_groups(dag, group):
    """Each is a step of its own; the second starts only when the pipeline has gone on from the first."""
    with group(callback_queue_url=QUEUE) as pipeline:
        train, register = step("train"), step("register")
        with TaskGroup("human") as human:
            ordinary("ask") >> ordinary("sign")
        train >> human >> register

    assert depends(pipeline) == {
        "train": None,
        "register": ["human-sign"],
        "human-ask": ["train"],
        "human-sign": ["human-ask"],
    }
    assert upstream(dag) == {
        "launch": set(),
        "train": {"launch"},
        "human.ask": {"train"},
        "human.ask_callback": {"train"},
        "human.sign": {"human.ask", "human.ask_callback"},
        "human.sign_callback": {"human.ask_callback"},
        "register": {"human.sign"},
    }


def test_the_first_task_of_a_branch(dag, group):
    """The task and the one beside it are skipped together, and the step lies in the branch."""
    with group(callback_queue_url=QUEUE) as pipeline:
        approve = ordinary("approve")
        condition = SageMakerConditionStepOperator(
            task_id="c", conditions=[Get("Execution.PipelineName").equals("x")], if_steps=[approve]
        )
        approve >> step("register")

    [outer] = json.loads(pipeline.compile().text)["Steps"]
    assert [each["Name"] for each in outer["Arguments"]["IfSteps"]] == ["register", "approve"]
    assert condition.skipped_task_ids == {"True": [], "False": ["churn.approve", "churn.approve_callback"]}


def test_a_joining_step_behind_follows_the_task_beside(dag, group):
    """Airflow would run it although the task was skipped; the pipeline has failed then."""
    with group(callback_queue_url=QUEUE):
        step("train") >> ordinary("approve") >> step("register", trigger_rule="none_failed")

    assert upstream(dag)["register"] == {"approve", "approve_callback"}


def test_without_a_queue_a_task_is_refused(dag, group):
    """The error says what to set."""

    def build():
        with group():
            step("train") >> ordinary("approve") >> step("register")

    assert refused(build) == IN_GROUP + (
        "task 'churn.approve' (EmptyOperator) is not a step of a SageMaker pipeline. Move it before or after the "
        "group, use one of the SageMaker...StepOperator classes, or give the group callback_queue_url: the pipeline "
        "then waits for an Airflow task in its middle. See docs/troubleshooting.md#airflow-tasks-inside-a-group"
    )


def before_all():
    ordinary("approve") >> step("register")


def after_all():
    step("train") >> ordinary("approve")


def mapped():
    step("train") >> EmptyOperator.partial(task_id="approve").expand(doc=["a", "b"]) >> step("register")


def a_teardown():
    step("train") >> ordinary("approve").as_teardown() >> step("register")


def always():
    step("train") >> ordinary("approve", trigger_rule="always") >> step("register")


def a_failure_rule_behind():
    step("train") >> ordinary("approve") >> step("register", trigger_rule="one_failed")


def a_branch():
    @task.branch
    def approve(): ...

    step("train") >> approve() >> [step("register"), step("reject")]


def in_text():
    approve = ordinary("approve")
    step("train") >> approve
    step("register", {"x": f"s3://{approve.output}"})


def computed():
    approve = ordinary("approve")
    step("train") >> approve
    step("register", {"x": approve.output.map(str)})


def two_types():
    approve = ordinary("approve")
    step("train") >> approve
    step("register", {"x": approve.output, "y": Join("", [ParameterInteger(approve.output)])})


def taken():
    step("train") >> ordinary("approve") >> step("register") >> step("approve_callback")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            before_all,
            (
                "Airflow task 'churn.approve' has no step before it in the group, so the pipeline does not need to "
                "wait for it. Define it outside the group: approve >> group."
            ),
        ),
        (
            after_all,
            (
                "Airflow task 'churn.approve' has no step behind it in the group, so the pipeline does not need to "
                "wait for it. Define it outside the group: group >> approve."
            ),
        ),
        (
            mapped,
            (
                "task 'churn.approve' is mapped and is not a step of a SageMaker pipeline, which waits for one task at a time. "
                "Move it before or after the group, or define one task for each item, in a Python loop."
            ),
        ),
        (
            a_teardown,
            "task 'churn.approve' is a teardown, and a pipeline cannot hold one. Let it follow the whole group.",
        ),
        (
            always,
            (
                "Airflow task 'churn.approve' has trigger_rule='always', which SageMaker cannot follow. It can follow all_success, "
                "none_failed, none_failed_min_one_success, one_failed, all_failed, all_done."
            ),
        ),
        (
            a_failure_rule_behind,
            (
                "task 'churn.register' has trigger_rule='one_failed' and follows Airflow task 'churn.approve'. The "
                "pipeline would get a failure where Airflow sees a skip, so the two would run different steps. Use one "
                "of all_success, none_failed, none_failed_min_one_success."
            ),
        ),
        (
            a_branch,
            (
                "task 'churn.approve' (_BranchPythonDecoratedOperator) chooses among the tasks after it, but a "
                "pipeline branches only with Condition steps. Let an ordinary task return the value to choose by, and "
                "compare it in a SageMakerConditionStepOperator: Join('', [choose.output]).equals('large')."
            ),
        ),
        (
            in_text,
            (
                "task 'churn.register' uses the XCom of Airflow task 'churn.approve' in text, which is rendered before the pipeline "
                "starts. Join it instead: Join('', ['text', approve.output])."
            ),
        ),
        (
            two_types,
            (
                "the XCom 'return_value' of task 'churn.approve' is used as String and as Integer. It becomes one output of a "
                "Callback step, which has one type: give it the same type everywhere."
            ),
        ),
        (
            taken,
            (
                "task 'churn.approve_callback' has the id of the task that the group adds for Airflow task "
                "'churn.approve'. Give it another task_id."
            ),
        ),
    ],
)
def test_what_cannot_stand_in_the_middle_is_refused(dag, group, build, message):
    """Each error names the task, the rule and what to do."""

    def inside():
        with group(callback_queue_url=QUEUE):
            build()

    assert refused(inside) == IN_GROUP + message


def test_what_computes_with_an_xcom_is_refused(dag, group):
    """SageMaker has no counterpart to map()."""

    def build():
        with group(callback_queue_url=QUEUE):
            computed()

    assert refused(build).endswith(
        "computes with the XCom of 'churn.approve', which exists only after the pipeline has started. SageMaker uses "
        "the XCom as it is: let the task return what the step needs."
    )


def in_arguments(group, use, choose=None):
    """What a training function's hyperparameters and a processing function's arguments become, and Airflow's edges."""

    @task(task_id="choose")
    def default() -> Choice: ...

    with group(callback_queue_url=QUEUE) as pipeline:
        chosen = (choose or default)()
        step("train") >> chosen
        use(chosen) >> step("last")
    [found] = [each for name, each in documents(pipeline).items() if name not in ("train", "choose", "last")]
    arguments = found["Arguments"]
    given = arguments.get("HyperParameters") or arguments["AppSpecification"]["ContainerArguments"][1::2]
    given = [*given.values()] if isinstance(given, dict) else given
    return [
        each["Std:Join"]["Values"] if isinstance(each, dict) and "Std:Join" in each else each
        for each in given
        if not str(each).startswith(("s3://", "used_step"))
    ]


def used(depth: int = 0, name: str = "", rows: list | None = None, table: dict | None = None) -> None:
    print(depth, name, rows, table)


@pytest.mark.parametrize(
    "make",
    [
        lambda given: SageMakerTrainingStepOperator(task_id="b", hyperparameters=given, code="train.py", **JOB),
        lambda given: sagemaker_training(**JOB)(used)(**given),
    ],
)
def test_xcoms_are_hyperparameters(dag, group, make):
    """By themselves and in lists and dicts: numbers as they are, text in JSON in quotes. The step follows the task."""
    rounds = {"Get": "Steps.choose.OutputParameters['rounds']"}
    who = {"Get": "Steps.choose.OutputParameters['who']"}

    found = in_arguments(
        group,
        lambda chosen: make(
            {
                "depth": chosen["rounds"],
                "rows": [1, chosen["rounds"], ParameterInteger(chosen["rounds"])],
                "table": {"a": chosen["who"], "b": chosen["rounds"]},
            }
        ),
    )

    assert [each for each in found if each != "train.py"] == [
        [rounds],
        ["[1, ", rounds, ", ", rounds, "]"],
        ['{"a": "', who, '", "b": ', rounds, "}"],
    ]
    [follower] = [name for name, each in upstream(dag).items() if "choose" in each and name != "last"]
    assert follower in ("b", "used")


def test_xcoms_are_arguments_of_processing_functions(dag, group):
    """Numbers, text, and in dicts."""
    rounds = {"Get": "Steps.choose.OutputParameters['rounds']"}
    who = {"Get": "Steps.choose.OutputParameters['who']"}

    found = in_arguments(
        group,
        lambda chosen: sagemaker_processing(**JOB)(used)(
            depth=chosen["rounds"], name=chosen["who"], table={"a": chosen["who"]}
        ),
    )

    assert found == [[rounds], who, ['{"a": "', who, '"}']]
    assert "choose" in upstream(dag)["used"]


def test_a_mapped_step_reads_an_xcom(dag, group):
    """In partial(...), where it is the same for all items."""
    with group(callback_queue_url=QUEUE) as pipeline:

        @task
        def choose() -> Choice: ...

        chosen = choose()
        step("train") >> chosen
        sagemaker_training(**JOB)(used).partial(name=chosen["who"]).expand(depth=[1, 2])

    [body] = documents(pipeline)["used-for-each"]["Arguments"]["ForEachBody"]
    who = {"Get": "Steps.choose.OutputParameters['who']"}
    assert body["Arguments"]["HyperParameters"]["name"] == {"Std:Join": {"On": "", "Values": ['"', who, '"']}}
    assert upstream(dag)["used"] == {"choose"}


def test_xcoms_that_a_callback_step_cannot_tell_are_refused(dag, group):
    """What a whole dict or list would be, and what Airflow has to know before: the items of a mapped step."""

    @task
    def choose() -> Choice: ...

    @task
    def several() -> list[int]: ...

    def build(name, returning, use):
        with group(name, callback_queue_url=QUEUE):
            inside = returning()
            step("train") >> inside
            use(inside) >> step("last")

    fit = sagemaker_training(**JOB)(used)
    assert refused(lambda: build("one", choose, lambda chosen: fit(table=chosen))) == (
        "Dag 'd', task group 'one': the XCom 'return_value' of task 'one.choose' is a Choice, as its annotation says, and an "
        "output of a Callback step is one text, number or boolean. Let the task return a dict of those, and use its "
        "members: choose()['name']."
    )
    assert refused(lambda: build("two", several, lambda listed: fit.expand(depth=listed))) == (
        "Dag 'd', task group 'two': a step is mapped over the XCom of 'two.several', which is there only after the pipeline "
        "has started, and Airflow has to know the items before. Map over what a task outside the group returns."
    )


def test_an_xcom_with_a_quote_in_its_name_is_refused(dag, group):
    """SageMaker's references quote the names of outputs."""

    @task
    def choose() -> Choice: ...

    def build():
        with group(callback_queue_url=QUEUE):
            chosen = choose()
            step("train") >> chosen
            step("last", {"a": chosen["it's"]})

    assert refused(build) == IN_GROUP + (
        "the XCom \"it's\" of task 'churn.choose' has a quote in its name, and no reference to an output of a step can. Let "
        "the task return it under another name."
    )


@pytest.mark.parametrize("url", ["queue", 3, "", "https://{{ var.value.queue }}"])
def test_what_is_no_queue_url_is_refused(dag, group, url):
    """An ARN or a name is none, nor is what only a run knows: the tasks that answer do not render it."""
    assert refused(lambda: group(callback_queue_url=url)) == IN_GROUP + (
        f"callback_queue_url={url!r} is not the URL of a queue; give "
        "'https://sqs.<region>.amazonaws.com/<account>/<name>'."
    )


def test_restarting_is_refused(dag, group):
    """Another execution would wait for tasks that are over."""

    def build():
        with group(callback_queue_url=QUEUE, on_retry="restart"):
            step("train") >> ordinary("approve") >> step("register")

    assert refused(build) == IN_GROUP + (
        "on_retry='restart' starts another execution, which waits for Airflow task 'churn.approve' in the middle "
        "again. A task that has ended does not run again. Use on_retry='resume'."
    )


def test_an_edge_that_comes_too_late_is_refused(dag, group):
    """The task beside would not follow what the task was made to follow."""
    with group(callback_queue_url=QUEUE):
        train, other = step("train"), step("other")
        approve = ordinary("approve")
        train >> approve >> step("register")
    other >> approve

    with pytest.raises(Exception, match=r"was made to follow 'churn.other' after"):
        DagSerialization.to_dict(dag)
