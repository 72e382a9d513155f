"""The values that the launch task renders: that they are Jinja, and which tasks they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jinja2

from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.execution.report import PROPERTY_FILES, STEP_REPORT
from airflow_sm_pipelines.translation.nodes import StepTask
from airflow_sm_pipelines.translation.reader import is_template
from airflow_sm_pipelines.translation.xcoms import JsonXComArg, xcom_of_a_step, xcom_references

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator


def follow_the_tasks_of_values(launch: BaseOperator, values: Mapping[str, Any], subject: str) -> None:
    """Make the launch task follow every task whose XCom it renders, those in text included.

    :param launch: the launch task.
    :param values: what it renders, by pipeline parameter.
    :param subject: how errors name the group.
    :raises TranslationError: for invalid Jinja, and for XComs that never exist.
    """
    for name, value in values.items():
        text = value.value if isinstance(value, JsonXComArg) else value
        if isinstance(text, str) and is_template(text):
            _require_jinja(launch, name, text, subject)
        for task_id, key in xcom_references(value, launch.dag.dag_id):
            task = launch.dag.get_task(task_id)
            if key not in (STEP_REPORT, PROPERTY_FILES) and isinstance(task, StepTask):
                what = "the return value" if key == "return_value" else f"the XCom '{key}'"
                raise TranslationError(
                    f"{subject}: pipeline parameter '{name}' is given {what} of '{task_id}', a step of another "
                    f"pipeline. Steps push only the XComs {STEP_REPORT} and {PROPERTY_FILES}: "
                    f"{xcom_of_a_step(task_id)}"
                )
            launch.set_upstream(task)


def _require_jinja(launch: BaseOperator, name: str, text: str, subject: str) -> None:
    try:
        launch.get_template_env().parse(text)
    except jinja2.TemplateSyntaxError as error:
        raise TranslationError(
            f"{subject}: {text!r}, the value of pipeline parameter '{name}', is not valid Jinja: "
            f"{str(error).rstrip('.')}. To keep braces as they are, write {{% raw %}}...{{% endraw %}} around them."
        ) from None
