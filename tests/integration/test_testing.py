"""The fixture ``sagemaker_pipelines`` in test suites as users have them, each run by pytest in a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

import airflow_sm_pipelines

if TYPE_CHECKING:
    from airflow_sm_pipelines.testing.pipelines import LocalPipelines

pytest_plugins = ["pytester", "airflow_sm_pipelines.testing"]

ROOT = Path(airflow_sm_pipelines.__file__).parents[1]

DAG = """
from __future__ import annotations

from pathlib import Path

from airflow.sdk import dag, task

from airflow_sm_pipelines import (
    ParameterFloat, SageMakerConditionStepOperator, SageMakerFailStepOperator, SageMakerPipelineTaskGroup,
)


@task.sagemaker_processing(outputs=["kept"], cache="P1D")
def measure(rows: Path, kept: Path, factor: int = 1) -> dict[str, float]:
    numbers = [float(row) for row in (rows / "rows.csv").read_text().split()]
    (kept / "count.txt").write_text(str(len(numbers)))
    print("measured", len(numbers))
    return {"mean": factor * sum(numbers) / len(numbers)}


@dag(schedule=None)
def churn():
    with SageMakerPipelineTaskGroup(
        "churn", role_arn="arn:aws:iam::123456789012:role/r", artifact_uri="s3://lake/churn",
        default_args={"image_uri": "i", "instance_type": "ml.m5.large"},
        parameters={"Least": ParameterFloat("{{ params.least }}")},
    ) as pipeline:
        measured = measure(rows="s3://lake/rows")
        SageMakerConditionStepOperator(
            task_id="enough", conditions=[measured["mean"] >= pipeline.parameters["Least"]],
            else_steps=[SageMakerFailStepOperator(task_id="reject", error_message="Too small.")],
        )


made = churn()
"""

CONFTEST = 'pytest_plugins = ["airflow_sm_pipelines.testing"]\n'


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A directory with a Dag, its data, and a conftest.py that turns the plugin on."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TMPDIR", str(pytester.mkdir("tmp")))
    pytester.makefile(".ini", pytest="[pytest]\naddopts = -p no:cacheprovider -p no:randomly\n")
    pytester.mkdir("dags").joinpath("churn.py").write_text(DAG)
    pytester.path.joinpath("rows.csv").write_text("1\n2\n3\n")
    pytester.makeconftest(CONFTEST)
    return pytester


def run(suite: pytest.Pytester, text: str, *options: str) -> pytest.RunResult:
    suite.makepyfile(test_churn=text)
    return suite.runpytest_subprocess(*options)


def left_of(suite: pytest.Pytester) -> list[str]:
    """What endpoints have left among the temporary files."""
    return [path.name for path in suite.path.joinpath("tmp").iterdir() if not path.name.startswith("pytest-of-")]


def test_a_dag_file_runs_to_its_end(suite: pytest.Pytester) -> None:
    """The result has statuses, outputs, property files, logs and reasons; a failed execution is a result."""
    result = run(
        suite,
        """
        FILES = {"s3://lake/rows/rows.csv": "rows.csv"}

        def test_enough(sagemaker_pipelines):
            result = sagemaker_pipelines.run("dags/churn.py", parameters={"Least": 1.5}, files=FILES)
            assert (result.status, result.succeeded, result.reason) == ("Succeeded", True, None)
            assert result.statuses == {"measure": "Succeeded", "enough": "Succeeded", "reject": "Not taken"}
            measure, enough = result.steps["measure"], result.steps["enough"]
            assert (measure.type, measure.reason, measure.metrics, measure.is_cached) == ("Processing", None, {}, False)
            assert measure.property_files == {"returned": {"mean": 2.0}}
            assert measure.log == ("measured 3",)
            assert {name: path.is_dir() for name, path in measure.outputs.items()} == {"kept": True, "returned": True}
            assert (measure.outputs["kept"] / "count.txt").read_text() == "3"
            assert ":processing-job/" in measure.job_arn
            assert enough.outcome is True
            assert enough.comparisons == ("measure.returned['mean'] (2.0) >= Parameters.Least (1.5)",)

        def test_too_small(sagemaker_pipelines):
            result = sagemaker_pipelines.run("dags/churn.py", parameters={"Least": 9}, files=FILES)
            assert (result.status, result.succeeded) == ("Failed", False)
            assert result.statuses == {"measure": "Succeeded", "enough": "Succeeded", "reject": "Failed"}
            assert result.steps["reject"].reason == "Too small."
            assert "step reject failed: Too small." in repr(result)
        """,
    )
    result.assert_outcomes(passed=2)
    assert left_of(suite) == []


def test_dags_groups_and_definitions_run_too(suite: pytest.Pytester) -> None:
    """A Dag and a group as objects, and a definition in JSON."""
    suite.path.joinpath("no.json").write_text(
        '{"Version": "2020-12-01", "Steps": [{"Name": "no", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}]}'
    )
    result = run(
        suite,
        """
        import runpy
        from pathlib import Path

        def test_objects(sagemaker_pipelines):
            dag = runpy.run_path(str(Path(__file__).with_name("dags") / "churn.py"))["made"]
            given = {"parameters": {"Least": 1}, "files": {"s3://lake/rows/": Path(__file__).with_name("rows.csv")}}
            expected = {"measure": "Succeeded", "enough": "Succeeded", "reject": "Not taken"}
            assert sagemaker_pipelines.run(dag, **given).statuses == expected
            assert sagemaker_pipelines.run(dag.task_group.children["churn"], **given).statuses == expected

        def test_a_definition(sagemaker_pipelines):
            result = sagemaker_pipelines.run(Path("no.json"), pipeline_name="never")
            assert (result.steps["no"].reason, ":pipeline/never/" in result.execution_arn) == ("no", True)
        """,
    )
    result.assert_outcomes(passed=2)


def test_runs_are_apart_unless_one_goes_on(suite: pytest.Pytester) -> None:
    """Each begins in an empty account; ``after`` keeps objects and caches, and is refused when they are gone."""
    result = run(
        suite,
        """
        import pytest
        from airflow_sm_pipelines.testing.pipelines import AccountGoneError

        GIVEN = {"parameters": {"Least": 1}, "files": {"s3://lake/rows/rows.csv": "rows.csv"}}

        def test_apart(sagemaker_pipelines):
            first = sagemaker_pipelines.run("dags/churn.py", **GIVEN)
            keys = [each["Key"] for each in first.client("s3").list_objects_v2(Bucket="lake")["Contents"]]
            assert [key for key in keys if key.endswith("rows.csv")] == ["rows/rows.csv"]
            on = sagemaker_pipelines.run("dags/churn.py", parameters={"Least": 2.5}, after=first)
            assert (on.statuses["reject"], on.steps["measure"].is_cached) == ("Failed", True)
            selected = sagemaker_pipelines.run("dags/churn.py", parameters={"Least": 2}, select=["enough"], after=on)
            assert selected.statuses["reject"] == "Not taken"
            fresh = sagemaker_pipelines.run("dags/churn.py", **GIVEN)
            assert fresh.steps["measure"].is_cached is False
            with pytest.raises(AccountGoneError, match="each run begins in an empty account"):
                first.client("s3")
            with pytest.raises(AccountGoneError):
                sagemaker_pipelines.run("dags/churn.py", after=first)
            assert first.steps["measure"].outputs["kept"].joinpath("count.txt").read_text() == "3"
        """,
    )
    result.assert_outcomes(passed=1)


def test_what_is_wrong_is_said_in_the_words_of_the_fixture(suite: pytest.Pytester) -> None:
    """Every reason at once, with the argument that mends it."""
    result = run(
        suite,
        """
        import pytest
        from airflow_sm_pipelines.testing.pipelines import PipelineNotStartedError

        def message(pipelines, *arguments, **keywords):
            with pytest.raises(PipelineNotStartedError) as raised:
                pipelines.run(*arguments, **keywords)
            return str(raised.value).splitlines()

        def test_messages(sagemaker_pipelines, pytestconfig, capsys):
            root = pytestconfig.rootpath
            assert message(sagemaker_pipelines, "dags/churn.py", files={"rows": "rows.csv", "s3://lake/x": "no.csv"}) == [
                "files: 'rows' is not an S3 URI, such as s3://bucket/prefix",
                f"files: there is no file or directory {root}/no.csv for s3://lake/x",
            ]
            assert message(sagemaker_pipelines, "dags/churn.py", parameters={"Leest": "1"}, select=["measured"]) == [
                "pipeline 'churn-churn' cannot be started:",
                "parameters: the pipeline declares no parameter 'Leest'. Did you mean 'Least'? It declares 'Least'",
                "pipeline parameter 'Least' has the value {{ params.least }}, which exists only in a Dag run. Give one: "
                "parameters={'Least': VALUE}",
                "select: the pipeline has no step 'measured'. Did you mean 'measure'? It has 'measure', 'enough', 'reject'",
            ]
            assert message(sagemaker_pipelines, 3) == [
                "a pipeline is the path of a file, a Dag or a SageMakerPipelineTaskGroup, not int"
            ]
            result = sagemaker_pipelines.run("dags/churn.py", parameters={"Least": 1})
            assert result.steps["measure"].status == "Failed"
            assert (
                "warning: step 'measure' reads s3://lake/rows, and there is nothing. Unless another step writes it, "
                "give files={'s3://lake/rows': PATH}"
            ) in capsys.readouterr().out.splitlines()
        """,
    )
    result.assert_outcomes(passed=1)


def test_a_pipeline_that_does_not_end_is_ended(suite: pytest.Pytester) -> None:
    """The error says which step still runs, and the next run is not held up."""
    suite.path.joinpath("slow.py").write_text("import time\ntime.sleep(600)\n")
    suite.path.joinpath("slow.json").write_text(SLOW)
    result = run(
        suite,
        """
        import pytest
        from airflow_sm_pipelines.testing.pipelines import PipelineTimeoutError

        def test_too_slow(sagemaker_pipelines):
            with pytest.raises(PipelineTimeoutError) as raised:
                sagemaker_pipelines.run("slow.json", timeout=3)
            assert str(raised.value) == (
                "pipeline 'slow' has not ended after 3 s, and was ended ('wait' is Executing)"
            )
            given = {"parameters": {"Least": 1}, "files": {"s3://lake/rows/rows.csv": "rows.csv"}}
            assert sagemaker_pipelines.run("dags/churn.py", **given).succeeded
        """,
    )
    result.assert_outcomes(passed=1)
    assert left_of(suite) == []


SLOW = """{"Version": "2020-12-01", "Steps": [{"Name": "wait", "Type": "Processing", "Arguments": {
    "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}},
    "AppSpecification": {"ImageUri": "i", "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/slow.py"]},
    "RoleArn": "arn:aws:iam::123456789012:role/r",
    "ProcessingInputs": [{"InputName": "code", "S3Input": {"S3Uri": "slow.py", "S3DataType": "S3Prefix",
        "S3InputMode": "File", "LocalPath": "/opt/ml/processing/input/code"}}]
}}]}"""


def test_tests_in_parallel_have_an_endpoint_each(suite: pytest.Pytester) -> None:
    """Two workers of pytest-xdist run the same Dag at once, with data of the same place, and see their own."""
    result = run(
        suite,
        """
        import pytest

        @pytest.mark.parametrize("numbers", [[1, 2], [5, 6, 7]])
        def test_mean(sagemaker_pipelines, tmp_path, numbers):
            (tmp_path / "rows.csv").write_text(" ".join(map(str, numbers)))
            result = sagemaker_pipelines.run(
                "dags/churn.py", parameters={"Least": 1}, files={"s3://lake/rows/rows.csv": tmp_path / "rows.csv"}
            )
            assert result.steps["measure"].property_files["returned"] == {"mean": sum(numbers) / len(numbers)}
        """,
        "-n2",
    )
    result.assert_outcomes(passed=2)
    assert left_of(suite) == []


def test_settings_are_a_fixture(suite: pytest.Pytester) -> None:
    """A fixture of the suite says how the endpoint runs; one that it refuses is an error of the test, which says why."""
    suite.makeconftest(
        f"""{CONFTEST}
import pytest

@pytest.fixture(scope="session")
def sagemaker_pipelines_settings():
    from pathlib import Path

    from airflow_sm_pipelines.local.settings import EndpointSettings

    return EndpointSettings(images=Path("images.toml"))
"""
    )
    result = run(
        suite,
        """
        def test_images(sagemaker_pipelines):
            given = {"parameters": {"Least": 1}, "files": {"s3://lake/rows/rows.csv": "rows.csv"}}
            assert sagemaker_pipelines.run("dags/churn.py", **given).succeeded
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*CommandError: images.toml cannot be read:*"])
    suite.path.joinpath("images.toml").write_text(f'[[image]]\npattern = "i"\npython = "{sys.executable}"\n')
    suite.runpytest_subprocess().assert_outcomes(passed=1)


def test_without_the_extra_the_test_says_what_to_install(suite: pytest.Pytester) -> None:
    """The extra is missing: the plugin loads, other tests run, and the test that needs it fails with the command."""
    suite.mkdir("lacks").joinpath("moto.py").write_text("raise ModuleNotFoundError('no', name='moto')\n")
    suite.makefile(".ini", pytest="[pytest]\npythonpath = lacks\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{suite.path / 'lacks'}{os.pathsep}{ROOT}")
        result = run(
            suite,
            """
            def test_other():
                pass

            def test_pipeline(sagemaker_pipelines):
                sagemaker_pipelines.run("dags/churn.py")
            """,
        )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E*needs the extra 'local', and 'moto' is not installed: pip install *"])


def test_the_plugin_alone_loads_nothing(suite: pytest.Pytester) -> None:
    """A suite whose tests do not ask for the fixture pays for no import."""
    result = run(
        suite,
        """
        import sys

        def test_modules():
            heavy = {"airflow", "boto3", "botocore", "moto", "airflow_sm_pipelines.testing.pipelines"}
            assert heavy & set(sys.modules) == set()
        """,
    )
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_behind(suite: pytest.Pytester, number: signal.Signals) -> None:
    """When pytest is interrupted or killed while a job runs, the endpoint and the job end as well."""
    suite.path.joinpath("slow.py").write_text("import time\nprint('waiting')\ntime.sleep(600)\n")
    suite.path.joinpath("slow.json").write_text(SLOW)
    suite.makepyfile(test_slow="def test_slow(sagemaker_pipelines):\n    sagemaker_pipelines.run('slow.json')\n")
    pytest_process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-s"], cwd=suite.path, stdout=subprocess.PIPE, text=True
    )
    with pytest_process:
        assert pytest_process.stdout is not None
        for line in pytest_process.stdout:
            if line == "step wait: Executing\n":
                break
        started = psutil.Process(pytest_process.pid).children(recursive=True)
        pytest_process.send_signal(number)
        _, alive = psutil.wait_procs(started, timeout=60)
        pytest_process.stdout.read()
    assert (len(started) > 0, alive) == (True, [])
    assert left_of(suite) == []


def test_an_example_of_this_project_runs(sagemaker_pipelines: LocalPipelines, tmp_path: Path) -> None:
    """dags/example_functions.py, with the data that it reads: trained, evaluated, and registered."""
    from sklearn.datasets import load_breast_cancer

    load_breast_cancer(as_frame=True).frame.to_csv(tmp_path / "rows.csv", index=False)
    result = sagemaker_pipelines.run(
        ROOT / "dags" / "example_functions.py",
        parameters={"prepare-fraction": 0.25},
        files={"s3://example-ml/breast-cancer/raw/breast_cancer.csv": tmp_path / "rows.csv"},
    )
    assert result.succeeded, result
    assert result.statuses == {
        "prepare": "Succeeded",
        "fit": "Succeeded",
        "evaluate": "Succeeded",
        "good_enough": "Succeeded",
        "register": "Succeeded",
        "reject": "Not taken",
    }
    measured = result.steps["evaluate"].property_files["returned"]
    assert (measured["test_rows"], measured["accuracy"] > 0.9) == (143, True)
    package = result.client("sagemaker").describe_model_package(ModelPackageName=result.steps["register"].job_arn)
    assert package["ModelPackageGroupName"] == "breast-cancer-functions"
