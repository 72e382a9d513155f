"""What the fixture gives: pipelines of files, Dags and groups are run to their end."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow_sm_pipelines.checking import local_limits
from airflow_sm_pipelines.definition.parameters import to_start_value
from airflow_sm_pipelines.exceptions import PipelineParameterError, Problem, SageMakerPipelinesError
from airflow_sm_pipelines.running.following import Interruption, LogLines, follow
from airflow_sm_pipelines.running.preparation import Preparation, prepare
from airflow_sm_pipelines.running.region import region_of_environment
from airflow_sm_pipelines.running.sources import Kind, Source, definition_source, kind_of, read_text
from airflow_sm_pipelines.running.view import PlainView
from airflow_sm_pipelines.running.words import ARGUMENTS
from airflow_sm_pipelines.testing.process import EndpointProcess
from airflow_sm_pipelines.testing.results import ExecutionResult, results_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from airflow_sm_pipelines.local.aws import Clients
    from airflow_sm_pipelines.local.settings import EndpointSettings
    from airflow_sm_pipelines.running.uploads import LocalData
    from airflow_sm_pipelines.task_groups.base import BasePipelineTaskGroup

LONGEST_SECONDS: Final = 600.0
"""A run may take so long, unless the test says otherwise."""


class PipelineNotStartedError(SageMakerPipelinesError):
    """A pipeline that a test wanted to run cannot be started; the message has every reason."""


class PipelineTimeoutError(SageMakerPipelinesError):
    """A pipeline that a test ran has not ended in time."""


class AccountGoneError(SageMakerPipelinesError):
    """What an earlier run has left was emptied when another one began."""


class LocalPipelines:
    """Runs pipelines on this machine. A context manager.

    :param root: where relative paths start: pytest's rootdir.
    :param directory: for outputs and logs.
    :param settings: how the local endpoint runs; ``None`` for its defaults.
    """

    def __init__(self, root: Path, directory: Path, settings: EndpointSettings | None = None) -> None:
        self._root = root
        self._directory = directory
        self._settings = settings
        self._process = EndpointProcess(settings, root, directory / "endpoint.log")
        self._clients: Clients | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clients = None
        self._process.close()

    def run(
        self,
        pipeline: Any,
        *,
        parameters: Mapping[str, str | float | bool] | None = None,
        files: Mapping[str, Path | str] | None = None,
        select: Sequence[str] = (),
        dag_id: str | None = None,
        group_id: str | None = None,
        pipeline_name: str | None = None,
        after: ExecutionResult | None = None,
        timeout: float = LONGEST_SECONDS,
    ) -> ExecutionResult:
        """Run a pipeline to its end.

        It runs in an account that is empty but for ``files``: no cached results, no models. A failed execution is a
        result, not an error. Airflow tasks are not run, and Jinja is not rendered: give such values in ``parameters``.

        :param pipeline: the path of a Dag file or of a definition in JSON, relative to pytest's rootdir; a Dag; or a
            ``SageMakerPipelineTaskGroup``.
        :param parameters: values of pipeline parameters by name; others have those of the Dag file, or their defaults.
        :param files: by S3 URI a local file or directory that is put there first.
        :param select: run these steps only, and take the others from the latest execution of ``after``.
        :param dag_id: which Dag, where a file has several.
        :param group_id: which group, where a Dag has several.
        :param pipeline_name: of a definition; by default that of its file.
        :param after: the latest run: continue in its account, with its objects, caches and models.
        :param timeout: how long it may take, in seconds.
        :raises PipelineNotStartedError: the pipeline, or something that was given, is wrong.
        :raises PipelineTimeoutError: it has not ended in time; it is ended.
        :raises AccountGoneError: ``after`` is not the latest run.
        :raises TranslationError: the Dag file has an error.
        """
        data = self._data(files or {})
        clients = self._account(after)
        from airflow_sm_pipelines.running.uploads import upload_data

        upload_data(clients["s3"], data)
        source = self._source(pipeline, dag_id, group_id, pipeline_name)
        preparation = self._prepared(source, parameters or {}, select)
        return self._execution(clients, source, preparation, select, timeout)

    def _account(self, after: ExecutionResult | None) -> Clients:
        from airflow_sm_pipelines.local.aws import Clients

        if after is not None:
            after.client("s3")
            if self._clients is not None:
                return self._clients
        self._clients = None
        self._clients = Clients(self._process.start_endpoint(), region_of_environment())
        return self._clients

    def _data(self, files: Mapping[str, Path | str]) -> list[LocalData]:
        from airflow_sm_pipelines.running.uploads import LocalData

        problems = []
        data = []
        for uri, path in files.items():
            place = self._root / path
            if not uri.removeprefix("s3://").strip("/") or not uri.startswith("s3://"):
                problems.append(f"files: '{uri}' is not an S3 URI, such as s3://bucket/prefix")
            elif not place.exists():
                problems.append(f"files: there is no file or directory {place} for {uri}")
            data.append(LocalData(uri, place))
        if problems:
            raise PipelineNotStartedError("\n".join(problems))
        return data

    def _source(self, pipeline: Any, dag_id: str | None, group_id: str | None, pipeline_name: str | None) -> Source:
        if not isinstance(pipeline, (str, Path)):
            return _group_source(_group_in(pipeline, dag_id, group_id))
        path = self._root / pipeline
        text = read_text(path)
        kind = kind_of(path, text)
        if kind is Kind.DEFINITION:
            return definition_source(path, text, pipeline_name)
        if kind is Kind.SDK:
            raise PipelineNotStartedError(
                f"{path} is neither a Dag file nor a definition in JSON. Of a file of the SageMaker SDK, give what "
                "pipeline.definition() returns, as a .json file"
            )
        from airflow_sm_pipelines.task_groups.dag_files import pipeline_group_of

        return _group_source(pipeline_group_of(path, dag_id=dag_id, group_id=group_id, ask=ARGUMENTS.group), path)

    def _prepared(
        self, source: Source, parameters: Mapping[str, str | float | bool], select: Sequence[str]
    ) -> Preparation:
        stubs = () if self._settings is None else self._settings.stand_ins
        local = local_limits(stubs, tuple(select) or None)
        preparation = prepare(source, _start_values(parameters), selected=tuple(select), local=local, words=ARGUMENTS)
        if preparation.errors:
            raise PipelineNotStartedError(
                f"pipeline '{source.name}' cannot be started:\n" + "\n".join(map(str, preparation.errors))
            )
        for problem in preparation.problems:
            _warn(problem)
        return preparation

    def _execution(
        self, clients: Clients, source: Source, preparation: Preparation, select: Sequence[str], timeout: float
    ) -> ExecutionResult:
        from airflow_sm_pipelines.running.execution import JobLogs, look
        from airflow_sm_pipelines.running.starting import start, summary_of

        started = start(clients, source, preparation, warn=_warn, selected=tuple(select), words=ARGUMENTS)
        view, lines = PlainView(sys.stdout), LogLines(JobLogs(clients["logs"]), ())
        view.say(f"pipeline {source.name}, execution {started.execution_id}")
        client = clients["sagemaker"]
        try:
            snapshot = follow(client, started.arn, view, lines, _Deadline(timeout))
        except _TimeIsOverError:
            seen = look(client, started.arn).steps.values()
            self._clients = None
            self._process.close()
            steps = ", ".join(f"'{step.name}' is {step.status}" for step in seen if not step.status.is_terminal)
            raise PipelineTimeoutError(
                f"pipeline '{source.name}' has not ended after {timeout:g} s, and was ended ({steps or 'no step runs'})"
            ) from None
        summary = summary_of(clients, started, snapshot, self._directory / started.execution_id)
        logs = JobLogs(clients["logs"])
        lines_of = {
            name: tuple(logs.new_lines(step.job_arn))
            for name, step in snapshot.steps.items()
            if step.job_arn is not None
        }
        return results_of(summary, lines_of, lambda service: self._client(clients, service))

    def _client(self, clients: Clients, service: str) -> Any:
        if clients is not self._clients:
            raise AccountGoneError(
                "what this run has left is gone: each run begins in an empty account. Ask before the next run begins, "
                "or give the next one after=<this result>"
            )
        return clients[service]


class _TimeIsOverError(Exception):
    """Ends the following of an execution."""


class _Deadline(Interruption):
    """Interrupts nothing until the time is over.

    :param seconds: from now on.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._end = time.monotonic() + seconds

    def wait(self, seconds: float) -> bool:
        if time.monotonic() >= self._end:
            raise _TimeIsOverError
        return super().wait(seconds)


def _group_in(pipeline: Any, dag_id: str | None, group_id: str | None) -> BasePipelineTaskGroup:
    from airflow.sdk import DAG

    from airflow_sm_pipelines.task_groups.base import BasePipelineTaskGroup
    from airflow_sm_pipelines.task_groups.dag_files import pipeline_group_among

    if isinstance(pipeline, BasePipelineTaskGroup):
        return pipeline
    if not isinstance(pipeline, DAG):
        raise PipelineNotStartedError(
            f"a pipeline is the path of a file, a Dag or a SageMakerPipelineTaskGroup, not {type(pipeline).__name__}"
        )
    return pipeline_group_among(
        {pipeline.dag_id: pipeline}, f"Dag '{pipeline.dag_id}'", dag_id=dag_id, group_id=group_id, ask=ARGUMENTS.group
    )


def _group_source(group: BasePipelineTaskGroup, path: Path | None = None) -> Source:
    from airflow_sm_pipelines.running.dag_source import group_source

    group.require_launch_follows_outside_upstreams()
    return group_source(group, Path(group.dag.fileloc) if path is None else path)


def _start_values(parameters: Mapping[str, str | float | bool]) -> dict[str, str]:
    values = {}
    for name, value in parameters.items():
        try:
            values[name] = to_start_value(value)
        except PipelineParameterError as error:
            raise PipelineNotStartedError(f"parameters: '{name}': {error}") from None
    return values


def _warn(problem: Problem) -> None:
    sys.stdout.write(f"{problem.severity}: {problem}\n")
