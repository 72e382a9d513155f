"""Turning what botocore raises into one exception, in the service's own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    MetadataRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSLError,
)
from botocore.exceptions import ConnectionError as ConnectionFailure

from airflow_sm_pipelines.exceptions import SageMakerServiceError

#: botocore's own list (``botocore.retries.standard``), plus what SageMaker's runtime services answer with.
_THROTTLING = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "RequestThrottled",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
    }
)

#: Operations whose ConflictException passes: an execution on its way from one step to the next can be neither stopped
#: nor retried. That of a start does not pass: its token came with another request before.
_CONFLICT_PASSES = frozenset({"StopPipelineExecution", "RetryPipelineExecution", "UpdatePipeline"})

#: The credentials are not, or no longer, good: worth one try with fresh ones.
BAD_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)
NO_ACCESS = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorized", "403"})
NOT_FOUND = frozenset({"ResourceNotFound", "ResourceNotFoundException", "NoSuchBucket", "NoSuchKey", "404"})


@contextmanager
def service_words(operation: str, connection: str) -> Iterator[None]:
    """Raise what botocore raises in the block as :class:`SageMakerServiceError`, without its traceback.

    :param operation: what was attempted, such as ``StartPipelineExecution``.
    :param connection: whose credentials, where; ends the message in brackets.
    :raises SageMakerServiceError: for every error of botocore. Other exceptions pass.
    """
    try:
        yield
    except ClientError as error:
        raise _answered(error, operation, connection) from None
    except BotoCoreError as error:
        raise _unanswered(error, operation, connection) from None


def _answered(error: ClientError, operation: str, connection: str) -> SageMakerServiceError:
    details = error.response.get("Error", {})
    code = str(details.get("Code") or "Unknown")
    http_status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    if code in BAD_CREDENTIALS:
        advice = "Check the credentials of the connection."
    elif code in NO_ACCESS:
        advice = "Check what the connection's credentials, and the role, are allowed to do."
    elif code in NOT_FOUND:
        advice = "Check the name, and the connection's account, region and endpoint_url."
    else:
        advice = ""
    # A refused AssumeRole comes while a client is made for another operation; say what was really refused.
    asked = error.operation_name if error.operation_name else operation
    words = str(details.get("Message") or "the service gives no message").strip()
    text = f"{asked} failed: {code}: {words}{'' if words.endswith('.') else '.'}"
    return SageMakerServiceError(
        " ".join(part for part in (text, advice, f"({connection})") if part),
        code=code,
        retryable=(
            code in _THROTTLING
            or http_status >= 500
            or http_status == 429
            or (code == "ConflictException" and asked in _CONFLICT_PASSES)
        ),
    )


def _unanswered(error: BotoCoreError, operation: str, connection: str) -> SageMakerServiceError:
    retryable = False
    if isinstance(error, SSLError):
        advice = "Check verify and endpoint_url in the connection's extra."
    elif isinstance(error, (ConnectionFailure, HTTPClientError)):
        retryable = True
        advice = "Check endpoint_url in the connection's extra, and the network."
    elif isinstance(error, MetadataRetrievalError):
        retryable = True
        advice = "Check the role of the machine."
    elif isinstance(error, (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, ProfileNotFound)):
        advice = "Check the credentials of the connection."
    elif isinstance(error, NoRegionError):
        advice = "Give region_name, or set it in the connection's extra."
    else:
        advice = ""
    words = str(error).strip()
    text = f"{operation} failed: {words}{'' if words.endswith('.') else '.'}"
    return SageMakerServiceError(
        " ".join(part for part in (text, advice, f"({connection})") if part),
        code=None,
        retryable=retryable,
        reached=not isinstance(error, EndpointConnectionError),
    )
