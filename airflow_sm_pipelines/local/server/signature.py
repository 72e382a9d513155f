"""What a request is signed for: the region and the service. The signature itself is not looked at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

DEFAULT_REGION: Final = "us-east-1"
"""The region of requests without a signature."""

_SIGNED: Final = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[a-z0-9-]+)/(?P<service>[^/]+)/")


@dataclass(frozen=True)
class Signature:
    """What a request is signed for.

    :param region: the region.
    :param service: as it is called in signatures; empty for a request without one.
    """

    region: str = DEFAULT_REGION
    service: str = ""

    @classmethod
    def of(cls, environ: WSGIEnvironment) -> Signature:
        """Read the signature of a request.

        :param environ: the request.
        """
        # A presigned URL has the credential in its query.
        match = _SIGNED.search(environ.get("HTTP_AUTHORIZATION") or unquote(environ.get("QUERY_STRING", "")))
        return cls() if match is None else cls(match["region"], match["service"])
