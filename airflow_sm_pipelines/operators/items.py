"""The task that gives the items of a mapped step to Airflow."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import BaseOperator

from airflow_sm_pipelines.definition.expressions import ParameterReference
from airflow_sm_pipelines.definition.problems import shown

if TYPE_CHECKING:
    from airflow.sdk import Context


class SageMakerPipelineItemsOperator(BaseOperator):
    """
    Returns the list that a pipeline parameter holds as JSON, for a step to be mapped over.

    Airflow maps over what a task returns, and not over Dag params or Jinja. Made by
    :meth:`~airflow_sm_pipelines.task_groups.pipeline.SageMakerPipelineTaskGroup.items`; calls nobody.

    :param items: the value of the parameter: JSON text or a list. Templated.
    :param items_of: the pipeline parameter.
    """

    template_fields: Sequence[str] = ("items",)
    custom_operator_name = "Items"
    ui_color = "#d8e4f0"

    def __init__(self, *, items: Any, items_of: ParameterReference, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.items = items
        self.items_of = items_of

    def execute(self, context: Context) -> list[Any]:
        """Return the items.

        :param context: Airflow's.
        :raises AirflowFailException: when the parameter holds no list, or an empty one.
        """
        try:
            items = json.loads(self.items) if isinstance(self.items, str) else self.items
        except ValueError as error:
            raise AirflowFailException(f"{self._what}, which is not JSON: {error}") from None
        if not isinstance(items, (list, tuple)) or not items:
            raise AirflowFailException(f"{self._what}. A step is mapped over a list of at least one item")
        return list(items)

    @property
    def _what(self) -> str:
        return f"Pipeline parameter '{self.items_of.path.removeprefix('Parameters.')}' is {shown(self.items)}"
