"""A mapped task as a ForEach step: what its items have in common is the body, what differs are the items.

Pure: a mapped task describes its step once for each item, as if there were no others.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from airflow_sm_pipelines.definition.conditions import Expression
from airflow_sm_pipelines.definition.expressions import CURRENT_ITEM, ItemReference, Join
from airflow_sm_pipelines.definition.parameters import type_of
from airflow_sm_pipelines.definition.problems import shown
from airflow_sm_pipelines.definition.validation.for_each import MAXIMUM_CONCURRENCY
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.argument_types import Keys, place_of
from airflow_sm_pipelines.translation.command_lines import flag_before
from airflow_sm_pipelines.translation.nodes import RuntimeValue, StepNode, identical

SUFFIX: Final = "-for-each"
"""What the name of a ForEach step has behind that of the step in its body, whose runs have a number there."""

_MAY_DIFFER: Final = (
    "In SageMaker the items of a ForEach step may differ in text, numbers, true and false only: give all items the "
    "same keys and lists of the same length, or define the steps in a Python loop."
)

_NO_FIELD = re.compile(r"[^A-Za-z0-9_]+")


def for_each_node(
    node: StepNode, items: Any, *, concurrency: int | None, selector: Mapping[str, Any] | None
) -> StepNode:
    """Return the ForEach step that runs one step for each item, and is named after it.

    :param node: the step of the body.
    :param items: a list of text, numbers, booleans and expressions, or one value that is such a list at run time.
    :param concurrency: how many run at the same time; ``None`` for as many as SageMaker takes.
    :param selector: as the document has it; ``None`` to select none.
    """
    return StepNode(
        task_id=node.task_id,
        name=f"{node.name}{SUFFIX}",
        type="ForEach",
        arguments=for_each_arguments(items, concurrency=concurrency, selector=selector),
        display_name=node.display_name,
        description=node.description,
        uploads=node.uploads,
        body=(dataclasses.replace(node, uploads=()),),
    )


def for_each_arguments(items: Any, *, concurrency: int | None, selector: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the arguments of a ForEach step, its body apart.

    :param items: a list of text, numbers, booleans and expressions, or one value that is such a list at run time.
    :param concurrency: how many run at the same time; ``None`` for as many as SageMaker takes.
    :param selector: as the document has it; ``None`` to select none.
    """
    return {
        "IterableItems": items,
        "MaxConcurrency": MAXIMUM_CONCURRENCY if concurrency is None else concurrency,
        **({} if selector is None else {"Selector": selector}),
    }


def common_node(nodes: Sequence[StepNode], is_rendered: Callable[[Any], bool]) -> tuple[StepNode, list[Any]]:
    """Return one step for several that differ in text, numbers and booleans only, and what differs, as items.

    Where one value differs (in one place, or alike in several), an item is that value. Otherwise it is a JSON object as
    text, with a field for each.

    :param nodes: the steps, in the order of the items.
    :param is_rendered: whether Airflow renders a value, which is not known yet.
    :raises TranslationError: for steps that differ in anything else, naming the place and what to do.
    """
    first = nodes[0]
    columns = _Columns(len(nodes), is_rendered)
    for part in ("name", "type", "extra", "display_name", "description"):
        if not all(identical(getattr(first, part), getattr(node, part)) for node in nodes):
            raise TranslationError(
                f"its items differ in {_named_part(first, nodes, part)}, which SageMaker takes once for all of them. "
                "Give it in partial(...), or define the steps in a Python loop."
            )
    arguments = columns.common([node.arguments for node in nodes], ())
    uploads = {upload.uri: upload for node in nodes for upload in node.uploads}
    items = columns.items()
    body = dataclasses.replace(first, arguments=columns.named(arguments), uploads=tuple(uploads.values()))
    return body, items


def with_item(value: Any, item: Any) -> Any:
    """Return a value with an item in place of ``CURRENT_ITEM``.

    :param value: any argument of an operator.
    :param item: the item.
    :raises TranslationError: when the item has no such field.
    """
    if isinstance(value, ItemReference):
        return field_of(item, value)
    if isinstance(value, Join):
        return Join(value.on, [with_item(inner, item) for inner in value.values])
    if isinstance(value, Mapping):
        return {key: with_item(inner, item) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(with_item(inner, item) for inner in value) if type(value) in (list, tuple) else value
    return value


def field_of(item: Any, reference: ItemReference) -> Any:
    """Return what a reference reads of an item.

    :param item: the item.
    :param reference: ``CURRENT_ITEM``, or a field of it.
    :raises TranslationError: when the item has no such field.
    """
    found = item
    for key in reference.keys:
        if not isinstance(found, Mapping) or key not in found:
            raise TranslationError(f"the item {repr(item)[:120]} has no field '{key}', which the step reads")
        found = found[key]
    return found


def reads_item(value: Any) -> bool:
    """Say whether ``CURRENT_ITEM`` is in a value.

    :param value: any argument of an operator.
    """
    if isinstance(value, ItemReference):
        return True
    if isinstance(value, Join):
        return any(map(reads_item, value.values))
    if isinstance(value, Mapping):
        return any(map(reads_item, value.values()))
    return isinstance(value, (list, tuple)) and any(map(reads_item, value))


@dataclasses.dataclass(frozen=True)
class _Column:
    """A place whose values differ from item to item."""

    index: int


class _Columns:
    """What differs between items: for each place the values, equal ones once.

    :param count: how many items there are.
    :param is_rendered: whether Airflow renders a value.
    """

    def __init__(self, count: int, is_rendered: Callable[[Any], bool]) -> None:
        self.count = count
        self.is_rendered = is_rendered
        self.values: list[list[Any]] = []
        self.fields: list[str] = []

    def is_late(self, value: Any) -> bool:
        """Whether a value is not known while the Dag is parsed.

        :param value: of any item.
        """
        return isinstance(value, Expression) or self.is_rendered(value)

    def common(self, values: Sequence[Any], keys: Keys, flag: str | None = None) -> Any:
        """Return what values have in common, with a :class:`_Column` wherever they differ.

        :param values: the values of one place, one for each item.
        :param keys: the place.
        :param flag: the name of the flag before it, where it is one of a command line.
        """
        first = values[0]
        if all(identical(first, value) for value in values):
            return first
        if all(isinstance(value, Mapping) and set(value) == set(first) for value in values):
            return {key: self.common([value[key] for value in values], (*keys, key)) for key in first}
        if all(isinstance(value, (list, tuple)) and len(value) == len(first) for value in values):
            places = enumerate(zip(*values, strict=True))
            return [self.common(each, (*keys, index), flag_before(first, index)) for index, each in places]
        if all(isinstance(v, Join) and v.on == first.on and len(v.values) == len(first.values) for v in values):
            together = zip(*(value.values for value in values), strict=True)
            return Join(first.on, [self.common(each, keys, flag) for each in together])
        if all(isinstance(value, Mapping) for value in values):
            of_each = [set(value) for value in values]
            [some, *_] = sorted(set.union(*of_each) - set.intersection(*of_each), key=str)
            raise TranslationError(
                f"its items differ at {place_of((*keys, some))}, which only some of them have. {_MAY_DIFFER}"
            )
        for value in values:
            if (type_of(value) is None and not self.is_late(value)) or _is_invalid_json(value):
                raise TranslationError(
                    f"its items differ at {place_of(keys)}: {', '.join(map(shown, values[:3]))}"
                    f"{', ...' if len(values) > 3 else ''}. {_MAY_DIFFER}"
                )
        return self._column(
            list(values), flag or next((key for key in reversed(keys) if isinstance(key, str)), "value")
        )

    def items(self) -> list[Any]:
        """Return the items.

        :raises TranslationError: for several values, where one is not known while the Dag is parsed.
        """
        if not self.values:  # all alike
            return [*range(self.count)]
        if len(self.values) == 1:
            return self.values[0]
        for field, column in zip(self.fields, self.values, strict=True):
            for value in column:
                if self.is_late(value):
                    told = value.value if isinstance(value, RuntimeValue) else value
                    raise TranslationError(
                        f"its items have several fields, and '{field}' is {shown(told)}, known only when the pipeline "
                        "runs. An item is then one value: expand over that alone, and put the rest into partial(...)."
                    )
        return [json.dumps(dict(zip(self.fields, row, strict=True))) for row in zip(*self.values, strict=True)]

    def named(self, value: Any) -> Any:
        """Return a value with references to the item in place of columns; call after :meth:`items`.

        :param value: as :meth:`common` returns it.
        """
        if isinstance(value, _Column):
            values = self.values[value.index]
            types = {type_of(each) for each in values}
            item = CURRENT_ITEM if len(self.values) == 1 else CURRENT_ITEM[self.fields[value.index]]
            return ItemReference(item.path, types.pop() if len(types) == 1 else None, tuple(values))
        if isinstance(value, Join):
            return Join(value.on, [self.named(inner) for inner in value.values])
        if isinstance(value, Mapping):
            return {key: self.named(inner) for key, inner in value.items()}
        return [self.named(inner) for inner in value] if isinstance(value, (list, tuple)) else value

    def _column(self, values: list[Any], name: str) -> _Column:
        for index, known in enumerate(self.values):
            if identical(known, values):
                return _Column(index)
        self.values.append(values)
        # Of $.HyperParameters.max_depth that is max_depth. No source says that a field may have other characters.
        name = _NO_FIELD.sub("_", name)
        name, count = name if not name[0].isdigit() else f"_{name}", 1
        field = name
        while field in self.fields:
            count += 1
            field = f"{name}_{count}"
        self.fields.append(field)
        return _Column(len(self.values) - 1)


def _is_invalid_json(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _named_part(first: StepNode, nodes: Sequence[StepNode], part: str) -> str:
    if part != "extra":
        return f"the {part.replace('_', ' ')}"
    for key in dict.fromkeys(key for node in nodes for key in node.extra):
        if not all(identical(first.extra.get(key), node.extra.get(key)) for node in nodes):
            return f"'{key}'"
    return "the order of their keys"
