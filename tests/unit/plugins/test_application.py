from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from airflow_sm_pipelines.compatibility import api_server
from airflow_sm_pipelines.compatibility.version import REACT_PAGES
from airflow_sm_pipelines.execution.identity import execution_display_name
from airflow_sm_pipelines.plugins import application
from tests.scripted_service import EXECUTION_ARN, Refusal, connection_json, serve, step

pytestmark = pytest.mark.skipif(not REACT_PAGES, reason="Airflow gives plugins Chakra UI from 3.2 on")

JOB = "arn:aws:sagemaker:us-east-1:123456789012:training-job/pipelines-abc-train"
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/churn/3"
NAME = execution_display_name("d", "r", "g.launch", -1)
REPORT = {
    "run_id": "r",
    "task_id": "g.launch",
    "map_index": -1,
    "key": "pipeline_report",
    "value": {
        "execution": EXECUTION_ARN,
        "connection": {"aws_conn_id": "aws_pages"},
        "parameters": [],
        "steps": [
            {"name": "train", "task_id": "g.train", "in_each": None},
            {"name": "register", "task_id": "g.register", "in_each": None},
        ],
    },
}
OF_TRAIN = "/dags/d/runs/r/tasks/g.train/-1"


@pytest.fixture
def service(monkeypatch):
    with serve() as scripted:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_PAGES", connection_json(scripted.url))
        yield scripted


@pytest.fixture
def xcoms(monkeypatch) -> Iterator[list]:
    """The XComs of the database, by Dag."""
    found = [("d", REPORT)]

    def read(_, dag_id, run_ids, keys):
        return [xcom for owner, xcom in found if owner == dag_id and xcom["run_id"] in run_ids and xcom["key"] in keys]

    monkeypatch.setattr(application, "read_xcoms", read)
    return found


@pytest.fixture
def client(xcoms):
    """A person who may see everything."""
    made = application.make_application()
    for allowed in (api_server.MAY_READ_XCOMS, api_server.MAY_READ_LOGS):
        made.dependency_overrides[allowed.dependency] = lambda: None
    [session] = api_server.SessionDep.__metadata__
    made.dependency_overrides[session.dependency] = lambda: None
    return TestClient(made)


def answered(response):
    return response.status_code, response.json()


@pytest.mark.parametrize(
    "path",
    [
        "/dags/d/reports?run_id=r",
        "/dags/d/prices",
        *(f"{OF_TRAIN}/{what}" for what in ("log", "model-package", "steps")),
    ],
)
def test_nobody_is_told_anything_without_a_session(path):
    """Each route that tells something of a Dag asks Airflow who is there."""
    assert TestClient(application.make_application()).get(path).status_code == 401


def test_the_reports_of_runs(client, xcoms):
    """They are those of the Dag's runs that were asked for, and of the XComs that pages show."""
    other = {**REPORT, "run_id": "s", "key": "step_report", "value": {"status": "Failed"}}
    xcoms += [("d", other), ("d", {**other, "key": "secret"}), ("e", other), ("d", {**other, "run_id": "t"})]
    assert answered(client.get("/dags/d/reports", params={"run_id": ["r", "s"]})) == (
        200,
        {"reports": [REPORT, other]},
    )
    assert answered(client.get("/dags/e/reports", params={"run_id": "r"})) == (200, {"reports": []})


@pytest.mark.parametrize("runs", [[], ["r"] * 51])
def test_how_many_runs_may_be_asked_for(client, runs):
    """One to fifty."""
    assert client.get("/dags/d/reports", params={"run_id": runs}).status_code == 422


def test_prices(client, monkeypatch, tmp_path):
    """Those of the configured file; without one there are none, and a file that is none is told."""
    assert answered(client.get("/dags/d/prices")) == (200, {"currency": None, "per_hour": {}})
    prices = tmp_path / "prices.json"
    monkeypatch.setenv("AIRFLOW__SAGEMAKER_PIPELINES__PRICES", str(prices))
    prices.write_text(json.dumps({"currency": "USD", "per_hour": {"training": {"ml.m5.large": 1}}}))
    assert answered(client.get("/dags/d/prices")) == (
        200,
        {"currency": "USD", "per_hour": {"training": {"ml.m5.large": 1}}},
    )
    prices.write_text("{}")
    status, told = answered(client.get("/dags/d/prices"))
    assert (status, told["detail"].startswith(f"The file of prices {prices} is not of the form")) == (500, True)


def nested(levels):
    value = 0.9
    for _ in range(levels):
        value = {"inner": value}
    return value


@pytest.mark.parametrize(
    ("pushed", "told"),
    [
        ({"loss": float("nan"), "rows": [float("inf"), -float("inf"), 1]}, {"loss": None, "rows": [None, None, 1]}),
        ({"na\ud800me": "\udfff", "\N{GRINNING FACE}": "\u0000"}, {"na?me": "?", "\N{GRINNING FACE}": "\u0000"}),
        (nested(300), nested(300)),
    ],
    ids=["numbers that JSON does not have", "halves of characters", "300 levels"],
)
def test_an_xcom_that_is_hard_to_write(client, xcoms, pushed, told):
    """Whatever one task has pushed, the page about 50 runs has its answer, in JSON that browsers read."""
    xcoms[:] = [("d", {**REPORT, "key": "property_files", "value": pushed})]
    response = client.get("/dags/d/reports", params={"run_id": "r"})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert json.loads(response.content, parse_constant=pytest.fail) == {
        "reports": [{**REPORT, "key": "property_files", "value": told}]
    }


def trained(service):
    service.execution("Executing", PipelineExecutionDisplayName=NAME)
    service.steps([step("train", "Executing", Metadata={"TrainingJob": {"Arn": JOB}})])
    service.answers["DescribeLogStreams"] = [{"logStreams": [{"logStreamName": "pipelines-abc-train/algo-1"}]}]
    service.answers["GetLogEvents"] = [
        {"events": [{"timestamp": 1500, "message": "loss: 2\n"}, {"timestamp": 2500, "message": "loss: 1"}]}
    ]


def test_the_end_of_a_log(client, service):
    """Each line has its time; it is that of the job which the step has in the execution."""
    trained(service)
    assert answered(client.get(f"{OF_TRAIN}/log", params={"lines": 7})) == (
        200,
        {
            "lines": [
                {"time": "1970-01-01T00:00:01.500000+00:00", "message": "loss: 2"},
                {"time": "1970-01-01T00:00:02.500000+00:00", "message": "loss: 1"},
            ]
        },
    )
    assert service.requests_of("GetLogEvents")[0]["limit"] == 7


def test_a_log_does_not_tell_secrets(client, service, xcoms):
    """A value that the execution was started with, and that Airflow masks, is masked here too."""
    trained(service)
    masked = {**REPORT["value"], "parameters": [{"name": "Password", "value": "***"}]}
    xcoms[:] = [("d", {**REPORT, "value": masked})]
    service.answers["ListPipelineParametersForExecution"] = [
        {"PipelineParameters": [{"Name": "Password", "Value": "hunter2!"}]}
    ]
    service.answers["GetLogEvents"] = [{"events": [{"timestamp": 0, "message": "logged in with hunter2!"}]}]
    assert answered(client.get(f"{OF_TRAIN}/log")) == (
        200,
        {"lines": [{"time": "1970-01-01T00:00:00+00:00", "message": "logged in with ***"}]},
    )


def test_a_step_that_has_not_started_has_no_log(client, service):
    """The answer says so, in a sentence."""
    service.execution("Executing", PipelineExecutionDisplayName=NAME)
    service.steps([])
    assert answered(client.get(f"{OF_TRAIN}/log")) == (
        502,
        {"detail": f"step 'train' of {EXECUTION_ARN} has not started"},
    )


def test_an_execution_that_the_run_has_not_started(client, service):
    """Whatever its XComs say: a person who may write them sees no other execution by that."""
    trained(service)
    service.answers["DescribePipelineExecution"] = []
    service.execution("Executing", PipelineExecutionDisplayName="d-s-0123456789ab")
    for what in ("log", "model-package", "steps"):
        assert answered(client.get(f"{OF_TRAIN}/{what}")) == (
            502,
            {
                "detail": f"execution {EXECUTION_ARN} was not started by task 'g.launch' of Dag run 'r', so it is not shown here"
            },
        )
    assert service.count("GetLogEvents") == service.count("ListPipelineExecutionSteps") == 0


def test_the_ids_of_another_dag(client):
    """A task of a Dag that the person may see, with the run of another: nothing is found, and nobody asked."""
    assert answered(client.get("/dags/e/runs/r/tasks/g.train/-1/log")) == (
        404,
        {"detail": "task 'g.train' of Dag run 'r' does not follow an execution that has started"},
    )


def test_a_service_that_refuses(client, service):
    """Its words are the answer, with what to check."""
    service.answers["DescribePipelineExecution"] = [Refusal("AccessDeniedException", "not you")]
    status, told = answered(client.get(f"{OF_TRAIN}/steps"))
    assert (status, told["detail"].startswith("DescribePipelineExecution failed: AccessDeniedException: not you.")) == (
        502,
        True,
    )


def test_a_connection_that_the_api_server_does_not_have(client, xcoms):
    """The answer names it."""
    xcoms[:] = [("d", {**REPORT, "value": {**REPORT["value"], "connection": {"aws_conn_id": "nowhere"}}})]
    status, told = answered(client.get(f"{OF_TRAIN}/steps"))
    assert (status, told["detail"]) == (
        502,
        (
            "there is no Airflow connection 'nowhere'. Define it, or set aws_conn_id. "
            "See docs/troubleshooting.md#connection-credentials-and-region"
        ),
    )


def test_the_steps_of_an_execution(client, service):
    """As they are now."""
    trained(service)
    status, told = answered(client.get("/dags/d/runs/r/tasks/g.launch/-1/steps"))
    assert (status, told["status"], [(each["name"], each["status"]) for each in told["steps"]]) == (
        200,
        "Executing",
        [("train", "Executing")],
    )


def test_a_model_package(client, service):
    """Its approval status is that of now; a step that registered nothing has none."""
    trained(service)
    service.answers["ListPipelineExecutionSteps"] = []
    service.steps(
        [step("register", "Succeeded", Metadata={"RegisterModel": {"Arn": PACKAGE}}), step("train", "Executing")]
    )
    service.answers["DescribeModelPackage"] = [
        {
            "ModelPackageArn": PACKAGE,
            "ModelPackageGroupName": "churn",
            "ModelPackageVersion": 3,
            "ModelApprovalStatus": "Approved",
        }
    ]
    assert answered(client.get("/dags/d/runs/r/tasks/g.register/-1/model-package")) == (
        200,
        {"model_package": {"group": "churn", "version": 3, "approval_status": "Approved"}},
    )
    assert answered(client.get(f"{OF_TRAIN}/model-package")) == (200, {"model_package": None})
