"""The extra links of a task: its execution, its job, its log.

Airflow's user interface shows a link from an XCom under the link's ``xcom_key``. A trigger pushes that as soon as the
ARNs are known, while the task is still deferred. For a task on a worker Airflow pushes what ``get_link`` returns in the
end: what the operator keeps in ``link_addresses``. Dag files import this module, so it loads no AWS library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.links.console import Console, is_aws

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook


class _AddressLink(BaseOperatorLink):
    """A link whose address the operator knows, in ``link_addresses``, by the link's ``xcom_key``."""

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002  # Airflow's signature
        """The address that the operator knows so far, or nothing.

        :param operator: the operator as it ran.
        :param ti_key: not used.
        """
        addresses: dict[str, str] = getattr(operator, "link_addresses", {})
        return addresses.get(self.xcom_key, "")


class SageMakerPipelineExecutionLink(_AddressLink):
    """The pipeline execution in SageMaker Studio, or its pipeline in the console."""

    name = "SageMaker pipeline execution"


class SageMakerJobLink(_AddressLink):
    """The job of the step in the SageMaker console."""

    name = "SageMaker job"


class CloudWatchLogLink(_AddressLink):
    """The log of the step's job in CloudWatch."""

    name = "CloudWatch log"


def console_of(hook: SageMakerPipelineHook) -> Console:
    """Return who shows what a hook asks about. Asks nobody, but makes the hook's client.

    :param hook: one that the service has answered, for only then is it known whether the endpoint is the local one.
    """
    endpoint: str = hook.client("sagemaker").meta.endpoint_url
    return Console(hook.studio_domain_id, None if is_aws(endpoint) else endpoint, hook.serves_pages)


def link_xcoms(
    console: Console, pipeline_execution_arn: str, job_arn: str | None = None, created_by_domain: str | None = None
) -> dict[str, str]:
    """The XComs to push for the links of a task, by their keys. Links without a page are left out.

    :param console: who shows them.
    :param pipeline_execution_arn: the execution.
    :param job_arn: the job of the step, once it is known.
    :param created_by_domain: the Studio domain from which the execution was started, if it was.
    :raises PipelineExecutionError: when a text is not an ARN of its kind.
    """
    addresses = {
        SageMakerPipelineExecutionLink().xcom_key: console.execution_url(pipeline_execution_arn, created_by_domain),
        SageMakerJobLink().xcom_key: console.job_url(job_arn) if job_arn else None,
        CloudWatchLogLink().xcom_key: console.log_url(job_arn) if job_arn else None,
    }
    return {key: address for key, address in addresses.items() if address}


def links_of(console: Console, snapshot: ExecutionSnapshot, step: StepSnapshot | None = None) -> dict[str, str]:
    """The XComs to push for the links that a look at an execution tells, by their keys.

    :param console: who shows them.
    :param snapshot: what was seen.
    :param step: the step that the task is about; ``None`` for a whole execution, and before it has started.
    """
    return link_xcoms(console, str(snapshot.arn), None if step is None else step.job_arn, snapshot.created_by_domain)
