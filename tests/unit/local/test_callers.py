from __future__ import annotations

from botocore.parsers import create_parser
from botocore.session import get_session

from airflow_sm_pipelines.local.server.callers import ROLE_NAME, allowed, as_role

IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<UserId>AKIAIOSFODNN7EXAMPLE</UserId><Account>123456789012</Account><Arn>{arn}</Arn></GetCallerIdentityResult>"
    "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
)


def parsed(service: str, operation: str, text: str) -> dict[str, object]:
    """An answer in the query protocol, as clients read it."""
    model = get_session().get_service_model(service).operation_model(operation)
    answer = {"status_code": 200, "headers": {}, "body": text.encode()}
    members: dict[str, object] = create_parser("query").parse(answer, model.output_shape)
    del members["ResponseMetadata"]
    return members


def test_a_caller_that_moto_does_not_know_has_the_role() -> None:
    """In the partition and account that moto names."""
    answer = as_role(IDENTITY.format(arn="arn:aws-cn:sts::123456789012:user/moto"))
    assert parsed("sts", "GetCallerIdentity", answer) == {
        "UserId": "AROALOCALENDPOINTROLE:sm-pipelines-local",
        "Account": "123456789012",
        "Arn": f"arn:aws-cn:sts::123456789012:assumed-role/{ROLE_NAME}/sm-pipelines-local",
    }


def test_a_caller_that_moto_knows_stays_who_it_is() -> None:
    """A user, even of that name, and an assumed role."""
    for arn in ("arn:aws:iam::123456789012:user/moto", "arn:aws:sts::123456789012:assumed-role/other/session"):
        assert as_role(IDENTITY.format(arn=arn)) == IDENTITY.format(arn=arn)


def test_every_action_is_allowed_on_every_resource() -> None:
    """Each one for each other, in the order asked; without resources on all of them. Any text is shown as it is."""
    form = {
        "PolicySourceArn": ["arn:aws:iam::123456789012:role/r"],
        "ActionNames.member.1": ["s3:PutObject"],
        "ActionNames.member.2": ["<&>"],
    }
    asked = [("s3:PutObject", "*"), ("<&>", "*")]
    buckets = {"ResourceArns.member.1": ["arn:aws:s3:::a/*"], "ResourceArns.member.2": ["arn:aws:s3:::b/*"]}
    for given, expected in (
        (form, asked),
        ({**form, **buckets}, [(action, f"arn:aws:s3:::{name}/*") for action, _ in asked for name in "ab"]),
    ):
        assert parsed("iam", "SimulatePrincipalPolicy", allowed(given).get_data(as_text=True)) == {
            "IsTruncated": False,
            "EvaluationResults": [
                {
                    "EvalActionName": action,
                    "EvalResourceName": resource,
                    "EvalDecision": "allowed",
                    "MatchedStatements": [],
                    "MissingContextValues": [],
                }
                for action, resource in expected
            ],
        }
