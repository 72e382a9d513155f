"""Transform jobs: a model's predictions for objects in S3, by a process that serves the model.

The work around the model is done here: the objects are split, filtered and put into requests before the process
starts, and its answers are joined, filtered, assembled and stored after it has ended. Like on AWS, an object with a
request that fails has no output, the other objects have theirs, and the job fails.
"""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Final, cast

from airflow_sm_pipelines.definition.step_types import RESOURCES, Resource
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.jobs.data_processing import DataProcessing, DataProcessingError
from airflow_sm_pipelines.local.jobs.files import made_file
from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.jobs.instances import Instance
from airflow_sm_pipelines.local.jobs.job import JobFailedError
from airflow_sm_pipelines.local.jobs.limits import Limits, transform_limits
from airflow_sm_pipelines.local.jobs.logs import LogStream, last_error_line
from airflow_sm_pipelines.local.jobs.models import Model
from airflow_sm_pipelines.local.jobs.process_job import Plan, ProcessJob
from airflow_sm_pipelines.local.jobs.records import (
    MEGABYTE,
    Batch,
    PayloadTooLargeError,
    Record,
    assemble,
    batches,
    split,
)
from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory
from airflow_sm_pipelines.local.jobs.staging import S3Staging

PROGRAM: Final = "serving.py"
"""What serves the model, of :mod:`airflow_sm_pipelines.local.containers`."""

_PLACE: Final = ".transform"
_DEFAULT_MEGABYTES: Final = 6
_DEFAULT_TIMEOUT_SECONDS: Final = 600
_LONGEST_HEADER: Final = 10_000
_OK: Final = 200
_SERVER_ERROR: Final = 500
_SEE_LOGS: Final = "See job logs for more information"
_STRATEGIES: Final = {"MultiRecord": "MULTI_RECORD", "SingleRecord": "SINGLE_RECORD"}
_BAD_ANSWERS: Final = "the process left answers that cannot be read"


class _ObjectFailedError(Exception):
    """There is no output for an object.

    :param reason: why.
    :param kind: the first word of the job's FailureReason: ``ClientError`` or ``AlgorithmError``.
    :param lines: what the log says; the reason by default.
    """

    def __init__(self, reason: str, kind: str = "ClientError", lines: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.kind = kind
        self.lines = lines or (reason,)


@dataclass
class _Object:
    """An object that is transformed.

    :param file: where its content is.
    :param name: its place below the input's prefix, which its output has below the output's.
    :param shown: what the log calls it: bucket and key.
    :param error: why there is no output; ``None`` as long as there may be one.
    """

    file: Path
    name: str
    shown: str
    error: _ObjectFailedError | None = field(default=None)


class TransformJob(ProcessJob):
    """A job made by CreateTransformJob. See :class:`~airflow_sm_pipelines.local.jobs.process_job.ProcessJob`.

    :raises ValidationError: there is no such model.
    """

    resource: ClassVar[Resource] = RESOURCES["transform-job"]
    limits: ClassVar[Limits] = staticmethod(transform_limits)

    def __init__(self, name: str, request: Mapping[str, Any], host: JobHost) -> None:
        super().__init__(name, request, host)
        self._model = Model.find(request["ModelName"], host.clients)
        self._objects: list[_Object] = []
        self._log_stream = ""

    def describe(self) -> dict[str, Any]:
        """The job as DescribeTransformJob shows it, which has no time of the last change."""
        hidden = ("StoppingCondition", "LastModifiedTime")
        return {key: value for key, value in super().describe().items() if key not in hidden}

    def details(self) -> dict[str, Any]:
        """What the request leaves to its defaults."""
        return {
            "TransformInput": {"CompressionType": "None", "SplitType": "None", **self.request["TransformInput"]},
            "TransformOutput": {"AssembleWith": "None", **self.request["TransformOutput"]},
            "DataProcessing": {
                "InputFilter": "$",
                "OutputFilter": "$",
                "JoinSource": "None",
                **self.request.get("DataProcessing", {}),
            },
        }

    @property
    def instance_count(self) -> int:
        """One, whatever the request asks for: more of them would make the same of the same objects."""
        return 1

    @property
    def image(self) -> str:
        """The image of the model."""
        return self._model.image.uri if self._model.containers else ""

    def prepare(self, instance: Instance, staging: S3Staging) -> Plan:
        """Download model and objects, and write the requests."""
        directory = instance.directory
        self._log_stream = f"{self.name}/{instance.host}-{int(time.time())}/data-log"
        environment = {**self._model.environment, **self.request.get("Environment", {})}
        for limit in self._model.limits(environment):
            raise JobFailedError(f"ClientError: {limit}.")
        code = self._model.put(directory, staging, environment)
        self._download(directory.root / "input", staging)
        place = directory.ml / _PLACE
        for name in ("requests", "responses"):
            (place / name).mkdir(parents=True)
        for number, each in enumerate(self._objects):
            try:
                _write_requests(place / "requests" / _file_name(number), self._batches(each))
            except _ObjectFailedError as error:
                each.error = error
                (place / "requests" / _file_name(number)).write_bytes(b"")
        (place / "configuration.json").write_text(json.dumps(self._configuration(code)), encoding="utf-8")
        containers = resources.files("airflow_sm_pipelines.local.containers")
        (place / PROGRAM).write_text((containers / PROGRAM).read_text(encoding="utf-8"), encoding="utf-8")
        command = ["python3", f"/opt/ml/{_PLACE}/{PROGRAM}", f"/opt/ml/{_PLACE}"]
        return Plan(command, {**self._model.environment, **self._variables()})

    def collect(self, directories: Sequence[JobDirectory], staging: S3Staging, *, stopped: bool) -> None:
        """Store what the objects became, and say in the log which of them failed. A stopped job stores nothing."""
        if stopped:
            return
        (directory,) = directories
        transformed = directory.root / "output"
        for number, each in enumerate(self._objects):
            try:
                if each.error is not None:
                    raise each.error
                output = self._output(each, directory.ml / _PLACE / "responses", _file_name(number))
            except _ObjectFailedError as error:
                each.error = error
                continue
            target = transformed / f"{each.name}.out"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(output)
        staging.upload_directory(transformed, self.request["TransformOutput"]["S3OutputPath"])
        self._write_data_log()
        for each in self._objects:
            if each.error is not None:
                raise JobFailedError(f"{each.error.kind}: {_SEE_LOGS}. {each.shown}: {each.error}")

    def failure(self, directory: JobDirectory, exit_code: int, output: Sequence[str]) -> str:  # noqa: ARG002 - of all jobs
        """The service's words, and the last error line: the process fails when the model cannot be loaded."""
        line = last_error_line(output)
        return f"AlgorithmError: {_SEE_LOGS}" + (f". Last error line: {line}" if line else "")

    @cached_property
    def _processing(self) -> DataProcessing:
        return DataProcessing.of(self.request)

    @property
    def _most_megabytes(self) -> int:
        megabytes: int = self.request.get("MaxPayloadInMB", _DEFAULT_MEGABYTES)
        return megabytes

    def _configuration(self, code: str | None) -> dict[str, Any]:
        client = self.request.get("ModelClientConfig", {})
        return {
            "framework": self._model.image.framework,
            "code": code,
            "objects": len(self._objects),
            "content_type": self.request["TransformInput"].get("ContentType"),
            "accept": self.request["TransformOutput"].get("Accept"),
            "timeout": client.get("InvocationsTimeoutInSeconds", _DEFAULT_TIMEOUT_SECONDS),
        }

    def _variables(self) -> dict[str, str]:
        """What the container of a transform job gets; the last three only where the request has them."""
        asked = {
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": self.request.get("MaxPayloadInMB"),
            "SAGEMAKER_BATCH_STRATEGY": _STRATEGIES.get(self.request.get("BatchStrategy", "")),
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": self.request.get("MaxConcurrentTransforms"),
        }
        given = {name: str(value) for name, value in asked.items() if value is not None}
        return {"SAGEMAKER_BATCH": "true", "SM_MODEL_DIR": "/opt/ml/model", **given}

    def _download(self, directory: Path, staging: S3Staging) -> None:
        uri = self.request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        files = staging.download(uri, directory, self._model.role_arn)
        self._objects = [
            _Object(file, file.relative_to(directory).as_posix(), f"{each.bucket}/{each.key}")
            for file, each in sorted(files.items(), key=lambda item: item[1].key)
        ]

    def _batches(self, each: _Object) -> Iterator[Batch]:
        """The requests that an object makes."""
        source = self.request["TransformInput"]
        by_line = source.get("SplitType", "None") == "Line"
        is_compressed = source.get("CompressionType", "None") == "Gzip"
        several = self.request.get("BatchStrategy", "MultiRecord") == "MultiRecord"
        most = self._most_megabytes * MEGABYTE if self._most_megabytes else None
        try:
            with _opened(each.file, is_compressed=is_compressed) as content:
                records = (Record(record, self._processing.sent(record)) for record in split(content, by_line=by_line))
                yield from batches(records, several=several, most_bytes=most)
        except (PayloadTooLargeError, DataProcessingError) as error:
            raise _ObjectFailedError(str(error)) from error
        except (OSError, EOFError, zlib.error) as error:
            raise _ObjectFailedError(f"Failed to decompress the object: {error}") from error

    def _output(self, each: _Object, responses: Path, name: str) -> bytes:
        """What is stored for an object.

        :raises _ObjectFailedError: the model has refused a request, or the answer does not fit.
        """
        stored: list[bytes] = []
        file = made_file(responses, name)
        if file is None:
            raise _ObjectFailedError(_BAD_ANSWERS, "AlgorithmError")
        with file:
            for batch in self._batches(each):
                status, body = _read_response(file)
                if status != _OK:
                    raise _refusal(status, body)
                try:
                    stored.append(self._processing.stored(batch, body))
                except DataProcessingError as error:
                    raise _ObjectFailedError(str(error)) from error
        with_lines = self.request["TransformOutput"].get("AssembleWith", "None") == "Line"
        return assemble(stored, with_lines=with_lines)

    def _write_data_log(self) -> None:
        """What AWS writes in a stream beside the container's."""
        stream = LogStream(self.host.clients["logs"], str(self.resource.log_group), self._log_stream)
        strategy = _STRATEGIES[self.request.get("BatchStrategy", "MultiRecord")]
        concurrent = self.request.get("MaxConcurrentTransforms") or 1
        lines = [
            f"MaxConcurrentTransforms={concurrent}, MaxPayloadInMB={self._most_megabytes}, BatchStrategy={strategy}",
            *(f"{each.shown}: {line}" for each in self._objects if each.error for line in each.error.lines),
        ]
        for line in lines:
            stream.write(f"{now():%Y-%m-%dT%H:%M:%S}.{now().microsecond // 1000:03}:[sagemaker logs]: {line}")
        stream.close()


def _refusal(status: int, body: bytes) -> _ObjectFailedError:
    """Why there is no output when the model answers a request with a status that is not 200."""
    said = body.decode("utf-8", "replace").splitlines()
    reason = last_error_line(said) or f"status {status}"
    if status < _SERVER_ERROR:
        return _ObjectFailedError(reason, lines=[f"ClientError: {status}", "", "Message:", *said])
    lines = [*said, f"Bad HTTP status received from algorithm: {status}"]
    return _ObjectFailedError(reason, "AlgorithmError", lines)


def _file_name(number: int) -> str:
    return f"{number:06}"


def _opened(file: Path, *, is_compressed: bool) -> BinaryIO:
    # A GzipFile has all that is asked of a file; its type does not say so.
    return cast("BinaryIO", gzip.open(file, "rb")) if is_compressed else file.open("rb")


def _write_requests(file: Path, requests: Iterator[Batch]) -> None:
    with file.open("wb") as out:
        for request in requests:
            body = request.payload
            out.write(json.dumps({"length": len(body)}).encode() + b"\n" + body)


def _read_response(file: BinaryIO) -> tuple[int, bytes]:
    """The status and the body of the next response. The process can have left anything there."""
    try:
        header = json.loads(file.readline(_LONGEST_HEADER))
        status, length = int(header["status"]), int(header["length"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _ObjectFailedError(_BAD_ANSWERS, "AlgorithmError") from error
    body = file.read(max(length, 0))
    if len(body) != length:
        raise _ObjectFailedError(_BAD_ANSWERS, "AlgorithmError")
    return status, body
