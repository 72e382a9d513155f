"""Condition and Fail steps: decided here and now, without a job."""

from __future__ import annotations

from airflow_sm_pipelines.definition.evaluation import evaluate_conditions, render
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.local.runners.step import InstantStepRunner, StepEnd

_MESSAGE_CHARACTERS = 3072  # of the metadata (botocore's service model); a FailureReason has room for fewer


class ConditionStepRunner(InstantStepRunner):
    """Evaluates conditions. One that cannot be decided fails the step; it never counts as "does not hold"."""

    def run(self) -> StepEnd:
        """Evaluate."""
        outcome = evaluate_conditions(self.step.conditions, self.lookup())
        self.report({"Condition": {"Outcome": str(outcome)}})
        # "True" in the metadata, but a boolean to expressions: a Join renders it as "true".
        return StepEnd(StepStatus.SUCCEEDED, properties={"Outcome": outcome}, outcome=outcome)


class FailStepRunner(InstantStepRunner):
    """Ends as failed, with its message for a reason."""

    def run(self) -> StepEnd:
        """Fail."""
        message = render(self.arguments().get("ErrorMessage", ""))
        self.report({"Fail": {"ErrorMessage": message[:_MESSAGE_CHARACTERS]}})
        return StepEnd(StepStatus.FAILED, failure_reason=message)
