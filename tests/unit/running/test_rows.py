from __future__ import annotations

from datetime import timedelta

from airflow_sm_pipelines.running.rows import Row, rows_of
from tests.unit.running.executions import DEFINITION, OTHER, START, snapshot, step


def test_before_anything_has_started():
    """Every step waits; those of branches lie in their condition."""
    assert rows_of(DEFINITION, snapshot("Executing"), START) == [
        Row(0, "prepare", "Processing", "Waiting"),
        Row(0, "check", "Condition", "Waiting"),
        Row(1, "register", "RegisterModel", "Waiting", "if"),
        Row(1, "reject", "Fail", "Waiting", "else"),
        Row(0, "each", "ForEach", "Waiting"),
    ]


def test_in_the_midst_of_it():
    """What runs counts the seconds; the branch not taken is known; what a ForEach step runs lies in it, turn by turn."""
    seen = snapshot(
        "Executing",
        step("prepare", "Succeeded", 0, 3.5, attempt_count=2, cache_hit_source=OTHER),
        step("check", "Succeeded", 4, 4, metadata={"Condition": {"Outcome": "True"}}),
        step("register", "Starting", 5),
        step("each", "Executing", 4),
        step("score-2-0", "Executing", 5),
        step("score-1", "Failed", 5, 6, failure_reason="no"),
        step("score-0", "Succeeded", 4, 5),
        step("score-2", "Executing", 5),
    )
    assert rows_of(DEFINITION, seen, START + timedelta(seconds=10)) == [
        Row(0, "prepare", "Processing", "Succeeded", "", 3.5, 2, "from the cache of execution earlier12345"),
        Row(0, "check", "Condition", "Succeeded", "", 0.0, 0, "outcome True"),
        Row(1, "register", "RegisterModel", "Starting", "if", 5.0),
        Row(1, "reject", "Fail", "Not taken", "else"),
        Row(0, "each", "ForEach", "Executing", "", 6.0),
        Row(1, "score-0", "Processing", "Succeeded", "", 1.0),
        Row(1, "score-2-0", "Training", "Executing", "", 5.0),
        Row(1, "score-1", "Processing", "Failed", "", 1.0, 0, "no"),
        Row(1, "score-2", "Processing", "Executing", "", 5.0),
    ]


def test_at_the_end():
    """What has not started by then will not. A clock that is behind the endpoint's counts no seconds."""
    seen = snapshot("Failed", step("prepare", "Failed", 0, 3, metadata={"Fail": {"ErrorMessage": "no"}}))
    assert [(row.name, row.state, row.remark) for row in rows_of(DEFINITION, seen, START)] == [
        ("prepare", "Failed", "no"),
        ("check", "Not run", ""),
        ("register", "Not run", ""),
        ("reject", "Not run", ""),
        ("each", "Not run", ""),
    ]
    late = snapshot("Executing", step("prepare", "Executing", 5))
    assert rows_of(DEFINITION, late, START)[0].seconds == 0.0


def test_a_branch_inside_a_branch_not_taken_is_not_taken():
    """However deep."""
    from airflow_sm_pipelines.definition.document import PipelineDefinition

    def condition(name, inner):
        return {"Name": name, "Type": "Condition", "Arguments": {"Conditions": [], "IfSteps": inner, "ElseSteps": []}}

    definition = PipelineDefinition.from_document(
        {"Steps": [condition("a", [condition("b", [{"Name": "c", "Type": "Fail", "Arguments": {}}])])]}
    )
    seen = snapshot("Executing", step("a", "Succeeded", 0, 0, metadata={"Condition": {"Outcome": "False"}}))
    assert [(row.depth, row.name, row.state) for row in rows_of(definition, seen, START)] == [
        (0, "a", "Succeeded"),
        (1, "b", "Not taken"),
        (2, "c", "Not taken"),
    ]
