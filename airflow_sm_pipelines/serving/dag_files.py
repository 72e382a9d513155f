"""What Airflow says of the Dag files that it serves: which Dags there are, and import errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from typing_extensions import Self

_MOST = 100
"""Airflow gives no more at once (``[api] maximum_page_limit``)."""


class DagFiles:
    """Asks Airflow's REST API (v2), and tells what is new. A context manager.

    :param url: of the api-server, without a path.
    :param user: a user of the SimpleAuthManager.
    :param password: that user's.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=60)
        self._login = {"username": user, "password": password}
        self._dags: set[str] = set()
        self._errors: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._http.close()

    def news(self) -> Iterator[str]:
        """Yield a line for each new Dag, and the text of each new import error.

        Nothing while the api-server does not answer: whether it has ended is another question.
        """
        try:
            dags = {str(dag["dag_id"]) for dag in self._get("/dags")["dags"]}
            errors = {
                str(each["filename"]): str(each["stack_trace"]).strip()
                for each in self._get("/importErrors")["import_errors"]
            }
        except httpx.HTTPError:
            return
        yield from (f"Dag {dag_id} is loaded" for dag_id in sorted(dags - self._dags))
        for file, error in errors.items():
            if self._errors.get(file) != error:
                yield f"{file} cannot be imported:\n{error}"
        yield from (f"{file} can be imported again" for file in self._errors if file not in errors)
        self._dags, self._errors = dags, errors

    def _get(self, path: str) -> Any:
        response = self._http.get(f"/api/v2{path}", params={"limit": _MOST})
        if response.status_code == httpx.codes.UNAUTHORIZED:  # at first, and when the token has expired
            token = self._http.post("/auth/token", json=self._login).raise_for_status().json()["access_token"]
            self._http.headers["Authorization"] = f"Bearer {token}"
            response = self._http.get(f"/api/v2{path}", params={"limit": _MOST})
        return response.raise_for_status().json()
