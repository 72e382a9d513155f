"""One hook, and so one client for each service, per connection and region; its calls in threads.

The connection is resolved on the event loop before any thread is used: Airflow's connections cannot be read
from other threads of a triggerer.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from botocore.config import Config

from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.pace import Pace
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
from airflow_sm_pipelines.hooks.service_errors import BAD_CREDENTIALS
from airflow_sm_pipelines.settings import AwsConnection, to_dict
from airflow_sm_pipelines.triggers.log import ThreadedLog
from airflow_sm_pipelines.triggers.running_jobs import RunningJobs

Result = TypeVar("Result")

log = ThreadedLog(logging.getLogger(__name__))

THREADS = 16
"""How many calls to AWS run at once in a triggerer. Bounded, and apart from the event loop's own threads, so
that an endpoint that hangs does not keep other triggers from theirs."""

KNOWN_FOR = 30.0
"""How long a connection counts as known before it is read again for the next user, in seconds."""

KEPT_FOR = 300.0
"""How long clients are kept when nobody uses them, in seconds. From the end of one step to the start of the
next step's trigger it takes a few seconds; making clients takes half a second of the event loop's time."""

_making = threading.Lock()

freeze_once = functools.cache(gc.freeze)
"""Exempts everything there is from garbage collections, the first time it is called.

That is Airflow, botocore and the first client, which stay: the collections put off would only come later else. Once is
enough, and more would be harmful: a client that is replaced is garbage that only a collection frees.
"""

_CONFIG_DEFAULTS = Config(
    connect_timeout=10,
    read_timeout=30,
    max_pool_connections=THREADS,
    retries={"mode": "standard", "total_max_attempts": 1},
)
"""A call must end soon, for its thread is shared; and it is not repeated by botocore, which would sleep in
the thread: the event loop waits and tries again. A connection's own ``config_kwargs`` overrides these."""


class TriggererHook(SageMakerPipelineHook):
    """The hook of triggers. Its clients are made one at a time, with garbage collection put off.

    botocore makes a hundred thousand objects of a service's model. That sets off full garbage collections, each of
    which goes through everything that Airflow has loaded, with the interpreter's lock held: a third of a second in
    which no trigger runs, although the client is made in a thread.
    """

    def make_client(self, service: str) -> Any:
        """Make a client for a service.

        :param service: boto3's name of it.
        """
        with _making:
            was_enabled = gc.isenabled()
            gc.disable()
            try:
                return super().make_client(service)
            finally:
                freeze_once()
                if was_enabled:
                    gc.enable()


def new_hook(connection: AwsConnection) -> TriggererHook:
    """Return a separate hook; its connection is not resolved yet.

    :param connection: which connection, where.
    """
    return TriggererHook(**connection.hook_arguments, config_defaults=_CONFIG_DEFAULTS)


class SharedConnection:
    """The one hook for a connection on one event loop. Get it from :func:`shared_connection`.

    :param settings: which connection, where.
    """

    def __init__(self, settings: AwsConnection) -> None:
        self.settings = settings
        self.watches: dict[str, Any] = {}
        self.users = 0
        self.left_at = 0.0
        self._hook: SageMakerPipelineHook | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()
        self.running_jobs = RunningJobs(
            self.run,
            functools.partial(log.info, "Executions are read one by one, which needs more calls: %s"),
            self.watches,
        )

    async def join(self) -> None:
        """Make sure that there is a hook, made from the Airflow connection as it is now.

        A connection that was read in the last half minute is not read again. One that reads the same keeps its
        hook: making clients is slow. One that cannot be read any more keeps it, too, for those who wait.

        :raises SageMakerServiceError: when there is no such connection.
        """
        async with self._reading:
            hook = self._hook
            if hook is None:
                self._hook = await self._read()
            elif asyncio.get_running_loop().time() - self._read_at > KNOWN_FOR:
                try:
                    fresh = await self._read()
                except SageMakerServiceError as error:
                    log.warning("Continuing with the existing clients: %s", error)
                else:
                    if not fresh.same_connection(hook):
                        self._hook = fresh
                        self.running_jobs.allow()

    async def run(self, function: Callable[[SageMakerPipelineHook], Result]) -> Result:
        """Call a function with the hook, in a thread. Expired credentials are read again, once.

        :param function: what to call; it may block.
        :raises SageMakerServiceError: in the service's words.
        """
        hook = await self._current_hook()
        try:
            return await self._in_thread(function, hook)
        except SageMakerServiceError as error:
            if error.code not in BAD_CREDENTIALS:
                raise
            log.info("Reading connection %r again: %s", self.settings.aws_conn_id, error)
        return await self._in_thread(function, await self._current_hook(instead_of=hook))

    async def _current_hook(self, instead_of: SageMakerPipelineHook | None = None) -> SageMakerPipelineHook:
        """The hook. A new one instead of one that no longer works, if no other user replaced it already."""
        async with self._reading:
            if self._hook is None or self._hook is instead_of:
                self._hook = await self._read()
                self.running_jobs.allow()
            return self._hook

    async def _read(self) -> SageMakerPipelineHook:
        hook = new_hook(self.settings)
        await hook.resolve_connection()
        self._read_at = asyncio.get_running_loop().time()
        return hook

    async def persist(
        self,
        function: Callable[[SageMakerPipelineHook], Result],
        pace: Pace,
        on_trouble: Callable[[SageMakerServiceError], None],
    ) -> Result:
        """Call a function with the hook, in a thread, again and again while the service is unavailable.

        Gives up only when cancelled or refused: how long to wait is the caller's to bound.

        :param function: what to call; it may block.
        :param pace: says how long to wait after trouble.
        :param on_trouble: told of each failure that is not final.
        :raises SageMakerServiceError: when trying again cannot help; in the service's words.
        """
        while True:
            try:
                return await self.run(function)
            except SageMakerServiceError as error:
                if not error.retryable:
                    raise
                on_trouble(error)
            await asyncio.sleep(pace.after_trouble())

    @staticmethod
    async def _in_thread(function: Callable[[SageMakerPipelineHook], Result], hook: SageMakerPipelineHook) -> Result:
        return await asyncio.get_running_loop().run_in_executor(_threads(), function, hook)


@asynccontextmanager
async def shared_connection(settings: AwsConnection) -> AsyncIterator[SharedConnection]:
    """The connection for some settings, shared by all who use it at the same time on the same event loop.

    :param settings: which connection, where.
    :raises SageMakerServiceError: when there is no such connection.
    """
    connection = _connection_for(settings)
    connection.users += 1
    try:
        await connection.join()
        yield connection
    finally:
        connection.users -= 1
        connection.left_at = asyncio.get_running_loop().time()


_connections: dict[asyncio.AbstractEventLoop, dict[str, SharedConnection]] = {}
"""By event loop (``dag.test()`` runs every trigger in its own loop) and by the settings as JSON."""


def _connection_for(settings: AwsConnection) -> SharedConnection:
    connections = _connections_of(asyncio.get_running_loop())
    key = json.dumps(to_dict(settings), sort_keys=True)
    return connections.setdefault(key, SharedConnection(settings))


def _connections_of(loop: asyncio.AbstractEventLoop) -> dict[str, SharedConnection]:
    for other in [other for other in _connections if other.is_closed()]:
        del _connections[other]
    connections = _connections.setdefault(loop, {})
    for key, connection in list(connections.items()):
        if connection.users == 0 and loop.time() - connection.left_at > KEPT_FOR:
            del connections[key]
    return connections


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="sagemaker-pipelines")
