"""Steps on EMR clusters and EMR Serverless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_sm_pipelines.operators.steps.generic import SageMakerStepOperator
from airflow_sm_pipelines.operators.steps.keywords import as_command_line, optional, require_dict, require_list

_CLUSTER_KEYS = ("ClusterId", "ClusterConfig")
_APPLICATION_KEYS = ("ApplicationId", "ApplicationConfig")


class SageMakerEMRStepOperator(SageMakerStepOperator):
    """
    A step of an EMR cluster as a step of a pipeline.

    :param jar: the JAR to run.
    :param job_arguments: its command line arguments.
    :param main_class: the class to run.
    :param job_properties: Java properties, by name.
    :param cluster_id: a running cluster.
    :param cluster_config: a RunJobFlow request, for a cluster that lives as long as the step.
    :param execution_role_arn: the runtime role on a running cluster.
    """

    def __init__(
        self,
        *,
        jar: Any = None,
        job_arguments: Sequence[Any] | None = None,
        main_class: Any = None,
        job_properties: Mapping[str, Any] | None = None,
        cluster_id: Any = None,
        cluster_config: Mapping[str, Any] | None = None,
        execution_role_arn: Any = None,
        step_type: str = "EMR",
        **kwargs: Any,
    ) -> None:
        super().__init__(step_type=step_type, **kwargs)
        self.jar = jar
        self.job_arguments = optional(require_list, self, "job_arguments", job_arguments)
        self.main_class = main_class
        self.job_properties = optional(require_dict, self, "job_properties", job_properties)
        self.cluster_id = cluster_id
        self.cluster_config = cluster_config
        self.execution_role_arn = execution_role_arn
        places = [self.cluster_id, self.cluster_config, *(self.arguments.get(key) for key in _CLUSTER_KEYS)]
        if sum(place is not None for place in places) != 1:
            raise self.error("an EMR step runs on one cluster. Give either cluster_id or cluster_config.")

    @property
    def has_role(self) -> bool:
        """The role of a cluster's step is ``execution_role_arn``."""
        return False

    def keyword_arguments(self) -> dict[str, Any]:
        """Return the step's arguments that the keywords make."""
        properties = None
        if self.job_properties is not None:
            properties = [{"Key": key, "Value": value} for key, value in self.job_properties.items()]
        jar_step = {
            "Jar": self.jar,
            "Args": self.job_arguments and as_command_line(self.job_arguments),
            "MainClass": self.main_class,
            "Properties": properties,
        }
        return {
            "StepConfig": {"HadoopJarStep": jar_step},
            "ClusterId": self.cluster_id,
            "ClusterConfig": self.cluster_config,
            "ExecutionRoleArn": self.execution_role_arn,
        }


class SageMakerEMRServerlessStepOperator(SageMakerStepOperator):
    """
    A job run of EMR Serverless as a step of a pipeline.

    :param job_driver: as StartJobRun takes it: ``{"sparkSubmit": {"entryPoint": ..., ...}}``.
    :param application_id: an application that exists.
    :param application_config: a CreateApplication request, for one that lives as long as the step.
    """

    def __init__(
        self,
        *,
        job_driver: Mapping[str, Any],
        application_id: Any = None,
        application_config: Mapping[str, Any] | None = None,
        step_type: str = "EMRServerless",
        **kwargs: Any,
    ) -> None:
        super().__init__(step_type=step_type, **kwargs)
        self.job_driver = require_dict(self, "job_driver", job_driver)
        self.application_id = application_id
        self.application_config = application_config
        places = [application_id, application_config, *(self.arguments.get(key) for key in _APPLICATION_KEYS)]
        if sum(place is not None for place in places) != 1:
            raise self.error(
                "an EMRServerless step runs in one application. Give either application_id or application_config."
            )

    def default_arguments(self) -> dict[str, Any]:
        """Return what the step's arguments have by default."""
        role_arn = self.settings.role_arn
        return {"ExecutionRoleArn": role_arn, "JobConfig": {"executionRoleArn": role_arn}}

    def keyword_arguments(self) -> dict[str, Any]:
        """Return the step's arguments that the keywords make."""
        return {
            "ExecutionRoleArn": self.role_arn,
            "JobConfig": {
                "executionRoleArn": self.role_arn,
                "jobDriver": self.job_driver,
                "applicationId": self.application_id,
            },
            "ApplicationId": self.application_id,
            "ApplicationConfig": self.application_config,
        }
