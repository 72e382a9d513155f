"""The output parameters of Callback and Lambda steps: texts in the step's metadata, values to other steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.local.runners.step import StepFailedError


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


_TYPES: Final[Mapping[str, Callable[[str], Any]]] = {
    "String": str,
    "Integer": int,
    "Float": float,
    "Boolean": _boolean,
}


def declared_outputs(step: Step) -> dict[str, str]:
    """The types of the outputs that a step declares, by name.

    :param step: the step.
    """
    return {each["OutputName"]: each["OutputType"] for each in step.extra.get("OutputParameters") or ()}


def typed_outputs(step: Step, outputs: Mapping[str, str]) -> dict[str, Any]:
    """What other steps can read: each output as its declared type, and as text where it is not declared.

    :param step: the step.
    :param outputs: the outputs as text, by name.
    :raises StepFailedError: a text is not a value of its type.
    """
    declared = declared_outputs(step)
    typed: dict[str, Any] = {}
    for name, value in outputs.items():
        kind = declared.get(name, "String")
        try:
            typed[name] = _TYPES[kind](value)
        except (KeyError, ValueError) as error:
            raise StepFailedError(
                f"ClientError: The output parameter '{name}' is declared {kind}, and its value is '{value}'."
            ) from error
    return typed


def shown_outputs(outputs: Mapping[str, str]) -> list[dict[str, str]]:
    """The outputs as a step's metadata show them.

    :param outputs: the outputs as text, by name.
    """
    return [{"Name": name, "Value": value} for name, value in outputs.items()]
