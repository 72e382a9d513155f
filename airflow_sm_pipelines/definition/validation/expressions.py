"""Rules for expressions: how Get, Std:Join and Std:JsonGet are written, and that what they read is there.

Source: AWS's JSON schema of the pipeline definition, and the SageMaker SDK; quotas of older pages of AWS are
warnings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.expressions import (
    LocatedExpression,
    find_expressions,
    is_expression,
    parse_reference,
    reference_of,
)
from airflow_sm_pipelines.definition.problems import Problem, did_you_mean, error, shown, warning
from airflow_sm_pipelines.definition.validation.references import (
    document_reference_problem,
    reference_doubt,
    reference_problem,
)
from airflow_sm_pipelines.definition.validation.scope import Place, Scope
from airflow_sm_pipelines.exceptions import PipelineDefinitionError

_FUNCTIONS: Final = ("Get", "Std:Join", "Std:JsonGet")
OLD_QUOTA_OF_JSON_GETS: Final = 200
OLD_QUOTA_OF_CONDITIONS: Final = 200


def expression_problems(place: Place, scope: Scope) -> Iterator[Problem]:
    """Yield what is wrong with the expressions of a step; those of steps inside it are not its own.

    :param place: the step.
    :param scope: all names.
    """
    subject = f"step '{place.step.name}'"
    for own in place.step.expressions:
        expression = own._replace(path=place.path + own.path)
        yield from _form_problems(expression, subject)
        reference = reference_of(expression.function, expression.content)
        if reference is not None:
            in_selector = own.path.startswith(".Arguments.Selector")
            problem = reference_problem(place, reference, scope, in_selector=in_selector)
            doubt = reference_doubt(reference, place.step)
            yield from _reading_problems(expression, subject, problem, doubt)


def document_expression_problems(definition: PipelineDefinition, scope: Scope) -> Iterator[Problem]:
    """Yield what is wrong with the expressions that are in no step.

    :param definition: the document.
    :param scope: all names.
    """
    for key, value in (
        ("PipelineExperimentConfig", definition.pipeline_experiment_config),
        ("MlflowConfig", definition.mlflow_config),
    ):
        for expression in find_expressions(value, f"$.{key}"):
            subject = f"'{key}'"
            yield from _form_problems(expression, subject)
            reference = reference_of(expression.function, expression.content)
            if reference is not None:
                problem = document_reference_problem(reference, scope)
                yield from _reading_problems(expression, subject, problem, reference_doubt(reference, None))


def count_problems(scope: Scope) -> Iterator[Problem]:
    """Yield what there is too much of by older quotas of SageMaker.

    :param scope: all names.
    """
    json_gets = conditions = 0
    for place in scope.places:
        conditions += len(place.step.conditions)
        json_gets += sum(each.function == "Std:JsonGet" for each in place.step.expressions)
    for count, quota, what in (
        (json_gets, OLD_QUOTA_OF_JSON_GETS, "Std:JsonGet expressions"),
        (conditions, OLD_QUOTA_OF_CONDITIONS, "conditions"),
    ):
        if count > quota:
            yield warning(f"the pipeline has {count} {what}; older quotas of SageMaker allow {quota}", "$.Steps")


def _reading_problems(
    expression: LocatedExpression, subject: str, problem: str | None, doubt: str | None
) -> Iterator[Problem]:
    start = f"{subject} reads '{expression.content}'"
    if problem is not None:
        yield error(f"{start}: {problem}", expression.path)
    elif doubt is not None:
        yield warning(f"{start}: {doubt}", expression.path)


def _form_problems(expression: LocatedExpression, subject: str) -> Iterator[Problem]:
    content, path = expression.content, expression.path
    if expression.function == "Get":
        yield from _get_problems(content, path, subject)
    elif expression.function == "Std:Join":
        yield from _join_problems(content, path, subject)
    elif expression.function == "Std:JsonGet":
        yield from _json_get_problems(content, path, subject)
    else:
        yield warning(
            f"{subject} uses the function '{expression.function}', which this version does not know; "
            f"functions are {', '.join(_FUNCTIONS)}{did_you_mean(expression.function, _FUNCTIONS)}",
            path,
        )


def _get_problems(content: Any, path: str, subject: str) -> Iterator[Problem]:
    if not isinstance(content, str):
        yield error(f"{subject}: a Get must hold a reference as text, not {shown(content)}", path)
        return
    try:
        parse_reference(content)
    except PipelineDefinitionError as unreadable:
        yield error(f"{subject}: {unreadable.problems[0]}", path)


def _join_problems(content: Any, path: str, subject: str) -> Iterator[Problem]:
    values = content.get("Values") if isinstance(content, Mapping) else None
    if not isinstance(content, Mapping) or not isinstance(values, list) or not isinstance(content.get("On", ""), str):
        yield error(f"{subject}: a Std:Join needs 'On' (text) and 'Values' (a list)", path)
        return
    if "On" not in content:
        yield warning(
            f"{subject}: a Std:Join has no 'On'; it is read as empty text. Write it: the SDK always does",
            f"{path}.Std:Join.On",
        )
    for index, value in enumerate(values):
        if not isinstance(value, (str, int, float)) and not is_expression(value):
            yield error(
                f"{subject} joins {shown(value)}; only text, numbers, true, false and expressions can be joined",
                f"{path}.Std:Join.Values[{index}]",
            )


def _json_get_problems(content: Any, path: str, subject: str) -> Iterator[Problem]:
    if not isinstance(content, Mapping):
        yield error(f"{subject}: a Std:JsonGet must be an object, not {shown(content)}", path)
        return
    inside = f"{path}.Std:JsonGet"
    if not isinstance(content.get("Path"), str) or not content["Path"]:
        yield error(
            f"{subject}: the 'Path' of a Std:JsonGet must be literal text, not {shown(content.get('Path'))}",
            f"{inside}.Path",
        )
    sources = [key for key in ("PropertyFile", "S3Uri") if content.get(key) is not None]
    if len(sources) != 1:
        yield error(f"{subject}: a Std:JsonGet must name either 'PropertyFile' or 'S3Uri'", path)
    if sources == ["S3Uri"] and not isinstance(content["S3Uri"], str) and not is_expression(content["S3Uri"]):
        yield error(f"{subject}: the 'S3Uri' of a Std:JsonGet must be text or an expression", f"{inside}.S3Uri")
    if sources != ["PropertyFile"]:
        return
    source = content["PropertyFile"]
    written = source.get("Get") if isinstance(source, Mapping) and len(source) == 1 else None
    try:
        reference = parse_reference(written) if isinstance(written, str) else None
    except PipelineDefinitionError:
        return  # reported as a separate Get
    if (
        reference is None
        or reference.root != "Steps"
        or len(reference.keys) != 3
        or reference.keys[1] != "PropertyFiles"
    ):
        yield error(
            f"{subject}: the 'PropertyFile' of a Std:JsonGet must be written "
            '{"Get": "Steps.<step>.PropertyFiles.<name>"}',
            f"{inside}.PropertyFile",
        )
