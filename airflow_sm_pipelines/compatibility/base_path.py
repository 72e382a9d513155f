"""Where the API server serves."""

from __future__ import annotations

from urllib.parse import urlparse


def base_path() -> str:
    """Return the path below which the API server serves, without a slash at its end; empty where that is the root."""
    from airflow.providers.common.compat.sdk import conf

    path: str = urlparse(conf.get("api", "base_url", fallback="/")).path
    return path.rstrip("/")
