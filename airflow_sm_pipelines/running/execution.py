"""What ``run`` asks an endpoint for: the pipeline, one execution of it, how far that is, and its jobs' logs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import ClientError

from airflow_sm_pipelines.command_line import CommandError
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.execution.logs import log_location
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.running.words import COMMAND_LINE, Words

_NOT_FOUND: Final = ("ResourceNotFound", "ResourceNotFoundException")
_MOVING: Final = "ConflictException"
_OVER: Final = "ValidationException"


def put_pipeline(client: Any, name: str, definition: PipelineDefinition, role_arn: str) -> None:
    """Make the pipeline be as defined. Changes nothing when it already is.

    :param client: a SageMaker client.
    :param name: the pipeline's.
    :param definition: its definition.
    :param role_arn: the role that it runs with.
    """
    request = {"PipelineName": name, "PipelineDefinition": definition.to_json(), "RoleArn": role_arn}
    try:
        current = client.describe_pipeline(PipelineName=name)
    except ClientError as error:
        if code_of(error) not in _NOT_FOUND:
            raise
        client.create_pipeline(**request, ClientRequestToken=uuid.uuid4().hex)
        return
    same = json.loads(current["PipelineDefinition"]) == definition.to_document() and current["RoleArn"] == role_arn
    if not same:
        client.update_pipeline(**request)


def start(client: Any, name: str, values: Mapping[str, str], selection: Mapping[str, Any] | None = None) -> str:
    """Start an execution and return its ARN.

    :param client: a SageMaker client.
    :param name: the pipeline's.
    :param values: the values of pipeline parameters.
    :param selection: the SelectiveExecutionConfig; ``None`` to run all steps.
    """
    arn: str = client.start_pipeline_execution(
        PipelineName=name,
        PipelineParameters=[{"Name": key, "Value": value} for key, value in values.items()],
        ClientRequestToken=uuid.uuid4().hex,
        **({} if selection is None else {"SelectiveExecutionConfig": selection}),
    )["PipelineExecutionArn"]
    return arn


def selection_of(client: Any, name: str, selected: Sequence[str], words: Words = COMMAND_LINE) -> dict[str, Any] | None:
    """Return the SelectiveExecutionConfig that runs some steps, and takes the others from the latest execution.

    :param client: a SageMaker client.
    :param name: the pipeline's.
    :param selected: the steps; none for all of them, and ``None`` is returned.
    :param words: how they are given.
    :raises CommandError: the pipeline has no execution yet.
    """
    if not selected:
        return None
    try:
        listed = client.list_pipeline_executions(PipelineName=name, SortOrder="Descending", MaxResults=1)
    except ClientError as error:
        if code_of(error) not in _NOT_FOUND:
            raise
        listed = {"PipelineExecutionSummaries": []}
    if not listed["PipelineExecutionSummaries"]:
        raise CommandError(
            f"pipeline '{name}' has no execution at this endpoint for {words.select} to take the other steps from. Run "
            "the whole pipeline first"
        )
    return {
        "SourcePipelineExecutionArn": listed["PipelineExecutionSummaries"][0]["PipelineExecutionArn"],
        "SelectedSteps": [{"StepName": step} for step in selected],
    }


def look(client: Any, arn: str) -> ExecutionSnapshot:
    """Return what the endpoint says of an execution now.

    :param client: a SageMaker client.
    :param arn: the execution.
    """
    description = client.describe_pipeline_execution(PipelineExecutionArn=arn)
    pages = client.get_paginator("list_pipeline_execution_steps").paginate(
        PipelineExecutionArn=arn, SortOrder="Ascending"
    )
    return ExecutionSnapshot.from_responses(
        description, [step for page in pages for step in page["PipelineExecutionSteps"]]
    )


def stop(client: Any, arn: str) -> bool:
    """Ask an execution to stop.

    :param client: a SageMaker client.
    :param arn: the execution.
    :return: whether that is done with; not while the execution moves from one step to the next.
    """
    try:
        client.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=uuid.uuid4().hex)
    except ClientError as error:
        if code_of(error) == _MOVING:
            return False
        if code_of(error) != _OVER:
            raise
    return True


class JobLogs:
    """The logs of jobs.

    :param client: a CloudWatch Logs client.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._tokens: dict[tuple[str, str], str] = {}

    def tail(self, job_arn: str, lines: int) -> list[str]:
        """Return the last lines of a job's log; nothing for what has no log.

        :param job_arn: the job.
        :param lines: how many at most.
        """
        events = [
            event
            for group, stream in self._streams(job_arn)
            for event in self._client.get_log_events(
                logGroupName=group, logStreamName=stream, limit=lines, startFromHead=False
            )["events"]
        ]
        events.sort(key=lambda event: event["timestamp"])
        return [str(event["message"]) for event in events[-lines:]]

    def new_lines(self, job_arn: str) -> list[str]:
        """Return the lines that a job has written since this was last asked for.

        :param job_arn: the job.
        """
        lines: list[str] = []
        for group, stream in self._streams(job_arn):
            while True:
                token = self._tokens.get((group, stream))
                answer = self._client.get_log_events(
                    logGroupName=group,
                    logStreamName=stream,
                    startFromHead=True,
                    **({} if token is None else {"nextToken": token}),
                )
                lines.extend(str(event["message"]) for event in answer["events"])
                self._tokens[group, stream] = answer["nextForwardToken"]
                if not answer["events"] or answer["nextForwardToken"] == token:
                    break
        return lines

    def _streams(self, job_arn: str) -> list[tuple[str, str]]:
        location = log_location(job_arn)
        if location is None:
            return []
        try:
            streams = self._client.describe_log_streams(
                logGroupName=location.group, logStreamNamePrefix=location.stream_prefix
            )["logStreams"]
        except ClientError as error:
            if code_of(error) in _NOT_FOUND:
                return []
            raise
        return [(location.group, stream["logStreamName"]) for stream in streams]


def code_of(error: ClientError) -> str:
    """Return the service's code of an error.

    :param error: the error.
    """
    return str(error.response["Error"].get("Code", ""))
