"""Operations on inference components: entries that moto does not have. No copy of a model runs behind them.

They are in service at once, on an endpoint that is an entry, too. What the service says where a name is taken, or a
variant is not there, is not on record: these words follow those for endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.names import resource_arn
from airflow_sm_pipelines.local.region import Region
from airflow_sm_pipelines.local.server import Request, Response
from airflow_sm_pipelines.local.server.listing import created_within, page

_NAME: Final = "InferenceComponentName"
_ARN: Final = "InferenceComponentArn"
_STATUS: Final = "InferenceComponentStatus"
_SUMMARY: Final = (
    _NAME,
    _ARN,
    _STATUS,
    "EndpointName",
    "EndpointArn",
    "VariantName",
    "CreationTime",
    "LastModifiedTime",
)
_FIRST_VARIANT: Final = "AllTraffic"  # what the SDK calls the only variant of an endpoint


def create_inference_component(region: Region, request: Request) -> Response:
    """CreateInferenceComponent: on an endpoint that is there."""
    name = request[_NAME]
    arn = resource_arn(region.name, "inference-component", name)
    endpoint = _endpoint(region, request["EndpointName"])
    variants = [each["VariantName"] for each in endpoint.get("ProductionVariants", ())]
    variant = request.get("VariantName", variants[0] if variants else _FIRST_VARIANT)
    if variants and variant not in variants:
        raise ValidationError(f"Could not find variant '{variant}' of endpoint \"{endpoint['EndpointArn']}\".")
    moment = now()
    with region.store.lock:
        if name in region.store.inference_components:
            raise ValidationError(f'Cannot create already existing inference component "{arn}".')
        region.store.inference_components[name] = {
            _NAME: name,
            _ARN: arn,
            "EndpointName": request["EndpointName"],
            "EndpointArn": endpoint["EndpointArn"],
            "VariantName": variant,
            **_changed(region, request),
            _STATUS: "InService",
            "CreationTime": moment,
            "LastModifiedTime": moment,
        }
        region.store.tags[arn] = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
    return {_ARN: arn}


def describe_inference_component(region: Region, request: Request) -> Response:
    """DescribeInferenceComponent."""
    with region.store.lock:
        return dict(_component(region, request))


def list_inference_components(region: Region, request: Request) -> Response:
    """ListInferenceComponents."""
    sort_key = {"Name": _NAME, "Status": _STATUS}.get(request.get("SortBy", "CreationTime"), "CreationTime")
    with region.store.lock:
        there = list(region.store.inference_components.values())
    shown, more = page(
        (
            each
            for each in there
            if request.get("NameContains", "") in each[_NAME]
            and request.get("StatusEquals", each[_STATUS]) == each[_STATUS]
            and request.get("EndpointNameEquals", each["EndpointName"]) == each["EndpointName"]
            and request.get("VariantNameEquals", each["VariantName"]) == each["VariantName"]
            and created_within(each["CreationTime"], request, "CreationTimeAfter", "CreationTimeBefore")
            and created_within(each["LastModifiedTime"], request, "LastModifiedTimeAfter", "LastModifiedTimeBefore")
        ),
        request,
        key=lambda each: each[sort_key],
        identity=lambda each: each[_NAME],
        default_size=10,
    )
    return {"InferenceComponents": [{member: each[member] for member in _SUMMARY} for each in shown], **more}


def update_inference_component(region: Region, request: Request) -> Response:
    """UpdateInferenceComponent: what the request names is changed at once."""
    changed = _changed(region, request)
    if "DeploymentConfig" in request:
        changed["LastDeploymentConfig"] = request["DeploymentConfig"]
    with region.store.lock:
        component = _component(region, request)
        component.update(changed, LastModifiedTime=now())
        return {_ARN: component[_ARN]}


def update_inference_component_runtime_config(region: Region, request: Request) -> Response:
    """UpdateInferenceComponentRuntimeConfig: the number of copies."""
    return update_inference_component(region, {_NAME: request[_NAME], "RuntimeConfig": request["DesiredRuntimeConfig"]})


def delete_inference_component(region: Region, request: Request) -> Response:
    """DeleteInferenceComponent."""
    with region.store.lock:
        component = _component(region, request)
        del region.store.inference_components[component[_NAME]]
        region.store.tags.pop(component[_ARN], None)
    return {}


def _component(region: Region, request: Request) -> dict[str, Any]:
    component = region.store.inference_components.get(request[_NAME])
    if component is None:
        arn = resource_arn(region.name, "inference-component", request[_NAME])
        raise ValidationError(f'Could not find inference component "{arn}".')
    return component


def _endpoint(region: Region, name: str) -> Mapping[str, Any]:
    try:
        endpoint: Mapping[str, Any] = region.host.clients["sagemaker"].describe_endpoint(EndpointName=name)
    except ClientError as error:
        arn = resource_arn(region.name, "endpoint", name)
        raise ValidationError(f'Could not find endpoint "{arn}".') from error
    return endpoint


def _changed(region: Region, request: Request) -> dict[str, Any]:
    """What a request says of a component, as it is described. Models that it names have to be there."""
    changed: dict[str, Any] = {}
    if "Specification" in request:
        changed["Specification"] = _specification(region, request["Specification"])
    if "Specifications" in request:
        changed["Specifications"] = [_specification(region, each) for each in request["Specifications"]]
    if "RuntimeConfig" in request:
        copies = request["RuntimeConfig"]["CopyCount"]
        changed["RuntimeConfig"] = {"DesiredCopyCount": copies, "CurrentCopyCount": copies}
    return changed


def _specification(region: Region, given: Mapping[str, Any]) -> dict[str, Any]:
    if "ModelName" in given:
        try:
            region.host.clients["sagemaker"].describe_model(ModelName=given["ModelName"])
        except ClientError as error:
            arn = resource_arn(region.name, "model", given["ModelName"])
            raise ValidationError(f'Could not find model "{arn}".') from error
    shown = dict(given)
    if "Container" in given:
        container = dict(given["Container"])
        image = container.pop("Image", None)
        shown["Container"] = container if image is None else {"DeployedImage": {"SpecifiedImage": image}, **container}
    return shown
