"""Who a caller is, and what it may do: a role for SageMaker, and everything.

Clients ask this before anything else: the SageMaker SDK takes the role of its jobs from its caller's identity, and
SDK 3 has IAM simulate whether that role may do what its jobs need. moto answers with a user that IAM does not know,
and simulates nothing.

Nothing is evaluated: the endpoint checks no permissions, so every action that a client asks about is allowed here,
whatever policies a role has. Whoever uses the keys of a user it made, or of a role it assumed, is that user or role.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Response

from airflow_sm_pipelines.local.aws import ANY_KEY

ROLE_NAME: Final = "AmazonSageMaker-ExecutionRole-Local"
"""The role of every caller that moto does not know. SageMaker's console begins the names of such roles like this."""

ROLE_PATH: Final = "/service-role/"
"""Where SageMaker's console makes roles, and where clients that cannot ask IAM suppose them."""

_SESSION_NAME: Final = "sm-pipelines-local"
_ROLE_ID: Final = "AROALOCALENDPOINTROLE"
_POLICY: Final = "AmazonSageMakerFullAccess"
_TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
_EXISTS: Final = 409
_NO_POLICY: Final = 404
_IAM_VERSION: Final = "2010-05-08"
_UNKNOWN_CALLER: Final = re.compile(r"<Arn>arn:([\w-]+):sts::(\d+):user/moto</Arn>")
_USER_ID: Final = re.compile(r"<UserId>[^<]*</UserId>")


def as_role(answer: str) -> str:
    """Return an answer to GetCallerIdentity in which a caller that moto does not know has the role.

    :param answer: moto's, in XML. That of a caller which it knows stays as it is.
    """
    caller = _UNKNOWN_CALLER.search(answer)
    if caller is None:
        return answer
    arn = f"arn:{caller[1]}:sts::{caller[2]}:assumed-role/{ROLE_NAME}/{_SESSION_NAME}"
    answer = answer.replace(caller[0], f"<Arn>{arn}</Arn>")
    return _USER_ID.sub(f"<UserId>{_ROLE_ID}:{_SESSION_NAME}</UserId>", answer)


def allowed(form: Mapping[str, Sequence[str]]) -> Response:
    """Answer SimulatePrincipalPolicy: everything is allowed.

    :param form: the request's parameters. Whether there is such a principal is not looked for, as elsewhere.
    """
    results = "".join(
        "<member><MatchedStatements/><MissingContextValues/>"
        f"<EvalActionName>{escape(action)}</EvalActionName>"
        f"<EvalResourceName>{escape(resource)}</EvalResourceName>"
        "<EvalDecision>allowed</EvalDecision></member>"
        for action in _members(form, "ActionNames")
        for resource in (*_members(form, "ResourceArns"),) or ("*",)
    )
    text = (
        f'<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/{_IAM_VERSION}/">'
        f"<SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated>"
        f"<EvaluationResults>{results}</EvaluationResults></SimulatePrincipalPolicyResult>"
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata></SimulatePrincipalPolicyResponse>"
    )
    return Response(text, content_type="text/xml")


class Role:
    """The callers' role in moto's IAM. Made when IAM is first asked for something: until then nobody can miss it.

    :param moto: a client of moto.
    """

    def __init__(self, moto: Client) -> None:
        self._moto = moto
        self._lock = threading.Lock()
        self._regions: set[str] = set()

    def make(self, region: str) -> None:
        """Make the role for the callers of a region, unless that is done; partitions have their own roles.

        :param region: such as ``us-east-1``.
        :raises RuntimeError: moto refuses.
        """
        with self._lock:
            if region in self._regions:
                return
            made = self._ask(region, "CreateRole", Path=ROLE_PATH, AssumeRolePolicyDocument=json.dumps(_TRUST))
            if made.status_code != _EXISTS:  # of another region in the same partition
                # Only one partition has the policies that AWS manages, see wsgi; elsewhere the role goes without.
                [partition] = re.findall(r"<Arn>arn:([\w-]+):", made.text)
                self._ask(region, "AttachRolePolicy", PolicyArn=f"arn:{partition}:iam::aws:policy/{_POLICY}")
            self._regions.add(region)

    def _ask(self, region: str, action: str, **parameters: str) -> TestResponse:
        answer = self._moto.post(
            "/",
            data={"Action": action, "Version": _IAM_VERSION, "RoleName": ROLE_NAME, **parameters},
            headers={"Authorization": f"AWS4-HMAC-SHA256 Credential={ANY_KEY.id}/20260101/{region}/iam/aws4_request"},
        )
        if answer.status_code not in (200, _EXISTS, _NO_POLICY):
            raise RuntimeError(f"moto did not answer {action}: {answer.status} {answer.text}")
        return answer


def _members(form: Mapping[str, Sequence[str]], name: str) -> Iterator[str]:
    """The items of a list in the query protocol, in their order."""
    for number in range(1, len(form) + 1):
        yield from form.get(f"{name}.member.{number}", ())[:1]
