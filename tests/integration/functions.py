"""Lambda functions as tests make them."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Mapping
from typing import Any

from tests.integration.clients import Aws

ROLE_NAME = "functions"


def code(**modules: str) -> bytes:
    """A zip of modules, by their names."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in modules.items():
            archive.writestr(f"{name}.py", text)
    return content.getvalue()


class Functions:
    """What a test does with Lambda functions.

    :param aws: Clients for the endpoint.
    """

    def __init__(self, aws: Aws) -> None:
        self.client = aws.session.client("lambda", endpoint_url=aws.url, config=aws.config)
        iam = aws.session.client("iam", endpoint_url=aws.url, config=aws.config)
        try:
            self.role: str = iam.create_role(RoleName=ROLE_NAME, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        except iam.exceptions.EntityAlreadyExistsException:
            self.role = iam.get_role(RoleName=ROLE_NAME)["Role"]["Arn"]

    def create(self, text: str, **more: Any) -> str:
        """Make a function of one module, and return its ARN."""
        request = {
            "FunctionName": f"f-{uuid.uuid4().hex[:8]}",
            "Runtime": "python3.12",
            "Role": self.role,
            "Handler": "app.handler",
            "Code": {"ZipFile": code(app=text)},
            "Timeout": 30,
            **more,
        }
        arn: str = self.client.create_function(**request)["FunctionArn"]
        return arn

    def invoke(self, name: str, event: object = None, **more: Any) -> tuple[Any, str | None, str]:
        """What a function returns, how it failed, and the version that ran."""
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event), **more)
        return json.loads(answer["Payload"].read()), answer.get("FunctionError"), answer["ExecutedVersion"]


def lambda_step(name: str, arn: Any, outputs: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A Lambda step."""
    declared = [{"OutputName": key, "OutputType": type_} for key, type_ in (outputs or {}).items()]
    return {"Name": name, "Type": "Lambda", "FunctionArn": arn, "OutputParameters": declared, "Arguments": {}, **more}
