"""Steps that are not run here and succeed anyway, because whoever started the endpoint asked for that."""

from __future__ import annotations

import logging

from airflow_sm_pipelines.definition.step_types import step_type
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.local.names import new_job_name
from airflow_sm_pipelines.local.runners.instant_steps import InstantStepRunner
from airflow_sm_pipelines.local.runners.step import StepEnd
from airflow_sm_pipelines.local.stand_ins import STAND_IN, stand_in

logger = logging.getLogger(__name__)


class StandInStepRunner(InstantStepRunner):
    """Does nothing, and succeeds with stand-in properties. The name of its job says so."""

    def run(self) -> StepEnd:
        """Evaluate the arguments, as the run of the step would, and make its results up."""
        name = new_job_name(self.execution.arn.execution_id, STAND_IN)
        known = step_type(self.step.type)
        arguments = self.arguments({} if known.job_name is None else {known.job_name: name})
        made = stand_in(self.step, arguments, name, self.execution.arn.region)
        self.report(made.metadata)
        logger.warning(
            "step %s of %s did nothing: a stand-in for a %s step", self.step.name, self.execution.arn, self.step.type
        )
        return StepEnd(StepStatus.SUCCEEDED, properties=made.properties)
