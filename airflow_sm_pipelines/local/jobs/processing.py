"""Processing jobs: inputs at their LocalPath, the container's entry point as a process, outputs to S3."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from airflow_sm_pipelines.definition.step_types import RESOURCES, Resource
from airflow_sm_pipelines.local.jobs.files import local_path, output_path, said
from airflow_sm_pipelines.local.jobs.inputs import S3Input
from airflow_sm_pipelines.local.jobs.instances import Instance
from airflow_sm_pipelines.local.jobs.limits import Limits, processing_limits
from airflow_sm_pipelines.local.jobs.logs import last_error_line
from airflow_sm_pipelines.local.jobs.process_job import Plan, ProcessJob
from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory
from airflow_sm_pipelines.local.jobs.staging import S3Staging

_EXIT_MESSAGE_CHARACTERS = 1024


class ProcessingJob(ProcessJob):
    """A job made by CreateProcessingJob. See :class:`~airflow_sm_pipelines.local.jobs.process_job.ProcessJob`."""

    resource: ClassVar[Resource] = RESOURCES["processing-job"]
    timed_out_status: ClassVar[str] = "Failed"
    limits: ClassVar[Limits] = staticmethod(processing_limits)
    _exit_message = ""

    @property
    def image(self) -> str:
        """The application's image."""
        return str(self.request["AppSpecification"]["ImageUri"])

    def details(self) -> dict[str, Any]:
        """What the job said at its end."""
        return {"ExitMessage": self._exit_message} if self._exit_message else {}

    @property
    def instance_count(self) -> int:
        """The cluster's."""
        count: int = self._cluster_config.get("InstanceCount", 1)
        return count

    def prepare(self, instance: Instance, staging: S3Staging) -> Plan:
        """Download the inputs, make the output directories, write the two configuration files."""
        directory = instance.directory
        application = self.request["AppSpecification"]
        for item in self.request.get("ProcessingInputs", ()):
            if item.get("AppManaged"):
                continue
            source = item["S3Input"]
            target = local_path(directory, source.get("LocalPath"), item["InputName"])
            objects = S3Input(source, {}, self.request["RoleArn"]).objects(staging, instance)
            staging.fetch(objects, target, source["S3Uri"])
        for name, output in self._outputs():
            local_path(directory, output["LocalPath"], name).mkdir(parents=True, exist_ok=True)
        (directory.ml / "output").mkdir(exist_ok=True)
        configuration = directory.ml / "config"
        configuration.mkdir()
        (configuration / "processingjobconfig.json").write_text(
            json.dumps({"ProcessingJobArn": self.arn, **self.request}), encoding="utf-8"
        )
        (configuration / "resourceconfig.json").write_text(
            json.dumps(instance.resource_config(self._cluster_config["InstanceType"])), encoding="utf-8"
        )
        command = [*application["ContainerEntrypoint"], *application.get("ContainerArguments", ())]
        return Plan(command, {"PROCESSING_JOB_NAME": self.name})

    def collect(self, directories: Sequence[JobDirectory], staging: S3Staging, *, stopped: bool) -> None:
        """Upload the outputs of a job that completed. Continuous uploads happen at the end too."""
        self._read_exit_message(*directories)
        if stopped:
            return
        for name, output in self._outputs():
            made = [output_path(directory, output["LocalPath"], name) for directory in directories]
            staging.upload_directories(made, output["S3Uri"])

    def failure(self, directory: JobDirectory, exit_code: int, output: Sequence[str]) -> str:
        """The service's words, and the script's own last error line, which it leaves to the log."""
        self._read_exit_message(directory)
        error_line = last_error_line(output)
        reason = "AlgorithmError: See job logs for more information"
        if error_line:
            reason += f". Last error line: {error_line}"
        return f"{reason}, exit code: {exit_code}"

    def _outputs(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for item in self.request.get("ProcessingOutputConfig", {}).get("Outputs", ()):
            if item.get("AppManaged"):
                continue
            yield item["OutputName"], item["S3Output"]

    def _read_exit_message(self, *directories: JobDirectory) -> None:
        """Take what the first instance says that says something."""
        messages = (said(directory, "message", _EXIT_MESSAGE_CHARACTERS) for directory in directories)
        self._exit_message = next(filter(None, messages), "")

    @property
    def _cluster_config(self) -> Mapping[str, Any]:
        config: Mapping[str, Any] = self.request["ProcessingResources"]["ClusterConfig"]
        return config
