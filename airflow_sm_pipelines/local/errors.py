"""Errors as the service sends them: a code that is a ShapeID of the AWS model, and a bare message."""

from __future__ import annotations

from typing import ClassVar


class ServiceError(Exception):
    """An error response.

    :param message: what the client sees, without any prefix of the client's own.
    """

    code: ClassVar[str] = "InternalFailure"
    http_status: ClassVar[int] = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ValidationError(ServiceError):
    """The request, or the document in it, breaks a rule."""

    code = "ValidationException"
    http_status = 400


class ResourceNotFoundError(ServiceError):
    """There is no such resource."""

    code = "ResourceNotFound"
    http_status = 400


class ResourceInUseError(ServiceError):
    """The name is taken."""

    code = "ResourceInUse"
    http_status = 400


class ConflictError(ServiceError):
    """The request contradicts an earlier one or the resource's present state."""

    code = "ConflictException"
    http_status = 400


class AccessDeniedError(ServiceError):
    """The request may not be made from where it comes."""

    code = "AccessDeniedException"
    http_status = 403
