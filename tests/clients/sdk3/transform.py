"""A Transform step of SageMaker SDK 3 on a model with a script: python transform.py RESULT."""

import json
import sys
import tarfile
from pathlib import Path

import local_session  # noqa: F401 - what docs/local/clients.md has a data scientist save and import first
from sagemaker.core.helper.session_helper import get_execution_role
from sagemaker.core.image_uris import retrieve
from sagemaker.core.transformer import Transformer
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import TransformStep
from sagemaker.serve.model_builder import ModelBuilder

session = PipelineSession()
role, bucket = get_execution_role(session), session.default_bucket()
Path("model.json").write_text('{"add": 40}')
with tarfile.open("model.tar.gz", "w:gz") as archive:
    archive.add("model.json")
    archive.add("scripts/inference.py", "code/inference.py")
Path("in.csv").write_text("1\n2\n")
builder = ModelBuilder(
    image_uri=retrieve("sklearn", session.boto_region_name, version="1.2-1", instance_type="ml.m5.large"),
    s3_model_data_url=session.upload_data("model.tar.gz", key_prefix="transform-sdk3"),
    env_vars={"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
    role_arn=role,
    sagemaker_session=session,
    instance_type="ml.m5.large",
)
create = ModelStep("Create", step_args=builder.build())
transformer = Transformer(
    create.properties.ModelName,
    instance_count=1,
    instance_type="ml.m5.large",
    output_path=f"s3://{bucket}/transformed-sdk3",
    accept="text/csv",
    assemble_with="Line",
    sagemaker_session=session,
)
data = session.upload_data("in.csv", key_prefix="transform-in-sdk3")
transform = TransformStep(
    "Transform", step_args=transformer.transform(data, content_type="text/csv", split_type="Line")
)
pipeline = Pipeline("transform-sdk3", steps=[create, transform], sagemaker_session=session)
pipeline.upsert(role)
execution = pipeline.start()
while execution.describe()["PipelineExecutionStatus"] == "Executing":
    pass
steps = sorted((step["StepName"], step["StepStatus"], step.get("FailureReason", "")) for step in execution.list_steps())
Path(sys.argv[1]).write_text(
    json.dumps({"steps": steps, "transformed": session.read_s3_file(bucket, "transformed-sdk3/in.csv.out").split()})
)
