"""Whether a triggerer runs, read from the API server's public health page."""

from __future__ import annotations

from typing import Any, Final

SECONDS: Final = 5.0
"""How long the answer is waited for."""


def triggerer_runs() -> bool | None:
    """Say whether a triggerer is alive; ``None`` if that is unknown, as where the API server serves workers only."""
    import httpx
    from airflow.providers.common.compat.sdk import conf

    base = conf.get("api", "base_url", fallback="/")
    server: str = conf.get("core", "execution_api_server_url", fallback=f"{base.rstrip('/')}/execution/")
    url = f"{server.rstrip('/').removesuffix('/execution')}/api/v2/monitor/health"
    try:
        answer = httpx.get(url, timeout=SECONDS)
        health: Any = answer.json() if answer.is_success else {}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None
    triggerer = health.get("triggerer") if isinstance(health, dict) else None
    return None if triggerer is None else triggerer.get("status") == "healthy"
