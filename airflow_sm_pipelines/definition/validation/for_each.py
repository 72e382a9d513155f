"""Rules for ForEach steps: what they run over, and what they run.

Source: the SageMaker SDK 3.27 holds these limits (``sagemaker.mlops.workflow.for_each_step``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.expressions import is_expression, parse_reference
from airflow_sm_pipelines.definition.problems import Problem, did_you_mean, error, shown, unknown_keys
from airflow_sm_pipelines.definition.step_types import STEP_TYPES
from airflow_sm_pipelines.definition.validation.scope import Place
from airflow_sm_pipelines.exceptions import PipelineDefinitionError

MAXIMUM_ITEMS: Final = 100
MAXIMUM_CONCURRENCY: Final = 50
NOT_IN_A_BODY: Final = tuple(row.name for row in STEP_TYPES.values() if not row.in_body)
_ARGUMENTS: Final = ("IterableItems", "MaxConcurrency", "Selector", "ForEachBody")
_PICKS: Final = ("MaxBy", "MinBy")


def for_each_problems(place: Place) -> Iterator[Problem]:
    """Yield what is wrong with a ForEach step, or with a step's being in a ForEach body.

    :param place: any step.
    """
    step, path = place.step, place.path
    if place.for_each is not None and step.type in NOT_IN_A_BODY:
        yield error(
            f"{step.type} step '{step.name}' is in the body of ForEach step '{place.for_each.name}'; a body cannot "
            f"hold {', '.join(NOT_IN_A_BODY[:-1])} or {NOT_IN_A_BODY[-1]} steps",
            f"{path}.Type",
        )
    if step.type != "ForEach" or not isinstance(step.arguments, Mapping):
        return
    where = f"{path}.Arguments"
    yield from unknown_keys(step.arguments, _ARGUMENTS, f"ForEach step '{step.name}' has the argument", where)
    yield from _item_problems(step.name, step.arguments.get("IterableItems"), f"{where}.IterableItems")
    concurrency = step.arguments.get("MaxConcurrency")
    whole = isinstance(concurrency, int) and not isinstance(concurrency, bool)
    if not whole or concurrency not in range(1, MAXIMUM_CONCURRENCY + 1):
        yield error(
            f"'MaxConcurrency' of ForEach step '{step.name}' must be a whole number from 1 to {MAXIMUM_CONCURRENCY}, "
            f"not {shown(concurrency)}",
            f"{where}.MaxConcurrency",
        )
    if not step.body:
        yield error(f"ForEach step '{step.name}' has no steps in its body", f"{where}.ForEachBody")
    selector = step.arguments.get("Selector")
    if selector is not None:
        names = [child.name for child in step.body]
        yield from _selector_problems(step.name, names, selector, f"{where}.Selector")


def _item_problems(name: str, items: Any, path: str) -> Iterator[Problem]:
    if is_expression(items):
        return
    if not isinstance(items, list) or not 1 <= len(items) <= MAXIMUM_ITEMS:
        yield error(
            f"'IterableItems' of ForEach step '{name}' must be a reference to a JSON list, or a list of 1 to "
            f"{MAXIMUM_ITEMS} items, not {shown(items)}",
            path,
        )
        return
    for index, item in enumerate(items):
        if not isinstance(item, (str, int, float)) and not is_expression(item):
            yield error(
                f"an item of ForEach step '{name}' is {shown(item)}; items must be text, numbers, true, false or "
                "references. Write an object as JSON text",
                f"{path}[{index}]",
            )


def _selector_problems(name: str, body: list[str], selector: Any, path: str) -> Iterator[Problem]:
    if not isinstance(selector, Mapping):
        yield error(f"'Selector' of ForEach step '{name}' must be an object, not {shown(selector)}", path)
        return
    pick = selector.get("Pick")
    if pick not in _PICKS:
        hint = did_you_mean(pick, _PICKS)
        yield error(
            f"the selector of ForEach step '{name}' picks {shown(pick)}; it can pick {' or '.join(_PICKS)}{hint}",
            f"{path}.Pick",
        )
    field = selector.get("Field")
    written = field.get("Get") if isinstance(field, Mapping) and len(field) == 1 else None
    try:
        reference = parse_reference(written) if isinstance(written, str) else None
    except PipelineDefinitionError:
        return  # reported where references are checked
    if reference is None or reference.root != "IterationOutput" or len(reference.keys) < 2:
        yield error(
            f"'Field' of the selector of ForEach step '{name}' must read an output of a body step: "
            '{"Get": "IterationOutput.<body step>.<output>"}',
            f"{path}.Field",
        )
    elif reference.name not in body:
        yield error(
            f"'Field' of the selector of ForEach step '{name}' reads '{reference.path}': there is no body step "
            f"'{reference.name}'{did_you_mean(str(reference.name), body)}",
            f"{path}.Field",
        )
