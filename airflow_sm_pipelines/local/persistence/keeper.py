"""Writes what the endpoint remembers as it changes, in a thread, and gives it to the next endpoint.

The thread receives what has changed, and writes it as it is when its turn comes: many changes at once are one write,
and the engine waits for none. An answer to a request that changes something waits.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from airflow_sm_pipelines.local.changes import Changes
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.errors import ServiceError, ValidationError
from airflow_sm_pipelines.local.persistence.directory import DataDirectory, DataDirectoryError
from airflow_sm_pipelines.local.persistence.entries import KeptEntries
from airflow_sm_pipelines.local.persistence.interruption import interrupt_execution, interrupted_job
from airflow_sm_pipelines.local.persistence.jobs import job_document, job_key, job_of
from airflow_sm_pipelines.local.persistence.moto import Moto
from airflow_sm_pipelines.local.persistence.objects import KeptObjects
from airflow_sm_pipelines.local.persistence.plain import from_plain, to_plain
from airflow_sm_pipelines.local.persistence.records import (
    Document,
    execution_document,
    execution_of,
    pipeline_document,
    pipeline_of,
    step_document,
    step_of,
)
from airflow_sm_pipelines.local.region import Region, Regions
from airflow_sm_pipelines.local.store import ExecutionRecord, PipelineRecord, StepRecord

_DEFINITIONS: Final = "definitions"
_PIPELINES: Final = "pipelines"
_EXECUTIONS: Final = "executions"
_STEPS: Final = "steps"
_JOBS: Final = "jobs"
_TAGS: Final = "tags"
_COMPONENTS: Final = "inference-components"
_TOKENS: Final = "tokens"

logger = logging.getLogger(__name__)


class _Mirror:
    """Documents of one kind and region that are compared with what there is, and written where they differ.

    :param directory: where they are kept.
    :param kind: which documents.
    """

    def __init__(self, directory: DataDirectory, kind: str) -> None:
        self._directory = directory
        self._kind = kind
        self._kept: dict[str, Any] = {}

    def show(self, there: Mapping[str, Any]) -> None:
        """Write what has changed, and remove what is gone.

        :param there: the documents by their keys; not changed afterwards.
        """
        self.write(there)
        self.remove_others(there)

    def write(self, there: Mapping[str, Any]) -> None:
        """Write what has changed.

        :param there: the documents by their keys; not changed afterwards.
        """
        for key, value in there.items():
            if key not in self._kept or self._kept[key] != value:
                self._directory.write(self._kind, key, value)
                self._kept[key] = value

    def remove_others(self, there: Container[str]) -> None:
        """Remove what is gone.

        :param there: the keys of what stays.
        """
        for key in [each for each in self._kept if each not in there]:
            self._directory.remove(self._kind, key)
            del self._kept[key]

    def begin(self, kept: Mapping[str, Any]) -> None:
        """Take what was read for what is kept.

        :param kept: the documents by their keys.
        """
        self._kept = dict(kept)


class Keeper(Changes):
    """Keeps the records of an endpoint in a data directory, and what moto has.

    ``objects`` and ``entries`` receive the requests that moto has answered.

    :param directory: the directory.
    :param moto: who has S3 and the entries; it is empty.
    """

    def __init__(self, directory: DataDirectory, moto: Moto) -> None:
        self.objects = KeptObjects(directory, moto)
        self.entries = KeptEntries(directory, moto)
        self._directory = directory
        self._regions: Regions | None = None
        self._condition = threading.Condition()
        self._marks: dict[object, Callable[[], None]] = {}
        self._steps: dict[str, set[str]] = {}  # that have changed, by execution
        self._waiting: list[Future[None]] = []
        self._closed = False
        self._thread: threading.Thread | None = None
        # Of the thread alone, once it runs.
        self._kept_steps: dict[str, set[str]] = {}
        self._kept_jobs: set[str] = set()
        self._mirrors: dict[tuple[str, str], _Mirror] = {}

    def restore(self, regions: Regions) -> None:
        """Give an endpoint, and moto, what is kept, and begin to keep what changes.

        :param regions: those of the endpoint; they are empty.
        :raises DataDirectoryError: a file is none of ours, or has what this version does not know.
        """
        with self._readable("buckets or objects"):
            self.objects.restore()
        with self._readable("models, endpoints or the like"):
            self.entries.restore()
        moment = now()
        self._regions = regions
        with self._readable("pipelines or their definitions"):
            pipelines = self._restore_pipelines(regions)
        with self._readable("executions or steps"):
            for execution in self._restored_executions(pipelines):
                regions.get(execution.arn.region).store.add_execution(execution)
                if not execution.status.is_terminal:
                    self._interrupt(execution, moment)
                execution.done.set()
        with self._readable("jobs"):
            self._restore_jobs(regions, moment)
        with self._readable("tags, inference components or tokens"):
            self._restore_details(regions)
        self._thread = threading.Thread(target=self._write, name="keeper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what has changed, and keep nothing more: what runs now is found to have been running."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        if self._thread is not None:
            self._thread.join()

    def of_execution(self, execution: ExecutionRecord, step: StepRecord | None = None) -> None:
        """Take note that an execution has changed."""
        arn = str(execution.arn)
        with self._condition:
            if step is not None:
                self._steps.setdefault(arn, set()).add(step.name)
            self._mark(("execution", arn), partial(self._keep_execution, execution))

    def of_job(self, region: str, api: str, name: str) -> None:
        """Take note that a job has changed."""
        with self._condition:
            self._mark(("job", region, api, name), partial(self._keep_job, region, api, name))

    def of_region(self, region: str) -> None:
        """Take note that a request has changed what a region has, and wait until that is kept.

        :raises ServiceError: it cannot be kept.
        """
        kept: Future[None] = Future()
        with self._condition:
            if self._closed:
                raise ServiceError("The local endpoint is shutting down.")
            self._mark(("region", region), partial(self._keep_region, region))
            self._waiting.append(kept)
        try:
            kept.result()
        except OSError as error:
            raise ServiceError(f"The local endpoint cannot write its data directory: {error}") from error

    def _mark(self, key: object, keep: Callable[[], None]) -> None:
        """Have something written. The condition's lock is held."""
        if not self._closed:
            self._marks.setdefault(key, keep)
            self._condition.notify_all()

    def _write(self) -> None:
        """Write what is marked, until this is closed. What cannot be written is tried again with the next change."""
        failed: dict[object, Callable[[], None]] = {}
        is_closed = False
        while not is_closed:
            with self._condition:
                self._condition.wait_for(lambda: self._marks or self._closed)
                marks, self._marks = {**failed, **self._marks}, {}
                waiting, self._waiting = self._waiting, []
                is_closed = self._closed
            problem: Exception | None = None
            failed = {}
            for key, keep in marks.items():
                try:
                    keep()
                except Exception as error:
                    logger.exception("%s is not kept in %s", key, self._directory.path)
                    problem = error
                    failed[key] = keep
            for each in waiting:
                if problem is None:
                    each.set_result(None)
                else:
                    each.set_exception(problem)

    def _keep_execution(self, execution: ExecutionRecord) -> None:
        """Write an execution and those of its steps that have changed, all as they are at one moment.

        The steps come first: an execution that is over never has steps that are found running.
        """
        arn = str(execution.arn)
        if not self._region(execution.arn.region).store.has_execution(arn):
            return  # its pipeline was deleted
        kept = self._kept_steps.setdefault(arn, set())
        with execution.lock:
            with self._condition:
                changed = self._steps.pop(arn, set())
            steps = {
                name: step_document(step)
                for name, step in execution.steps.items()
                if name in changed or name not in kept
            }
            document = execution_document(execution)
        kept.difference_update(steps)  # until they are written
        for name, step in steps.items():
            self._directory.write(_STEPS, _step_key(arn, name), step)
            kept.add(name)
        self._directory.write(_EXECUTIONS, arn, document)
        for name in kept.difference(document["steps"]):
            self._directory.remove(_STEPS, _step_key(arn, name))
            kept.remove(name)

    def _keep_job(self, region: str, api: str, name: str) -> None:
        jobs = next(each for each in self._region(region).services.jobs if each.resource.api == api)
        try:
            document = job_document(jobs.get(name))
        except ValidationError:
            return  # it was deleted
        self._directory.write(_JOBS, job_key(region, api, name), document)
        self._kept_jobs.add(job_key(region, api, name))

    def _keep_region(self, name: str) -> None:
        """Write what requests have changed; what they have deleted goes."""
        region = self._region(name)
        store = region.store
        answers = store.tokens.answers()
        with store.lock:
            pipelines = {each.arn: pipeline_document(each) for each in store.pipelines()}
            texts = {
                _definition_key(each.arn, version.version_id): version.text
                for each in store.pipelines()
                for version in each.versions
            }
            executions = {str(each.arn) for each in store.executions()}
            tags = {arn: to_plain(each) for arn, each in store.tags.items()}
            components = {
                f"{name}/{component}": to_plain(each) for component, each in store.inference_components.items()
            }
        # A pipeline is never there without its definitions.
        self._mirror(_DEFINITIONS, name).write(texts)
        self._mirror(_PIPELINES, name).show(pipelines)
        self._mirror(_DEFINITIONS, name).remove_others(texts)
        self._mirror(_TAGS, name).show(tags)
        self._mirror(_COMPONENTS, name).show(components)
        self._mirror(_TOKENS, name).show(
            {
                f"{name}/{operation}/{token}": {
                    "operation": operation,
                    "token": token,
                    "request": to_plain(request),
                    "arn": arn,
                }
                for (operation, token), (request, arn) in answers.items()
            }
        )
        for arn in [each for each in self._kept_steps if _region_of(each) == name and each not in executions]:
            self._forget_execution(arn, self._kept_steps.pop(arn))
        jobs = {job_key(name, each.resource.api, job.name) for each in region.services.jobs for job in each.all()}
        for key in [each for each in self._kept_jobs if each.startswith(f"{name}/") and each not in jobs]:
            self._directory.remove(_JOBS, key)
            self._kept_jobs.remove(key)

    def _interrupt(self, execution: ExecutionRecord, moment: dt.datetime) -> None:
        with execution.lock:
            for step in interrupt_execution(execution, moment):
                self._directory.write(_STEPS, _step_key(str(execution.arn), step.name), step_document(step))
            self._directory.write(_EXECUTIONS, str(execution.arn), execution_document(execution))

    def _forget_execution(self, arn: str, steps: Iterable[str]) -> None:
        self._directory.remove(_EXECUTIONS, arn)
        for name in steps:
            self._directory.remove(_STEPS, _step_key(arn, name))

    def _region(self, name: str) -> Region:
        if self._regions is None:
            raise RuntimeError("nothing is restored yet")
        return self._regions.get(name)

    def _mirror(self, kind: str, region: str) -> _Mirror:
        return self._mirrors.setdefault((kind, region), _Mirror(self._directory, kind))

    @contextmanager
    def _readable(self, what: str) -> Iterator[None]:
        """Say what cannot be read, where a document has not what is looked for in it."""
        try:
            yield
        except (DataDirectoryError, OSError):
            raise
        except Exception as error:
            raise DataDirectoryError(
                f"the {what} in the data directory {self._directory.path} are not those of this version of"
                f" sm-pipelines: {error!r}. Use the version that wrote them, or remove the directory to start empty"
            ) from error

    def _restore_pipelines(self, regions: Regions) -> dict[str, PipelineRecord]:
        texts = self._directory.read(_DEFINITIONS)
        pipelines: dict[str, PipelineRecord] = {}
        documents: list[Document] = list(self._directory.read(_PIPELINES).values())
        for document in documents:
            arn = document["arn"]
            numbers = [each["version_id"] for each in document["versions"]]
            pipelines[arn] = pipeline_of(document, {number: texts[_definition_key(arn, number)] for number in numbers})
        for pipeline in sorted(pipelines.values(), key=lambda each: each.creation_time):
            regions.get(_region_of(pipeline.arn)).store.add_pipeline(pipeline)
        self._begin(_DEFINITIONS, texts)
        self._begin(_PIPELINES, {each.arn: pipeline_document(each) for each in pipelines.values()})
        return pipelines

    def _restored_executions(self, pipelines: Mapping[str, PipelineRecord]) -> list[ExecutionRecord]:
        """The executions in order of creation. Those of pipelines that were just being deleted go."""
        steps: dict[str, dict[str, StepRecord]] = {}
        for key, document in self._directory.read(_STEPS).items():
            step = step_of(document)
            steps.setdefault(key.removesuffix(f"#{step.name}"), {})[step.name] = step
        found: list[ExecutionRecord] = []
        for arn, document in self._directory.read(_EXECUTIONS).items():
            if arn.partition("/execution/")[0] in pipelines:
                found.append(execution_of(document, pipelines, steps.get(arn, {})))
                self._kept_steps[arn] = set(steps.pop(arn, {}))
            else:
                self._directory.remove(_EXECUTIONS, arn)
        for arn, left in steps.items():
            self._forget_execution(arn, left)
        return sorted(found, key=lambda each: each.creation_time)

    def _restore_jobs(self, regions: Regions, moment: dt.datetime) -> None:
        documents: dict[str, Document] = self._directory.read(_JOBS)
        restored = []
        for key, document in documents.items():
            shown = interrupted_job(document, moment)
            if shown is not document:
                self._directory.write(_JOBS, key, shown)
            restored.append((key.partition("/")[0], job_of(shown)))
        for region, job in sorted(restored, key=lambda each: each[1].describe()["CreationTime"]):
            jobs = next(each for each in regions.get(region).services.jobs if each.resource == job.resource)
            jobs.add(job)
        self._kept_jobs = set(documents)

    def _restore_details(self, regions: Regions) -> None:
        tags = self._directory.read(_TAGS)
        for arn, each in tags.items():
            regions.get(_region_of(arn)).store.tags[arn] = from_plain(each)
        self._begin(_TAGS, tags)
        components = self._directory.read(_COMPONENTS)
        restored = [(key, from_plain(each)) for key, each in components.items()]
        for key, each in sorted(restored, key=lambda item: item[1]["CreationTime"]):
            region, _, name = key.partition("/")
            regions.get(region).store.inference_components[name] = each
        self._begin(_COMPONENTS, components)
        tokens = self._directory.read(_TOKENS)
        for key, each in tokens.items():
            answer = (from_plain(each["request"]), each["arn"])
            regions.get(key.partition("/")[0]).store.tokens.remember(each["operation"], each["token"], answer)
        self._begin(_TOKENS, tokens)

    def _begin(self, kind: str, kept: Mapping[str, Any]) -> None:
        """Tell the mirrors what is kept; keys are ARNs, or begin with the region."""
        by_region: dict[str, dict[str, Any]] = {}
        for key, value in kept.items():
            region = _region_of(key) if key.startswith("arn:") else key.partition("/")[0]
            by_region.setdefault(region, {})[key] = value
        for region, values in by_region.items():
            self._mirror(kind, region).begin(values)


def _region_of(arn: str) -> str:
    return arn.split(":")[3]


def _definition_key(pipeline_arn: str, version_id: int) -> str:
    return f"{pipeline_arn}#{version_id}"


def _step_key(execution_arn: str, name: str) -> str:
    return f"{execution_arn}#{name}"
