from __future__ import annotations

import itertools

from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.validation import validate
from airflow_sm_pipelines.execution.status import ExecutionStatus
from airflow_sm_pipelines.translation.existing import existing_steps
from tests.unit.translation import airflow_rules, pipeline_runs

CONDITIONS = [{"Type": "Equals", "LeftValue": {"Get": "Execution.PipelineName"}, "RightValue": "x"}]


@st.composite
def definitions(draw, triggers=("Completed",)) -> PipelineDefinition:
    """Any document of at most seven steps with conditions nested three deep, and ForEach steps."""
    counter = itertools.count()

    def steps(visible, depth):
        made = []
        visible = list(visible)
        for _ in range(draw(st.integers(0 if depth else 1, 3))):
            number = next(counter)
            if number > 6:
                break
            name = f"s{number}"
            waited = draw(st.lists(st.sampled_from(visible[-4:]), max_size=2, unique=True)) if visible else []
            document = {"Name": name, "Type": "Training", "Arguments": {}, "DependsOn": []}
            for each in waited:
                trigger = draw(st.sampled_from(triggers))
                document["DependsOn"].append(each if trigger == "Completed" else {"Step": each, "Trigger": trigger})
            if depth < 3 and draw(st.integers(0, 9)) < 5:
                document["Type"] = "Condition"
                document["Arguments"] = {
                    "Conditions": CONDITIONS,
                    "IfSteps": steps(visible, depth + 1),
                    "ElseSteps": steps(visible, depth + 1),
                }
            elif draw(st.integers(0, 9)) < 3:
                document["Type"] = "ForEach"
                body = [{"Name": f"in-{name}", "Type": "Training", "Arguments": {}}]
                document["Arguments"] = {"IterableItems": ["a", "b"], "MaxConcurrency": 1, "ForEachBody": body}
            made.append(document)
            visible.append(name)
        return made

    return PipelineDefinition.from_document({"Version": "2020-12-01", "Steps": steps([], 0)})


def tasks_of(definition):
    """The tasks in topological order, as the simulated scheduler wants them."""
    existing = {each.step.name: each for each in existing_steps(definition)}
    skips = {name: {True: [], False: []} for name, each in existing.items() if each.step.type == "Condition"}
    for name, each in existing.items():
        for owner in each.skipped_by:
            skips[owner.condition][not owner.outcome].append(name)
    tasks = {
        name: airflow_rules.Task(
            tuple(dict.fromkeys((*each.upstream, *(owner.condition for owner in each.skipped_by)))),
            each.trigger_rule,
            skips.get(name),
            instances=2 if each.body else 1,
        )
        for name, each in existing.items()
    }
    ordered = {}
    while len(ordered) < len(tasks):
        ordered |= {name: task for name, task in tasks.items() if set(task.upstream) <= set(ordered)}
    return ordered


def outcomes_of(definition):
    conditions = [located.step.name for located in definition.walk() if located.step.type == "Condition"]
    for values in itertools.product([True, False], repeat=len(conditions)):
        yield dict(zip(conditions, values, strict=True))


def followed(definition, tasks, outcomes, failing):
    """Run the document, and the tasks beside it, each ending as its step does."""
    ended, status = pipeline_runs.run(definition, outcomes, failing)
    result = airflow_rules.run(
        tasks,
        outcomes,
        lambda name: ended.get(name, "skipped" if status is ExecutionStatus.SUCCEEDED else "failed"),
    )
    return ended, status, result


@settings(max_examples=100, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(definitions())
def test_the_tasks_of_a_document_run_exactly_when_its_steps_do(definition):
    """Where no failure is waited for, Airflow's rules start the tasks of exactly the steps that run."""
    assert [problem for problem in validate(definition) if problem.severity == "error"] == []
    tasks = tasks_of(definition)
    note(str(tasks))
    for outcomes in outcomes_of(definition):
        ended, _, result = followed(definition, tasks, outcomes, ())
        assert {name for name, (started, _) in result.items() if started} == set(ended), outcomes


@settings(max_examples=100, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(definitions(triggers=("Completed", "Completed", "Failed", "Any", "Stopped")))
def test_every_step_that_runs_has_a_task_that_ends_as_it_does(definition):
    """Whatever fails and is waited for: a step that ran has a task in the same state, and no other task succeeds."""
    assert [problem for problem in validate(definition) if problem.severity == "error"] == []
    tasks = tasks_of(definition)
    note(str(tasks))
    names = list(tasks)
    for outcomes in outcomes_of(definition):
        for failing in [(), *((name,) for name in names), tuple(names[::2])]:
            ended, status, result = followed(definition, tasks, outcomes, failing)
            event(status.value)
            states = {name: state for name, (_, state) in result.items()}
            assert {name: states[name] for name in ended} == ended, (outcomes, failing)
            assert {name for name, state in states.items() if state == "success"} <= set(ended), (outcomes, failing)
            if status is ExecutionStatus.SUCCEEDED:
                assert {states[name] for name in states if name not in ended} <= {"skipped"}, (outcomes, failing)
