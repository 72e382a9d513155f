"""Rules for the conditions of a Condition step.

Source: AWS's JSON schema of the pipeline definition, and the SageMaker SDK; quotas of older pages of AWS are
warnings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.conditions import CONDITION_MEMBERS
from airflow_sm_pipelines.definition.expressions import is_expression
from airflow_sm_pipelines.definition.parameters import MISSING
from airflow_sm_pipelines.definition.problems import Problem, did_you_mean, error, shown, unknown_keys, warning
from airflow_sm_pipelines.definition.steps import Step

OLD_QUOTA_OF_BRANCH_STEPS: Final = 20
TYPES_OF_THE_SCHEMA_ONLY: Final = ("NotEquals", "NotIn")


def condition_problems(step: Step, path: str) -> Iterator[Problem]:
    """Yield what is wrong with a Condition step's conditions and branches.

    :param step: the Condition step.
    :param path: where it stands.
    """
    arguments = step.arguments if isinstance(step.arguments, Mapping) else {}
    if not step.conditions:
        yield error(f"Condition step '{step.name}' has no conditions", f"{path}.Arguments.Conditions")
    for index, condition in enumerate(step.conditions):
        yield from _condition_problems(condition, f"{path}.Arguments.Conditions[{index}]", step.name)
    for key in ("IfSteps", "ElseSteps"):
        inner = arguments.get(key)
        if isinstance(inner, list) and len(inner) > OLD_QUOTA_OF_BRANCH_STEPS:
            yield warning(
                f"Condition step '{step.name}' has {len(inner)} steps in '{key}'; older quotas of SageMaker allow "
                f"{OLD_QUOTA_OF_BRANCH_STEPS}",
                f"{path}.Arguments.{key}",
            )
    start, known = f"Condition step '{step.name}' has the argument", ("Conditions", "IfSteps", "ElseSteps")
    yield from unknown_keys(arguments, known, start, f"{path}.Arguments")


def _condition_problems(condition: Any, path: str, step_name: str) -> Iterator[Problem]:
    stack = [(condition, path)]
    while stack:
        current, where = stack.pop()
        type_ = current.get("Type") if isinstance(current, Mapping) else None
        if not isinstance(type_, str) or type_ not in CONDITION_MEMBERS:
            yield _type_problem(current, type_, where, step_name)
            continue
        for member in CONDITION_MEMBERS[type_]:
            value = current.get(member, MISSING)
            if value is MISSING:
                yield error(f"a condition of type {type_} in step '{step_name}' lacks '{member}'", where)
            elif member == "Condition":
                stack.append((value, f"{where}.Condition"))
            elif member in ("Conditions", "Values"):
                if not isinstance(value, list) or not value:
                    yield error(
                        f"'{member}' of a condition of type {type_} in step '{step_name}' must be a list that is not "
                        "empty",
                        f"{where}.{member}",
                    )
                elif member == "Conditions":
                    stack.extend((inner, f"{where}.Conditions[{i}]") for i, inner in reversed([*enumerate(value)]))
                else:
                    for i, operand in enumerate(value):
                        yield from _operand_problems(operand, f"{where}.Values[{i}]", type_, step_name)
            else:
                yield from _operand_problems(value, f"{where}.{member}", type_, step_name)


def _type_problem(condition: Any, type_: Any, path: str, step_name: str) -> Problem:
    if not isinstance(condition, Mapping):
        return error(
            f"Condition step '{step_name}' has {shown(condition)} where a condition belongs; a condition is an object "
            "with a 'Type'",
            path,
        )
    if not isinstance(type_, str):
        return error(
            f"a condition in step '{step_name}' has no 'Type', or its 'Type' is not text; types are "
            f"{', '.join(CONDITION_MEMBERS)}",
            path,
        )
    if type_ in TYPES_OF_THE_SCHEMA_ONLY:
        return warning(
            f"a condition in step '{step_name}' is of the type '{type_}', which AWS's JSON schema of the definition "
            "names but the SDK never writes; its members are not checked",
            path,
        )
    hint = did_you_mean(type_, CONDITION_MEMBERS)
    return error(f"Condition step '{step_name}' has a condition of unknown type '{type_}'{hint}", path)


def _operand_problems(operand: Any, path: str, type_: str, step_name: str) -> Iterator[Problem]:
    if not isinstance(operand, (str, int, float)) and not is_expression(operand):
        yield error(
            f"a condition of type {type_} in step '{step_name}' compares {shown(operand)}; "
            "compare text, numbers, true, false and expressions",
            path,
        )
