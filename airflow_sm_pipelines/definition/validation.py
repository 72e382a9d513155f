"""Every rule a definition breaks, all at once, each with its place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from airflow_sm_pipelines.definition.conditions import COMPARISON_TYPES
from airflow_sm_pipelines.definition.document import DEFINITION_VERSION, PipelineDefinition
from airflow_sm_pipelines.definition.expressions import (
    EXECUTION_VARIABLES,
    REFERENCE_ROOTS,
    Reference,
    find_references,
)
from airflow_sm_pipelines.definition.graph import (
    GraphNode,
    ancestors,
    cycle_message,
    dependencies_of,
    find_cycle,
    waits_for,
)
from airflow_sm_pipelines.definition.parameters import (
    MAXIMUM_ENUM_VALUES,
    MAXIMUM_NAME_LENGTH,
    MISSING,
    PARAMETER_TYPES,
    PipelineParameter,
    is_valid_name,
    type_of,
)
from airflow_sm_pipelines.definition.steps import DEPENDENCY_TRIGGERS, MAXIMUM_STEP_NAME_LENGTH, LocatedStep
from airflow_sm_pipelines.exceptions import PipelineDefinitionError

MAXIMUM_DEFINITION_BYTES: Final = 1_048_576
_STEP_NAME = re.compile(r"[A-Za-z0-9\-_]+")
_PIPELINE_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}")


@dataclass(frozen=True)
class Problem:
    """A rule broken.

    :param severity: ``error`` when SageMaker would refuse or misrun it, else ``warning``.
    :param message: the rule, the offender and what to do.
    :param path: the place, such as ``$.Steps[2].Arguments``.
    """

    severity: str
    message: str
    path: str

    def __str__(self) -> str:
        return f"{self.message} @ {self.path}"


def validate(definition: PipelineDefinition) -> list[Problem]:
    """Return every problem of a definition, in document order; empty when there is none.

    Checks names, parameters, references, property files, dependencies, branches and cycles. Does not check a
    step's arguments against the API's create request, and never calls AWS.

    :param definition: the definition.
    """
    located_steps = list(definition.walk())
    nodes, problems = _nodes(located_steps)
    found: list[Problem] = []
    if definition.version != DEFINITION_VERSION:
        found.append(_error(f"'Version' is '{definition.version}'; write '{DEFINITION_VERSION}'", "$.Version"))
    if not located_steps:
        found.append(_error("a pipeline has at least one step", "$.Steps"))
    found.extend(_parameter_problems(definition.parameters))
    found.extend(problems)
    parameters = [parameter.name for parameter in definition.parameters]
    for located in located_steps:
        found.extend(_step_problems(located))
        found.extend(_dependency_problems(located, nodes))
        found.extend(_reference_problems(located, nodes, parameters))
    cycle = find_cycle(waits_for(nodes))
    if cycle:
        message, _, path = cycle_message(cycle, nodes).rpartition(" @ ")
        found.append(_error(message, path))
    return found


def require_valid(definition: PipelineDefinition, subject: str) -> None:
    """Raise when a definition has errors; warnings pass.

    :param definition: the definition.
    :param subject: what it is of; leads the message.
    :raises PipelineDefinitionError: with every error found.
    """
    errors = [str(problem) for problem in validate(definition) if problem.severity == "error"]
    if errors:
        raise PipelineDefinitionError(errors, subject)


def pipeline_name_problem(name: str) -> str | None:
    """Return what is wrong with a pipeline's name, or ``None``.

    :param name: ``PipelineName`` of CreatePipeline.
    """
    if len(name) <= 256 and _PIPELINE_NAME.fullmatch(name):
        return None
    return (
        f"SageMaker refuses the pipeline name {name!r}: 1 to 256 letters, digits and hyphens, "
        "beginning and ending with a letter or digit"
    )


def step_name_problem(name: str) -> str | None:
    """Return what is wrong with a step's name, or ``None``.

    :param name: ``Name`` of a step.
    """
    if len(name) <= MAXIMUM_STEP_NAME_LENGTH and _STEP_NAME.fullmatch(name):
        return None
    return (
        f"SageMaker refuses the step name {name!r}: 1 to {MAXIMUM_STEP_NAME_LENGTH} letters, digits, "
        "hyphens and underscores"
    )


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest candidate, or an empty string.

    :param name: what was written.
    :param candidates: what exists.
    """
    near = difflib.get_close_matches(name, list(candidates), n=1)
    return f". Did you mean '{near[0]}'?" if near else ""


def _error(message: str, path: str) -> Problem:
    return Problem("error", message, path)


def _nodes(located_steps: list[LocatedStep]) -> tuple[dict[str, GraphNode], list[Problem]]:
    nodes: dict[str, GraphNode] = {}
    problems: list[Problem] = []
    for located in located_steps:
        name = located.step.name
        if name in nodes:
            message = f"two steps are named '{name}', the first @ {nodes[name].path}; names are unique in a pipeline"
            problems.append(_error(message, f"{located.path}.Name"))
            continue
        try:
            dependencies = tuple(dependencies_of(located.step))
        except PipelineDefinitionError:
            dependencies = ()  # the unreadable reference itself is reported by _reference_problems
        nodes[name] = GraphNode(located.step, dependencies, located.owner, located.path)
    return nodes, problems


def _parameter_problems(parameters: tuple[PipelineParameter, ...]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, parameter in enumerate(parameters):
        path = f"$.Parameters[{index}]"
        if parameter.name in seen:
            yield _error(f"two pipeline parameters are named '{parameter.name}'", f"{path}.Name")
        seen.add(parameter.name)
        if not is_valid_name(parameter.name):
            yield _error(
                f"SageMaker refuses the parameter name {parameter.name!r}: 1 to {MAXIMUM_NAME_LENGTH} letters, "
                "digits, hyphens and underscores",
                f"{path}.Name",
            )
        if parameter.type not in PARAMETER_TYPES:
            yield _error(
                f"pipeline parameter '{parameter.name}' has the type '{parameter.type}'; "
                f"types are {', '.join(PARAMETER_TYPES)}{did_you_mean(parameter.type, PARAMETER_TYPES)}",
                f"{path}.Type",
            )
            continue
        values = parameter.enum_values or ()
        if len(values) > MAXIMUM_ENUM_VALUES:
            message = (
                f"pipeline parameter '{parameter.name}' has {len(values)} enum values; at most {MAXIMUM_ENUM_VALUES}"
            )
            yield _error(message, f"{path}.EnumValues")
        if parameter.default_value is not MISSING:
            yield from _default_problems(parameter, path)


def _default_problems(parameter: PipelineParameter, path: str) -> Iterator[Problem]:
    default = parameter.default_value
    actual = type_of(default)
    if actual != parameter.type and not (parameter.type == "Float" and actual == "Integer"):
        yield _error(
            f"pipeline parameter '{parameter.name}' is declared {parameter.type} and has the default {default!r}, "
            f"which is {actual or type(default).__name__}",
            f"{path}.DefaultValue",
        )
    elif parameter.enum_values is not None and default not in parameter.enum_values:
        yield _error(
            f"the default {default!r} of pipeline parameter '{parameter.name}' is not among its enum values",
            f"{path}.DefaultValue",
        )


def _step_problems(located: LocatedStep) -> Iterator[Problem]:
    step, path = located.step, located.path
    if problem := step_name_problem(step.name):
        yield _error(problem, f"{path}.Name")
    seen: set[str] = set()
    for index, property_file in enumerate(step.property_files):
        where = f"{path}.PropertyFiles[{index}]"
        if property_file.name in seen:
            yield _error(f"step '{step.name}' declares property file '{property_file.name}' twice", where)
        seen.add(property_file.name)
        outputs = _output_names(step.arguments)
        if outputs is not None and property_file.output_name not in outputs:
            yield _error(
                f"property file '{property_file.name}' of step '{step.name}' lies in output "
                f"'{property_file.output_name}', which the step does not have"
                f"{did_you_mean(property_file.output_name, outputs)}",
                f"{where}.OutputName",
            )
    if step.type == "Condition":
        if not step.conditions:
            yield _error(f"Condition step '{step.name}' has no conditions", f"{path}.Arguments.Conditions")
        for index, condition in enumerate(step.conditions):
            yield from _condition_problems(condition, f"{path}.Arguments.Conditions[{index}]", step.name)


def _condition_problems(condition: Any, path: str, step_name: str) -> Iterator[Problem]:
    members = {
        **dict.fromkeys(COMPARISON_TYPES, ("LeftValue", "RightValue")),
        "In": ("QueryValue", "Values"),
        "Not": ("Condition",),
        "Or": ("Conditions",),
    }
    stack = [(condition, path)]
    while stack:
        current, where = stack.pop()
        type_ = current.get("Type") if isinstance(current, dict) else None
        if type_ not in members:
            hint = did_you_mean(type_, members) if isinstance(type_, str) else ""
            yield _error(f"Condition step '{step_name}' has a condition of unknown type {type_!r}{hint}", where)
            continue
        missing = [member for member in members[type_] if member not in current]
        for member in missing:
            yield _error(f"a condition of type {type_} in step '{step_name}' lacks '{member}'", where)
        if type_ == "Not" and not missing:
            stack.append((current["Condition"], f"{where}.Condition"))
        if type_ == "Or" and not missing and isinstance(current["Conditions"], list):
            stack.extend((inner, f"{where}.Conditions[{i}]") for i, inner in enumerate(current["Conditions"]))


def _output_names(arguments: Any) -> list[str] | None:
    """Return the names of a Processing request's outputs; ``None`` where they cannot be read."""
    try:
        return [output["OutputName"] for output in arguments["ProcessingOutputConfig"]["Outputs"]]
    except (KeyError, TypeError):
        return None


def _dependency_problems(located: LocatedStep, nodes: dict[str, GraphNode]) -> Iterator[Problem]:
    step = located.step
    seen: set[str] = set()
    for index, dependency in enumerate(step.depends_on or ()):
        path = f"{located.path}.DependsOn[{index}]"
        if dependency.trigger not in DEPENDENCY_TRIGGERS:
            yield _error(
                f"step '{step.name}' depends on '{dependency.step}' with the trigger '{dependency.trigger}'; "
                f"triggers are {', '.join(DEPENDENCY_TRIGGERS)}",
                f"{path}.Trigger",
            )
        if dependency.step in seen:
            yield _error(f"step '{step.name}' depends on '{dependency.step}' twice; keep one trigger", path)
        seen.add(dependency.step)
        if dependency.step not in nodes:
            hint = did_you_mean(dependency.step, nodes)
            yield _error(f"step '{step.name}' depends on '{dependency.step}': there is no such step{hint}", path)
            continue
        if dependency.step == step.name:
            yield _error(f"step '{step.name}' depends on itself", path)
        elif problem := _border_problem(step.name, dependency.step, nodes):
            yield _error(f"step '{step.name}' depends on '{dependency.step}': {problem}", path)


def _border_problem(step_name: str, target: str, nodes: dict[str, GraphNode]) -> str | None:
    """Return why a step cannot wait for another: a Fail step, or one inside a branch it is not in itself."""
    if nodes[target].step.type == "Fail":
        return "it is a Fail step, which ends the execution; nothing can come after it"
    own = set(ancestors(step_name, nodes)) if step_name in nodes else set()
    for owner in ancestors(target, nodes):
        if owner not in own:
            branch = "if" if owner.outcome else "else"
            return (
                f"it runs only in the {branch}-branch of Condition step '{owner.condition}'; "
                f"depend on '{owner.condition}' instead, or move '{step_name}' into that branch"
            )
    return None


def _reference_problems(located: LocatedStep, nodes: dict[str, GraphNode], parameters: list[str]) -> Iterator[Problem]:
    step = located.step
    if step.type == "Condition":
        parts: list[tuple[Any, str]] = [(step.conditions, f"{located.path}.Arguments.Conditions")]
    else:
        parts = [(step.arguments, f"{located.path}.Arguments")]
    parts.extend((value, f"{located.path}.{key}") for key, value in step.extra.items())
    for value, path in parts:
        try:
            references = list(find_references(value, path))
        except PipelineDefinitionError as error:
            message, _, where = error.problems[0].rpartition(" @ ")
            yield _error(f"step '{step.name}': {message}", where)
            continue
        for found in references:
            problem = _reference_problem(step.name, found.reference, nodes, parameters)
            if problem:
                yield _error(f"step '{step.name}' reads '{found.reference.path}': {problem}", found.path)


def _reference_problem(
    step_name: str, reference: Reference, nodes: dict[str, GraphNode], parameters: list[str]
) -> str | None:
    if reference.root not in REFERENCE_ROOTS:
        return f"references begin with {', '.join(REFERENCE_ROOTS)}{did_you_mean(reference.root, REFERENCE_ROOTS)}"
    name = reference.name or ""
    if reference.root == "Parameters" and name not in parameters:
        return f"there is no pipeline parameter '{name}'{did_you_mean(name, parameters)}"
    if reference.root == "Execution" and name not in EXECUTION_VARIABLES:
        return f"there is no execution variable '{name}'{did_you_mean(name, EXECUTION_VARIABLES)}"
    if reference.root != "Steps":
        return None
    return _step_reference_problem(step_name, reference, nodes)


def _step_reference_problem(step_name: str, reference: Reference, nodes: dict[str, GraphNode]) -> str | None:
    name = str(reference.keys[0]) if reference.keys else ""
    if name not in nodes:
        return f"there is no step '{name}'{did_you_mean(name, nodes)}"
    if name == step_name:
        return "a step cannot read its own properties"
    if len(reference.keys) < 2:
        return "it names a step but none of its properties"
    if reference.keys[1] == "PropertyFiles":
        declared = [property_file.name for property_file in nodes[name].step.property_files]
        wanted = str(reference.keys[2]) if len(reference.keys) > 2 else ""
        if wanted not in declared:
            return f"step '{name}' declares no property file '{wanted}'{did_you_mean(wanted, declared)}"
    keys = reference.keys[1:]
    if keys[:2] == ("ProcessingOutputConfig", "Outputs") and len(keys) > 2 and isinstance(keys[2], str):
        outputs = _output_names(nodes[name].step.arguments)
        if outputs is not None and keys[2] not in outputs:
            return f"step '{name}' has no output '{keys[2]}'{did_you_mean(keys[2], outputs)}"
    return _border_problem(step_name, name, nodes)
