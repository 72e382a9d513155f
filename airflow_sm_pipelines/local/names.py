"""Names and ARNs as the service makes them."""

from __future__ import annotations

import secrets
import string

from airflow_sm_pipelines.execution.arn import ResourceArn
from airflow_sm_pipelines.local.aws import ACCOUNT_ID

_LOWER = string.ascii_lowercase + string.digits
_MIXED = string.ascii_letters + string.digits
_STEP_CHARACTERS = 20  # as seen in job names of real executions
_TUNING_STEP_CHARACTERS = 8  # likewise: such a name has 32 characters at most


def new_execution_id() -> str:
    """Twelve lower-case letters and digits."""
    return _random(_LOWER, 12)


def new_callback_token() -> str:
    """Ten letters and digits (botocore's service model)."""
    return _random(_MIXED, 10)


def new_job_name(execution_id: str, step_name: str) -> str:
    """``pipelines-<execution id>-<step name, cut>-<10 characters>``, the name of a job that a step starts.

    Job names allow no underscore, step names do; it becomes a hyphen.

    :param execution_id: the execution.
    :param step_name: the step.
    """
    return f"pipelines-{execution_id}-{_cut(step_name)}-{_random(_MIXED, 10)}"


def new_tuning_job_name(execution_id: str, step_name: str) -> str:
    """``<execution id>-<step name, cut>-<10 characters>``, the name of a tuning job that a step starts: no longer fits.

    :param execution_id: the execution.
    :param step_name: the step.
    """
    return f"{execution_id}-{_cut(step_name, _TUNING_STEP_CHARACTERS)}-{_random(_MIXED, 10)}"


def new_tuned_job_name(tuning_job_name: str, number: int) -> str:
    """``<tuning job>-<number>-<8 hexadecimal digits>``, the name of a training job that a tuning job launches.

    :param tuning_job_name: the tuning job.
    :param number: of the training job, from 1.
    """
    return f"{tuning_job_name}-{number:03}-{_random(string.hexdigits[:16], 8)}"


def new_model_name(execution_id: str, step_name: str) -> str:
    """As :func:`new_job_name`, all in lower case, which is how the service names models.

    :param execution_id: the execution.
    :param step_name: the step.
    """
    return f"pipelines-{execution_id}-{_cut(step_name).lower()}-{_random(_LOWER, 10)}"


def resource_arn(region: str, resource_type: str, resource_id: str) -> str:
    """The ARN of a SageMaker resource of the local account.

    :param region: the region.
    :param resource_type: ``pipeline``, ``processing-job``, ...
    :param resource_id: what follows the type.
    """
    return str(ResourceArn("aws", "sagemaker", region, ACCOUNT_ID, resource_type, resource_id))


def _cut(step_name: str, length: int = _STEP_CHARACTERS) -> str:
    return step_name.replace("_", "-")[:length]


def _random(characters: str, length: int) -> str:
    return "".join(secrets.choice(characters) for _ in range(length))
