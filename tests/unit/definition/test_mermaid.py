from __future__ import annotations

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.mermaid import to_mermaid


def mermaid(*steps):
    return to_mermaid(PipelineDefinition.from_document({"Version": "2020-12-01", "Steps": list(steps)}))


def test_branches_and_run_conditions_are_labelled():
    """Edges say which branch they lead into, and what they wait for when it is not success."""
    conditions = [{"Type": "Equals", "LeftValue": {"Get": "Steps.a.A"}, "RightValue": 1}]
    branches = {
        "IfSteps": [{"Name": "b", "Type": "Model", "Arguments": {}}],
        "ElseSteps": [{"Name": "no", "Type": "Fail", "Arguments": {"ErrorMessage": 'a "<b>"'}}],
    }
    assert mermaid(
        {"Name": "a", "Type": "Training", "Arguments": {}},
        {"Name": "c", "Type": "Condition", "Arguments": {"Conditions": conditions, **branches}},
        {"Name": "d", "Type": "Lambda", "Arguments": {}, "DependsOn": [{"Step": "a", "Trigger": "Failed"}]},
    ) == (
        "flowchart LR\n"
        '    s0["a<br/><small>Training</small>"]\n'
        '    s1{"c<br/><small>Condition</small>"}\n'
        '    s2["b<br/><small>Model</small>"]\n'
        '    s3[["no<br/><small>Fail</small>"]]\n'
        '    s4["d<br/><small>Lambda</small>"]\n'
        "    s0 --> s1\n"
        "    s1 -- if --> s2\n"
        "    s1 -- else --> s3\n"
        "    s0 -- Failed --> s4\n"
    )


def test_a_trigger_that_is_no_text_is_drawn_all_the_same():
    """What validation would refuse has a graph: a trigger of a wrong form is a question mark."""
    depends_on = [{"Step": "a", "Trigger": None}]
    assert mermaid({"Name": "a", "Type": "X"}, {"Name": "b", "Type": "X", "DependsOn": depends_on}).endswith(
        "    s0 -- ? --> s1\n"
    )


def test_nested_conditions_have_a_graph():
    """Ninety conditions inside one another have a graph."""
    step = {"Name": "end", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}
    for depth in reversed(range(90)):
        step = {"Name": f"s{depth}", "Type": "Condition", "Arguments": {"Conditions": [], "IfSteps": [step]}}
    lines = mermaid(step).splitlines()
    assert lines[91:] == ['    s90[["end<br/><small>Fail</small>"]]'] + [
        f"    s{depth} -- if --> s{depth + 1}" for depth in range(90)
    ]
