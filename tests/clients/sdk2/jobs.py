"""Jobs of SageMaker SDK 2 without a pipeline, waited for with their logs: python jobs.py RESULT."""

import contextlib
import io
import json
import sys
from pathlib import Path

import local_session  # noqa: F401 - what docs/local/clients.md has a data scientist save and import first
import sagemaker
from sagemaker.processing import ProcessingOutput
from sagemaker.sklearn import SKLearn, SKLearnProcessor

session = sagemaker.Session()
machine = {"role": sagemaker.get_execution_role(session), "instance_type": "ml.m5.large", "instance_count": 1}
log = io.StringIO()
with contextlib.redirect_stdout(log):
    processor = SKLearnProcessor("1.2-1", sagemaker_session=session, **machine)
    processor.run(
        "scripts/prepare.py",
        arguments=["--rows", "7"],
        outputs=[ProcessingOutput(output_name="train", source="/opt/ml/processing/train")],
    )
    estimator = SKLearn(
        "train.py",
        source_dir="scripts",
        framework_version="1.2-1",
        hyperparameters={"depth": 3, "label": "alone"},
        metric_definitions=[{"Name": "rows", "Regex": r"rows=(\d+)"}],
        sagemaker_session=session,
        **machine,
    )
    estimator.fit({"train": processor.latest_job.outputs[0].destination})
    again = SKLearn.attach(estimator.latest_training_job.name, sagemaker_session=session)
session.download_data(".", *estimator.model_data.removeprefix("s3://").split("/", 1))
job = estimator.latest_training_job.describe()
seen = {
    "processed": processor.latest_job.describe()["ProcessingJobStatus"],
    "trained": job["TrainingJobStatus"],
    "metrics": {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]},
    "attached": again.model_data == estimator.model_data,
    "model": Path("model.tar.gz").exists(),
    "logged": [line for line in ("prepared 7 rows", "rows=7") if line in log.getvalue()],
}
Path(sys.argv[1]).write_text(json.dumps(seen))
