"""Jobs of SageMaker SDK 3 without a pipeline, waited for with their logs: python jobs.py RESULT."""

import json
import sys
from pathlib import Path

import local_session  # noqa: F401 - what docs/local/clients.md has a data scientist save and import first
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.image_uris import retrieve
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.resources import ProcessingJob, TrainingJob
from sagemaker.core.shapes import ProcessingOutput, ProcessingS3Output
from sagemaker.core.training.configs import Compute, InputData, SourceCode
from sagemaker.train.model_trainer import ModelTrainer

session = Session()
role = get_execution_role(session)
image = retrieve("sklearn", session.boto_region_name, version="1.2-1", instance_type="ml.m5.large")
uri = f"s3://{session.default_bucket()}/jobs-sdk3/train"
processor = ScriptProcessor(
    image_uri=image,
    command=["python3"],
    role=role,
    instance_type="ml.m5.large",
    instance_count=1,
    sagemaker_session=session,
)
processor.run(
    code="scripts/prepare.py",
    arguments=["--rows", "7"],
    outputs=[
        ProcessingOutput(
            output_name="train",
            s3_output=ProcessingS3Output(s3_uri=uri, local_path="/opt/ml/processing/train", s3_upload_mode="EndOfJob"),
        )
    ],
)
# No role: the SDK takes its caller's, and has IAM say whether it may do what the job needs.
trainer = ModelTrainer(
    training_image=image,
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    source_code=SourceCode(source_dir="scripts", entry_script="train.py"),
    hyperparameters={"depth": 3, "label": "alone"},
    input_data_config=[InputData(channel_name="train", data_source=uri)],
    sagemaker_session=session,
)
trainer.train()
job = TrainingJob.get(trainer._latest_training_job.training_job_name)
seen = {
    "processed": ProcessingJob.get(processor.latest_job.processing_job_name).processing_job_status,
    "role": trainer.role,
    "trained": job.training_job_status,
    "model": job.model_artifacts.s3_model_artifacts.rpartition("/")[2],
}
Path(sys.argv[1]).write_text(json.dumps(seen))
