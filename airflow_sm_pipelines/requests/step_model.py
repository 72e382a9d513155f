"""Structures of steps that no AWS API has, in the language of botocore's models.

They are what the step classes of the SageMaker SDK 3.27 write (``sagemaker.mlops.workflow``). What lies in them and is
a request of some API is an ``Object`` here, and held against that API.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

_TEXT: Final = {"shape": "Text"}
_FLAG: Final = {"shape": "Flag"}
_OBJECT: Final = {"shape": "Object"}
_OBJECTS: Final = {"shape": "Objects"}
_CHECK_KEYS: Final = {
    **dict.fromkeys(("ModelPackageGroupName", "SuppliedBaselineConstraints"), _TEXT),
    **dict.fromkeys(("SkipCheck", "FailOnViolation", "RegisterNewBaseline"), _FLAG),
}


def _structure(required: Iterable[str] = (), /, **members: dict[str, str]) -> dict[str, Any]:
    return {"type": "structure", "required": list(required), "members": members}


def _list(of: str, least: int = 0) -> dict[str, Any]:
    return {"type": "list", "member": {"shape": of}, "min": least}


def _map(of: str) -> dict[str, Any]:
    return {"type": "map", "key": _TEXT, "value": {"shape": of}}


STEP_MODEL: Final[dict[str, Any]] = {
    "metadata": {"serviceId": "steps of SageMaker pipelines"},
    "operations": {},
    "shapes": {
        "Text": {"type": "string"},
        "Flag": {"type": "boolean"},
        "Anything": {"type": "structure", "members": {}, "document": True},
        "Object": _map("Anything"),
        "Objects": _list("Object"),
        "Texts": _list("Text", 1),
        "TextByName": _map("Text"),
        # What stands beside Arguments
        "LambdaKeys": _structure(FunctionArn=_TEXT),
        "CallbackKeys": _structure(SqsQueueUrl=_TEXT),
        "QualityCheckKeys": _structure(**_CHECK_KEYS, SuppliedBaselineStatistics=_TEXT),
        "ClarifyCheckKeys": _structure(**_CHECK_KEYS, ModelName=_TEXT),
        # Arguments
        "EMRArguments": _structure(
            ["StepConfig"],
            StepConfig={"shape": "EMRStepConfig"},
            ClusterId=_TEXT,
            ExecutionRoleArn=_TEXT,
            ClusterConfig=_OBJECT,
        ),
        "EMRStepConfig": _structure(["HadoopJarStep"], HadoopJarStep=_OBJECT),
        "EMRServerlessArguments": _structure(
            ["ExecutionRoleArn", "JobConfig"],
            ExecutionRoleArn=_TEXT,
            JobConfig=_OBJECT,
            ApplicationId=_TEXT,
            ApplicationConfig=_OBJECT,
        ),
        "LineageArguments": _structure(
            Actions=_OBJECTS, Artifacts=_OBJECTS, Contexts=_OBJECTS, Associations={"shape": "Associations"}
        ),
        "Associations": _list("Association"),
        "Association": _structure(
            ["Source", "Destination"],
            Source={"shape": "LineageEntity"},
            Destination={"shape": "LineageEntity"},
            AssociationType={"shape": "AssociationType"},
        ),
        "AssociationType": {
            "type": "string",
            "enum": ["ContributedTo", "AssociatedWith", "DerivedFrom", "Produced", "SameAs"],  # AssociationEdgeType
        },
        "LineageEntity": _structure(Arn=_TEXT, Name=_TEXT, Type={"shape": "LineageEntityType"}),
        "LineageEntityType": {"type": "string", "enum": ["Action", "Artifact", "Context"]},
        "CleanupArguments": _structure(["Resources"], Resources={"shape": "CleanupResources"}),
        "CleanupResources": _structure(["S3"], S3={"shape": "CleanupSources"}),
        "CleanupSources": _list("CleanupSource", 1),
        "CleanupSource": _structure(["StepName"], StepName=_TEXT, S3Uris={"shape": "Texts"}),
        # Properties
        "LineageProperties": _structure(
            ActionArns={"shape": "TextByName"},
            ArtifactArns={"shape": "TextByName"},
            ContextArns={"shape": "TextByName"},
            Associations=_OBJECTS,
        ),
        "NoProperties": _structure(),
    },
}
