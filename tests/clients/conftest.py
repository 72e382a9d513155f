"""The local endpoint as a program, and client programs that talk to it over a socket, each with an environment apart."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from airflow_sm_pipelines.serving.stack import REGION, clean_environment

ROOT = Path(__file__).parents[2]
CLIENTS = Path(__file__).parent
SM_PIPELINES = ROOT / ".venv" / "bin" / "sm-pipelines"
SECONDS = 600
"""The longest that a client program may take."""

# As docs/local/clients.md says, where it is about telemetry.
SDK_DEFAULTS = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}


@contextmanager
def running_endpoint(directory: Path, *arguments: str) -> Iterator[str]:
    """Run ``sm-pipelines local`` and give its URL. Its log is ``endpoint.log`` in the directory."""
    log = directory / "endpoint.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [SM_PIPELINES, "local", *arguments],
            env=clean_environment(directory),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], 60)
        assert readable, f"the endpoint printed nothing for a minute: {log.read_text()}"
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate()


class Client:
    """A client in an environment of its own, at work in a directory with its programs and the scripts of its jobs.

    :param name: its directory here, and its environment's name.
    :param endpoint: the URL.
    :param directory: where it works.
    """

    def __init__(self, name: str, endpoint: str, directory: Path) -> None:
        self.bin = environment_of(name)
        self.directory = directory
        for source in (CLIENTS / "scripts", CLIENTS / name):
            shutil.copytree(source, directory / ("scripts" if source.name == "scripts" else "."), dirs_exist_ok=True)
        [recipe] = re.findall(
            r"```python\n(import os\n.*?)```", (ROOT / "docs" / "local" / "clients.md").read_text(), re.DOTALL
        )
        (directory / "local_session.py").write_text(recipe)
        (directory / "sdk_defaults.yaml").write_text(json.dumps(SDK_DEFAULTS))
        self.environment = {
            **clean_environment(directory),
            "PATH": f"{self.bin}{os.pathsep}{os.defpath}",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "SAGEMAKER_SUPPRESS_V2_WARNING": "1",
            "SAGEMAKER_USER_CONFIG_OVERRIDE": str(directory / "sdk_defaults.yaml"),
        }

    def call(self, *command: str, **environment: str) -> str:
        """Run a command of the client's environment and return what it prints; it must succeed."""
        ended = subprocess.run(
            command,
            cwd=self.directory,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert ended.returncode == 0, f"{command} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    def run(self, program: str, *arguments: str, **environment: str) -> dict[str, object]:
        """Run a program of the client's and return the JSON that it writes to the file named first."""
        result = self.directory / f"{program}.json"
        self.call("python", program, str(result), *arguments, **environment)
        seen: dict[str, object] = json.loads(result.read_text())
        return seen


GUIDE = ROOT / "docs" / "guides" / "existing-pipelines.md"


def follow_guide(client: Client, script: str) -> tuple[str, str]:
    """Do with a script what the guide to existing pipelines says: write the definition, check the script and run it.

    :param script: the name of its file there.
    :return: the definition that the script wrote, and what ``sm-pipelines run`` printed.
    """
    files = dict(
        re.findall(r"<!-- file: (\S+) -->\n(?:<!--.*?-->\n)?```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    )
    for name in (script, "dags/steps/prepare.py"):
        (client.directory / name).parent.mkdir(parents=True, exist_ok=True)
        (client.directory / name).write_text(files[name])
    (client.directory / "rows.csv").write_text("3\n1\n3\n")
    client.call("python", "-c", "import boto3; boto3.client('s3').create_bucket(Bucket='example-ml')")
    client.call("python", script)
    python = str(client.bin / "python")
    data = ("--s3", "s3://example-ml/raw/rows.csv=rows.csv")
    for command in (("validate", script), ("run", script, *data)):
        ended = subprocess.run(
            [SM_PIPELINES, *command, "--sdk-python", python],
            cwd=client.directory,
            env=clean_environment(client.directory),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert ended.returncode == 0, f"{command}: {ended.stdout}\n{ended.stderr}"
    return (client.directory / "dags" / "churn.json").read_text(), ended.stdout


def environment_of(name: str) -> Path:
    """Where the programs of a client's environment are."""
    programs = ROOT / ".client-venvs" / name / "bin"
    assert (programs / "python").exists(), f"there is no {programs}: make test-clients CLIENTS={name}"
    return programs


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an endpoint whose jobs have the packages of .venv: no SDK."""
    with running_endpoint(tmp_path_factory.mktemp("endpoint")) as url:
        yield url


@pytest.fixture(scope="module")
def client(request: pytest.FixtureRequest, endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """The client whose tests these are."""
    name = request.path.parent.name
    return Client(name, endpoint, tmp_path_factory.mktemp(name))


def succeeded(*names: str) -> Sequence[list[str]]:
    """Return steps as the clients' programs show them, all of which succeeded."""
    return [[name, "Succeeded", ""] for name in sorted(names)]
