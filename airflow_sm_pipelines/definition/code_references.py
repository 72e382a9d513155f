"""Which S3 objects a definition's steps read as code.

A document does not say what is code. It is found by the conventions of the SageMaker SDK and of this package: an input
or channel called ``code``, a URI below ``.../code/``, and the archive of script mode.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.parameters import MISSING
from airflow_sm_pipelines.definition.steps import walk_body

PROGRAM: Final = "sagemaker_program"
"""The hyperparameter that names the script of script mode."""

SUBMIT_DIRECTORY: Final = "sagemaker_submit_directory"
"""The hyperparameter that names the code of script mode: an archive. Its value is JSON in a text."""

ARCHIVE_SUFFIX: Final = ".tar.gz"

_BELOW_CODE: Final = re.compile(r"s3://[^/]+/(?:.*/)?code(?:/.*)?")


@dataclass(frozen=True)
class CodeReference:
    """Code that a step reads.

    :param step: the step's name.
    :param name: what the step calls it: the name of the input or channel, or ``code`` of script mode.
    :param uri: where it lies; ``None`` where only a run knows it.
    :param is_archive: whether it is a ``tar.gz`` of the code.
    """

    step: str
    name: str
    uri: str | None
    is_archive: bool = False


def code_references(definition: PipelineDefinition) -> tuple[CodeReference, ...]:
    """Return the code that steps read, in document order; the steps of branches and of ForEach bodies among them.

    :param definition: the document.
    """
    defaults = {
        f"Parameters.{each.name}": each.default_value
        for each in definition.parameters
        if each.default_value is not MISSING
    }
    found: dict[CodeReference, None] = {}
    for located in definition.walk():
        for each in (located, *walk_body(located)):
            if isinstance(each.step.arguments, Mapping):
                references = _in_arguments(each.step.name, each.step.arguments, defaults)
                found.update(dict.fromkeys(references))
    return tuple(found)


def plain_text(text: str) -> str:
    """Return a text as it is meant: hyperparameters of script mode are JSON in a text.

    :param text: as the document has it.
    """
    if not text.startswith('"'):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def _in_arguments(step: str, arguments: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[CodeReference]:
    for key, name_key, way in (
        ("ProcessingInputs", "InputName", ("S3Input",)),
        ("InputDataConfig", "ChannelName", ("DataSource", "S3DataSource")),
    ):
        entries = arguments.get(key)
        for entry in entries if isinstance(entries, list) else ():
            if not isinstance(entry, Mapping):
                continue
            source: Any = entry
            for part in way:
                source = source.get(part) if isinstance(source, Mapping) else None
            if not isinstance(source, Mapping) or "S3Uri" not in source:
                continue
            name, uri = str(entry.get(name_key, "code")), _known(source["S3Uri"], defaults)
            if name == "code" or (uri is not None and _BELOW_CODE.fullmatch(uri)):
                yield CodeReference(step, name, uri, uri is not None and uri.endswith(ARCHIVE_SUFFIX))
    parameters = arguments.get("HyperParameters")
    if isinstance(parameters, Mapping) and SUBMIT_DIRECTORY in parameters:
        uri = _known(parameters[SUBMIT_DIRECTORY], defaults)
        if uri is None or uri.startswith("s3://"):
            yield CodeReference(step, "code", uri, is_archive=True)


def _known(value: Any, defaults: Mapping[str, Any]) -> str | None:
    """A value as the document has it, or a pipeline parameter's default; ``None`` for what only a run knows."""
    if isinstance(value, Mapping) and len(value) == 1 and isinstance(value.get("Get"), str):
        value = defaults.get(value["Get"])
    return plain_text(value) if isinstance(value, str) else None
