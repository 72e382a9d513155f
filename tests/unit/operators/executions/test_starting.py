from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from botocore.loaders import Loader

from airflow_sm_pipelines.definition.parameters import PipelineParameter
from airflow_sm_pipelines.exceptions import PipelineParameterError
from airflow_sm_pipelines.operators.executions.starting import (
    StartingTry,
    client_request_token,
    execution_display_name,
    start_values,
)

RUN = {
    "dag_id": "d",
    "run_id": "manual__2026-01-01T00:00:00+00:00",
    "run_start": "2026",
    "task_id": "g.launch",
    "map_index": -1,
}


def test_the_token_is_that_of_one_launch():
    """The same launch always has the same token, and whatever differs makes another."""
    token = client_request_token(**RUN, generation=0)
    others = [
        client_request_token(**{**RUN, key: value}, generation=0)
        for key, value in {"dag_id": "e", "run_id": "f", "run_start": "2027", "task_id": "h", "map_index": 1}.items()
    ]
    assert token == client_request_token(**RUN, generation=0)
    assert len({token, client_request_token(**RUN, generation=1), *others}) == 7
    assert re.fullmatch("[0-9a-f]{64}", token)


def test_display_names_fit_the_service_model():
    """Run ids are cut and cleaned until botocore's pattern for display names takes them."""
    pattern = Loader().load_service_model("sagemaker", "service-2")["shapes"]["PipelineExecutionName"]
    names = [
        execution_display_name("example_train", "manual__2026-01-01T00:00:00.123456+00:00"),
        execution_display_name("d" * 100, "_run_"),
    ]
    assert names == ["example-train-manual-2026-01-01T00-00-00-123456-00-00", "d" * 78 + "-run"]
    assert all(re.fullmatch(pattern["pattern"], name) and len(name) <= pattern["max"] for name in names)


def test_start_values_are_checked_texts():
    """Rendered values become the texts that StartPipelineExecution takes."""
    declared = [PipelineParameter("A", "Float"), PipelineParameter("B", "Boolean"), PipelineParameter("C", "String")]
    assert start_values({"A": "0.9", "B": True, "C": 5}, declared, "g.launch") == {"A": "0.9", "B": "true", "C": "5"}


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
                "Task 'g.launch', pipeline parameter 'InputData': A pipeline parameter holds a str, int, float or bool, "
                "not NoneType (None). Pass a JSON string, or put the content in S3 and pass its URI."
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


class Store(dict):
    """Airflow's task state store, as far as it is used."""

    set = dict.__setitem__


def starting_try(try_number: int, max_tries: int, store: Store | None, map_index: int | None = None) -> StartingTry:
    instance = SimpleNamespace(
        dag_id="d", run_id="r", task_id="t", map_index=map_index, try_number=try_number, max_tries=max_tries
    )
    context = {"ti": instance, "dag_run": SimpleNamespace(start_date="2026"), "task_state_store": store}
    return StartingTry(context, retries=2)


def test_the_tries_since_the_last_clear_belong_together():
    """Retries have the token of the first try and know its execution; a cleared task begins anew."""
    store = Store()
    first, second = starting_try(1, 2, store), starting_try(2, 2, store)
    cleared, retried = starting_try(3, 4, store), starting_try(4, 4, store)
    assert [each.earlier_tries for each in (first, second, cleared, retried)] == [0, 1, 0, 1]
    assert first.token == second.token != cleared.token == retried.token
    first.remember("arn:1")
    found = [each.started_before for each in (first, second, cleared, retried)]
    assert found == [None, "arn:1", None, None]
    cleared.remember("arn:2")
    assert retried.started_before == "arn:2"


def test_mapped_instances_start_their_own():
    """Each instance of a mapped task has a token of its own."""
    tries = [starting_try(1, 2, None, map_index) for map_index in (None, 0, 1)]
    assert [each.map_index for each in tries] == [-1, 0, 1]
    assert len({each.token for each in tries}) == 3


def test_without_a_task_state_store_the_token_has_to_do():
    """Nothing is remembered where Airflow gives no store, and nothing fails."""
    second = starting_try(2, 2, None)
    second.remember("arn:1")
    assert second.started_before is None
