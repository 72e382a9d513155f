"""Every rule a definition breaks, all at once, each with its place."""

from __future__ import annotations

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.json_text import TOO_DEEP, too_deep
from airflow_sm_pipelines.definition.problems import did_you_mean, error
from airflow_sm_pipelines.definition.validation.dependencies import cycle_problems, dependency_problems
from airflow_sm_pipelines.definition.validation.expressions import (
    count_problems,
    document_expression_problems,
    expression_problems,
)
from airflow_sm_pipelines.definition.validation.for_each import for_each_problems
from airflow_sm_pipelines.definition.validation.names import (
    pipeline_name_problem,
    selected_step_problem,
    step_name_problem,
)
from airflow_sm_pipelines.definition.validation.outline import outline_problems, size_problems
from airflow_sm_pipelines.definition.validation.parameters import parameter_problems
from airflow_sm_pipelines.definition.validation.scope import scope_of
from airflow_sm_pipelines.definition.validation.step_keys import step_problems
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, Problem

__all__ = [
    "Problem",
    "did_you_mean",
    "pipeline_name_problem",
    "require_valid",
    "selected_step_problem",
    "step_name_problem",
    "validate",
]


def validate(definition: PipelineDefinition) -> list[Problem]:
    """Return every problem of a definition, in document order; empty when there is none.

    A definition that nests too deep has that problem only: nothing else of it is looked at.

    Checks names, keys, parameters, references, expressions, conditions, property files, cache, retries,
    dependencies, branches, ForEach bodies, cycles and sizes. Steps, keys and functions that this version does not
    know are warnings, and so are quotas that only older pages of SageMaker's guide name. Does not check a step's
    arguments against the API's create request (see :mod:`airflow_sm_pipelines.requests`), and never calls AWS.

    :param definition: the definition.
    """
    if (deep := too_deep(definition.to_document())) is not None:
        return [error(TOO_DEEP, deep)]
    scope, name_problems = scope_of(definition)
    found = [*outline_problems(definition), *parameter_problems(definition.parameters)]
    found.extend(document_expression_problems(definition, scope))
    found.extend(name_problems)
    for place in scope.places:
        found.extend(step_problems(place, scope))
        found.extend(for_each_problems(place))
        found.extend(dependency_problems(place, scope))
        found.extend(expression_problems(place, scope))
    found.extend(cycle_problems(scope))
    found.extend(size_problems(definition, scope))
    found.extend(count_problems(scope))
    return found


def require_valid(definition: PipelineDefinition, subject: str) -> None:
    """Raise when a definition has errors; warnings pass.

    :param definition: the definition.
    :param subject: what it is of; leads the message.
    :raises PipelineDefinitionError: with every error found.
    """
    errors = [problem for problem in validate(definition) if problem.severity == "error"]
    if errors:
        raise PipelineDefinitionError(errors, subject)
