"""Rules for what a reference may point at, from where.

Source: a reference to nothing contradicts the document; what may be read from where is AWS's guide's and the
SageMaker SDK's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.expressions import EXECUTION_VARIABLES, REFERENCE_ROOTS, Reference
from airflow_sm_pipelines.definition.problems import did_you_mean
from airflow_sm_pipelines.definition.step_types import STEP_TYPES, step_type
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.definition.validation.dependencies import missing_step
from airflow_sm_pipelines.definition.validation.lineage import ENTITY_TYPES, entity_names
from airflow_sm_pipelines.definition.validation.property_files import output_names
from airflow_sm_pipelines.definition.validation.scope import Place, Scope

EXPERIMENT_MEMBERS: Final = ("ExperimentName", "TrialName")
FOR_EACH_COUNTS: Final = (
    "Status",
    "InputItemCount",
    "TotalStepCount",
    "SucceededStepCount",
    "FailedStepCount",
    "StoppedStepCount",
)
_ENTITIES_BY_ARNS: Final = {f"{type_}Arns": type_ for type_ in ENTITY_TYPES}
_JOB_NAMES: Final = {row.job_name: row.name for row in [*STEP_TYPES.values()][::-1] if row.job_name}
"""The first type of step whose job's name an execution variable is."""


def document_reference_problem(reference: Reference, scope: Scope) -> str | None:
    """Return what is wrong with a reference that is in no step, such as in the experiment config.

    :param reference: the reference.
    :param scope: all names.
    """
    if reference.root not in ("Parameters", "Execution"):
        return "outside of steps, only pipeline parameters and execution variables can be read"
    return _plain_reference_problem(reference, scope)


def reference_doubt(reference: Reference, step: Step | None) -> str | None:
    """Return why a reference may have no value, where no source says whether SageMaker refuses it.

    The SDK's guide has the job names as those of the job "launched by" the training or processing step.

    :param reference: the reference.
    :param step: the step that reads; ``None`` for a reference that is in no step.
    """
    of_type = _JOB_NAMES.get(reference.name or "") if reference.root == "Execution" else None
    if of_type is None or (step is not None and step_type(step.type).job_name == reference.name):
        return None
    where = "this is read outside of steps" if step is None else f"'{step.name}' is a {step.type} step"
    return f"it is the name of the job of a {of_type} step, and {where}"


def reference_problem(place: Place, reference: Reference, scope: Scope, *, in_selector: bool) -> str | None:
    """Return what is wrong with a reference.

    :param place: the step that reads.
    :param reference: what it reads.
    :param scope: all names.
    :param in_selector: whether the reference is in a ForEach step's selector.
    """
    if reference.root == "Steps":
        return _step_problem(place, reference, scope)
    name = reference.name or ""
    if reference.root == "ForEach":
        if place.for_each is None:
            return "the current item exists only in the steps of a ForEach body"
        return None if name == "CurrentItem" else f"write ForEach.CurrentItem{did_you_mean(name, ('CurrentItem',))}"
    if reference.root == "IterationOutput":
        if not in_selector:
            return "an IterationOutput can be read only in 'Selector.Field' of a ForEach step"
        read = next((child for child in place.step.body if child.name == name), None)
        return None if read is None or len(reference.keys) < 2 else _property_problem(read, reference.keys[1:])
    return _plain_reference_problem(reference, scope)


def _plain_reference_problem(reference: Reference, scope: Scope) -> str | None:
    name = reference.name or ""
    if reference.root not in REFERENCE_ROOTS:
        return f"references begin with {', '.join(REFERENCE_ROOTS)}{did_you_mean(reference.root, REFERENCE_ROOTS)}"
    if reference.root == "Parameters" and name not in scope.parameters:
        return f"there is no pipeline parameter '{name}'{did_you_mean(name, scope.parameters)}"
    if reference.root == "Execution" and name not in EXECUTION_VARIABLES:
        return f"there is no execution variable '{name}'{did_you_mean(name, EXECUTION_VARIABLES)}"
    if reference.root == "PipelineExperimentConfig":
        config = scope.definition.pipeline_experiment_config
        if not isinstance(config, Mapping):
            return "the document has no 'PipelineExperimentConfig'"
        if name not in EXPERIMENT_MEMBERS or name not in config:
            return f"the experiment config has no '{name}'{did_you_mean(name, [*config])}"
    return None


def _step_problem(place: Place, reference: Reference, scope: Scope) -> str | None:
    name = reference.name or ""
    visible = scope.visible(place)
    if name not in visible:
        return missing_step(name, scope, visible)
    if name == place.step.name:
        return "a step cannot read its own properties"
    if len(reference.keys) < 2:
        return "it names a step but none of its properties"
    if problem := _property_problem(visible[name], reference.keys[1:]):
        return problem
    return scope.border_problem(place, name) if name in scope.nodes else None


def _property_problem(step: Step, keys: tuple[str | int, ...]) -> str | None:
    """Return what is wrong with the part of a reference behind the step's name."""
    first, wanted = keys[0], str(keys[1]) if len(keys) > 1 else ""
    if first == "PropertyFiles":
        return _unknown(f"step '{step.name}' declares no property file", wanted, [p.name for p in step.property_files])
    if step.type == "Condition" and keys != ("Outcome",):
        return f"'{step.name}' is a Condition step, and has one property: Outcome"
    if step.type == "ForEach":
        return _for_each_property_problem(step, keys)
    if "OutputParameters" in step_type(step.type).keys and first == "OutputParameters":
        return _unknown(f"step '{step.name}' declares no output parameter", wanted, output_parameter_types(step))
    if step.type == "Lineage" and first in _ENTITIES_BY_ARNS and wanted:
        names = entity_names(step, _ENTITIES_BY_ARNS[str(first)])
        start = f"Lineage step '{step.name}' creates no {_ENTITIES_BY_ARNS[str(first)]}"
        return None if names is None else _unknown(start, wanted, names)
    if keys[:2] == ("ProcessingOutputConfig", "Outputs") and len(keys) > 2 and isinstance(keys[2], str):
        outputs = output_names(step.arguments)
        return None if outputs is None else _unknown(f"step '{step.name}' has no output", keys[2], outputs)
    return None


def output_parameter_types(step: Step) -> dict[str, Any]:
    """Return the declared type of each output parameter of a Lambda or Callback step, by name.

    :param step: the step.
    """
    declared = step.extra.get("OutputParameters")
    return {
        output["OutputName"]: output.get("OutputType")
        for output in (declared if isinstance(declared, list) else ())
        if isinstance(output, Mapping) and isinstance(output.get("OutputName"), str)
    }


def _for_each_property_problem(step: Step, keys: tuple[str | int, ...]) -> str | None:
    first = str(keys[0])
    if first in FOR_EACH_COUNTS:
        return None if len(keys) == 1 else f"'{first}' of a ForEach step has nothing inside it"
    if first == "Selected":
        selects = isinstance(step.arguments, Mapping) and step.arguments.get("Selector") is not None
        if not selects:
            return f"ForEach step '{step.name}' has no 'Selector', so it selects nothing"
        return None if len(keys) > 1 else "it names what was selected, but none of its outputs"
    if first != "IterationOutputs":
        known = ("IterationOutputs", "Selected", *FOR_EACH_COUNTS)
        return f"a ForEach step has the properties {', '.join(known)}{did_you_mean(first, known)}"
    body = {child.name: child for child in step.body}
    if len(keys) < 4 or not isinstance(keys[1], int):
        return f"write Steps.{step.name}.IterationOutputs[<index>].<body step>.<output>"
    if keys[2] not in body:
        return f"ForEach step '{step.name}' has no body step '{keys[2]}'{did_you_mean(str(keys[2]), body)}"
    return _property_problem(body[str(keys[2])], keys[3:])


def _unknown(start: str, wanted: str, declared: Iterable[str]) -> str | None:
    declared = list(declared)
    return None if wanted in declared else f"{start} '{wanted}'{did_you_mean(wanted, declared)}"
