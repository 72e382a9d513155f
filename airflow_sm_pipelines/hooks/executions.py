"""Calls about executions of pipelines."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Final

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.answer import Answer, callback_token_in
from airflow_sm_pipelines.execution.secrets import NO_SECRETS, Secrets
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus
from airflow_sm_pipelines.hooks.service_errors import NOT_FOUND
from airflow_sm_pipelines.hooks.services import AwsServicesHook

DEFINITIONS_KEPT: Final = 16
"""Of how many executions a hook keeps the definition; of those asked for last."""


MOST_RECEIVES: Final = 50
"""How often a queue is asked for ten messages in one search."""

HIDDEN_SECONDS: Final = 30
"""How long a search hides the messages that it has read, from itself above all."""


@dataclass(frozen=True)
class StartRequest:
    """What StartPipelineExecution takes.

    :param pipeline_name: the pipeline, or its ARN.
    :param parameters: start values of pipeline parameters; the service takes strings only.
    :param client_request_token: 32 to 128 characters; the same token never starts a second execution.
    :param display_name: the execution's display name, at most 82 characters of ``[A-Za-z0-9-]``.
    :param description: the execution's description, at most 3072 characters.
    :param pipeline_version_id: the version of the pipeline to run; by default the latest.
    :param pipeline_version_alias: the version by its alias; not together with ``pipeline_version_id``.
    :param max_parallel_execution_steps: how many steps run at once; by default what the pipeline says.
    :param selected_steps: run these steps only (selective execution).
    :param source_pipeline_execution_arn: where a selective execution takes the outputs of other steps from.
    :param mlflow_experiment_name: the MLflow experiment of this execution. The name of a SageMaker experiment
        cannot be given at the start: it is in the definition's ``PipelineExperimentConfig``.
    """

    pipeline_name: str
    parameters: Mapping[str, str]
    client_request_token: str
    display_name: str | None = None
    description: str | None = None
    pipeline_version_id: int | None = None
    pipeline_version_alias: str | None = None
    max_parallel_execution_steps: int | None = None
    selected_steps: Sequence[str] = ()
    source_pipeline_execution_arn: str | None = None
    mlflow_experiment_name: str | None = None

    def members(self) -> dict[str, Any]:
        """Return the members of the request."""
        optional = {
            "PipelineExecutionDisplayName": self.display_name,
            "PipelineExecutionDescription": self.description,
            "PipelineVersionId": self.pipeline_version_id,
            "PipelineVersionAlias": self.pipeline_version_alias,
            "MlflowExperimentName": self.mlflow_experiment_name,
            "SelectiveExecutionConfig": self._selection(),
        }
        return {
            "PipelineName": self.pipeline_name,
            "ClientRequestToken": self.client_request_token,
            "PipelineParameters": [{"Name": name, "Value": value} for name, value in self.parameters.items()],
            **_parallelism(self.max_parallel_execution_steps),
            **{member: value for member, value in optional.items() if value is not None},
        }

    def _selection(self) -> dict[str, Any] | None:
        if not self.selected_steps:
            return None
        selection: dict[str, Any] = {"SelectedSteps": [{"StepName": name} for name in self.selected_steps]}
        if self.source_pipeline_execution_arn is not None:
            selection["SourcePipelineExecutionArn"] = self.source_pipeline_execution_arn
        return selection


class PipelineExecutionsHook(AwsServicesHook):
    """
    Executions of SageMaker pipelines: start, look at, list, stop and retry them.

    The base of :class:`~airflow_sm_pipelines.hooks.pipeline.SageMakerPipelineHook`, which is the one to use.
    Takes the arguments of :class:`AwsServicesHook`.
    """

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

    def parsed_definition(self, pipeline_execution_arn: str) -> PipelineDefinition:
        """The definition that an execution runs. It never changes: it is asked for once for all that read it.

        :param pipeline_execution_arn: the execution.
        :raises PipelineDefinitionError: when it cannot be read.
        :raises SageMakerServiceError: in the service's words.
        """
        return self._parsed(pipeline_execution_arn)

    @cached_property
    def _parsed(self) -> Callable[[str], PipelineDefinition]:
        return lru_cache(DEFINITIONS_KEPT)(lambda arn: PipelineDefinition.from_json(self.execution_definition(arn)))

    def stop_execution(self, pipeline_execution_arn: str) -> bool:
        """Ask the service to stop an execution; does not wait until it has stopped.

        :param pipeline_execution_arn: the execution.
        :return: false when there was nothing to stop, since the execution is stopping already, or over.
        :raises SageMakerServiceError: in the service's words.
        """
        try:
            self.call(
                "sagemaker",
                "stop_pipeline_execution",
                PipelineExecutionArn=pipeline_execution_arn,
                # New each time: with the token of an earlier stop, one after a resume would be taken for a repetition.
                ClientRequestToken=uuid.uuid4().hex,
            )
        except SageMakerServiceError as error:
            if error.retryable:
                raise
            status = ExecutionStatus.parse(self.describe_execution(pipeline_execution_arn)["PipelineExecutionStatus"])
            if status is ExecutionStatus.EXECUTING:
                raise
            return False
        return True

    def retry_execution(
        self,
        pipeline_execution_arn: str,
        *,
        client_request_token: str,
        max_parallel_execution_steps: int | None = None,
    ) -> None:
        """Have the service continue with an execution that failed or was stopped: it runs the failed steps again.

        The ARN, the definition and the parameters stay the same. Does not wait.

        :param pipeline_execution_arn: the execution.
        :param client_request_token: 32 to 128 characters; the same token never retries a second time.
        :param max_parallel_execution_steps: how many steps run at once; by default as many as before.
        :raises SageMakerServiceError: in the service's words, such as when the execution is not over.
        """
        self.call(
            "sagemaker",
            "retry_pipeline_execution",
            PipelineExecutionArn=pipeline_execution_arn,
            ClientRequestToken=client_request_token,
            **_parallelism(max_parallel_execution_steps),
        )

    def answer_callback(self, pipeline_execution_arn: str, callback_token: str, answer: Answer) -> None:
        """Tell the service how what a Callback step waits for has ended. The same answer may be sent again.

        :param pipeline_execution_arn: the execution.
        :param callback_token: of the step.
        :param answer: what to tell.
        :raises SageMakerServiceError: in the service's words, such as when another answer came before.
        """
        tokens = {
            "CallbackToken": callback_token,
            "ClientRequestToken": answer.request_token(pipeline_execution_arn, callback_token),
        }
        if answer.outputs is None:
            self.call("sagemaker", "send_pipeline_execution_step_failure", FailureReason=answer.reason, **tokens)
            return
        outputs = [{"Name": name, "Value": value} for name, value in answer.outputs.items()]
        self.call("sagemaker", "send_pipeline_execution_step_success", OutputParameters=outputs, **tokens)

    def find_callback_token(self, queue_url: str, pipeline_execution_arn: str, task_id: str) -> str | None:
        """Look for the token of a Callback step in its queue, where the service does not list it.

        Messages stay in the queue; others see them again after half a minute.

        :param queue_url: the queue.
        :param pipeline_execution_arn: the execution.
        :param task_id: the Airflow task that the step stands for.
        :return: that of the latest message; ``None`` where none is found now.
        :raises SageMakerServiceError: in the service's words.
        """
        found: dict[int, str] = {}
        for _ in range(MOST_RECEIVES):
            received = self.call(
                "sqs",
                "receive_message",
                QueueUrl=queue_url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=HIDDEN_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp"],
            ).get("Messages", ())
            if not received:
                break
            for message in received:
                if token := callback_token_in(message["Body"], pipeline_execution_arn, task_id):
                    found[int(message.get("Attributes", {}).get("SentTimestamp", 0))] = token
        return found[max(found)] if found else None

    def declared_outputs(self, pipeline_execution_arn: str, step_name: str) -> dict[str, str]:
        """The types of the outputs that a step declares in the definition that an execution runs, by their names.

        :param pipeline_execution_arn: the execution.
        :param step_name: the step.
        :raises SageMakerServiceError: in the service's words.
        """
        steps = [located.step for located in self.parsed_definition(pipeline_execution_arn).walk()]
        declared = [each for step in steps if step.name == step_name for each in step.extra.get("OutputParameters", ())]
        return {each["OutputName"]: each["OutputType"] for each in declared}

    def execution_parameters(self, pipeline_execution_arn: str) -> dict[str, str]:
        """The values that an execution was started with, by pipeline parameter; defaults are not among them.

        :param pipeline_execution_arn: the execution.
        :raises SageMakerServiceError: in the service's words.
        """
        parameters = self._listed(
            "PipelineParameters",
            "list_pipeline_parameters_for_execution",
            PipelineExecutionArn=pipeline_execution_arn,
        )
        return {parameter["Name"]: parameter["Value"] for parameter in parameters}

    def execution_secrets(self, pipeline_execution_arn: str, masked: Mapping[str, str]) -> Secrets:
        """The secrets that an execution was started with. Asks nobody where there are none.

        :param pipeline_execution_arn: the execution.
        :param masked: the values that hold secrets, by pipeline parameter, with ``***`` for each secret.
        :raises SageMakerServiceError: in the service's words.
        """
        return Secrets.among(masked, self.execution_parameters(pipeline_execution_arn)) if masked else NO_SECRETS

    def start_execution(self, request: StartRequest) -> str:
        """Start an execution, or find the one that was started with the same token.

        :param request: what to start.
        :return: the execution's ARN.
        :raises SageMakerServiceError: in the service's words.
        """
        response = self.call("sagemaker", "start_pipeline_execution", **request.members())
        return str(response["PipelineExecutionArn"])

    def list_executions(
        self,
        pipeline_name: str,
        *,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        page_size: int = 100,
    ) -> Iterator[dict[str, Any]]:
        """Yield the summaries of a pipeline's executions, the latest first; asks for a page when it is needed.

        :param pipeline_name: the pipeline, or its ARN.
        :param created_after: leave out those created before.
        :param created_before: leave out those created after.
        :param page_size: how many to ask for at once, at most 100.
        :raises SageMakerServiceError: in the service's words, such as when there is no such pipeline.
        """
        limits = {"CreatedAfter": created_after, "CreatedBefore": created_before}
        return self._listed(
            "PipelineExecutionSummaries",
            "list_pipeline_executions",
            PipelineName=pipeline_name,
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=page_size,
            **{member: limit for member, limit in limits.items() if limit is not None},
        )

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
        with _deleted():
            return self.call("sagemaker", "describe_pipeline_execution", PipelineExecutionArn=pipeline_execution_arn)

    def list_steps(self, pipeline_execution_arn: str) -> list[dict[str, Any]]:
        """The entries of all pages of ListPipelineExecutionSteps, in the order in which the steps started.

        :param pipeline_execution_arn: the execution.
        :raises SageMakerServiceError: in the service's words.
        """
        with _deleted():
            return list(
                self._listed(
                    "PipelineExecutionSteps",
                    "list_pipeline_execution_steps",
                    PipelineExecutionArn=pipeline_execution_arn,
                    SortOrder="Ascending",
                )
            )

    def _listed(self, member: str, method: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        """Yield what a list holds, page by page; ``member`` of each answer has it."""
        arguments = {"MaxResults": 100, **arguments}
        while True:
            page = self.call("sagemaker", method, **arguments)
            yield from page.get(member, ())
            if not page.get("NextToken"):
                return
            arguments["NextToken"] = page["NextToken"]


@contextmanager
def _deleted() -> Iterator[None]:
    """Say of an execution that is not there what may have become of it, and what to do."""
    try:
        yield
    except SageMakerServiceError as error:
        if error.code not in NOT_FOUND:
            raise
        raise SageMakerServiceError(
            f"{error} If the pipeline was deleted, its executions are gone with it: clear the task that launched this "
            "one with its downstream tasks to start another.",
            code=error.code,
            retryable=error.retryable,
        ) from None


def _parallelism(steps: int | None) -> dict[str, Any]:
    return {} if steps is None else {"ParallelismConfiguration": {"MaxParallelExecutionSteps": steps}}
