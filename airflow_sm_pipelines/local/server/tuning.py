"""Operations on tuning jobs that other jobs have not."""

from __future__ import annotations

from airflow_sm_pipelines.local.errors import ResourceNotFoundError, ValidationError
from airflow_sm_pipelines.local.jobs.ended import EndedJob
from airflow_sm_pipelines.local.region import Region
from airflow_sm_pipelines.local.server import Request, Response
from airflow_sm_pipelines.local.server.jobs import jobs_of
from airflow_sm_pipelines.local.server.listing import page
from airflow_sm_pipelines.local.tuning.job import TuningJob
from airflow_sm_pipelines.local.tuning.standings import Summary, final_value

_API = TuningJob.resource.api


def list_training_jobs(region: Region, request: Request) -> Response:
    """ListTrainingJobsForHyperParameterTuningJob.

    Without SortOrder the latest come first, as in tables that people have posted. The API reference says otherwise.
    """
    job: TuningJob | EndedJob = jobs_of(region, _API).get(request[f"{_API}Name"])
    sort_by = request.get("SortBy", "Name")
    shown = [each for each in job.summaries() if request.get("StatusEquals") in (None, each["TrainingJobStatus"])]
    if sort_by == "FinalObjectiveMetricValue":
        shown = sorted(
            (each for each in shown if final_value(each) is not None), key=lambda each: final_value(each) or 0
        )
    places = {each["TrainingJobName"]: place for place, each in enumerate(shown)}

    def key(each: Summary) -> str | int:
        if sort_by == "Status":
            return str(each["TrainingJobStatus"])
        return str(each["TrainingJobName"]) if sort_by == "Name" else places[each["TrainingJobName"]]

    found, more = page(shown, request, key=key, identity=lambda each: str(each["TrainingJobName"]), default_size=10)
    return {"TrainingJobSummaries": found, **more}


def delete_tuning_job(region: Region, request: Request) -> Response:
    """DeleteHyperParameterTuningJob: the entry only; its training jobs stay."""
    jobs = jobs_of(region, _API)
    name = request[f"{_API}Name"]
    try:
        jobs.get(name)
    except ValidationError as error:
        raise ResourceNotFoundError(error.message) from error
    jobs.remove(name)
    return {}
