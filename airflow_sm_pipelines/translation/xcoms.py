"""XComs of other tasks in the values that the launch task renders."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow.sdk import XComArg

from airflow_sm_pipelines.compatibility.sdk import ResolveMixin
from airflow_sm_pipelines.execution.report import STEP_REPORT

_IN_TEXT = re.compile(
    r"task_instance\.xcom_pull\(task_ids='(?P<task_id>[^']+)', dag_id='(?P<dag_id>[^']+)', key='(?P<key>[^']+)'\)"
)
"""What Airflow writes for an XComArg in text (``PlainXComArg.__str__``)."""


def xcom_references(value: Any, dag_id: str) -> Iterator[tuple[str, str]]:
    """Yield the XComs that a value needs: the ids of their tasks, and their keys.

    Airflow draws no edge for an XComArg in text, as in ``f"s3://{upload()}"``: all it sees is Jinja. Here it counts
    like any other. An ``xcom_pull`` written by hand does not, as with Airflow: draw its edge yourself.

    :param value: Jinja text or an XComArg.
    :param dag_id: text may also read XComs of other Dags, which no edge leads to.
    """
    if isinstance(value, JsonXComArg):
        yield from xcom_references(value.value, dag_id)
    elif isinstance(value, XComArg):
        for operator, key in value.iter_references():
            yield operator.task_id, key
    elif isinstance(value, str):
        for match in _IN_TEXT.finditer(value):
            if match["dag_id"] == dag_id:
                yield match["task_id"], match["key"]


class StepValue(ResolveMixin, ABC):
    """A reference to a value of a step that is in an XCom, too, once the step is over.

    For steps of the same pipeline it is the reference. For all else, another pipeline among it, it is the XCom.
    """

    @property
    @abstractmethod
    def task_id(self) -> str:
        """The full id of the step's task."""


class StepValueXComArg(XComArg):
    """A value of a step as an XComArg, for a task that is not in the step's pipeline.

    :param value: the value.
    """

    def __init__(self, value: StepValue) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"StepValueXComArg({self.value!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StepValueXComArg) and (self.value, self.value.task_id) == (
            other.value,
            other.value.task_id,
        )

    def __hash__(self) -> int:
        return hash(self.value.task_id)

    def iter_references(self) -> Iterator[tuple[Any, str]]:
        """Yield the step's task and its XCom."""
        yield from self.value.iter_references()

    def resolve(self, context: Any) -> Any:
        """Return the value.

        :param context: of the task that asks.
        """
        return self.value.resolve(context)


def outside_its_pipeline(value: Any) -> Any:
    """Return the XCom of a step's value for what is not in the step's pipeline, and any other value as it is.

    :param value: an argument as the Dag's author wrote it.
    """
    return StepValueXComArg(value) if isinstance(value, StepValue) else value


class JsonXComArg(XComArg):
    """Renders a value, and gives it as JSON: text in quotes, with its own quotes escaped.

    An XComArg, since that is how a value tells Airflow which XComs it needs and how it is resolved. Not for tasks to
    expand over.

    :param value: Jinja text or an XComArg.
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"JsonXComArg({self.value!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JsonXComArg) and other.value == self.value

    def __hash__(self) -> int:
        return hash(repr(self))

    def iter_references(self) -> Iterator[tuple[Any, str]]:
        """Yield the XComs that the value needs: their operators and keys."""
        yield from XComArg.iter_xcom_references(self.value)

    def resolve(self, context: Mapping[str, Any]) -> str:
        """Render the value.

        :param context: of the task that renders it.
        :return: JSON.
        """
        return json.dumps(context["task"].render_template(self.value, context))


def step_value_in_json(value: Any) -> StepValue | None:
    """Return the value of a step that is written into JSON; ``None`` for anything else.

    :param value: Jinja text or an XComArg.
    """
    inner = value.value if isinstance(value, JsonXComArg) else None
    return inner.value if isinstance(inner, StepValueXComArg) else None


class ItemsXComArg(JsonXComArg):
    """Renders the items of a mapped step as JSON: what it is expanded over, in the order of map indexes.

    :param value: an XComArg.
    """

    def resolve(self, context: Mapping[str, Any]) -> str:
        """Read the items.

        :param context: of the task that renders it.
        :return: JSON, a list; whatever else there is, as Airflow would not expand over it either.
        """
        value = context["task"].render_template(self.value, context)
        if isinstance(value, str):
            return value  # JSON, which is what a pipeline parameter holds
        # Those of mapped tasks, and of map() and zip(), are sequences that read one XCom after the other.
        is_list = isinstance(value, Sequence)
        return json.dumps(list(value) if is_list else value)

    def __repr__(self) -> str:
        return f"ItemsXComArg({self.value!r})"


def xcom_of_a_step(task_id: str) -> str:
    """Return the advice how to read what a step of another pipeline has left.

    :param task_id: the step's task.
    """
    template = f"{{{{ ti.xcom_pull('{task_id}', key='{STEP_REPORT}')['outputs']['name'] }}}}"
    return f"\"{template}\", with the edge drawn: '{task_id}' >> group."


def a_step_of_another_pipeline(task_id: str, step_name: str, step_task_id: str) -> str:
    """Return the message for a reference that leads out of its pipeline.

    :param task_id: the task that has the reference.
    :param step_name: the step referred to.
    :param step_task_id: the task of that step.
    """
    return (
        f"task '{task_id}' refers to step '{step_name}', which is task '{step_task_id}' of another pipeline. "
        "References work only inside their pipeline. Read what the step pushed to XCom: "
        f"{xcom_of_a_step(step_task_id)}"
    )
