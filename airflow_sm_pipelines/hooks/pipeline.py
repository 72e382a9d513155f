"""The hook for SageMaker pipelines."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerServiceError
from airflow_sm_pipelines.execution.arn import ResourceArn
from airflow_sm_pipelines.execution.logs import log_location
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.hooks.results import StepResult, UpsertResult
from airflow_sm_pipelines.hooks.service_errors import NOT_FOUND
from airflow_sm_pipelines.hooks.services import AwsServicesHook

#: SageMaker's limit for a property file.
_PROPERTY_FILE_BYTES = 2 * 1024 * 1024

#: How many instances' logs are read for the tail of a job's log.
_LOG_STREAMS = 10


class SageMakerPipelineHook(AwsServicesHook):
    """
    SageMaker pipelines and their executions, with what their steps leave in S3 and in CloudWatch Logs.

    Takes the arguments of :class:`AwsServicesHook`.
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
        description: str | None = None,
        tags: Sequence[Mapping[str, str]] | None = None,
    ) -> UpsertResult:
        """Make the pipeline be as defined. Changes nothing when it already is: an update makes a new version.

        Does not change the tags of a pipeline that exists.

        :param pipeline_name: the pipeline.
        :param definition: the definition document, as JSON. Compared by its values, not its bytes.
        :param role_arn: the role that the pipeline runs with.
        :param description: the pipeline's description; ``None`` leaves that of an existing pipeline.
        :param tags: ``[{"Key": ..., "Value": ...}]`` for a new pipeline.
        :raises SageMakerServiceError: in the service's words.
        """
        request: dict[str, Any] = {
            "PipelineName": pipeline_name,
            "PipelineDefinition": definition,
            "RoleArn": role_arn,
        }
        if description is not None:
            request["PipelineDescription"] = description
        current = self.describe_pipeline(pipeline_name)
        if current is None:
            creation = {**request, "Tags": [dict(tag) for tag in tags]} if tags else request
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
            and description in (None, current.get("PipelineDescription"))
        )
        if unchanged:
            return UpsertResult(current["PipelineArn"], "unchanged")
        return UpsertResult(self.call("sagemaker", "update_pipeline", **request)["PipelineArn"], "updated")

    def describe_pipeline(self, pipeline_name: str) -> dict[str, Any] | None:
        """The response of DescribePipeline, or ``None`` when there is no such pipeline.

        :param pipeline_name: the pipeline.
        :raises SageMakerServiceError: in the service's words.
        """
        try:
            return self.call("sagemaker", "describe_pipeline", PipelineName=pipeline_name)
        except SageMakerServiceError as error:
            if error.code in NOT_FOUND:
                return None
            raise

    # Executions

    def execution_definition(self, pipeline_execution_arn: str) -> str:
        """The definition that an execution runs, as JSON: that of the pipeline when it was started.

        :param pipeline_execution_arn: the execution.
        :raises SageMakerServiceError: in the service's words.
        """
        response = self.call(
            "sagemaker",
            "describe_pipeline_definition_for_execution",
            PipelineExecutionArn=pipeline_execution_arn,
        )
        return str(response["PipelineDefinition"])

    def stop_execution(self, pipeline_execution_arn: str) -> None:
        """Ask the service to stop an execution; does not wait until it has stopped.

        :param pipeline_execution_arn: the execution.
        :raises SageMakerServiceError: in the service's words, such as when it is not executing any more.
        """
        self.call(
            "sagemaker",
            "stop_pipeline_execution",
            PipelineExecutionArn=pipeline_execution_arn,
            # A new one each time: with the token of an earlier stop, one after a resume would be taken for a repetition.
            ClientRequestToken=uuid.uuid4().hex,
        )

    def retry_execution(self, pipeline_execution_arn: str, *, client_request_token: str) -> None:
        """Have the service go on with an execution that failed or was stopped: it runs the failed steps again.

        The ARN, the definition and the parameters stay the same. Does not wait.

        :param pipeline_execution_arn: the execution.
        :param client_request_token: 32 to 128 characters; the same token never retries a second time.
        :raises SageMakerServiceError: in the service's words, such as when the execution is not over.
        """
        self.call(
            "sagemaker",
            "retry_pipeline_execution",
            PipelineExecutionArn=pipeline_execution_arn,
            ClientRequestToken=client_request_token,
        )

    def execution_parameters(self, pipeline_execution_arn: str) -> dict[str, str]:
        """The values that an execution was started with, by pipeline parameter; defaults are not among them.

        :param pipeline_execution_arn: the execution.
        :raises SageMakerServiceError: in the service's words.
        """
        return {
            parameter["Name"]: parameter["Value"]
            for page in self._pages(
                "list_pipeline_parameters_for_execution", PipelineExecutionArn=pipeline_execution_arn, MaxResults=100
            )
            for parameter in page.get("PipelineParameters", ())
        }

    def start_execution(
        self,
        *,
        pipeline_name: str,
        parameters: Mapping[str, str],
        client_request_token: str,
        display_name: str | None = None,
    ) -> str:
        """Start an execution, or find the one that was started with the same token.

        :param pipeline_name: the pipeline.
        :param parameters: start values of pipeline parameters; the service takes strings only.
        :param client_request_token: 32 to 128 characters; the same token never starts a second execution.
        :param display_name: the execution's display name, at most 82 characters of ``[A-Za-z0-9-]``.
        :return: the execution's ARN.
        :raises SageMakerServiceError: in the service's words.
        """
        request: dict[str, Any] = {
            "PipelineName": pipeline_name,
            "ClientRequestToken": client_request_token,
            "PipelineParameters": [{"Name": name, "Value": value} for name, value in parameters.items()],
        }
        if display_name is not None:
            request["PipelineExecutionDisplayName"] = display_name
        return str(self.call("sagemaker", "start_pipeline_execution", **request)["PipelineExecutionArn"])

    def snapshot(self, pipeline_execution_arn: str, previous: ExecutionSnapshot | None = None) -> ExecutionSnapshot:
        """Look at an execution and all its steps.

        :param pipeline_execution_arn: the execution.
        :param previous: what the last look showed. While the execution was not over then and a step is
            running now, it is not over now either: the steps alone are listed and the status is taken over,
            one call instead of two. So ``Executing`` may be seen for an execution that is already stopping.
        :raises SageMakerServiceError: in the service's words.
        :raises UnknownStatusError: when the service answers with a status this version does not know.
        """
        if previous is None or previous.status.is_terminal:
            description = self.describe_execution(pipeline_execution_arn)
            return ExecutionSnapshot.from_responses(description, self.list_steps(pipeline_execution_arn))
        snapshot = previous.with_steps(self.list_steps(pipeline_execution_arn))
        if any(not step.status.is_terminal for step in snapshot.steps.values()):
            return snapshot
        description = self.describe_execution(pipeline_execution_arn)
        snapshot = replace(ExecutionSnapshot.from_responses(description, ()), steps=snapshot.steps)
        if not snapshot.status.is_terminal:
            return snapshot
        # Listed again after the execution was found to be over: only so does absence mean "never started".
        return snapshot.with_steps(self.list_steps(pipeline_execution_arn))

    def describe_execution(self, pipeline_execution_arn: str) -> dict[str, Any]:
        """The response of DescribePipelineExecution.

        :param pipeline_execution_arn: the execution.
        :raises SageMakerServiceError: in the service's words.
        """
        return self.call("sagemaker", "describe_pipeline_execution", PipelineExecutionArn=pipeline_execution_arn)

    def list_steps(self, pipeline_execution_arn: str) -> list[dict[str, Any]]:
        """The entries of all pages of ListPipelineExecutionSteps, in the order in which the steps started.

        :param pipeline_execution_arn: the execution.
        :raises SageMakerServiceError: in the service's words.
        """
        return [
            step
            for page in self._pages(
                "list_pipeline_execution_steps",
                PipelineExecutionArn=pipeline_execution_arn,
                SortOrder="Ascending",
                MaxResults=100,
            )
            for step in page.get("PipelineExecutionSteps", ())
        ]

    def _pages(self, method: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        token: str | None = None
        while True:
            page = self.call("sagemaker", method, **arguments, **({"NextToken": token} if token else {}))
            yield page
            token = page.get("NextToken")
            if not token:
                return

    # Steps

    def collect_step_result(
        self, step: StepSnapshot, property_files: Mapping[str, Mapping[str, str]] | None = None
    ) -> StepResult:
        """Find out what a step left behind: its job's outputs, and the contents of its property files.

        :param step: the step. One that did not succeed has no outputs.
        :param property_files: what to read, by name: ``{"output_name": ..., "file_path": ...}``.
        :raises SageMakerServiceError: in the service's words.
        :raises PipelineExecutionError: when a property file is declared but not there, too large, or no JSON.
        """
        job_arn = step.job_arn
        outputs = self._outputs(job_arn) if step.status.is_success and job_arn else {}
        contents: dict[str, Any] = {}
        if step.status.is_success:
            for name, place in (property_files or {}).items():
                if place["output_name"] not in outputs:
                    raise PipelineExecutionError(
                        f"property file {name!r} of step {step.name!r} is declared for output "
                        f"{place['output_name']!r}, but its job {job_arn} has the outputs {sorted(outputs)}"
                    )
                uri = f"{outputs[place['output_name']].rstrip('/')}/{place['file_path'].lstrip('/')}"
                contents[name] = self._read_property_file(uri, name, step.name)
        return StepResult(step.status, job_arn, outputs, contents)

    def _outputs(self, job_arn: str) -> dict[str, str]:
        arn = ResourceArn.parse(job_arn)
        if arn.resource_type == "processing-job":
            job = self.call("sagemaker", "describe_processing_job", ProcessingJobName=arn.resource_id)
            return {
                output["OutputName"]: output["S3Output"]["S3Uri"]
                for output in job.get("ProcessingOutputConfig", {}).get("Outputs", [])
                if "S3Output" in output
            }
        if arn.resource_type == "training-job":
            job = self.call("sagemaker", "describe_training_job", TrainingJobName=arn.resource_id)
            artifacts = job.get("ModelArtifacts", {}).get("S3ModelArtifacts")
            return {"model_artifacts": artifacts} if artifacts else {}
        return {}

    def _read_property_file(self, uri: str, name: str, step_name: str) -> Any:
        where = f"property file {name!r} of step {step_name!r}, {uri},"
        try:
            content = self.download(uri, at_most=_PROPERTY_FILE_BYTES)
        except SageMakerServiceError as error:
            if error.code in NOT_FOUND:
                raise PipelineExecutionError(f"{where} is declared but the step did not write it. {error}") from None
            raise
        try:
            return json.loads(content, parse_constant=_refuse_constant)
        except ValueError as error:
            raise PipelineExecutionError(f"{where} is not JSON: {error}") from None

    def failure_report(self, step: StepSnapshot, lines: int = 20) -> list[str]:
        """What to tell about a failed step besides its reason: its job, and the last lines of the job's log.

        The step's failure is what counts: when the log cannot be read, a line says why.

        :param step: the step.
        :param lines: how many lines of the log at most.
        """
        if step.job_arn is None:
            return []
        report = [f"Job: {step.job_arn}"]
        try:
            tail = self.log_tail(step.job_arn, lines)
        except SageMakerServiceError as error:
            return [*report, f"The job's log cannot be shown: {error}"]
        if tail:
            report.append(f"The last lines of the job's log ({len(tail)}):")
        return report + [f"    {line}" for line in tail]

    def log_tail(self, job_arn: str, lines: int = 20) -> list[str]:
        """The last lines of a job's log, all instances together in the order of time.

        Reads at most ten instances' logs.

        :param job_arn: the job.
        :param lines: how many lines at most.
        :return: nothing for a job without a log.
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
        return [str(event["message"]).rstrip("\n") for event in events[-lines:]]


def _refuse_constant(name: str) -> None:
    """Python reads and writes NaN and Infinity, which are no JSON: neither Airflow nor SageMaker takes them."""
    raise ValueError(f"{name} is no JSON value; write null, or leave the key out")
