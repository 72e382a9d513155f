"""One exception for everything that botocore raises, with the service's message."""

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

from airflow_sm_pipelines.documentation import see
from airflow_sm_pipelines.exceptions import SageMakerServiceError

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
"""botocore's own list (``botocore.retries.standard``), plus what SageMaker's runtime services answer with."""

_CONFLICT_PASSES = frozenset({"StopPipelineExecution", "RetryPipelineExecution", "UpdatePipeline"})
"""Operations whose ConflictException passes: an execution on its way from one step to the next can be neither stopped
nor retried. That of a start does not pass: its token came with another request before."""

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
"""The credentials are not, or no longer, good: worth one try with fresh ones."""
NO_ACCESS = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorized", "403"})
NOT_FOUND = frozenset({"ResourceNotFound", "ResourceNotFoundException", "NoSuchBucket", "NoSuchKey", "404"})

_ADVICE_ON_CODES = (
    (BAD_CREDENTIALS, f"Check the credentials of the connection. {see('connection-credentials-and-region')}"),
    (NO_ACCESS, f"Check what the connection's credentials, and the role, are allowed to do. {see('accessdenied')}"),
    (NOT_FOUND, "Check the name, and the connection's account, region and endpoint_url."),
)

_UNANSWERED: tuple[tuple[type[Exception] | tuple[type[Exception], ...], bool, str], ...] = (
    (SSLError, False, "Check verify and endpoint_url in the connection's extra."),
    ((ConnectionFailure, HTTPClientError), True, "Check endpoint_url in the connection's extra, and the network."),
    (MetadataRetrievalError, True, "Check the role of the machine."),
    (
        (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, ProfileNotFound),
        False,
        f"Check the credentials of the connection. {see('connection-credentials-and-region')}",
    ),
    (
        NoRegionError,
        False,
        f"Give region_name, or set it in the connection's extra. {see('connection-credentials-and-region')}",
    ),
    (BotoCoreError, False, ""),
)
"""Errors without an answer, whether they pass, and what to do; the first that fits holds."""


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
    advice = next((advice for codes, advice in _ADVICE_ON_CODES if code in codes), "")
    # A refused AssumeRole comes while a client is made for another operation; say what was really refused.
    asked = error.operation_name if error.operation_name else operation
    words = f"{code}: {str(details.get('Message') or 'the service gives no message').strip()}"
    return SageMakerServiceError(
        _message(asked, words, advice, connection),
        code=code,
        retryable=(
            code in _THROTTLING
            or http_status >= 500
            or http_status == 429
            or (code == "ConflictException" and asked in _CONFLICT_PASSES)
        ),
    )


def _unanswered(error: BotoCoreError, operation: str, connection: str) -> SageMakerServiceError:
    _, retryable, advice = next(each for each in _UNANSWERED if isinstance(error, each[0]))
    return SageMakerServiceError(
        _message(operation, str(error), advice, connection),
        code=None,
        retryable=retryable,
        reached=not isinstance(error, EndpointConnectionError),
    )


def _message(operation: str, words: str, advice: str, connection: str) -> str:
    text = f"{operation} failed: {words.strip().removesuffix('.')}."
    return " ".join(part for part in (text, advice, f"({connection})") if part)
