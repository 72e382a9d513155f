"""Every exception of this package, in one small hierarchy.

.. code-block:: text

    SageMakerPipelinesError
    ├── PipelineDefinitionError        the document breaks a rule (carries every problem found)
    ├── PipelineParameterError         a pipeline parameter's value does not fit its declaration
    ├── EvaluationError                an expression or condition has no value
    ├── TranslationError               an Airflow graph that cannot become a SageMaker pipeline
    └── PipelineExecutionError         an execution or step did not do what was asked
        ├── UnknownStatusError         a status this version has never heard of
        └── SageMakerServiceError      the service refused a request; the message holds its own words
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class SageMakerPipelinesError(Exception):
    """Root of all errors raised on purpose by this package."""


@dataclass(frozen=True)
class Problem:
    """A rule that a pipeline definition breaks. As text it ends in the place, ``... @ $.Steps[2]``.

    :param severity: ``error`` when SageMaker would refuse or misrun it, else ``warning``.
    :param message: the rule, the offender and what to do.
    :param path: the place, such as ``$.Steps[2].Arguments``; empty where there is none.
    """

    severity: str
    message: str
    path: str

    def __str__(self) -> str:
        return f"{self.message} @ {self.path}" if self.path else self.message


class PipelineDefinitionError(SageMakerPipelinesError):
    """A pipeline definition breaks one or more rules.

    :param problems: the broken rules.
    :param subject: what the definition is of, such as ``pipeline 'churn'``; leads the message.
    """

    def __init__(self, problems: Sequence[Problem], subject: str = "the pipeline definition") -> None:
        self.problems = tuple(problems)
        self.subject = subject
        if len(self.problems) == 1:
            text = f"{subject}: {self.problems[0]}"
        else:
            lines = "".join(f"\n  - {problem}" for problem in self.problems)
            text = f"{subject} has {len(self.problems)} problems:{lines}"
        super().__init__(text)

    def __reduce__(self) -> tuple[type[PipelineDefinitionError], tuple[tuple[Problem, ...], str]]:
        return (type(self), (self.problems, self.subject))


class PipelineParameterError(SageMakerPipelinesError):
    """A value does not fit the pipeline parameter it was given for."""


class EvaluationError(SageMakerPipelinesError):
    """An expression or a condition could not be given a value."""


class TranslationError(SageMakerPipelinesError):
    """An Airflow graph, task or argument that has no counterpart in a SageMaker pipeline."""


class PipelineExecutionError(SageMakerPipelinesError):
    """A pipeline execution, or a step of it, did not do what was asked of it."""


class UnknownStatusError(PipelineExecutionError):
    """The service answered with a status this version does not know; it is never guessed at."""


class SageMakerServiceError(PipelineExecutionError):
    """An AWS service refused a request, or could not be reached.

    :param message: the operation and the service's own words.
    :param code: the service's error code, such as ``AccessDeniedException``; ``None`` when the request
        never got an answer.
    :param retryable: whether the same request may well succeed later (throttling, 5xx, connection).
    :param reached: false when not even a connection came about, as with a wrong ``endpoint_url``.
    """

    def __init__(self, message: str, code: str | None = None, retryable: bool = False, reached: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable
        self.reached = reached

    def __reduce__(self) -> tuple[type[SageMakerServiceError], tuple[str, str | None, bool, bool]]:
        return (type(self), (str(self), self.code, self.retryable, self.reached))
