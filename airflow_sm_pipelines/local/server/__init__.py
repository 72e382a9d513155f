"""The HTTP side: which requests are handled here, their checks, and the responses."""

from collections.abc import Mapping
from typing import Any

Request = Mapping[str, Any]
"""A request's members, which fit the service's model."""

Response = dict[str, Any]
"""A response's members."""
