"""A Lambda step of SageMaker SDK 3, whose function the SDK makes: python functions_of_lambda.py RESULT."""

import json
import sys
from pathlib import Path

import local_session  # noqa: F401 - what docs/local/clients.md has a data scientist save and import first
from sagemaker.core.helper.session_helper import get_execution_role
from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterInteger
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.mlops.workflow.pipeline import Pipeline

session = PipelineSession()
role = get_execution_role(session)
number = ParameterInteger("Number", default_value=2)
function = Lambda(
    function_name="double-sdk3",
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
pipeline = Pipeline("lambda-sdk3", parameters=[number], steps=[double, show], sagemaker_session=session)
pipeline.upsert(role)
execution = pipeline.start(parameters={"Number": 21})
while execution.describe()["PipelineExecutionStatus"] == "Executing":
    pass
steps = sorted((step["StepName"], step["StepStatus"], step.get("FailureReason", "")) for step in execution.list_steps())
Path(sys.argv[1]).write_text(json.dumps({"steps": steps}))
