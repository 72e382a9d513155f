"""The parts of steps that API requests are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.model import StructureShape

from airflow_sm_pipelines.definition.expressions import is_expression
from airflow_sm_pipelines.definition.step_types import EACH, RequestPart
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.requests.service_model import service


def shape_of(part: RequestPart) -> StructureShape:
    """Return the structure in botocore's model.

    :param part: a part of a step.
    """
    shape = service(part.service).shape_for(part.shape_name)
    if not isinstance(shape, StructureShape):
        raise TypeError(f"{part.shape_name} of {part.service} is a {shape.type_name}, not a structure")
    return shape


def find_part(part: RequestPart, step: Step, path: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the objects in a step that are a part, each with its place.

    :param part: the part.
    :param step: the step.
    :param path: where it stands.
    """
    found: list[tuple[Any, str]] = [({**step.extra, "Arguments": step.arguments}, path)]
    for key in part.inside:
        if key == EACH:
            found = [
                (item, f"{where}[{index}]")
                for value, where in found
                if isinstance(value, list)
                for index, item in enumerate(value)
            ]
        else:
            found = [(value.get(key), f"{where}.{key}") for value, where in found if isinstance(value, Mapping)]
    for value, where in found:
        if isinstance(value, Mapping) and not is_expression(value):
            yield value, where
