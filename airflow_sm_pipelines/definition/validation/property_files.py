"""Rules for property files: the JSON files among a step's outputs that expressions look into.

Source: AWS's guide to property files, and the SageMaker SDK.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_sm_pipelines.definition.problems import Problem, did_you_mean, error, shown
from airflow_sm_pipelines.definition.steps import PROPERTY_FILE_KEYS, PropertyFile
from airflow_sm_pipelines.definition.validation.scope import Place


def property_file_problems(place: Place) -> Iterator[Problem]:
    """Yield what is wrong with the property files that a step declares.

    :param place: the step.
    """
    step, path = place.step, f"{place.path}.PropertyFiles"
    declared = step.extra.get("PropertyFiles")
    if declared is None:
        return
    if not isinstance(declared, list):
        yield error(f"'PropertyFiles' of step '{step.name}' must be a list, not {shown(declared)}", path)
        return
    seen: set[str] = set()
    outputs = output_names(step.arguments)
    for index, written in enumerate(declared):
        where = f"{path}[{index}]"
        malformed = list(_form_problems(step.name, written, where))
        yield from malformed
        if malformed:
            continue
        property_file = PropertyFile.from_document(written)
        if property_file.name in seen:
            yield error(f"step '{step.name}' declares property file '{property_file.name}' twice", where)
        seen.add(property_file.name)
        if outputs is not None and property_file.output_name not in outputs:
            yield error(
                f"property file '{property_file.name}' of step '{step.name}' is in output "
                f"'{property_file.output_name}', which the step does not "
                f"have{did_you_mean(property_file.output_name, outputs)}",
                f"{where}.OutputName",
            )


def output_names(arguments: Any) -> list[str] | None:
    """Return the names of a Processing request's outputs; ``None`` where they cannot be read.

    :param arguments: ``Arguments`` of the step.
    """
    try:
        names = [output["OutputName"] for output in arguments["ProcessingOutputConfig"]["Outputs"]]
    except (KeyError, TypeError):
        return None
    return names if all(isinstance(name, str) for name in names) else None


def _form_problems(step_name: str, written: Any, path: str) -> Iterator[Problem]:
    if not isinstance(written, Mapping):
        yield error(f"a property file of step '{step_name}' must be an object, not {shown(written)}", path)
        return
    for key in PROPERTY_FILE_KEYS:
        if not isinstance(written.get(key), str):
            yield error(
                f"a property file of step '{step_name}' has no '{key}', or its '{key}' is not text", f"{path}.{key}"
            )
