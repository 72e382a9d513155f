"""The HTTP side: which requests are ours, are they right, and what goes back."""

from collections.abc import Mapping
from typing import Any

Request = Mapping[str, Any]
"""A request's members, which fit the service's model."""

Response = dict[str, Any]
"""A response's members."""
