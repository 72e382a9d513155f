"""Models, the model registry and endpoints, which moto keeps: the requests that made them what they are.

They are made again in the same order, so names, ARNs and the numbers of model packages stay; their times do not.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Mapping
from typing import Any, Final

from airflow_sm_pipelines.local.persistence.directory import DataDirectory
from airflow_sm_pipelines.local.persistence.moto import OK, Moto

_ENTRIES: Final = "entries"
_TYPES: Final[Mapping[str, str]] = {
    "Model": "model",
    "ModelPackage": "model-package",
    "ModelPackageGroup": "model-package-group",
    "Endpoint": "endpoint",
    "EndpointConfig": "endpoint-config",
}
"""What is kept, and the resource type of its ARN."""

_CHANGES: Final = re.compile(rf"(?P<verb>Create|Update|Delete)(?P<kind>{'|'.join(_TYPES)})")
_TAGS: Final = ("AddTags", "DeleteTags")
_WEIGHTS: Final = "UpdateEndpointWeightsAndCapacities"
_RESOURCE: Final = re.compile(rf"arn:[^:]*:sagemaker:[^:]*:[^:]*:(?P<identity>(?:{'|'.join(_TYPES.values())})/.+)")
_NUMBERED: Final = ("model-package/", "model-package-group/")
"""The number of a model package counts those that were there before it, so nothing about these is forgotten."""

logger = logging.getLogger(__name__)


def identity_of(operation: str, members: Mapping[str, Any]) -> str | None:
    """Return what an operation changes, as resource type and name; ``None`` when it is nothing that is kept.

    :param operation: of SageMaker.
    :param members: of its request.
    """
    if operation in _TAGS:
        match = _RESOURCE.fullmatch(str(members.get("ResourceArn")))
        return None if match is None else match["identity"]
    change = _CHANGES.fullmatch(operation)
    if change is None and operation != _WEIGHTS:
        return None
    kind = "Endpoint" if change is None else change["kind"]
    name = members.get(f"{kind}Name") or members.get(f"{kind}Arn") or ""
    return f"{_TYPES[kind]}/{str(name).partition(f':{_TYPES[kind]}/')[2] or name}"


class KeptEntries:
    """The requests of a data directory. Safe to use from threads.

    :param directory: where they are kept.
    :param moto: who has the entries.
    """

    def __init__(self, directory: DataDirectory, moto: Moto) -> None:
        self._directory = directory
        self._moto = moto
        self._lock = threading.Lock()
        self._requests: dict[str, dict[str, Any]] = {}
        self._number = 0

    def restore(self) -> None:
        """Make the entries again."""
        self._requests = self._directory.read(_ENTRIES)
        self._number = max((int(key) for key in self._requests), default=0)
        for request in self._requests.values():
            answer = self._moto.sagemaker(request["operation"], request["region"], request["members"])
            if answer.status_code != OK:
                logger.warning(
                    "%s of %s could not be restored: %s",
                    request["operation"],
                    request["identity"],
                    answer.get_data(as_text=True),
                )

    def keep(self, operation: str, region: str, members: Mapping[str, Any]) -> None:
        """Write a request that moto has answered. Called in the order of the answers.

        :param operation: of SageMaker.
        :param region: the region.
        :param members: with which moto was asked.
        """
        identity = identity_of(operation, members)
        if identity is None:
            return
        with self._lock:
            if operation.startswith("Delete") and operation not in _TAGS and self._forget(identity, region):
                return
            self._number += 1
            key = f"{self._number:012}"
            self._requests[key] = {
                "operation": operation,
                "region": region,
                "identity": identity,
                "members": dict(members),
            }
            self._directory.write(_ENTRIES, key, self._requests[key])

    def _forget(self, identity: str, region: str) -> bool:
        """Forget all requests about what was deleted, unless others need it to be made again first."""
        about = [
            key for key, each in self._requests.items() if (each["identity"], each["region"]) == (identity, region)
        ]
        name = json.dumps(identity.partition("/")[2])
        others = (each for key, each in self._requests.items() if key not in about and each["region"] == region)
        if identity.startswith(_NUMBERED) or any(name in json.dumps(each["members"]) for each in others):
            return False
        for key in reversed(about):  # the request that made it comes last: without it the others are refused
            self._directory.remove(_ENTRIES, key)
            del self._requests[key]
        return True
