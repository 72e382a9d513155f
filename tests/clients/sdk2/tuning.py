"""A Tuning step of SageMaker SDK 2, and what reads its best model: python tuning.py RESULT."""

import json
import sys
from pathlib import Path

import boto3
import local_session  # noqa: F401 - what docs/local/clients.md has a data scientist save and import first
import sagemaker
from sagemaker.inputs import TrainingInput
from sagemaker.processing import ProcessingInput, ProcessingOutput
from sagemaker.sklearn import SKLearn, SKLearnProcessor
from sagemaker.tuner import HyperparameterTuner, IntegerParameter
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.steps import ProcessingStep, TuningStep

session = PipelineSession(boto_session=boto3.Session(region_name="us-east-1"))  # as AWS's examples make it
role, bucket = sagemaker.get_execution_role(session), session.default_bucket()
machine = {"role": role, "instance_type": "ml.m5.large", "instance_count": 1, "sagemaker_session": session}
Path("data").mkdir(exist_ok=True)
Path("data/train.csv").write_text("1\n2\n")
train = TrainingInput(session.upload_data("data", key_prefix="tuning-sdk2"))
estimator = SKLearn(
    "train.py", source_dir="scripts", framework_version="1.2-1", output_path=f"s3://{bucket}/tuned-sdk2", **machine
)
tuner = HyperparameterTuner(
    estimator,
    "depth",
    {"depth": IntegerParameter(1, 9)},
    metric_definitions=[{"Name": "depth", "Regex": r"depth=(\d+)"}],
    max_jobs=3,
    max_parallel_jobs=3,
    strategy="Random",
)
tune = TuningStep("Tune", step_args=tuner.fit({"train": train}))
evaluate = ProcessingStep(
    "Evaluate",
    step_args=SKLearnProcessor("1.2-1", **machine).run(
        code="scripts/evaluate.py",
        inputs=[
            ProcessingInput(
                source=tune.get_top_model_s3_uri(top_k=0, s3_bucket=bucket, prefix="tuned-sdk2"),
                destination="/opt/ml/processing/model",
            )
        ],
        outputs=[
            ProcessingOutput(
                output_name="evaluation",
                source="/opt/ml/processing/evaluation",
                destination=f"s3://{bucket}/evaluation-sdk2",
            )
        ],
    ),
)
pipeline = Pipeline("tuning-sdk2", steps=[tune, evaluate], sagemaker_session=session)
pipeline.upsert(role)
execution = pipeline.start()
execution.wait(delay=1, max_attempts=200)
[job] = [step["Metadata"]["TuningJob"]["Arn"] for step in execution.list_steps() if step["StepName"] == "Tune"]
attached = HyperparameterTuner.attach(job.rpartition("/")[2], sagemaker_session=sagemaker.Session())
tried = attached.analytics().dataframe()["FinalObjectiveValue"].tolist()
evaluation = json.loads(session.read_s3_file(bucket, "evaluation-sdk2/evaluation.json"))
seen = {"jobs": len(tried), "best": evaluation["model"]["depth"] == max(tried)}
Path(sys.argv[1]).write_text(json.dumps(seen))
