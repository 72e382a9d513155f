"""The endpoint as an object: start it, know its URL, close it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ParamValidationError

from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.local.aws import ANY_KEY, AccessKey, Clients
from airflow_sm_pipelines.local.images_file import read_images_file
from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.jobs.interpreter import Interpreter
from airflow_sm_pipelines.local.jobs.sandbox import Sandbox
from airflow_sm_pipelines.local.jobs.slots import Slots
from airflow_sm_pipelines.local.persistence.directory import DataDirectory
from airflow_sm_pipelines.local.persistence.keeper import Keeper
from airflow_sm_pipelines.local.persistence.moto import Moto
from airflow_sm_pipelines.local.region import Regions
from airflow_sm_pipelines.local.runners.registry import runners_with
from airflow_sm_pipelines.local.sandboxes.namespace import NamespaceSandbox
from airflow_sm_pipelines.local.server.wsgi import empty_moto, make_server
from airflow_sm_pipelines.local.settings import EndpointSettings, address_of
from airflow_sm_pipelines.local.state_directory import StateDirectory

if TYPE_CHECKING:
    from typing_extensions import Self
    from werkzeug.serving import BaseWSGIServer


BUCKET_REGION = "us-east-1"
"""Where S3 makes a bucket that is asked for without a region. Clients of all regions reach it here."""


class BucketNotMadeError(Exception):
    """S3 refuses a bucket that the endpoint was to have from the start; the message names it."""


class LocalEndpoint:
    """A running endpoint, in a thread of this process. A context manager.

    ``access_key`` is what requests have to be signed with; ``None`` where any key is taken.

    moto keeps its state per process: it is emptied when an endpoint starts, so run one at a time in a process.

    :param settings: how to run it.
    :raises SandboxUnavailableError: when entered: this machine does not let it run jobs.
    :raises BucketNotMadeError: when entered: S3 refuses the name of a bucket.
    :raises ImagesFileError: when entered: the file of interpreters for images cannot be used.
    :raises DataDirectoryError: when entered: the data directory is in use, or is something else.
    :raises OSError: when entered: the port is taken, or the interpreter does not exist.
    """

    def __init__(self, settings: EndpointSettings | None = None) -> None:
        self.settings = settings or EndpointSettings()
        self.access_key = self.settings.access_key
        if self.access_key is None and not self.settings.is_local:
            self.access_key = AccessKey.generate()
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self._directory: StateDirectory | None = None
        self._data: DataDirectory | None = None
        self._keeper: Keeper | None = None
        self._regions = self._no_regions()
        self._sandbox: Sandbox | None = None
        self._interpreter: Interpreter | None = None
        self._interpreters_of_images: tuple[tuple[str, Interpreter], ...] = ()
        self._slots = Slots(self.settings.max_jobs)

    @property
    def url(self) -> str:
        """Where it listens, as an ``endpoint_url``."""
        if self._server is None:
            raise RuntimeError("the endpoint is not running")
        host = self.settings.host
        # Listening on every address, it is still reached from here by the loopback one.
        if address_of(host).is_unspecified:
            host = "::1" if ":" in host else "127.0.0.1"
        return f"http://{f'[{host}]' if ':' in host else host}:{self._server.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Check that jobs can run, listen, read what is kept, answer from a thread, and make the buckets."""
        interpreter = self.settings.job_python.absolute()
        if not os.access(interpreter, os.X_OK):
            raise FileNotFoundError(f"the interpreter for jobs, {interpreter}, is not there or cannot be executed")
        self._interpreter = Interpreter.ask(interpreter)
        if self.settings.images is not None:
            self._interpreters_of_images = read_images_file(self.settings.images)
        self._directory = StateDirectory(self.settings.state_directory)
        try:
            if self.settings.data_directory is not None:
                self._data = DataDirectory(self.settings.data_directory)
            self._sandbox = NamespaceSandbox.probe(self._directory.path)
            self._listen()
            self._make_buckets()
            self._directory.remove_left_over()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End every job, stop listening, remove the files of jobs.

        What runs now is found, in the data directory, to have been running.
        """
        if self._keeper is not None:
            self._keeper.close()
        for region in self._regions.all():
            region.close()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        if self._server is not None:
            self._server.server_close()
        if self._directory is not None:
            self._directory.remove()
        if self._data is not None:
            self._data.close()
        self._server = self._thread = self._directory = self._data = self._keeper = None

    def wait_for_execution(self, arn: str, timeout: float | None = None) -> bool:
        """Wait for a pipeline execution's end, without asking the endpoint again and again.

        :param arn: the execution's ARN.
        :param timeout: seconds; ``None`` for ever.
        :return: whether it has ended.
        :raises ResourceNotFoundError: there is no such execution.
        """
        region = self._regions.get(PipelineExecutionArn.parse(arn).region)
        return region.store.execution(arn).done.wait(timeout)

    def _listen(self) -> None:
        moto = empty_moto()
        self._keeper = None if self._data is None else Keeper(self._data, Moto(moto))
        self._regions = self._no_regions()
        self._server = make_server(
            self.settings.host,
            self.settings.port,
            self._regions,
            moto,
            names=self.settings.allowed_hosts,
            access_key=self.access_key,
            keeper=self._keeper,
        )
        if self._keeper is not None:
            self._keeper.restore(self._regions)
        self._thread = threading.Thread(target=self._server.serve_forever, name="endpoint", daemon=True)
        self._thread.start()

    def _no_regions(self) -> Regions:
        return Regions(self._host_of, runners_with(self.settings.stand_ins), self.settings.lambdas, self._keeper)

    def _make_buckets(self) -> None:
        clients = self._clients(BUCKET_REGION)
        for bucket in self.settings.buckets:
            try:
                clients["s3"].create_bucket(Bucket=bucket)
            except (ClientError, ParamValidationError) as error:
                raise BucketNotMadeError(f"the bucket '{bucket}' cannot be made: {error}") from error

    def _clients(self, region: str) -> Clients:
        return Clients(self.url, region, self.access_key or ANY_KEY)

    def _host_of(self, region: str) -> JobHost:
        if self._sandbox is None or self._directory is None or self._interpreter is None:
            raise RuntimeError("the endpoint is not running")
        directory = self._directory.path / "jobs" / region
        directory.mkdir(parents=True, exist_ok=True)
        return JobHost(
            sandbox=self._sandbox,
            interpreter=self._interpreter,
            directory=directory,
            clients=self._clients(region),
            region=region,
            endpoint_url=self.url,
            stop_grace_seconds=self.settings.stop_grace_seconds,
            slots=self._slots,
            job_disk_bytes=self.settings.job_disk_bytes,
            access_key=self.access_key or ANY_KEY,
            interpreters_of_images=self._interpreters_of_images,
        )
