from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from botocore.loaders import Loader

from airflow_sm_pipelines.definition.parameters import PipelineParameter
from airflow_sm_pipelines.exceptions import PipelineParameterError
from airflow_sm_pipelines.operators.executions.starting import (
    StartingTry,
    execution_display_name,
    start_token,
    start_values,
)

TASK = ("d", "manual__2026-01-01T00:00:00+00:00", "g.launch", -1)


def test_the_token_is_that_of_one_launch():
    """The same launch always has the same token, and whatever differs makes another."""
    token = start_token(*TASK, run_start="2026", max_tries=2)
    others = [
        start_token("e", *TASK[1:], run_start="2026", max_tries=2),
        start_token(TASK[0], "f", *TASK[2:], run_start="2026", max_tries=2),
        start_token(*TASK[:2], "h", -1, run_start="2026", max_tries=2),
        start_token(*TASK[:3], 1, run_start="2026", max_tries=2),
        start_token(*TASK, run_start="2027", max_tries=2),
        start_token(*TASK, run_start="2026", max_tries=3),
    ]
    assert token == start_token(*TASK, run_start="2026", max_tries=2)
    assert len({token, *others}) == 7
    assert re.fullmatch("[0-9a-f]{64}", token)


def test_display_names_fit_the_service_model():
    """Ids are cut and cleaned until botocore's pattern takes them; what is lost is in the hash, so no two are equal."""
    pattern = Loader().load_service_model("sagemaker", "service-2")["shapes"]["PipelineExecutionName"]
    names = [
        execution_display_name("example_train", "manual__2026-01-01T00:00:00.123456+00:00", "g.launch", -1),
        execution_display_name("d" * 100, "_run_", "g.launch", -1),
        execution_display_name("d" * 101, "_run_", "g.launch", -1),
        execution_display_name("_", "+", "g.launch", -1),
    ]
    assert [name[:-12] for name in names] == [
        "example-train-manual-2026-01-01T00-00-00-123456-00-00-",
        "d" * 65 + "-run-",
        "d" * 65 + "-run-",
        "",
    ]
    assert len({name[-12:] for name in names}) == 4
    assert all(re.fullmatch(pattern["pattern"], name) and len(name) <= pattern["max"] for name in names)


def test_start_values_are_checked_texts():
    """Rendered values become the texts that StartPipelineExecution takes."""
    declared = [PipelineParameter("A", "Float"), PipelineParameter("B", "Boolean"), PipelineParameter("C", "String")]
    assert start_values({"A": "0.9", "B": True, "C": 5}, declared, "g.launch") == {"A": "0.9", "B": "true", "C": "5"}


def test_an_empty_text_is_left_out_where_it_is_the_default():
    """SageMaker takes it for a default, and for no value that is given."""
    declared = [PipelineParameter("A", "String", ""), PipelineParameter("B", "String", "b")]
    assert start_values({"A": "", "B": "c"}, declared, "g.launch") == {"B": "c"}


@pytest.mark.parametrize(
    "declared", [None, [PipelineParameter("A", "String", "a")], [PipelineParameter("A", "String")]]
)
def test_an_empty_text_is_no_start_value(declared):
    """It is refused before anything is started, also where the pipeline's declaration is not known."""
    with pytest.raises(PipelineParameterError) as caught:
        start_values({"A": ""}, declared, "run")
    assert str(caught.value) == (
        "Task 'run': The value of pipeline parameter 'A' is empty, and SageMaker requires at least 1 character. Leave "
        "it out to use the default, or give a text that stands for no value."
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"InputDta": "x"},
            (
                "Task 'g.launch' gives a value for pipeline parameter 'InputDta', which the pipeline does not declare. "
                "Did you mean 'InputData'?"
            ),
        ),
        (
            {"InputData": "x" * 1025},
            (
                "Task 'g.launch': The value of pipeline parameter 'InputData' has 1025 characters; SageMaker takes at most "
                "1024. Put the content in S3 and pass its URI."
            ),
        ),
        (
            {"Rounds": "many"},
            (
                "Task 'g.launch': Pipeline parameter 'Rounds' is declared Integer and was given 'many'; give a whole "
                "number, such as '5'."
            ),
        ),
        (
            {"InputData": None},
            (
                "Task 'g.launch', pipeline parameter 'InputData': The value is None. If it comes from an XCom, the "
                "task that should push it has not done so: check that task, or give a text that stands for no value."
            ),
        ),
    ],
)
def test_rendered_values_that_do_not_fit(values, message):
    """What only rendering shows to be wrong is refused before anything is started."""
    declared = [PipelineParameter("InputData", "String"), PipelineParameter("Rounds", "Integer")]
    with pytest.raises(PipelineParameterError) as caught:
        start_values(values, declared, "g.launch")
    assert str(caught.value) == message


def starting_try(try_number: int, max_tries: int, map_index: int | None = None) -> StartingTry:
    instance = SimpleNamespace(
        dag_id="d", run_id="r", task_id="t", map_index=map_index, try_number=try_number, max_tries=max_tries
    )
    return StartingTry({"ti": instance, "dag_run": SimpleNamespace(start_date="2026")}, log=None)


def test_the_tries_since_the_last_clear_have_one_token():
    """Whatever is edited in the Dag meanwhile: Airflow changes max_tries only when the task is cleared."""
    first, second, cleared, retried = (starting_try(*each) for each in ((1, 2), (2, 2), (3, 4), (4, 4)))
    assert first.token == second.token != cleared.token == retried.token
    assert len({each.display_name for each in (first, second, cleared, retried)}) == 1


def test_mapped_instances_start_their_own():
    """Each instance of a mapped task has its own token and name."""
    tries = [starting_try(1, 2, map_index) for map_index in (None, 0, 1)]
    assert len({each.token for each in tries}) == len({each.display_name for each in tries}) == 3
