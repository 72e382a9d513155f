from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from airflow_sm_pipelines.running import sdk_program
from airflow_sm_pipelines.running.sdk_source import environment, sdk_source
from airflow_sm_pipelines.running.sources import SourceError

CLASS = """
import json

class Pipeline:
    def __init__(self, name):
        self.name = name

    def definition(self):
        return json.dumps({"Steps": [self.name]})
"""


@pytest.fixture(params=["sagemaker.workflow.pipeline", "sagemaker.mlops.workflow.pipeline"])
def found(request, tmp_path):
    """Run a file beside a package that is named like the SDK; return what the program has found."""
    *packages, module = request.param.split(".")
    folder = tmp_path
    for package in packages:
        folder /= package
        folder.mkdir()
        (folder / "__init__.py").touch()
    (folder / f"{module}.py").write_text(CLASS)

    def run(text, *name):
        file, answer = tmp_path / "mine.py", tmp_path / "answer.json"
        file.write_text(f"from {request.param} import Pipeline\n{text}")
        subprocess.run(
            [sys.executable, sdk_program.__file__, file, answer, *name],
            env={**os.environ, "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
            check=True,
        )
        return json.loads(answer.read_text())

    return run


def definition_of(name):
    return json.dumps({"Steps": [name]})


def test_the_pipelines_of_a_file(found):
    """One is meant by itself; of several, of subclasses too, the one that is named; what is a program's is not run."""
    two = "class Mine(Pipeline): pass\na, b, c = Pipeline('a'), Mine('b'), 5\n"
    assert [
        found("a = Pipeline('a')\nagain = a\nif __name__ == '__main__': raise SystemExit(1)"),
        found(two),
        found(two, "b"),
        found(two, "c"),
        found(""),
    ] == [
        {"names": ["a"], "definition": definition_of("a")},
        {"names": ["a", "b"], "definition": None},
        {"names": ["a", "b"], "definition": definition_of("b")},
        {"names": ["a", "b"], "definition": None},
        {"names": [], "definition": None},
    ]


def test_a_function_that_returns_a_pipeline(found):
    """As AWS's project templates have it: it may ask for a region and a role."""
    text = "def get_pipeline(region, role=None, prefix='p'): return Pipeline(f'{prefix}-{region}-{role}')"
    name = "p-eu-west-1-arn:aws:iam::123456789012:role/sm-pipelines-local"
    assert found(text) == {"names": [name], "definition": definition_of(name)}


def test_the_file_sees_no_other_settings_of_aws(monkeypatch):
    """No profile, no session and no configuration file of the user's."""
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    given = environment({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert {name: value for name, value in given.items() if name.startswith("AWS_")} == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    assert given["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(
    ("python", "message"),
    [
        (
            sys.executable,
            (
                "{file} failed with exit status 1; its output is above. It ran with {python}. If the SageMaker SDK is in "
                "another environment, give its interpreter: --sdk-python PYTHON"
            ),
        ),
        ("/no/python", "{file} cannot be run with {python}: No such file or directory"),
    ],
    ids=["no SDK", "no interpreter"],
)
def test_a_file_that_cannot_be_run_is_said(tmp_path, python, message):
    """With the interpreter, which may be the wrong one."""
    file = tmp_path / "mine.py"
    file.write_text("import sagemaker_sdk_that_is_elsewhere\n")
    with pytest.raises(SourceError) as refused:
        sdk_source(file, None, {}, python)
    assert str(refused.value) == message.format(file=file, python=python)
