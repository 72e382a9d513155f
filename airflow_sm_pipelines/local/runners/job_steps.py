"""Steps that are a job: a create request, the job, and the job's end."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from airflow_sm_pipelines.definition.step_types import step_type
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.local.errors import ServiceError
from airflow_sm_pipelines.local.jobs.job import Job
from airflow_sm_pipelines.local.retries import exception_of_job
from airflow_sm_pipelines.local.runners.step import StepEnd, StepRunner, refused
from airflow_sm_pipelines.local.service_model import check_request
from airflow_sm_pipelines.requests.service_model import operation

_ENDS = {"Completed": StepStatus.SUCCEEDED, "Failed": StepStatus.FAILED, "Stopped": StepStatus.STOPPED}


@dataclass(eq=False)
class JobStepRunner(StepRunner):
    """Runs a step that is a job. The job's Describe response becomes the step's properties.

    The catalogue of step types says which job that is, and what the step's metadata call it.
    """

    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _job: Job | None = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)

    def run(self) -> StepEnd:
        """Make the job and wait for it."""
        known = step_type(self.step.type)
        jobs = next(jobs for jobs in self.services.jobs if jobs.resource == known.resource)
        create, name_member = f"Create{jobs.resource.api}", f"{jobs.resource.api}Name"
        name = jobs.kind.name_for_step(self.execution.arn.execution_id, self.step.name)
        request = {**self._role(create), **self.arguments({name_member: name}), name_member: name}
        with self._lock:
            if self._stopped:
                return StepEnd(StepStatus.STOPPED)
            try:
                check_request(create, request)
                job: Job = jobs.create(name, request)
            except ServiceError as error:
                raise refused(create, error) from error
            self._job = job
        self.report({known.metadata: {"Arn": job.arn}})
        job.wait()
        return StepEnd(
            _ENDS[job.status],
            job.failure_reason,
            properties=job.properties(),
            exception=exception_of_job(job.failure_reason),
        )

    def _role(self, name: str) -> dict[str, str]:
        """The pipeline's role, for a request that has one: a tuning job has roles further in, a transform job none."""
        shape = operation(name).input_shape
        return {"RoleArn": self.execution.role_arn} if shape is not None and "RoleArn" in shape.members else {}

    def stop(self) -> None:
        """Stop the job."""
        with self._lock:
            self._stopped = True
            if self._job is not None:
                self._job.stop()
