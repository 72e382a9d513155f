"""One connection, its clients for several AWS services, and their errors as one exception."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.utils.connection_wrapper import AwsConnectionWrapper
from airflow.providers.common.compat.sdk import AirflowNotFoundException
from botocore.config import Config

from airflow_sm_pipelines.compatibility.threads import in_thread
from airflow_sm_pipelines.documentation import see
from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerServiceError
from airflow_sm_pipelines.execution.pages import SERVES_PAGES
from airflow_sm_pipelines.hooks.known_arguments import require_known
from airflow_sm_pipelines.hooks.service_errors import service_words

DEFAULT_CONNECTION = AwsBaseHook.default_conn_name
"""The one connection that may be missing: boto3 then looks for credentials itself, as in Airflow's own
amazon provider. A missing connection of any other name is an error here."""


class AwsServicesHook(AwsBaseHook):
    """
    Clients for several AWS services from one session of one connection.

    ``endpoint_url`` and ``service_config`` in the connection's extra hold for each of them. Every error of a
    service comes as :class:`~airflow_sm_pipelines.exceptions.SageMakerServiceError`, in its own words.

    The methods block. They may be called from threads once :attr:`conn_config` is resolved: on an event loop
    call :meth:`resolve_connection` first, since Airflow's connections must not be read from other threads.

    :param aws_conn_id: the Airflow connection; ``None`` leaves it to boto3.
    :param region_name: overrides the connection's region.
    :param verify: overrides whether certificates are verified.
    :param config: botocore's configuration; overrides that of the connection.
    :param config_defaults: botocore's configuration where neither of those says otherwise.
    :param studio_domain_id: the SageMaker Studio domain in which people look; overrides that of the connection's extra.
    """

    def __init__(
        self,
        *args: Any,
        config_defaults: Config | None = None,
        studio_domain_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._config_defaults = config_defaults
        self._given_studio_domain_id = studio_domain_id
        self.serves_pages = False
        self._clients: dict[str, Any] = {}
        self._clients_lock = threading.Lock()

    @cached_property
    def conn_config(self) -> AwsConnectionWrapper:
        """The Airflow connection, read now unless :meth:`resolve_connection` did so before.

        :raises SageMakerServiceError: when there is no such connection. Only the default one may be missing.
        """
        return self._read_connection()

    async def resolve_connection(self) -> None:
        """Read the Airflow connection on the event loop, so that the other methods can run in threads.

        :raises SageMakerServiceError: when there is no such connection. Only the default one may be missing.
        """
        self.conn_config = await in_thread(self._read_connection)

    def same_connection(self, other: AwsServicesHook) -> bool:
        """Whether two hooks were made from an equal Airflow connection.

        :param other: a hook with the same arguments as this one.
        """
        return self._connection_values == other._connection_values

    @property
    def _connection_values(self) -> tuple[object, ...]:
        connection = self.conn_config
        return (connection.conn_type, connection.login, connection.password, connection.extra_config)

    def _read_connection(self) -> AwsConnectionWrapper:
        try:
            return self._wrap(self.get_connection(self.aws_conn_id) if self.aws_conn_id else None)
        except AirflowNotFoundException:
            if self.aws_conn_id != DEFAULT_CONNECTION:
                raise SageMakerServiceError(
                    f"there is no Airflow connection {self.aws_conn_id!r}. Define it, or set aws_conn_id. "
                    f"{see('connection-credentials-and-region')}"
                ) from None
        self.log.info("No connection %r is defined: boto3 looks for credentials itself", self.aws_conn_id)
        return self._wrap(None)

    def _wrap(self, connection: Any) -> AwsConnectionWrapper:
        return AwsConnectionWrapper(
            conn=connection, region_name=self._region_name, botocore_config=self._config, verify=self._verify
        )

    @property
    def studio_domain_id(self) -> str | None:
        """The SageMaker Studio domain in which people look at what this connection's account does, if it is known."""
        domain = self._given_studio_domain_id or self.conn_config.extra_config.get("studio_domain_id")
        return None if domain is None else str(domain)

    @cached_property
    def conn(self) -> Any:
        """The client of the hook's own service."""
        return self.client(self.service_name)

    def client(self, service: str) -> Any:
        """The client for a service; made once, safe to use from several threads.

        :param service: boto3's name of it, such as ``s3``.
        :raises SageMakerServiceError: when there are no credentials, no region, or the role is refused.
        """
        with self._clients_lock:
            if service not in self._clients:
                with service_words(f"making a client for {service!r}", self._where):
                    self._clients[service] = self.make_client(service)
            return self._clients[service]

    def make_client(self, service: str) -> Any:
        """Make a client for a service; :meth:`client` keeps it.

        :param service: boto3's name of it.
        """
        return self._session.client(
            service_name=service,
            endpoint_url=self.conn_config.get_service_endpoint_url(service_name=service),
            config=(self._config_defaults or Config()).merge(self._get_config()),
            verify=self.verify,
        )

    @cached_property
    def _session(self) -> Any:
        return self.get_session(region_name=self.region_name)

    @property
    def _where(self) -> str:
        connection = f"connection {self.aws_conn_id!r}" if self.aws_conn_id else "no connection"
        return f"{connection}, region {self.region_name}" if self.region_name else connection

    def call(self, service: str, method: str, **arguments: Any) -> dict[str, Any]:
        """Call one operation of a service.

        :param service: boto3's name of the service.
        :param method: the client's method, such as ``describe_pipeline``.
        :param arguments: the request.
        :return: the response.
        :raises SageMakerServiceError: in the service's words, when it refuses or cannot be reached; and where the
            installed boto3 is too old for the request.
        """
        client = self.client(service)
        operation = client.meta.method_to_api_mapping[method]
        require_known(client.meta.service_model.operation_model(operation), arguments)
        with service_words(operation, self._where):
            response: dict[str, Any] = getattr(client, method)(**arguments)
        if SERVES_PAGES in response["ResponseMetadata"]["HTTPHeaders"]:
            self.serves_pages = True
        return response

    def upload(self, content: bytes, s3_uri: str) -> None:
        """Write an object whose name tells its content, unless it is there already.

        Never look here for changing objects: what exists is taken to be the same.

        :param content: what to write.
        :param s3_uri: where, with the content's hash in the key.
        :raises SageMakerServiceError: in the service's words.
        """
        bucket, key = _split_s3_uri(s3_uri)
        try:
            self.call("s3", "head_object", Bucket=bucket, Key=key)
        except SageMakerServiceError as error:
            # The answer to HEAD has no body, so a refusal has no words: 403 for a missing object without s3:ListBucket,
            # 400 for expired credentials, a wrong region or a wrong key. PutObject decides, and says why.
            if error.retryable:
                raise
        else:
            return
        try:
            self.call("s3", "put_object", Bucket=bucket, Key=key, Body=content)
        except SageMakerServiceError as error:
            if error.code != "NoSuchBucket":
                raise
            raise SageMakerServiceError(
                f"There is no bucket '{bucket}', so {s3_uri} cannot be written. Create it in the region of the "
                f"pipeline, or set another artifact_uri ({error}). {see('nosuchbucket')}",
                code=error.code,
            ) from None

    def download(self, s3_uri: str, *, at_most: int) -> bytes:
        """Read an object.

        :param s3_uri: which.
        :param at_most: refuse a larger object; bytes.
        :raises SageMakerServiceError: in the service's words.
        :raises PipelineExecutionError: when it is larger.
        """
        bucket, key = _split_s3_uri(s3_uri)
        response = self.call("s3", "get_object", Bucket=bucket, Key=key)
        body = response["Body"]
        try:
            if response["ContentLength"] > at_most:
                raise PipelineExecutionError(
                    f"{s3_uri} has {response['ContentLength']} bytes; at most {at_most} are read"
                )
            with service_words("GetObject", self._where):
                return bytes(body.read())
        finally:
            body.close()


def _split_s3_uri(s3_uri: str) -> tuple[str, str]:
    bucket, slash, key = s3_uri.removeprefix("s3://").partition("/")
    if not s3_uri.startswith("s3://") or not bucket or not slash or not key:
        raise PipelineExecutionError(f"{s3_uri!r} names no S3 object; expected 's3://<bucket>/<key>'")
    return bucket, key
