"""Lambda steps: a call of a function, and what it returns.

Known are (botocore's service model, the SageMaker SDK's ``sagemaker.mlops.workflow.lambda_step``, AWS's sample notebook
"SageMaker Pipelines Lambda Step"): the arguments are the event; outputs are members of the object that the function
returns, ``statusCode`` and ``body`` among them like any other; the step ends after ten minutes; it cannot be stopped.
The words in which a function's error, or an output that is missing, fails the step are not on record: they are ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_sm_pipelines.definition.evaluation import evaluate
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.local.errors import ServiceError
from airflow_sm_pipelines.local.functions.function import FunctionReference
from airflow_sm_pipelines.local.runners.output_parameters import declared_outputs, shown_outputs, typed_outputs
from airflow_sm_pipelines.local.runners.step import StepEnd, StepFailedError, StepRunner, refused
from airflow_sm_pipelines.local.service_model import shape_problems

STEP_SECONDS: Final = 600.0
"""How long a Lambda step may take (the developer guide, "Lambda step")."""


@dataclass(eq=False)
class LambdaStepRunner(StepRunner):
    """Calls the function and waits for it.

    A stop waits for the function's end, and the step is then Stopped; only if it runs into a time-out it is Failed
    (botocore's service model, StopPipelineExecution).
    """

    _stopped: bool = field(default=False, init=False)

    def run(self) -> StepEnd:
        """Call the function."""
        arn = str(evaluate(self.step.extra["FunctionArn"], self.lookup()))
        event = json.dumps(self.arguments()).encode()
        self._report(arn, {})
        try:
            answer = self.services.functions.invoke(FunctionReference.parse(arn), event, limit=STEP_SECONDS)
        except ServiceError as error:
            raise refused("Invoke", error, "lambda") from error
        if answer.end == "given up":
            raise StepFailedError(
                f"ClientError: The Lambda step timed out: the function '{arn}' did not return within"
                f" {STEP_SECONDS:.0f} seconds."
            )
        if answer.end == "timed out" or (answer.end == "failed" and not self._stopped):
            raise StepFailedError(f"ClientError: The Lambda function '{arn}' failed: {answer.error}")
        if self._stopped:
            return StepEnd(StepStatus.STOPPED)
        outputs = self._outputs(arn, answer.payload)
        properties = {"OutputParameters": typed_outputs(self.step, outputs)}
        self._report(arn, outputs)
        return StepEnd(StepStatus.SUCCEEDED, properties=properties)

    def stop(self) -> None:
        """Let the function come to its end: nobody can stop it."""
        self._stopped = True

    def _report(self, arn: str, outputs: Mapping[str, str]) -> None:
        metadata = {"Arn": arn, "OutputParameters": shown_outputs(outputs)}
        problems = shape_problems("LambdaStepMetadata", metadata)
        if problems:
            raise StepFailedError(f"ClientError: {'; '.join(problems)}")
        self.report({"Lambda": metadata})

    def _outputs(self, arn: str, payload: bytes) -> dict[str, str]:
        declared = declared_outputs(self.step)
        if not declared:
            return {}
        try:
            returned = json.loads(payload)
        except (ValueError, RecursionError) as error:
            raise StepFailedError(f"ClientError: The Lambda function '{arn}' did not return JSON: {error}") from error
        if not isinstance(returned, Mapping):
            raise StepFailedError(
                f"ClientError: The Lambda function '{arn}' did not return an object with the output parameters "
                f"{', '.join(declared)} as members."
            )
        missing = [name for name in declared if returned.get(name) is None]
        if missing:
            raise StepFailedError(
                f"ClientError: The Lambda function '{arn}' did not return the output parameters {', '.join(missing)},"
                f" which the step declares. It returned: {', '.join(returned) or '(nothing)'}."
            )
        return {name: _text(returned[name]) for name in declared}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
