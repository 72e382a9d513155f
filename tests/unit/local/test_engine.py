"""Which steps start when, and what the execution's status is."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.graph import PipelineGraph
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus
from airflow_sm_pipelines.local.engine import Schedule


def step(name: str, *depends_on: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Processing", "Arguments": {}, "DependsOn": list(depends_on)}


def condition(name: str, if_steps: list[Any], else_steps: list[Any], *depends_on: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": "Condition",
        "Arguments": {"Conditions": [], "IfSteps": if_steps, "ElseSteps": else_steps},
        "DependsOn": list(depends_on),
    }


def on(name: str, trigger: str) -> dict[str, str]:
    return {"Step": name, "Trigger": trigger}


def schedule(*steps: dict[str, Any], parallelism: int | None = None) -> Schedule:
    definition = PipelineDefinition.from_document({"Version": "2020-12-01", "Steps": list(steps)})
    return Schedule(PipelineGraph.of(definition), parallelism)


def test_steps_without_dependencies_start_together_and_a_join_waits_for_all() -> None:
    """Parallel by graph order: `c` starts when both `a` and `b` have succeeded, not before."""
    engine = schedule(step("a"), step("b"), step("c", "a", "b"))

    assert engine.start_ready() == ("a", "b")
    engine.finish("a", StepStatus.SUCCEEDED)
    assert (engine.start_ready(), engine.status) == ((), ExecutionStatus.EXECUTING)
    engine.finish("b", StepStatus.SUCCEEDED)
    assert engine.start_ready() == ("c",)
    engine.finish("c", StepStatus.SUCCEEDED)
    assert (engine.start_ready(), engine.status) == ((), ExecutionStatus.SUCCEEDED)


def test_parallelism_limits_what_runs_at_once() -> None:
    """MaxParallelExecutionSteps: a third step waits until one of two has ended."""
    engine = schedule(step("a"), step("b"), step("c"), parallelism=2)

    assert engine.start_ready() == ("a", "b")
    assert engine.start_ready() == ()
    engine.finish("b", StepStatus.SUCCEEDED)
    assert engine.start_ready() == ("c",)
    assert engine.start_ready() == ()
    engine.finish("a", StepStatus.SUCCEEDED)  # which only a step that runs can do
    engine.finish("c", StepStatus.SUCCEEDED)
    assert (engine.start_ready(), engine.status) == ((), ExecutionStatus.SUCCEEDED)


@pytest.mark.parametrize(("outcome", "taken"), [(True, "yes"), (False, "no")])
def test_only_the_branch_taken_starts_and_a_join_waits_for_it(outcome: bool, taken: str) -> None:
    """A step that depends on the Condition step waits for the branch taken; the other branch never starts."""
    engine = schedule(condition("c", [step("yes")], [step("no")]), step("join", "c"))

    assert engine.start_ready() == ("c",)
    engine.finish("c", StepStatus.SUCCEEDED, outcome)
    assert engine.start_ready() == (taken,)
    engine.finish(taken, StepStatus.SUCCEEDED)
    assert engine.start_ready() == ("join",)
    engine.finish("join", StepStatus.SUCCEEDED)
    assert engine.status is ExecutionStatus.SUCCEEDED


def test_an_empty_branch_is_over_at_once() -> None:
    """Nothing to do in the branch taken: the join starts when the condition has been decided."""
    engine = schedule(condition("c", [step("yes")], []), step("join", "c"))

    engine.start_ready()
    engine.finish("c", StepStatus.SUCCEEDED, outcome=False)
    assert engine.start_ready() == ("join",)


def test_a_branch_not_taken_takes_nested_branches_and_dependents_with_it() -> None:
    """What lies inside a nested condition of the branch not taken never starts, nor does what depends on it."""
    inner = condition("inner", [step("deep")], [step("other")])
    engine = schedule(condition("c", [inner], [step("no")]), step("after", "deep"))

    engine.start_ready()
    engine.finish("c", StepStatus.SUCCEEDED, outcome=False)
    assert engine.start_ready() == ("no",)
    engine.finish("no", StepStatus.SUCCEEDED)
    assert (engine.start_ready(), engine.status) == ((), ExecutionStatus.SUCCEEDED)


def test_a_branch_step_waits_for_its_own_dependencies_too() -> None:
    """Being in the branch taken is not enough: `yes` also depends on `slow`."""
    engine = schedule(step("slow"), condition("c", [step("yes", "slow")], []))

    assert engine.start_ready() == ("slow", "c")
    engine.finish("c", StepStatus.SUCCEEDED, outcome=True)
    assert engine.start_ready() == ()
    engine.finish("slow", StepStatus.SUCCEEDED)
    assert engine.start_ready() == ("yes",)


def test_after_a_failure_nothing_starts_and_what_runs_may_finish() -> None:
    """`b` runs on; `after_b` never starts; the execution is Failed only when `b` has ended."""
    engine = schedule(step("a"), step("b"), step("after_a", "a"), step("after_b", "b"))

    engine.start_ready()
    engine.finish("a", StepStatus.FAILED)
    assert (engine.start_ready(), engine.status) == ((), ExecutionStatus.EXECUTING)
    engine.finish("b", StepStatus.SUCCEEDED)
    assert (engine.start_ready(), engine.status) == ((), ExecutionStatus.FAILED)


def test_a_failure_in_a_branch_keeps_the_join_from_starting() -> None:
    """The join's dependency on the condition asks for Completed, and the branch failed."""
    engine = schedule(condition("c", [step("yes")], []), step("join", "c"))

    engine.start_ready()
    engine.finish("c", StepStatus.SUCCEEDED, outcome=True)
    engine.start_ready()
    engine.finish("yes", StepStatus.FAILED)
    assert (engine.start_ready(), engine.status) == ((), ExecutionStatus.FAILED)


@pytest.mark.parametrize("trigger", ["Failed", "Any"])
def test_a_handled_failure_ends_in_completed_with_failures(trigger: str) -> None:
    """A step that is there for the failure runs, unrelated steps go on, and the execution says both."""
    engine = schedule(
        step("a"), step("b"), step("notify", on("a", trigger)), step("after_b", "b"), step("after_a", "a")
    )

    engine.start_ready()
    engine.finish("a", StepStatus.FAILED)
    assert engine.start_ready() == ("notify",)
    engine.finish("b", StepStatus.SUCCEEDED)
    assert engine.start_ready() == ("after_b",)
    engine.finish("notify", StepStatus.SUCCEEDED)
    engine.finish("after_b", StepStatus.SUCCEEDED)
    assert (engine.start_ready(), engine.status) == ((), ExecutionStatus.COMPLETED_WITH_FAILURES)


def test_a_failure_inside_a_branch_can_be_handled_from_outside() -> None:
    """`{"Step": "c", "Trigger": "Failed"}` fires when a step of the branch taken failed."""
    engine = schedule(condition("c", [step("yes")], []), step("notify", on("c", "Failed")))

    engine.start_ready()
    engine.finish("c", StepStatus.SUCCEEDED, outcome=True)
    engine.start_ready()
    engine.finish("yes", StepStatus.FAILED)
    assert engine.start_ready() == ("notify",)
    engine.finish("notify", StepStatus.SUCCEEDED)
    assert engine.status is ExecutionStatus.COMPLETED_WITH_FAILURES


def test_a_failure_whose_handler_lies_in_the_branch_not_taken_fails_the_execution() -> None:
    """CompletedWithFailures says that a step ran because of the failure. None did, though unrelated steps went on."""
    engine = schedule(
        step("a"), step("b"), step("after_b", "b"), condition("c", [], [step("rescue", on("a", "Failed"))], "b")
    )

    engine.start_ready()
    engine.finish("a", StepStatus.FAILED)
    engine.finish("b", StepStatus.SUCCEEDED)
    assert engine.start_ready() == ("after_b", "c")
    engine.finish("after_b", StepStatus.SUCCEEDED)
    engine.finish("c", StepStatus.SUCCEEDED, outcome=True)
    assert (engine.start_ready(), engine.status) == ((), ExecutionStatus.FAILED)


def test_one_failure_handled_and_one_not_fails_the_execution() -> None:
    """`b` fails and nothing waits for that: what was handled before does not make up for it."""
    engine = schedule(step("a"), step("b"), step("rescue", on("a", "Failed")))

    engine.start_ready()
    engine.finish("a", StepStatus.FAILED)
    assert engine.start_ready() == ("rescue",)
    engine.finish("b", StepStatus.FAILED)
    engine.finish("rescue", StepStatus.SUCCEEDED)
    assert (engine.start_ready(), engine.status) == ((), ExecutionStatus.FAILED)


def test_a_handler_that_fails_itself_fails_the_execution() -> None:
    """Nothing waits for the handler's failure."""
    engine = schedule(step("a"), step("rescue", on("a", "Failed")))

    engine.start_ready()
    engine.finish("a", StepStatus.FAILED)
    assert engine.start_ready() == ("rescue",)
    engine.finish("rescue", StepStatus.FAILED)
    assert (engine.start_ready(), engine.status) == ((), ExecutionStatus.FAILED)


def test_steps_that_succeeded_before_are_not_started_again() -> None:
    """A retry: the condition's outcome stands, its other branch never starts, and what failed runs again."""
    definition = PipelineDefinition.from_document(
        {
            "Version": "2020-12-01",
            "Steps": [step("a"), condition("c", [step("yes", "a")], [step("no")]), step("after", "c")],
        }
    )
    engine = Schedule(PipelineGraph.of(definition), succeeded={"a": None, "c": True})

    assert engine.start_ready() == ("yes",)
    engine.finish("yes", StepStatus.SUCCEEDED)
    assert engine.start_ready() == ("after",)
    engine.finish("after", StepStatus.SUCCEEDED)
    assert (engine.start_ready(), engine.status) == ((), ExecutionStatus.SUCCEEDED)


def test_a_handler_that_is_not_needed_never_starts() -> None:
    """`notify` is for a failure that did not happen: the execution just succeeds."""
    engine = schedule(step("a"), step("notify", on("a", "Failed")), step("after", on("notify", "Any")))

    engine.start_ready()
    engine.finish("a", StepStatus.SUCCEEDED)
    assert (engine.start_ready(), engine.status) == ((), ExecutionStatus.SUCCEEDED)


def test_a_step_stopped_by_hand_counts_as_a_failure_unless_something_waits_for_it() -> None:
    """StopTrainingJob on a step's job: without a Stopped trigger the execution fails, with one it goes on."""
    alone = schedule(step("a"), step("b", "a"))
    alone.start_ready()
    alone.finish("a", StepStatus.STOPPED)
    assert (alone.start_ready(), alone.status) == ((), ExecutionStatus.FAILED)

    handled = schedule(step("a"), step("b", on("a", "Stopped")))
    handled.start_ready()
    handled.finish("a", StepStatus.STOPPED)
    assert handled.start_ready() == ("b",)


def test_stopping_waits_for_what_runs_and_starts_nothing() -> None:
    """Stopping while a step runs, Stopped when it has ended, even if that step still succeeded."""
    engine = schedule(step("a"), step("b", "a"))

    engine.start_ready()
    engine.stop()
    assert (engine.start_ready(), engine.status) == ((), ExecutionStatus.STOPPING)
    engine.finish("a", StepStatus.SUCCEEDED)
    assert (engine.start_ready(), engine.status) == ((), ExecutionStatus.STOPPED)


@pytest.mark.parametrize(
    ("kind", "status"), [("Processing", ExecutionStatus.STOPPED), ("Lambda", ExecutionStatus.FAILED)]
)
def test_a_step_that_fails_while_the_execution_is_stopped(kind: str, status: ExecutionStatus) -> None:
    """Only a Lambda step that has timed out makes the execution Failed."""
    engine = schedule(step("a") | {"Type": kind, "FunctionArn": "f"})
    engine.start_ready()
    engine.stop()
    engine.finish("a", StepStatus.FAILED)
    assert (engine.start_ready(), engine.status) == ((), status)


def test_an_end_that_cannot_be_is_refused() -> None:
    """A step that is not running, a status that is no end, and a condition without an outcome are mistakes."""
    engine = schedule(condition("c", [], []), step("b", "c"))
    with pytest.raises(ValueError, match="step 'b' is waiting, so it cannot end now"):
        engine.finish("b", StepStatus.SUCCEEDED)
    engine.start_ready()
    with pytest.raises(ValueError, match="step 'c' cannot end with the status Stopping"):
        engine.finish("c", StepStatus.STOPPING)
    with pytest.raises(ValueError, match="Condition step 'c' ended without an outcome"):
        engine.finish("c", StepStatus.SUCCEEDED)


def test_two_thousand_steps_in_a_row_are_no_problem() -> None:
    """The service takes pipelines of 2000 steps; the schedule walks them without recursion."""
    count = 2000
    engine = schedule(step("s0"), *(step(f"s{index}", f"s{index - 1}") for index in range(1, count)))

    for index in range(count):
        assert engine.start_ready() == (f"s{index}",)
        engine.finish(f"s{index}", StepStatus.SUCCEEDED)
    assert engine.status is ExecutionStatus.SUCCEEDED


def test_a_failure_is_handled_from_inside_its_own_branch() -> None:
    """A step of a branch may wait for the failure of another step of that branch: the execution goes on."""
    engine = schedule(condition("c", [step("a"), step("rescue", on("a", "Failed"))], []))

    engine.start_ready()
    engine.finish("c", StepStatus.SUCCEEDED, outcome=True)
    assert engine.start_ready() == ("a",)
    engine.finish("a", StepStatus.FAILED)
    assert engine.start_ready() == ("rescue",)
    engine.finish("rescue", StepStatus.SUCCEEDED)
    assert (engine.start_ready(), engine.status) == ((), ExecutionStatus.COMPLETED_WITH_FAILURES)


def test_a_condition_that_never_runs_takes_its_branches_with_it() -> None:
    """What comes after the outer condition does not wait for the branches of an inner one that never starts."""
    inner = condition("inner", [step("i")], [], on("a", "Failed"))
    engine = schedule(step("a"), condition("outer", [inner], []), step("after", "outer"))

    assert engine.start_ready() == ("a", "outer")
    engine.finish("a", StepStatus.SUCCEEDED)
    engine.finish("outer", StepStatus.SUCCEEDED, outcome=True)
    assert engine.start_ready() == ("after",)
