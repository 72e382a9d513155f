"""The functions of one region: found by their name, and run."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Final

from airflow_sm_pipelines.local.errors import ServiceError
from airflow_sm_pipelines.local.functions.function import (
    Function,
    FunctionReference,
    PayloadNotJsonError,
    PayloadTooLargeError,
)
from airflow_sm_pipelines.local.functions.invocation import LARGEST_PAYLOAD, FunctionAnswer, Invocation
from airflow_sm_pipelines.local.functions.stored import stored_function
from airflow_sm_pipelines.local.jobs.host import JobHost

_NO_EVENT: Final = b"{}"


class Functions:
    """All functions of one region.

    :param host: where they run.
    :param registered: those that the endpoint has from the start. A step or a request means them by their name,
        whatever region, account and qualifier it has beside it.
    """

    def __init__(self, host: JobHost, registered: Sequence[Function] = ()) -> None:
        self._host = host
        self._registered = {function.name: function for function in registered}
        self._lock = threading.Lock()
        self._running: set[Invocation] = set()
        self._closed = False

    def find(self, reference: FunctionReference) -> Function:
        """Find a function.

        :param reference: how it is named.
        :raises FunctionNotFoundError: there is none.
        :raises FunctionNotRunError: it is there, and cannot be run.
        """
        registered = self._registered.get(reference.name)
        if registered is not None:
            return registered
        return stored_function(self._host.clients["lambda"], self._host.region, reference)

    def invoke(
        self, reference: FunctionReference, event: bytes, client_context: str | None = None, limit: float | None = None
    ) -> FunctionAnswer:
        """Run a function and wait for its answer. It does not use a job's slot: a job may wait for it.

        :param reference: how it is named.
        :param event: what it is given, as JSON; nothing stands for an empty object.
        :param client_context: what it finds as ``context.client_context``, as JSON.
        :param limit: how long to wait at most, in seconds, before it is ended; ``None`` for as long as it may run.
        :raises ServiceError: there is no such function, it cannot be run, or the event is not one.
        """
        if len(event) > LARGEST_PAYLOAD:
            raise PayloadTooLargeError(f"Request must be smaller than {LARGEST_PAYLOAD} bytes for the Invoke operation")
        try:
            json.loads(event or _NO_EVENT)
        except (ValueError, RecursionError) as error:
            raise PayloadNotJsonError(f"Could not parse request body into json: {error}") from error
        function = self.find(reference)
        arn = reference.arn(self._host.region)
        invocation = Invocation(function, arn, event or _NO_EVENT, self._host, client_context)
        with self._lock:
            if self._closed:
                raise ServiceError("The local endpoint is shutting down.")
            self._running.add(invocation)
        try:
            return invocation.run(limit)
        finally:
            with self._lock:
                self._running.discard(invocation)

    def close(self) -> None:
        """End what runs and wait until nothing of it is left; let nothing new start."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for invocation in running:
            invocation.give_up()
        for invocation in running:
            invocation.wait()
