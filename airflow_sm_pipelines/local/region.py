"""Everything the endpoint has in one AWS region."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from airflow_sm_pipelines.local.callbacks import Callbacks
from airflow_sm_pipelines.local.changes import Changes
from airflow_sm_pipelines.local.driver import ExecutionDriver
from airflow_sm_pipelines.local.functions.function import Function
from airflow_sm_pipelines.local.functions.service import Functions
from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.names import resource_arn
from airflow_sm_pipelines.local.runners.registry import RUNNERS, jobs_on
from airflow_sm_pipelines.local.runners.step import StepRunner, StepServices
from airflow_sm_pipelines.local.store import ExecutionRecord, PipelineRecord, Store


@dataclass
class Region:
    """One region's pipelines, executions and jobs.

    :param name: such as ``us-east-1``.
    :param host: where its jobs run.
    :param runners: what runs each type of step.
    :param registered: Lambda functions that are there from the start.
    :param changes: receives what changes.
    """

    name: str
    host: JobHost
    runners: Mapping[str, type[StepRunner]] = field(default_factory=lambda: RUNNERS)
    registered: tuple[Function, ...] = ()
    store: Store = field(default_factory=Store)
    changes: Changes = field(default_factory=Changes)

    def __post_init__(self) -> None:
        self.services = StepServices(
            clients=self.host.clients,
            jobs=jobs_on(self.host),
            callbacks=Callbacks(),
            functions=Functions(self.host, self.registered),
            runners=self.runners,
            executions=self.store.executions,
            changes=self.changes,
        )
        for jobs in self.services.jobs:
            jobs.changes = self.changes
        self._drivers: dict[str, ExecutionDriver] = {}

    def pipeline(self, name_or_arn: str) -> PipelineRecord:
        """The pipeline of a name or an ARN.

        :param name_or_arn: either.
        :raises ResourceNotFoundError: there is none.
        """
        is_arn = name_or_arn.startswith("arn:")
        return self.store.pipeline(name_or_arn if is_arn else resource_arn(self.name, "pipeline", name_or_arn))

    def add(self, execution: ExecutionRecord) -> ExecutionDriver:
        """Make an execution known. It can be seen and stopped from now on, and runs when its driver is started.

        :param execution: the execution.
        :return: its driver.
        """
        driver = ExecutionDriver(execution, self.services)
        with self.store.lock:
            self._drivers[str(execution.arn)] = driver
            self.store.add_execution(execution)
        return driver

    def driver(self, execution: ExecutionRecord) -> ExecutionDriver:
        """What runs an execution; one of an earlier endpoint has none until it is asked for.

        :param execution: the execution.
        """
        arn = str(execution.arn)
        with self.store.lock:
            if arn not in self._drivers:
                self._drivers[arn] = ExecutionDriver(execution, self.services)
            return self._drivers[arn]

    def remove(self, pipeline: PipelineRecord) -> None:
        """Forget a pipeline and its executions, none of which is running.

        :param pipeline: the pipeline.
        """
        with self.store.lock:
            for execution in self.store.remove_pipeline(pipeline):
                self._drivers.pop(str(execution.arn), None)

    def close(self) -> None:
        """End every job and function, and let nothing new start."""
        self.services.functions.close()
        for jobs in self.services.jobs:
            jobs.close()


class Regions:
    """The regions that were asked for so far.

    :param make_host: makes the job host of a region.
    :param runners: what runs each type of step.
    :param registered: Lambda functions that are there from the start, in every region.
    :param changes: receives what changes.
    """

    def __init__(
        self,
        make_host: Callable[[str], JobHost],
        runners: Mapping[str, type[StepRunner]] = RUNNERS,
        registered: tuple[Function, ...] = (),
        changes: Changes | None = None,
    ) -> None:
        self._make_host = make_host
        self._runners = runners
        self._registered = registered
        self._changes = changes or Changes()
        self._lock = threading.Lock()
        self._regions: dict[str, Region] = {}

    def get(self, name: str) -> Region:
        """A region; a new one is empty.

        :param name: such as ``us-east-1``.
        """
        with self._lock:
            if name not in self._regions:
                host = self._make_host(name)
                self._regions[name] = Region(name, host, self._runners, self._registered, changes=self._changes)
            return self._regions[name]

    def all(self) -> list[Region]:
        """Every region asked for so far."""
        with self._lock:
            return list(self._regions.values())
