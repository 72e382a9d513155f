"""A Transform step of SageMaker SDK 2 on a model with a script: python transform.py RESULT."""

import json
import sys
import tarfile
from pathlib import Path

import local_session  # noqa: F401 - what docs/local/clients.md has a data scientist save and import first
import sagemaker
from sagemaker.sklearn import SKLearnModel
from sagemaker.transformer import Transformer
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.steps import TransformStep

session = PipelineSession()
role, bucket = sagemaker.get_execution_role(session), session.default_bucket()
Path("model.json").write_text('{"add": 40}')
with tarfile.open("model.tar.gz", "w:gz") as archive:
    archive.add("model.json")
Path("in.csv").write_text("1\n2\n")
model = SKLearnModel(
    model_data=session.upload_data("model.tar.gz", key_prefix="transform-sdk2"),
    role=role,
    entry_point="inference.py",
    source_dir="scripts",
    framework_version="1.2-1",
    sagemaker_session=session,
)
create = ModelStep("Create", step_args=model.create("ml.m5.large"))
transformer = Transformer(
    create.properties.ModelName,
    instance_count=1,
    instance_type="ml.m5.large",
    output_path=f"s3://{bucket}/transformed-sdk2",
    accept="text/csv",
    assemble_with="Line",
    sagemaker_session=session,
)
data = session.upload_data("in.csv", key_prefix="transform-in-sdk2")
transform = TransformStep(
    "Transform", step_args=transformer.transform(data, content_type="text/csv", split_type="Line")
)
pipeline = Pipeline("transform-sdk2", steps=[create, transform], sagemaker_session=session)
pipeline.upsert(role)
execution = pipeline.start()
while execution.describe()["PipelineExecutionStatus"] == "Executing":
    pass
steps = sorted((step["StepName"], step["StepStatus"], step.get("FailureReason", "")) for step in execution.list_steps())
Path(sys.argv[1]).write_text(
    json.dumps({"steps": steps, "transformed": session.read_s3_file(bucket, "transformed-sdk2/in.csv.out").split()})
)
