"""Steps that call a Lambda function, or wait for the reader of a queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_sm_pipelines.definition.expressions import PropertyReference
from airflow_sm_pipelines.definition.parameters import PARAMETER_TYPES
from airflow_sm_pipelines.operators.steps.generic import SageMakerStepOperator
from airflow_sm_pipelines.operators.steps.keywords import require_dict, require_list
from airflow_sm_pipelines.operators.steps.references import NamedReferences


class _AnsweringStepOperator(SageMakerStepOperator):
    """A step that gets named values and gives back named values; the classes below say which."""

    def __init__(
        self,
        *,
        inputs: Mapping[str, Any] | None = None,
        outputs: Sequence[str] | Mapping[str, str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.inputs = require_dict(self, "inputs", inputs)
        self.declared_outputs = (
            dict(outputs)
            if isinstance(outputs, Mapping)
            else dict.fromkeys(require_list(self, "outputs", outputs), "String")
        )
        for name, type_ in self.declared_outputs.items():
            if type_ not in PARAMETER_TYPES:
                raise self.error(f"output '{name}' has the type {type_!r}; types are {', '.join(PARAMETER_TYPES)}.")

    @property
    def output_parameters(self) -> NamedReferences[PropertyReference]:
        """What comes back, for other steps: ``step.output_parameters["name"]``."""
        references = {name: self.properties.OutputParameters[name] for name in self.declared_outputs}
        return NamedReferences(references, f"{self.subject} has no output")

    def keyword_arguments(self) -> dict[str, Any]:
        """Return the values handed over."""
        return dict(self.inputs)

    def extra(self) -> dict[str, Any]:
        """Return the step's further keys, the declared outputs among them."""
        outputs = [{"OutputName": name, "OutputType": type_} for name, type_ in self.declared_outputs.items()]
        return {**super().extra(), "OutputParameters": outputs}


class SageMakerLambdaStepOperator(_AnsweringStepOperator):
    """
    A call of a Lambda function as a step of a pipeline.

    :param function_arn: the function.
    :param inputs: the event the function gets.
    :param outputs: what the function returns: names, or types by name (``String``, ``Integer``, ``Float``,
        ``Boolean``).
    """

    def __init__(self, *, function_arn: Any, step_type: str = "Lambda", **kwargs: Any) -> None:
        super().__init__(step_type=step_type, **kwargs)
        self.function_arn = function_arn

    def extra(self) -> dict[str, Any]:
        """Return the step's further keys, the function among them."""
        return {**super().extra(), "FunctionArn": self.function_arn}


class SageMakerCallbackStepOperator(_AnsweringStepOperator):
    """
    A message to an SQS queue as a step of a pipeline, which waits for SendPipelineExecutionStepSuccess or -Failure.

    :param sqs_queue_url: the queue.
    :param inputs: ``arguments`` of the message.
    :param outputs: what the answer gives back: names, or types by name (``String``, ``Integer``, ``Float``,
        ``Boolean``).
    """

    def __init__(self, *, sqs_queue_url: Any, step_type: str = "Callback", **kwargs: Any) -> None:
        super().__init__(step_type=step_type, **kwargs)
        self.sqs_queue_url = sqs_queue_url

    def extra(self) -> dict[str, Any]:
        """Return the step's further keys, the queue among them."""
        return {**super().extra(), "SqsQueueUrl": self.sqs_queue_url}
