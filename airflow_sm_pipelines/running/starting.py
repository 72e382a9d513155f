"""The start of an execution, with all that it needs, and the sum of what it has left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

from airflow_sm_pipelines.command_line import CommandError
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.problems import Problem
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.running import execution
from airflow_sm_pipelines.running.missing_data import missing, read_from_outside
from airflow_sm_pipelines.running.preparation import Preparation
from airflow_sm_pipelines.running.results import Finished
from airflow_sm_pipelines.running.rows import rows_of
from airflow_sm_pipelines.running.sources import Source
from airflow_sm_pipelines.running.summary import Summary
from airflow_sm_pipelines.running.uploads import make_buckets, upload_code
from airflow_sm_pipelines.running.words import COMMAND_LINE, Words

if TYPE_CHECKING:
    from airflow_sm_pipelines.local.aws import Clients

_ROLE: Final = "arn:aws:iam::123456789012:role/sm-pipelines-local"
"""The role of pipelines whose file names none. Nobody looks at what it may do."""


@dataclass(frozen=True)
class Started:
    """An execution that has started.

    :param arn: its ARN.
    :param definition: what it runs.
    :param values: the values of pipeline parameters.
    """

    arn: str
    definition: PipelineDefinition
    values: Mapping[str, str]

    @property
    def execution_id(self) -> str:
        """Its id."""
        return self.arn.rpartition("/")[2]


def start(
    clients: Clients,
    source: Source,
    preparation: Preparation,
    *,
    warn: Callable[[Problem], None],
    selected: Sequence[str] = (),
    words: Words = COMMAND_LINE,
) -> Started:
    """Make buckets, upload code, make the pipeline, and start an execution.

    :param clients: a client for each service, by its name.
    :param source: the pipeline.
    :param preparation: what was found out about it, without errors.
    :param warn: called with S3 URIs that jobs read and at which nothing is, before the start.
    :param selected: the steps to run; none for all.
    :param words: how what is missing is given.
    :raises CommandError: there is no definition, or no execution for ``selected`` to take other steps from.
    """
    definition = preparation.definition
    if definition is None:
        raise CommandError("there is no definition to run")
    make_buckets(clients["s3"], preparation.buckets)
    upload_code(clients["s3"], preparation.uploads)
    places = () if selected else read_from_outside(definition, preparation.values)
    for problem in missing(clients["s3"], places, words):
        warn(problem)
    client = clients["sagemaker"]
    execution.put_pipeline(client, source.name, definition, source.role_arn or _ROLE)
    selection = execution.selection_of(client, source.name, selected, words)
    arn = execution.start(client, source.name, _start_values(definition, preparation.values), selection)
    return Started(arn, definition, preparation.values)


def summary_of(clients: Clients, started: Started, snapshot: ExecutionSnapshot, directory: Path) -> Summary:
    """Return how an execution ended. Its outputs are brought to a directory.

    :param clients: a client for each service, by its name.
    :param started: the execution.
    :param snapshot: how it ended.
    :param directory: gets a directory for each step; its parent is there.
    """
    finished = Finished(clients, started.definition, started.values, snapshot)
    rows = rows_of(started.definition, snapshot, now())
    return Summary(snapshot, rows, finished.results(directory), directory)


def now() -> datetime:
    """Return the time, with its zone."""
    return datetime.now(timezone.utc)


def _start_values(definition: PipelineDefinition, values: Mapping[str, str]) -> Mapping[str, str]:
    """The values to start with: without those that are empty, and so by default."""
    declared = {each.name: each for each in definition.parameters}
    return {name: value for name, value in values.items() if not declared[name].is_left_out(value)}
