"""An execution of so many steps that they are listed on two pages, beside another one with steps of the same names."""

from __future__ import annotations

CHILDREN = {"child-0", "child-1", "child-2"}
FEW = {"first", "each", "last"}
MANY = FEW | {f"middle-{number}" for number in range(147)}


def test_each_of_150_tasks_ends_as_its_own_step_did(live):
    """On whatever page a step is listed, among the children of a ForEach step, and whatever its namesake does."""
    runs = [live.start("many_steps"), live.start("few_steps")]
    many, few = arns = [live.await_execution(run) for run in runs]
    for arn in arns:
        live.answers.succeed(arn, "first")
    live.answers.fail(many, "last")
    live.answers.succeed(few, "last")
    runs = [live.follow(run) for run in runs]

    assert [(run.state, live.states(run)) for run in runs] == [
        ("failed", {**ended("launch", *MANY), "group.last": "failed"}),
        ("success", ended("launch", *FEW)),
    ]
    assert [set(live.tries(run).values()) for run in runs] == [{1}, {1}]
    assert [set(live.steps(arn)) for arn in arns] == [MANY | CHILDREN, FEW | CHILDREN]
    assert (live.executions("many-steps"), live.executions("few-steps")) == ({many: "Failed"}, {few: "Succeeded"})
    # A look is a first page, and a second one once there are more than a hundred steps.
    assert [pages(live, arn)[0] for arn in arns] == ["first", "first"]
    assert pages(live, many)[-2:] == ["first", "next"]
    assert set(pages(live, few)) == {"first"}


def ended(*steps):
    """The states of the tasks; those of a ForEach step are the tasks of its body."""
    return {f"group.{'each.child' if step == 'each' else step}": "success" for step in steps}


def pages(live, arn):
    calls = live.proxy.calls("ListPipelineExecutionSteps", PipelineExecutionArn=arn)
    return ["next" if "NextToken" in call.request else "first" for call in calls]
