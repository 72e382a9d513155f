"""All rules that a definition is checked against before it runs: of the document, of the API, and of this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from airflow_sm_pipelines.command_line import NEEDS_LOCAL, CommandError
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.validation import validate
from airflow_sm_pipelines.exceptions import Problem


def definition_problems(
    definition: PipelineDefinition, local: Callable[[PipelineDefinition], list[Problem]] | None = None
) -> list[Problem]:
    """Return every problem of a definition.

    :param definition: the definition.
    :param local: names what cannot run on this machine: :func:`local_limits`.
    """
    from airflow_sm_pipelines.requests import check_requests

    return [*validate(definition), *check_requests(definition), *([] if local is None else local(definition))]


def local_limits(
    stubs: Sequence[str], selected: Sequence[str] | None = None
) -> Callable[[PipelineDefinition], list[Problem]]:
    """Return what names the parts of a definition that the local endpoint cannot run.

    :param stubs: the types of steps that it leaves out, as ``--stub`` has them.
    :param selected: the steps that are to run; all by default.
    :raises CommandError: the extra ``local`` is not installed, or a type is none.
    """
    try:
        from airflow_sm_pipelines.local.runnable import not_run_here
        from airflow_sm_pipelines.local.runners.registry import runners_with, stand_ins_of
    except ModuleNotFoundError as error:
        raise CommandError(NEEDS_LOCAL.format(error.name)) from None
    try:
        stand_ins = [name for stub in stubs for name in stand_ins_of(stub)]
    except ValueError as error:
        raise CommandError(f"--stub: {error}") from None
    return lambda definition: not_run_here(definition, runners_with(stand_ins), selected)
