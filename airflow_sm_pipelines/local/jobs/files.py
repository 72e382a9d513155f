"""Where a job's files are, and which ways of getting them are not run here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_sm_pipelines.local.jobs.job import JobFailedError
from airflow_sm_pipelines.local.jobs.sandbox import HOST_NAME, JobDirectory


def local_path(directory: JobDirectory, path: str | None, name: str) -> Path:
    """Where a job's LocalPath is on this machine.

    :param directory: The job's directory.
    :param path: The LocalPath.
    :param name: The input or output, for the message.
    :raises JobFailedError: It is missing, or not below ``/opt/ml``.
    """
    if path is None:
        raise JobFailedError(f"ClientError: {name!r} has no LocalPath")
    try:
        return directory.inside(path)
    except ValueError as error:
        raise JobFailedError(f"ClientError: the LocalPath of {name!r} is wrong: {error}") from error


def only_file_mode(mode: str, data_type: str, name: str) -> None:
    """Refuse the ways of reading data that would be something else here than on AWS.

    FastFile shows the same files as File, so it is run as File.

    :param mode: ``File``, ``FastFile`` or ``Pipe``.
    :param data_type: ``S3Prefix``, ``ManifestFile``, ...
    :param name: The input, for the message.
    :raises JobFailedError: The mode or type is not run here.
    """
    if mode not in ("File", "FastFile") or data_type != "S3Prefix":
        raise JobFailedError(
            f"ClientError: the input {name!r} asks for {data_type} in {mode} mode; the local endpoint runs S3Prefix"
            " in File and FastFile mode."
        )


def only_one_instance(count: int) -> None:
    """Refuse clusters.

    :param count: InstanceCount.
    :raises JobFailedError: It is more than one.
    """
    if count != 1:
        raise JobFailedError(
            f"ClientError: the job asks for {count} instances; the local endpoint runs jobs on one. Set InstanceCount"
            " to 1."
        )


def resource_config(instance_type: str) -> dict[str, Any]:
    """The content of ``resourceconfig.json``.

    :param instance_type: As requested; no such machine is started.
    """
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance_type, "hosts": [HOST_NAME]}
    return {
        "current_host": HOST_NAME,
        "current_instance_type": instance_type,
        "current_group_name": "homogeneousCluster",
        "hosts": [HOST_NAME],
        "instance_groups": [group],
        "network_interface_name": "lo",
    }
