"""A Tuning step of SageMaker SDK 3, and what reads its best model: python tuning.py RESULT."""

import json
import sys
from pathlib import Path

import local_session  # noqa: F401 - what docs/local/clients.md has a data scientist save and import first
from sagemaker.core.helper.session_helper import get_execution_role
from sagemaker.core.image_uris import retrieve
from sagemaker.core.parameter import IntegerParameter
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig, SourceCode
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, TuningStep
from sagemaker.train.model_trainer import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner

session = PipelineSession()
role, bucket = get_execution_role(session), session.default_bucket()
image = retrieve("sklearn", session.boto_region_name, version="1.2-1", instance_type="ml.m5.large")
Path("data").mkdir(exist_ok=True)
Path("data/train.csv").write_text("1\n2\n")
train = InputData(channel_name="train", data_source=session.upload_data("data", key_prefix="tuning-sdk3"))
trainer = ModelTrainer(
    training_image=image,
    role=role,
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    source_code=SourceCode(source_dir="scripts", entry_script="train.py"),
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/tuned-sdk3"),
    hyperparameters={"label": "tuned"},
    sagemaker_session=session,
)
tuner = HyperparameterTuner(
    model_trainer=trainer,
    objective_metric_name="depth",
    hyperparameter_ranges={"depth": IntegerParameter(1, 9)},
    metric_definitions=[{"Name": "depth", "Regex": r"depth=(\d+)"}],
    max_jobs=3,
    max_parallel_jobs=3,
    strategy="Random",
)
tune = TuningStep("Tune", step_args=tuner.tune(inputs=[train]))
script = ScriptProcessor(
    image_uri=image,
    command=["python3"],
    role=role,
    instance_type="ml.m5.large",
    instance_count=1,
    sagemaker_session=session,
)
evaluate = ProcessingStep(
    "Evaluate",
    step_args=script.run(
        code="scripts/evaluate.py",
        inputs=[
            ProcessingInput(
                input_name="model",
                s3_input=ProcessingS3Input(
                    s3_uri=tune.get_top_model_s3_uri(top_k=0, s3_bucket=bucket, prefix="tuned-sdk3"),
                    local_path="/opt/ml/processing/model",
                    s3_data_type="S3Prefix",
                    s3_input_mode="File",
                ),
            )
        ],
        outputs=[
            ProcessingOutput(
                output_name="evaluation",
                s3_output=ProcessingS3Output(
                    s3_uri=f"s3://{bucket}/evaluation-sdk3",
                    local_path="/opt/ml/processing/evaluation",
                    s3_upload_mode="EndOfJob",
                ),
            )
        ],
    ),
)
pipeline = Pipeline("tuning-sdk3", steps=[tune, evaluate], sagemaker_session=session)
pipeline.upsert(role)
execution = pipeline.start()
execution.wait(delay=1, max_attempts=200)
[job] = [step["Metadata"]["TuningJob"]["Arn"] for step in execution.list_steps() if step["StepName"] == "Tune"]
client = session.boto_session.client("sagemaker")
jobs = client.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=job.rpartition("/")[2])
tried = [each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for each in jobs["TrainingJobSummaries"]]
evaluation = json.loads(session.read_s3_file(bucket, "evaluation-sdk3/evaluation.json"))
seen = {"jobs": len(tried), "best": evaluation["model"]["depth"] == max(tried)}
Path(sys.argv[1]).write_text(json.dumps(seen))
