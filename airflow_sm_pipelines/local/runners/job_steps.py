"""Processing and Training steps: a create request, a job, and the job's end."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from airflow_sm_pipelines.definition.step_types import step_type
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.local.errors import ServiceError
from airflow_sm_pipelines.local.jobs.job import Job
from airflow_sm_pipelines.local.jobs.service import Jobs
from airflow_sm_pipelines.local.names import new_job_name
from airflow_sm_pipelines.local.retries import exception_of_job
from airflow_sm_pipelines.local.runners.step import StepEnd, StepRunner, StepServices, refused
from airflow_sm_pipelines.local.service_model import check_request
from airflow_sm_pipelines.local.store import ExecutionRecord, Iteration

_ENDS = {"Completed": StepStatus.SUCCEEDED, "Failed": StepStatus.FAILED, "Stopped": StepStatus.STOPPED}


class JobStepRunner(StepRunner):
    """A step that is a job. The job's Describe response becomes the step's properties.

    What the job is made by, and called in the step's metadata, the catalogue of step types knows.
    """

    def __init__(
        self,
        step: Step,
        execution: ExecutionRecord,
        services: StepServices,
        report: Callable[[dict[str, Any]], None],
        iteration: Iteration | None = None,
    ) -> None:
        super().__init__(step, execution, services, report, iteration)
        self._lock = threading.Lock()
        self._job: Job | None = None
        self._stopped = False

    @property
    @abstractmethod
    def jobs(self) -> Jobs[Any]:
        """Where the job is made."""

    def run(self) -> StepEnd:
        """Make the job and wait for it."""
        operation, name_member = f"Create{self.jobs.api}", f"{self.jobs.api}Name"
        name = new_job_name(self.execution.arn.execution_id, self.step.name)
        request = {
            "RoleArn": self.execution.role_arn,
            **self.arguments({name_member: name}),
            name_member: name,
        }
        with self._lock:
            if self._stopped:
                return StepEnd(StepStatus.STOPPED)
            try:
                check_request(operation, request)
                job: Job = self.jobs.create(name, request)
            except ServiceError as error:
                raise refused(operation, error) from error
            self._job = job
        self.report({str(step_type(self.step.type).metadata): {"Arn": job.arn}})
        job.wait()
        return StepEnd(
            _ENDS[job.status],
            job.failure_reason,
            properties=job.describe(),
            exception=exception_of_job(job.failure_reason),
        )

    def stop(self) -> None:
        """Stop the job."""
        with self._lock:
            self._stopped = True
            if self._job is not None:
                self._job.stop()


class ProcessingStepRunner(JobStepRunner):
    """Runs Processing steps."""

    @property
    def jobs(self) -> Jobs[Any]:
        """The region's processing jobs."""
        return self.services.processing_jobs


class TrainingStepRunner(JobStepRunner):
    """Runs Training steps."""

    @property
    def jobs(self) -> Jobs[Any]:
        """The region's training jobs."""
        return self.services.training_jobs
