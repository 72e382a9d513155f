"""The hook for SageMaker pipelines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore import xform_name

from airflow_sm_pipelines.definition.changes import changes, shown_change, told
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.step_types import RESOURCES, Resource
from airflow_sm_pipelines.definition.steps import PropertyFile
from airflow_sm_pipelines.documentation import see
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, PipelineExecutionError, SageMakerServiceError
from airflow_sm_pipelines.execution.arn import ResourceArn
from airflow_sm_pipelines.execution.jobs import job_report, model_package_report
from airflow_sm_pipelines.execution.json_file import read_json_file
from airflow_sm_pipelines.execution.logs import LogEvent, log_location
from airflow_sm_pipelines.execution.outputs import outputs_of
from airflow_sm_pipelines.execution.report import StepResult
from airflow_sm_pipelines.execution.snapshot import StepSnapshot
from airflow_sm_pipelines.execution.step_lines import printable
from airflow_sm_pipelines.hooks.executions import PipelineExecutionsHook
from airflow_sm_pipelines.hooks.service_errors import NOT_FOUND
from airflow_sm_pipelines.hooks.tags import as_list, change_of, with_ours
from airflow_sm_pipelines.settings import PipelineOptions

_PROPERTY_FILE_BYTES = 2 * 1024 * 1024
"""SageMaker's limit for a property file."""

LARGE_DEFINITION_BYTES = 100 * 1024
"""From this size on the SageMaker SDK puts a definition into S3 and names the place. The service model allows a MiB in
the request; which of the two the service itself draws the line at is said nowhere."""

_NAMES_OF_JOBS = "pipelines-"
"""What the service begins the names of the processing and training jobs of steps with."""

_LOG_STREAMS = 10
"""How many instances' logs are read for the tail of a job's log."""


@dataclass(frozen=True)
class UpsertResult:
    """What :meth:`SageMakerPipelineHook.upsert_pipeline` did.

    :param pipeline_arn: the pipeline.
    :param action: ``created``, ``updated`` or ``unchanged``.
    :param tags: what changed in the tags of a pipeline that was there, as text; empty when nothing did.
    :param changes: what an update has changed since the pipeline's latest version, in lines for people.
    """

    pipeline_arn: str
    action: str
    tags: str = ""
    changes: tuple[str, ...] = ()

    def log_lines(self) -> list[str]:
        """Return what a task's log tells of it."""
        return [str(self), *(f"{self.action}: {line}" for line in self.changes)]

    def __str__(self) -> str:
        return f"Pipeline {self.pipeline_arn}: {self.action}{f'; tags: {self.tags}' if self.tags else ''}"


class SageMakerPipelineHook(PipelineExecutionsHook):
    """
    SageMaker pipelines and their executions, and what their steps write to S3 and CloudWatch Logs.

    Takes the arguments of :class:`~airflow_sm_pipelines.hooks.services.AwsServicesHook`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["client_type"] = "sagemaker"
        super().__init__(*args, **kwargs)

    # Pipelines

    def upsert_pipeline(
        self,
        *,
        pipeline_name: str,
        definition: str,
        role_arn: str,
        options: PipelineOptions | None = None,
        artifact_uri: str | None = None,
    ) -> UpsertResult:
        """Create or update the pipeline. Changes nothing when it is the same already: an update makes a version.

        :param pipeline_name: the pipeline.
        :param definition: the definition document, as JSON. Compared by its values, not its bytes.
        :param role_arn: the role that the pipeline runs with.
        :param options: further options of the pipeline; an existing pipeline keeps those that are ``None``.
        :param artifact_uri: ``s3://bucket/prefix``, where a definition of 100 KiB or more goes, under its hash, as the
            SageMaker SDK has it; ``None`` sends it in the request, whatever its size.
        :raises SageMakerServiceError: in the service's words.
        """
        options = PipelineOptions() if options is None else options
        texts = {
            "PipelineDisplayName": options.pipeline_display_name,
            "PipelineDescription": options.pipeline_description,
        }
        given = {member: text for member, text in texts.items() if text is not None}
        request: dict[str, Any] = {"PipelineName": pipeline_name, "RoleArn": role_arn, **given}
        current = self.describe_pipeline(pipeline_name)
        if current is None:
            request.update(self._definition_members(definition, artifact_uri))
            tags = as_list(with_ours(options.tags_by_key or {}))
            creation = {**request, "Tags": tags} if tags else request
            try:
                return UpsertResult(self.call("sagemaker", "create_pipeline", **creation)["PipelineArn"], "created")
            except SageMakerServiceError:
                # Another run may have created it between the two calls.
                current = self.describe_pipeline(pipeline_name)
                if current is None:
                    raise
        unchanged = (
            json.loads(current["PipelineDefinition"]) == json.loads(definition)
            and current["RoleArn"] == role_arn
            and all(current.get(member) == text for member, text in given.items())
        )
        arn, action = current["PipelineArn"], "unchanged"
        if not unchanged:
            request.update(self._definition_members(definition, artifact_uri))
            arn, action = self.call("sagemaker", "update_pipeline", **request)["PipelineArn"], "updated"
        changed = () if unchanged else tuple(_changes(current, definition, {"RoleArn": role_arn, **given}))
        return UpsertResult(arn, action, self._keep_tags(arn, options.tags_by_key), changed)

    def _keep_tags(self, arn: str, wanted: Mapping[str, str] | None) -> str:
        """Give a pipeline its Dag's tags, and say what changed."""
        if wanted is None:
            return ""
        change = change_of({tag["Key"]: tag["Value"] for tag in self._tags(arn)}, wanted)
        if change.remove:
            self.call("sagemaker", "delete_tags", ResourceArn=arn, TagKeys=list(change.remove))
        if change.add:
            self.call("sagemaker", "add_tags", ResourceArn=arn, Tags=as_list(change.add))
        return str(change)

    def _tags(self, arn: str) -> Iterator[Mapping[str, str]]:
        more: dict[str, str] = {}
        while True:
            page = self.call("sagemaker", "list_tags", ResourceArn=arn, **more)
            yield from page["Tags"]
            if not page.get("NextToken"):
                return
            more = {"NextToken": page["NextToken"]}

    def _definition_members(self, definition: str, artifact_uri: str | None) -> dict[str, Any]:
        """The members of a request that hold the definition, or say where in S3 it lies by then."""
        content = definition.encode()
        if artifact_uri is None or len(content) < LARGE_DEFINITION_BYTES:
            return {"PipelineDefinition": definition}
        uri = f"{artifact_uri.rstrip('/')}/definition/{hashlib.sha256(content).hexdigest()}.json"
        self.upload(content, uri)
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return {"PipelineDefinitionS3Location": {"Bucket": bucket, "ObjectKey": key}}

    def describe_pipeline(
        self,
        pipeline_name: str,
        *,
        pipeline_version_id: int | None = None,
        pipeline_version_alias: str | None = None,
    ) -> dict[str, Any] | None:
        """The response of DescribePipeline, or ``None`` when there is no such pipeline.

        :param pipeline_name: the pipeline.
        :param pipeline_version_id: which version of it; by default the latest.
        :param pipeline_version_alias: the version by its alias.
        :raises SageMakerServiceError: in the service's words.
        """
        version = {"PipelineVersionId": pipeline_version_id, "PipelineVersionAlias": pipeline_version_alias}
        given = {member: value for member, value in version.items() if value is not None}
        try:
            return self.call("sagemaker", "describe_pipeline", PipelineName=pipeline_name, **given)
        except SageMakerServiceError as error:
            if error.code in NOT_FOUND:
                return None
            raise

    # Steps

    def running_job_arns(self, resource_type: str) -> frozenset[str]:
        """The ARNs of all jobs of pipelines that run now; jobs that are stopping are not among them.

        :param resource_type: ``processing-job`` or ``training-job``.
        :raises SageMakerServiceError: in the service's words.
        """
        api, method = RESOURCES[resource_type].api, f"list_{resource_type.replace('-', '_')}s"
        jobs = self._listed(f"{api}Summaries", method, StatusEquals="InProgress", NameContains=_NAMES_OF_JOBS)
        return frozenset(job[f"{api}Arn"] for job in jobs)

    def collect_step_result(self, step: StepSnapshot, property_files: Sequence[PropertyFile] = ()) -> StepResult:
        """Read what a step produced: its job's outputs, and the contents of its property files.

        :param step: the step. One that did not succeed has no outputs.
        :param property_files: what to read.
        :raises SageMakerServiceError: in the service's words. Not for answers that are only reported.
        :raises PipelineExecutionError: when a property file is declared but not there, too large, or not what an XCom
            can hold.
        """
        made: dict[str, Any] = {}
        request: dict[str, Any] | None = None
        remarks: tuple[str, ...] = ()
        try:
            made, request = self._describe(step)
        except SageMakerServiceError as error:
            if step.status.is_success and _leaves_outputs(step):
                raise
            remarks = (f"The step's report has no request: {error}",)
        outputs = outputs_of(made) if step.status.is_success else {}
        uris: dict[str, str] = {}
        for file in property_files if step.status.is_success else ():
            if file.output_name not in outputs:
                raise PipelineExecutionError(
                    f"property file {file.name!r} of step {step.name!r} is declared for output "
                    f"{file.output_name!r}, but its job {step.job_arn} has the outputs {sorted(outputs)}"
                )
            uris[file.name] = file.uri_below(outputs[file.output_name])
        contents = {name: self._read_property_file(uri, name, step.name) for name, uri in uris.items()}
        resource = _resource(step)
        return StepResult(
            step,
            outputs,
            request,
            contents,
            uris,
            remarks,
            job=None if resource is None or not made else job_report(resource, made),
            model_package=model_package_report(made),
        )

    def describe_made(self, step: StepSnapshot) -> dict[str, Any]:
        """The service's description of what a step made: its job, model or model package; empty where it made none.

        :param step: the step.
        :raises SageMakerServiceError: in the service's words.
        """
        return self._describe(step)[0]

    def request_of(self, step: StepSnapshot) -> dict[str, Any] | None:
        """The request that made what a step made; ``None`` if the service does not report it.

        :param step: the step.
        :raises SageMakerServiceError: in the service's words.
        """
        return self._describe(step)[1]

    def _describe(self, step: StepSnapshot) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return what a step made as the service describes it, and of that what its request said.

        Nothing, and ``None``, where the step made nothing, or what botocore cannot ask about by its name.
        """
        resource = _resource(step)
        if resource is None:
            return {}, None
        model, named = self.client("sagemaker").meta.service_model, f"{resource.api}Name"
        describing = f"Describe{resource.api}"
        known = describing in model.operation_names
        if not known or model.operation_model(describing).input_shape.required_members != [named]:
            return {}, None
        # A model package is named by its ARN: its id may hold the name of a group and a version.
        name = step.job_arn if resource.type == "model-package" else ResourceArn.parse(str(step.job_arn)).resource_id
        made = self.call("sagemaker", xform_name(describing), **{named: name})
        members = model.operation_model(f"Create{resource.api}").input_shape.members
        return made, {member: made[member] for member in members if member in made}

    def _read_property_file(self, uri: str, name: str, step_name: str) -> Any:
        where = f"property file {name!r} of step {step_name!r}, {uri},"
        try:
            content = self.download(uri, at_most=_PROPERTY_FILE_BYTES)
        except SageMakerServiceError as error:
            if error.code in NOT_FOUND:
                raise PipelineExecutionError(
                    f"{where} is declared but the step did not write it. {error} {see('a-property-file-is-missing')}"
                ) from None
            raise
        return read_json_file(content, where)

    def read_json(self, s3_uri: str) -> Any:
        """Read a JSON file of at most two MiB, the limit of property files.

        :param s3_uri: which.
        :raises SageMakerServiceError: in the service's words.
        :raises PipelineExecutionError: when it is larger or not JSON.
        """
        return read_json_file(self.download(s3_uri, at_most=_PROPERTY_FILE_BYTES), s3_uri)

    def failure_report(self, step: StepSnapshot, lines: int = 20) -> list[str]:
        """What to tell about a failed step besides its reason: its job, and the last lines of the job's log.

        The step's failure is what counts: when the log cannot be read, a line says why.

        :param step: the step.
        :param lines: how many lines of the log at most.
        """
        return [] if step.job_arn is None else [f"Job: {step.job_arn}", *self.log_report(step.job_arn, lines)]

    def log_report(self, job_arn: str, lines: int) -> list[str]:
        """The last lines of a job's log as a task's log shows them; when they cannot be read, a line says why.

        :param job_arn: the job.
        :param lines: how many at most.
        """
        try:
            tail = self.log_tail(job_arn, lines)
        except SageMakerServiceError as error:
            return [f"The job's log cannot be shown: {error}"]
        head = [f"The last lines of the job's log ({len(tail)}):"] if tail else []
        return head + [f"    {line}" for line in tail]

    def log_tail(self, job_arn: str, lines: int = 20) -> list[str]:
        """The last lines of a job's log, all instances together in the order of time.

        :param job_arn: the job.
        :param lines: how many lines at most.
        :return: nothing for a job without a log.
        :raises SageMakerServiceError: in the service's words.
        """
        return [event.message for event in self.log_events(job_arn, lines)]

    def log_events(self, job_arn: str, lines: int) -> list[LogEvent]:
        """As :meth:`log_tail`, each line with its time.

        Reads at most ten instances' logs.

        :param job_arn: the job.
        :param lines: how many lines at most.
        :raises SageMakerServiceError: in the service's words.
        """
        location = log_location(job_arn)
        if location is None or lines < 1:
            return []
        try:
            streams = self.call(
                "logs",
                "describe_log_streams",
                logGroupName=location.group,
                logStreamNamePrefix=location.stream_prefix,
                limit=_LOG_STREAMS,
            )["logStreams"]
            events = [
                event
                for stream in streams
                for event in self.call(
                    "logs",
                    "get_log_events",
                    logGroupName=location.group,
                    logStreamName=stream["logStreamName"],
                    limit=lines,
                    startFromHead=False,
                )["events"]
            ]
        except SageMakerServiceError as error:
            if error.code in NOT_FOUND:
                return []
            raise
        events.sort(key=lambda event: event["timestamp"])
        return [LogEvent.from_response(event) for event in events[-lines:]]


def _changes(current: Mapping[str, Any], definition: str, members: Mapping[str, str]) -> list[str]:
    """What an update changes, in lines.

    :param current: the response of DescribePipeline before it.
    :param definition: the new definition.
    :param members: what else the request says.
    """
    lines: list[str] = []
    try:
        before, after = map(PipelineDefinition.from_json, (str(current["PipelineDefinition"]), definition))
        lines = list(map(printable, told(changes(before, after))))
    except PipelineDefinitionError as error:
        lines = [f"the definition; its changes cannot be shown: {error.problems[0]}"]
    lines += [
        f"{member} {shown_change(current.get(member), value)}"
        for member, value in members.items()
        if current.get(member) != value
    ]
    return lines


def _resource(step: StepSnapshot) -> Resource | None:
    return None if step.job_arn is None else RESOURCES.get(ResourceArn.parse(step.job_arn).resource_type)


def _leaves_outputs(step: StepSnapshot) -> bool:
    resource = _resource(step)
    return resource is not None and resource.type in ("processing-job", "training-job")
