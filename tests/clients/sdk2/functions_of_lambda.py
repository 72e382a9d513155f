"""A Lambda step of SageMaker SDK 2, whose function the SDK makes: python functions_of_lambda.py RESULT."""

import json
import sys
from pathlib import Path

import local_session  # noqa: F401 - what docs/local/clients.md has a data scientist save and import first
import sagemaker
from sagemaker.lambda_helper import Lambda
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join
from sagemaker.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.workflow.parameters import ParameterInteger
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession

session = PipelineSession()
role = sagemaker.get_execution_role(session)
number = ParameterInteger("Number", default_value=2)
function = Lambda(
    function_name="double-sdk2",
    execution_role_arn=role,
    script="scripts/double.py",
    handler="double.handler",
    runtime="python3.11",
    session=session,
)
double = LambdaStep(
    "Double",
    lambda_func=function,
    inputs={"number": number},
    outputs=[LambdaOutput("doubled", LambdaOutputTypeEnum.String)],
)
show = FailStep("Show", error_message=Join("=", ["doubled", double.properties.Outputs["doubled"]]))
pipeline = Pipeline("lambda-sdk2", parameters=[number], steps=[double, show], sagemaker_session=session)
pipeline.upsert(role)
execution = pipeline.start(parameters={"Number": 21})
while execution.describe()["PipelineExecutionStatus"] == "Executing":
    pass
steps = sorted((step["StepName"], step["StepStatus"], step.get("FailureReason", "")) for step in execution.list_steps())
Path(sys.argv[1]).write_text(json.dumps({"steps": steps}))
