"""One hook, and so one client for each service, per connection and region; its calls in threads.

The connection is resolved on the event loop before any thread is used: Airflow's connections cannot be read
from other threads of a triggerer.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.config import Config

from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.pace import Pace
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
from airflow_sm_pipelines.hooks.service_errors import BAD_CREDENTIALS
from airflow_sm_pipelines.triggers.clients import TriggererHook
from airflow_sm_pipelines.triggers.running_jobs import RunningJobs

Result = TypeVar("Result")

log = logging.getLogger(__name__)

#: How many calls to AWS run at once in a triggerer. Bounded, and apart from the event loop's own threads, so
#: that an endpoint that hangs does not keep other triggers from theirs.
THREADS = 16

#: How long a connection counts as known before it is read again for the next user, in seconds.
KNOWN_FOR = 30.0

#: How long clients are kept when nobody uses them, in seconds. From the end of one step to the start of the
#: next step's trigger it takes a few seconds; making clients takes half a second of the event loop's time.
KEPT_FOR = 300.0

#: A call must end soon, for its thread is shared; and it is not repeated by botocore, which would sleep in
#: the thread: the event loop waits and tries again. A connection's own ``config_kwargs`` overrides these.
_CONFIG_DEFAULTS = Config(
    connect_timeout=10,
    read_timeout=30,
    max_pool_connections=THREADS,
    retries={"mode": "standard", "total_max_attempts": 1},
)


@dataclass(frozen=True)
class ConnectionSettings:
    """What a connection is asked for with; equal settings share one hook.

    :param aws_conn_id: the Airflow connection; ``None`` leaves it to boto3.
    :param region_name: overrides the connection's region.
    :param verify: overrides whether certificates are verified.
    :param botocore_config: the arguments of botocore's ``Config`` as JSON, or ``None``.
    """

    aws_conn_id: str | None
    region_name: str | None
    verify: bool | str | None = None
    botocore_config: str | None = None

    @classmethod
    def of(
        cls,
        aws_conn_id: str | None,
        region_name: str | None,
        verify: bool | str | None,
        botocore_config: Mapping[str, Any] | None,
    ) -> ConnectionSettings:
        """Take the arguments as operators and triggers have them.

        :param botocore_config: the arguments of botocore's ``Config``.
        """
        config = json.dumps(dict(botocore_config), sort_keys=True) if botocore_config else None
        return cls(aws_conn_id, region_name, verify, config)

    def hook(self) -> SageMakerPipelineHook:
        """A new hook; its connection is not resolved yet."""
        return TriggererHook(
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            config=Config(**json.loads(self.botocore_config)) if self.botocore_config else None,
            config_defaults=_CONFIG_DEFAULTS,
        )


class SharedConnection:
    """The one hook for some settings on one event loop. Get it from :func:`shared_connection`.

    :param settings: which connection, where.
    """

    def __init__(self, settings: ConnectionSettings) -> None:
        self.settings = settings
        self.users = 0
        self.left_at = 0.0
        self._hook: SageMakerPipelineHook | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()
        self.running_jobs = RunningJobs(self.run, self._cannot_list_jobs)

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
                    log.warning("Going on with the clients there are: %s", error)
                else:
                    self._hook = hook if fresh.same_connection(hook) else fresh

    async def run(self, function: Callable[[SageMakerPipelineHook], Result]) -> Result:
        """Call a function with the hook, in a thread. Expired credentials are read anew, once.

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
            return self._hook

    async def _read(self) -> SageMakerPipelineHook:
        hook = self.settings.hook()
        await hook.resolve_connection()
        self._read_at = asyncio.get_running_loop().time()
        return hook

    def _cannot_list_jobs(self, error: SageMakerServiceError) -> None:
        log.info("Executions are looked at one by one, which takes more calls: %s", error)

    async def persist(
        self,
        function: Callable[[SageMakerPipelineHook], Result],
        pace: Pace,
        on_trouble: Callable[[SageMakerServiceError], None],
    ) -> Result:
        """Call a function with the hook, in a thread, again and again while the service is in trouble.

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
async def shared_connection(settings: ConnectionSettings) -> AsyncIterator[SharedConnection]:
    """The connection for some settings, shared by all who use it at the same time on the same event loop.

    :param settings: which connection, where.
    :raises SageMakerServiceError: when there is no such connection.
    """
    loop = asyncio.get_running_loop()
    connections = _connections_of(loop)
    connection = connections.setdefault(settings, SharedConnection(settings))
    connection.users += 1
    try:
        await connection.join()
        yield connection
    finally:
        connection.users -= 1
        connection.left_at = loop.time()


#: By event loop: ``dag.test()`` runs every trigger in a loop of its own.
_connections: dict[asyncio.AbstractEventLoop, dict[ConnectionSettings, SharedConnection]] = {}


def _connections_of(loop: asyncio.AbstractEventLoop) -> dict[ConnectionSettings, SharedConnection]:
    for other in [other for other in _connections if other.is_closed()]:
        del _connections[other]
    connections = _connections.setdefault(loop, {})
    idle = [
        settings
        for settings, connection in connections.items()
        if connection.users == 0 and loop.time() - connection.left_at > KEPT_FOR
    ]
    for settings in idle:
        del connections[settings]
    return connections


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="sagemaker-pipelines")
