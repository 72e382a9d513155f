"""Functions as steps of SageMaker SDK 2: python functions.py RESULT."""

import json
import sys
from pathlib import Path

import local_session  # noqa: F401 - what docs/local/clients.md has a data scientist save and import first
import sagemaker
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionGreaterThan
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.function_step import step
from sagemaker.workflow.parameters import ParameterInteger
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession

session = PipelineSession()
role = sagemaker.get_execution_role(session)
settings = {"role": role, "instance_type": "ml.m5.large", "image_uri": "local"}


@step(name="Load", **settings)
def load(number):
    return {"rows": number}


@step(name="Fit", **settings)
def fit(loaded, factor):
    return loaded["rows"] * factor


number = ParameterInteger("Number", default_value=2)
score = fit(load(number), 0.75)
decide = ConditionStep(
    "Decide", conditions=[ConditionGreaterThan(score, 10)], if_steps=[FailStep("High")], else_steps=[]
)
functions = Pipeline("functions", parameters=[number], steps=[decide], sagemaker_session=session)
functions.upsert(role)
execution = functions.start()
execution.wait(delay=1, max_attempts=200)
seconds = {each["StepName"]: (each["EndTime"] - each["StartTime"]).total_seconds() for each in execution.list_steps()}
seen = {"loaded": execution.result("Load"), "score": execution.result("Fit"), "seconds": seconds}
Path(sys.argv[1]).write_text(json.dumps(seen))
