"""What stands in for the results of a step that is not run: made from the models of the APIs, so that it can be read.

Texts say what they are. What the step was asked for is shown as AWS shows it: the arguments that the answer repeats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from airflow_sm_pipelines.definition.step_types import step_type
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.names import resource_arn
from airflow_sm_pipelines.requests.service_model import shape_named

STAND_IN: Final = "stand-in"

_DEPTH: Final = 6
"""So deep are stand-ins made; some shapes contain themselves."""

_NO_CALLBACK: Final = "noCallback"
"""A callback has a token of ten letters and digits."""

_ENDS: Final = ("Completed", "Succeeded", "InService", "COMPLETED", "SUCCESS")
_OUTPUTS: Final[Mapping[str, Any]] = {"String": STAND_IN, "Integer": 0, "Float": 0.0, "Boolean": False}


@dataclass(frozen=True)
class StandIn:
    """The results of a step that did not run.

    :param properties: what other steps can read.
    :param metadata: what the list of steps shows.
    """

    properties: dict[str, Any]
    metadata: dict[str, Any]


def stand_in(step: Step, arguments: Mapping[str, Any], name: str, region: str) -> StandIn:
    """Return what stands in for a step's results.

    :param step: the step.
    :param arguments: its arguments, evaluated.
    :param name: the name that its job would have.
    :param region: the region.
    """
    known = step_type(step.type)
    names: dict[str, Any] = {"CheckType": step.extra.get("CheckType", STAND_IN), "CallbackToken": _NO_CALLBACK}
    if known.resource is not None:
        arn = resource_arn(region, known.resource.type, name)
        names |= {f"{known.resource.api}Arn": arn, f"{known.resource.api}Name": name, "Arn": arn, "CheckJobArn": arn}
    properties: dict[str, Any] = {}
    for service, shape_name in known.properties:
        shape = shape_named(service, shape_name)
        if isinstance(shape, StructureShape):
            repeated = {key: value for key, value in {**arguments, **names}.items() if key in shape.members}
            properties |= {**_structure(shape, _DEPTH), **repeated}
    declared = step.extra.get("OutputParameters") or ()
    if declared:
        properties["OutputParameters"] = {each["OutputName"]: _OUTPUTS[each["OutputType"]] for each in declared}
    shape = shape_named("sagemaker", "PipelineExecutionStepMetadata")
    member = shape.members.get(known.metadata) if isinstance(shape, StructureShape) else None
    if not isinstance(member, StructureShape):
        return StandIn(properties, {})
    metadata = {**_structure(member, _DEPTH), **{key: value for key, value in names.items() if key in member.members}}
    return StandIn(properties, {known.metadata: metadata})


def _structure(shape: StructureShape, depth: int) -> dict[str, Any]:
    members = {name: _value(member, depth - 1) for name, member in shape.members.items()}
    members = {name: value for name, value in members.items() if value is not None}
    if getattr(shape, "is_tagged_union", False):
        return dict(list(members.items())[:1])
    return members


def _value(shape: Shape, depth: int) -> Any:
    if isinstance(shape, (StructureShape, ListShape)) and depth <= 0:
        return None
    if isinstance(shape, StructureShape):
        return None if getattr(shape, "is_document_type", False) else _structure(shape, depth)
    if isinstance(shape, ListShape):
        item = _value(shape.member, depth - 1)
        return [] if item is None else [item]
    if isinstance(shape, MapShape):
        return {}
    if isinstance(shape, StringShape):
        return _text(shape)
    if shape.type_name == "timestamp":
        return now()
    if shape.type_name == "boolean":
        return False
    least = shape.metadata.get("min", 0)
    return float(least) if shape.type_name in ("float", "double") else int(least)


def _text(shape: StringShape) -> str:
    if shape.enum:
        return next((end for end in _ENDS if end in shape.enum), str(shape.enum[0]))
    pattern = str(shape.metadata.get("pattern", ""))
    if shape.name.endswith(("Uri", "Url")) or "s3" in pattern:
        return f"s3://{STAND_IN}/{STAND_IN}"
    return STAND_IN
