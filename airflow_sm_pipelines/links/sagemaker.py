"""The extra links of a task: its execution, its job, its log.

A link is an XCom: who learns an ARN (the trigger of a step, the launch task) pushes the finished address
under the link's ``xcom_key``, and Airflow's user interface shows it, even while the task is still deferred.
Importing this module loads no AWS library, since Dag files import it through the operators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

from airflow_sm_pipelines.links.console import execution_url, job_url, log_url

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class _PushedLink(BaseOperatorLink):
    """A link whose address was pushed as an XCom. It is looked up here, never made."""

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's
        """The address that was pushed for the task instance, or nothing.

        :param operator: not used.
        :param ti_key: the task instance.
        """
        # Late: the class depends on [core] xcom_backend, and Dag parsing has no use for it.
        from airflow.sdk.execution_time.xcom import XCom  # noqa: PLC0415

        return str(XCom.get_value(ti_key=ti_key, key=self.xcom_key) or "")


class SageMakerPipelineExecutionLink(_PushedLink):
    """The pipeline execution in SageMaker Studio."""

    name = "SageMaker pipeline execution"


class SageMakerJobLink(_PushedLink):
    """The job of the step in the SageMaker console."""

    name = "SageMaker job"


class CloudWatchLogLink(_PushedLink):
    """The log of the step's job in CloudWatch."""

    name = "CloudWatch log"


def link_xcoms(
    pipeline_execution_arn: str, job_arn: str | None = None, studio_domain: str | None = None
) -> dict[str, str]:
    """The XComs to push for the links of a task, by their keys. Links without a page are left out.

    :param pipeline_execution_arn: the execution.
    :param job_arn: the job of the step, once it is known.
    :param studio_domain: the Studio domain of the execution, if it is known.
    :raises PipelineExecutionError: when a text is no ARN of its kind.
    """
    addresses = {
        SageMakerPipelineExecutionLink().xcom_key: execution_url(pipeline_execution_arn, studio_domain),
        SageMakerJobLink().xcom_key: job_url(job_arn) if job_arn else None,
        CloudWatchLogLink().xcom_key: log_url(job_arn) if job_arn else None,
    }
    return {key: address for key, address in addresses.items() if address}
