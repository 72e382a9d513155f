"""Training jobs: channels, hyperparameters and script mode under ``/opt/ml``, the model as an archive in S3."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from airflow_sm_pipelines.definition.step_types import RESOURCES, Resource
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.jobs.algorithms import algorithm_asked_for
from airflow_sm_pipelines.local.jobs.files import local_path, output_path, said
from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.jobs.inputs import S3Input
from airflow_sm_pipelines.local.jobs.instances import Instance
from airflow_sm_pipelines.local.jobs.job import FAILURE_REASON_CHARACTERS
from airflow_sm_pipelines.local.jobs.limits import Limits, training_limits
from airflow_sm_pipelines.local.jobs.logs import last_error_line
from airflow_sm_pipelines.local.jobs.pipes import Pipe
from airflow_sm_pipelines.local.jobs.process_job import Plan, ProcessJob
from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory
from airflow_sm_pipelines.local.jobs.staging import S3Staging

_TOOLKIT = "sagemaker_training.cli.train"
_PROGRAM_DIRECTORY = ".container"
_FAILURE_CHARACTERS = 65536  # far more than a reason has room for; the file may be of any size
_TOOLKIT_FAILURE = "Reporting training FAILURE"

_SECONDARY_STATUS = {"Downloading": "Downloading", "Running": "Training", "Uploading": "Uploading"}
SECONDARY_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}


class Tuner(Protocol):
    """What launches training jobs to compare them: a tuning job.

    Both methods are called in the training job's threads, without its lock, and return at once.
    """

    @property
    def arn(self) -> str:
        """The ARN that its training jobs show as TuningJobArn."""

    def training_job_measured(self, name: str, metric: str, value: float) -> None:
        """Take note of a value that a training job has printed.

        :param name: the training job.
        :param metric: the metric's name.
        :param value: its value.
        """

    def training_job_ended(self, name: str) -> None:
        """Take note that a training job has ended, as can be seen now.

        :param name: the training job.
        """


class TrainingJob(ProcessJob):
    """A job made by CreateTrainingJob, or by a tuning job.

    :param name: the job's name.
    :param request: the create request, already checked against the service model.
    :param host: where it runs.
    :param tuner: the tuning job that launches it.
    :raises ValidationError: a metric's regular expression is none.
    """

    resource: ClassVar[Resource] = RESOURCES["training-job"]
    limits: ClassVar[Limits] = staticmethod(training_limits)

    def __init__(self, name: str, request: Mapping[str, Any], host: JobHost, tuner: Tuner | None = None) -> None:
        super().__init__(name, request, host)
        self._tuner = tuner
        self._algorithm = algorithm_asked_for(request)
        self._metric_patterns = metric_patterns(request)
        self._metrics: dict[str, dict[str, Any]] = {}
        self._transitions: list[tuple[str, dt.datetime]] = [("Starting", self.creation_time)]

    @property
    def image(self) -> str:
        """The training image. An algorithm that is named instead has none."""
        return str(self.request.get("AlgorithmSpecification", {}).get("TrainingImage", ""))

    @property
    def output_uri(self) -> str:
        """The prefix that everything this job makes is stored under."""
        return output_uri(self.request, self.name)

    @property
    def model_uri(self) -> str:
        """Where the model is, or will be."""
        compressed = self.request["OutputDataConfig"].get("CompressionType", "GZIP") == "GZIP"
        return f"{self.output_uri}/model.tar.gz" if compressed else f"{self.output_uri}/model/"

    def details(self) -> dict[str, Any]:
        """The model, the secondary status, the times and the metrics."""
        flags = ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining")
        shown = {
            **{flag: False for flag in flags if flag not in self.request},
            **({} if self._tuner is None else {"TuningJobArn": self._tuner.arn}),
            # Without a key the service shows an empty one, and the SageMaker SDK 2 reads it when it attaches to a job.
            "OutputDataConfig": {"KmsKeyId": "", **self.request["OutputDataConfig"]},
            "ModelArtifacts": {"S3ModelArtifacts": self.model_uri},
            "SecondaryStatus": "Stopping" if self._status == "Stopping" else self._transitions[-1][0],
            "SecondaryStatusTransitions": self._shown_transitions(),
        }
        if self._start_time is not None and self._end_time is not None:
            seconds = max(1, round((self._end_time - self._start_time).total_seconds()))
            shown |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
        if self._metrics:
            shown["FinalMetricDataList"] = list(self._metrics.values())
        return shown

    @property
    def instance_count(self) -> int:
        """That of its resources."""
        count: int = self._resources.get("InstanceCount", 1)
        return count

    def prepare(self, instance: Instance, staging: S3Staging) -> Plan:
        """Provide the channels, write the configuration files, choose what to run."""
        directory = instance.directory
        command = self._command(directory)
        pipes: list[Pipe] = []
        for channel in self.request.get("InputDataConfig", ()):
            source = channel["DataSource"]["S3DataSource"]
            found = S3Input(source, channel, self.request["RoleArn"])
            target = directory.ml / "input" / "data" / channel["ChannelName"]
            if self._mode(channel) == "Pipe":
                pipes.append(Pipe(target, found.epochs(staging, instance).records))
            else:
                staging.fetch(found.objects(staging, instance), target, source["S3Uri"])
        channels = {each["ChannelName"]: self._shown(each) for each in self.request.get("InputDataConfig", ())}
        for name in ("model", "output/data", "input/config", "code"):
            (directory.ml / name).mkdir(parents=True, exist_ok=True)
        configuration = directory.ml / "input" / "config"
        for file, content in (
            ("hyperparameters.json", self.request.get("HyperParameters", {})),
            ("resourceconfig.json", instance.resource_config(self._resources.get("InstanceType", "local"))),
            ("inputdataconfig.json", channels),
        ):
            (configuration / file).write_text(json.dumps(content), encoding="utf-8")
        if "CheckpointConfig" in self.request:
            uri = self.request["CheckpointConfig"]["S3Uri"]
            target = self._checkpoints(directory, local_path)
            staging.download(uri, target, self.request["RoleArn"], required=False)
        variables = {
            "TRAINING_JOB_NAME": self.name,
            "TRAINING_JOB_ARN": self.arn,
            "S3_ENDPOINT_URL": self.host.endpoint_url,
            **({} if self._algorithm is None else self._algorithm.variables),
        }
        return Plan(command, variables, tuple(pipes))

    def collect(self, directories: Sequence[JobDirectory], staging: S3Staging, *, stopped: bool) -> None:
        """Store the model, other output and checkpoints. A stopped job keeps what it had saved, as on AWS.

        What the instances have made goes into one archive, as on AWS.
        """
        is_archive = not self.model_uri.endswith("/")
        place = local_path if is_archive else output_path  # in an archive, links stay what they are
        models = [place(directory, "/opt/ml/model", "the model") for directory in directories]
        scratch = directories[0].root / "tmp"
        if not is_archive:
            staging.upload_directories(models, self.model_uri)
        elif not stopped or any(map(_has_content, models)):
            staging.upload_archive(models, self.model_uri, scratch)
        data = [local_path(directory, "/opt/ml/output/data", "the output data") for directory in directories]
        if any(map(_has_content, data)):
            staging.upload_archive(data, f"{self.output_uri}/output.tar.gz", scratch)
        if "CheckpointConfig" in self.request:
            checkpoints = [self._checkpoints(directory, output_path) for directory in directories]
            staging.upload_directories(checkpoints, self.request["CheckpointConfig"]["S3Uri"])

    def failure(self, directory: JobDirectory, exit_code: int, output: Sequence[str]) -> str:
        """What the algorithm wrote to ``/opt/ml/output/failure``; the last error line is always in it.

        The toolkit can put the script's standard error into that file itself, but then cuts lines wherever the
        pipe did. So it is left to write ``ErrorMessage ""``, and the line is put in here.
        """
        error_line = last_error_line(self.of_script(output))
        failure = said(directory, "failure", _FAILURE_CHARACTERS).strip()
        failure = failure.replace('ErrorMessage ""', f'ErrorMessage "{error_line}"', 1)
        reason = f"AlgorithmError: {failure or error_line}, exit code: {exit_code}"
        if error_line not in reason[:FAILURE_REASON_CHARACTERS]:
            tail = f" ... {error_line[: FAILURE_REASON_CHARACTERS // 2]}, exit code: {exit_code}"
            reason = reason[: FAILURE_REASON_CHARACTERS - len(tail)] + tail
        return reason

    def of_script(self, output: Sequence[str]) -> Sequence[str]:
        """Return the output without what the toolkit adds when the script has failed.

        :param output: the last lines of the job's output.
        """
        for index, line in enumerate(output):
            if "sagemaker-training-toolkit" in line and _TOOLKIT_FAILURE in line:
                return output[:index]
        return output

    def observe(self, line: str) -> None:
        """Find the metrics that MetricDefinitions describe, and built-in ones; the last value of each counts."""
        for name, pattern in self._metric_patterns.items():
            match = pattern.search(line)
            if match is not None and match.lastindex:
                with contextlib.suppress(ValueError):  # a match that is not a number is not a value of the metric
                    self._measured(name, float(match[1]))

    def phase(self, name: str) -> None:
        """Note the secondary status."""
        status = "MaxRuntimeExceeded" if name == "Stopped" and self._timed_out else _SECONDARY_STATUS.get(name, name)
        self._transitions.append((status, now()))

    def ended(self) -> None:
        """Tell the tuning job, where there is one."""
        if self._tuner is not None:
            self._tuner.training_job_ended(self.name)

    def _measured(self, name: str, value: float) -> None:
        with self._lock:
            self._metrics[name] = {"MetricName": name, "Value": value, "Timestamp": now()}
        if self._tuner is not None:
            self._tuner.training_job_measured(self.name, name, value)

    def _command(self, directory: JobDirectory) -> Sequence[str]:
        algorithm = self.request.get("AlgorithmSpecification", {})
        entry_point = algorithm.get("ContainerEntrypoint")
        if entry_point:
            return [*entry_point, *algorithm.get("ContainerArguments", ())]
        if self._algorithm is None:
            return ["python3", "-m", _TOOLKIT]
        # A copy: what is installed below /opt/ml is hidden from the job.
        program = directory.ml / _PROGRAM_DIRECTORY / self._algorithm.program.name
        program.parent.mkdir()
        shutil.copyfile(self._algorithm.program, program)
        return ["python3", f"/opt/ml/{_PROGRAM_DIRECTORY}/{program.name}", *self._algorithm.arguments]

    def _mode(self, channel: Mapping[str, Any]) -> str:
        mode: str = channel.get("InputMode", self.request["AlgorithmSpecification"]["TrainingInputMode"])
        return mode

    def _shown(self, channel: Mapping[str, Any]) -> dict[str, str]:
        """A channel as ``inputdataconfig.json`` has it."""
        source = channel["DataSource"]["S3DataSource"]
        shown = {
            "TrainingInputMode": self._mode(channel),
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        if "ContentType" in channel:
            shown["ContentType"] = channel["ContentType"]
        return shown

    @property
    def _resources(self) -> Mapping[str, Any]:
        resources: Mapping[str, Any] = self.request.get("ResourceConfig", {})
        return resources

    def _checkpoints(self, directory: JobDirectory, place: Callable[[JobDirectory, str | None, str], Path]) -> Path:
        path = self.request["CheckpointConfig"].get("LocalPath", "/opt/ml/checkpoints")
        return place(directory, path, "CheckpointConfig")

    def _shown_transitions(self) -> list[dict[str, Any]]:
        ends = [{"EndTime": start} for _, start in self._transitions[1:]]
        ends.append({} if self._end_time is None else {"EndTime": self._end_time})
        return [
            {"Status": status, "StartTime": start, "StatusMessage": SECONDARY_MESSAGES[status], **end}
            for (status, start), end in zip(self._transitions, ends, strict=True)
        ]


def output_uri(request: Mapping[str, Any], name: str) -> str:
    """The prefix that everything a training job makes is stored under.

    :param request: its create request, or its description.
    :param name: its name.
    """
    return f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{name}/output"


def metric_patterns(request: Mapping[str, Any]) -> dict[str, re.Pattern[str]]:
    """Return how the metrics of a training job are found in what it prints: of each the regular expression.

    :param request: the create request.
    :raises ValidationError: a regular expression is none.
    """
    algorithm = algorithm_asked_for(request)
    built_in = {} if algorithm is None else algorithm.metrics
    patterns = {name: re.compile(regex) for name, regex in built_in.items()}
    for each in request.get("AlgorithmSpecification", {}).get("MetricDefinitions", ()):
        try:
            patterns[each["Name"]] = re.compile(each["Regex"])
        except re.error as error:
            raise ValidationError(
                f"The Regex of metric definition '{each['Name']}' is not a regular expression: {error}"
            ) from error
    return patterns


def _has_content(path: Path) -> bool:
    return path.is_dir() and any(path.iterdir())
