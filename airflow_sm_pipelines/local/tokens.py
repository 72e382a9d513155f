"""ClientRequestTokens: a request that is made twice acts once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from airflow_sm_pipelines.local.errors import ConflictError


class RequestTokens:
    """What requests with a ClientRequestToken were answered. Safe to use from threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._answers: dict[tuple[str, str], tuple[Mapping[str, Any], str]] = {}

    def once(self, operation: str, request: Mapping[str, Any], act: Callable[[], str]) -> str:
        """Act, unless a request with the same token did so before. A request that is refused uses no token up.

        :param operation: the operation; each has tokens of its own.
        :param request: the request; its token decides, its other members are compared.
        :param act: does what the request asks for and returns the ARN to answer with.
        :return: that ARN, or the one answered before.
        :raises ConflictError: the token was used with other members. The service documents no wording for this
            and ConflictException is the only error it lists that fits.
        """
        token = request.get("ClientRequestToken")
        if token is None:
            return act()
        with self._lock:  # of two requests with one token at once, the second waits for the first one's answer
            earlier = self._answers.get((operation, token))
            if earlier is None:
                arn = act()
                self._answers[operation, token] = (dict(request), arn)
                return arn
        if earlier[0] != request:
            changed = sorted(key for key in {*earlier[0], *request} if earlier[0].get(key) != request.get(key))
            raise ConflictError(
                f"The ClientRequestToken '{token}' was already used for a {operation} request with different"
                f" values of {', '.join(changed)}. Use another token for another request."
            )
        return earlier[1]

    def forget(self, pipeline_arn: str) -> None:
        """Forget the answers about a pipeline and its executions: there is nothing left to answer with.

        :param pipeline_arn: the pipeline's ARN.
        """
        with self._lock:
            self._answers = {
                key: answer
                for key, answer in self._answers.items()
                if answer[1] != pipeline_arn and not answer[1].startswith(f"{pipeline_arn}/")
            }
