"""Which requests are accepted. Jobs are programs: no web page that the user opens may start one or read what they make.

A page can send a request to its reader's machine by a form or a script. Browsers add ``Origin`` to what changes
something, and newer ones say ``Sec-Fetch-Site``; no AWS client sends either. Or the page's name is made to
mean that machine (DNS rebinding). Then the request looks like one of the same site, but its ``Host`` is that name.
"""

from __future__ import annotations

import ipaddress
import posixpath
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow_sm_pipelines.execution.pages import PAGES

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_OWN_SITES = ("none", "same-origin")
"""What a browser says of an address that its user has typed, and of a page of ours. Another port is another origin."""

_OF_MOTO = "/moto-api"
"""moto's own pages. Some of them change its state, or write every request to a file, when they are only read."""


class Door:
    """Says who may not come in, and why.

    :param names: by which the endpoint is called, besides the names and addresses of this machine.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = {name.lower() for name in (*names, socket.gethostname(), "localhost")}

    def refusal(self, environ: WSGIEnvironment) -> str | None:
        """Return why a request is refused; ``None`` for one that may come in.

        :param environ: the request.
        """
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        site = environ.get("HTTP_SEC_FETCH_SITE", "none").lower()
        is_look = method in ("GET", "HEAD") and path.startswith(PAGES)
        if "HTTP_ORIGIN" in environ or (site not in _OWN_SITES and not is_look):
            return "Requests from web pages are refused."
        host = environ.get("HTTP_HOST", "")
        if host and not self._is_ours(host):
            return f"This endpoint is not called {host!r}. Use its address, or start it with --allow-host and the name."
        # As moto reads it: with points and slashes resolved.
        asked = "/" + posixpath.normpath(path).lstrip("/")
        if asked == _OF_MOTO or asked.startswith(f"{_OF_MOTO}/"):
            return "The pages of moto itself are not served."
        return None

    def _is_ours(self, host: str) -> bool:
        name = host.rsplit("]", 1)[0].lstrip("[") if host.startswith("[") else host.rsplit(":", 1)[0]
        name = name.rstrip(".").lower()
        try:
            ipaddress.ip_address(name)
        except ValueError:
            # S3 clients call a bucket of localhost by its name in front of it.
            return any(name == own or name.endswith(f".{own}") for own in self._names)
        return True  # an address cannot be made to mean another machine
