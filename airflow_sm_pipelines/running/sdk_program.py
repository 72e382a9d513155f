"""A program: run a Python file, find the pipelines of the SageMaker SDK that it makes, write the definition of one.

``python sdk_program.py FILE ANSWER [PIPELINE_NAME]``. Stands alone: it imports nothing of this package, and of the SDK
nothing that the file has not imported.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

_CLASSES = ("sagemaker.workflow.pipeline", "sagemaker.mlops.workflow.pipeline")
"""Where the class ``Pipeline`` of the SDK 2 and the SDK 3 is."""

_ROLE = "arn:aws:iam::123456789012:role/sm-pipelines-local"


def main(file: str, answer: str, name: str = "") -> None:
    """Run the file and write ``{"names": [...], "definition": ...}``; the definition is null where none is meant.

    :param file: the Python file.
    :param answer: the file to write.
    :param name: which pipeline; empty where the file makes one.
    """
    # As `python FILE` has it. Not so the module's name: what a file does as a program, such as a start, is left out.
    sys.argv, sys.path[0] = [file], str(Path(file).parent)
    _keep_calls_at_the_endpoint()
    module = _run(file)
    found = {pipeline.name: pipeline for pipeline in pipelines_in(module)}
    meant = found.get(name) if name else next(iter(found.values())) if len(found) == 1 else None
    definition = None if meant is None else meant.definition()
    Path(answer).write_text(json.dumps({"names": list(found), "definition": definition}), encoding="utf-8")


def pipelines_in(module: ModuleType) -> list[Any]:
    """Return the pipelines of a module: its own objects, or else what its function ``get_pipeline`` returns.

    :param module: the module.
    """
    found = [value for value in vars(module).values() if is_pipeline(value)]
    function = vars(module).get("get_pipeline")
    if not found and callable(function):
        # The functions of AWS's project templates take a region, and a role that they look up by default.
        known = {"region": os.environ.get("AWS_DEFAULT_REGION", ""), "role": _ROLE, "role_arn": _ROLE}
        parameters = inspect.signature(function).parameters
        found = [function(**{each: known[each] for each in parameters if each in known})]
    return [value for value in found if is_pipeline(value)]


def is_pipeline(value: object) -> bool:
    """Say whether a value is a ``Pipeline`` of the SDK, or of a class made of it.

    :param value: any.
    """
    return any(each.__name__ == "Pipeline" and each.__module__ in _CLASSES for each in type(value).__mro__)


def _run(file: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location("pipeline_file", file)
    if specification is None or specification.loader is None:
        raise ImportError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(specification)
    sys.modules["pipeline_file"] = module
    specification.loader.exec_module(module)
    # The SDK stores functions by value that belong to no module which can be imported.
    del sys.modules["pipeline_file"]
    return module


def _keep_calls_at_the_endpoint() -> None:
    """Send to the endpoint what would go elsewhere: the SDK names the address of STS itself, whatever the settings."""
    try:
        from botocore.session import Session
    except ModuleNotFoundError:
        return  # then nothing calls AWS by it
    create_client: Any = Session.create_client

    def create(self: Any, *arguments: Any, **keywords: Any) -> Any:
        if keywords.get("endpoint_url") is not None:
            keywords["endpoint_url"] = os.environ["AWS_ENDPOINT_URL"]
        return create_client(self, *arguments, **keywords)

    setattr(Session, "create_client", create)  # noqa: B010 - mypy takes it for a mistake otherwise


if __name__ == "__main__":
    main(*sys.argv[1:])
