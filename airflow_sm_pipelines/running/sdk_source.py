"""A pipeline as a Python file of the SageMaker SDK gives it: the file runs in a separate process."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from airflow_sm_pipelines.definition.problems import did_you_mean
from airflow_sm_pipelines.running import sdk_program
from airflow_sm_pipelines.running.sources import Source, SourceError

_STANDARD_ERROR: Final = 2


def sdk_source(path: Path, name: str | None, variables: Mapping[str, str], python: str) -> Source:
    """Run a file and return what its pipeline comes to. What the file prints goes to standard error.

    The SDK uploads code while it writes a definition, so the endpoint has to be there. The file sees no settings of AWS
    but those given: it reaches no account.

    :param path: the file.
    :param name: the pipeline's name, where the file makes several.
    :param variables: the environment variables by which AWS clients find the endpoint.
    :param python: the interpreter that runs the file: its environment has the SDK, and need not have this package.
    :raises SourceError: the file cannot be run, or it does not make one pipeline of that name.
    """
    with tempfile.TemporaryDirectory(prefix="sm-pipelines-sdk-") as scratch:
        answer = Path(scratch, "pipelines.json")
        command = [python, sdk_program.__file__, str(path.absolute()), str(answer), name or ""]
        try:
            ended = subprocess.run(command, env=environment(variables), stdout=_STANDARD_ERROR, check=False)  # noqa: S603
        except OSError as error:
            raise SourceError(f"{path} cannot be run with {python}: {error.strerror}") from None
        if ended.returncode != 0 or not answer.is_file():
            raise SourceError(
                f"{path} failed with exit status {ended.returncode}; its output is above. It ran with {python}. If the "
                "SageMaker SDK is in another environment, give its interpreter: --sdk-python PYTHON"
            )
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    names: list[str] = found["names"]
    if found["definition"] is not None:
        return Source(name or names[0], found["definition"], path.absolute().parent)
    there = ", ".join(map(repr, names))
    if not names:
        raise SourceError(
            f"{path} makes no pipeline: it has neither a module-level Pipeline of the SageMaker SDK nor a function "
            "get_pipeline() that returns one"
        )
    if name is None:
        raise SourceError(f"{path} makes several pipelines: {there}. Choose one with --pipeline-name.")
    raise SourceError(f"{path} makes no pipeline '{name}'{did_you_mean(name, names) or '.'} It makes {there}")


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the file's process: this one's, with other settings of AWS.

    :param variables: those settings.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        **variables,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Without it the SDK 3 asks IAM whether the role may do all that its jobs need.
        "SAGEMAKER_VALIDATE_ROLE": "false",
    }
