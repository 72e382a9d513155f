"""Airflow's own operators and sensors, executed without an Airflow around them: python operators.py RESULT deferrable|waiting.

What they defer to runs here as the triggerer would run it. The connection is the variable AIRFLOW_CONN_AWS_DEFAULT.
"""

import asyncio
import json
import sys
import tarfile
from copy import deepcopy
from pathlib import Path

from airflow.providers.amazon.aws.hooks.sagemaker import SageMakerHook
from airflow.providers.amazon.aws.operators.sagemaker import (
    SageMakerDeleteModelOperator,
    SageMakerModelOperator,
    SageMakerProcessingOperator,
    SageMakerStartPipelineOperator,
    SageMakerStopPipelineOperator,
    SageMakerTrainingOperator,
    SageMakerTransformOperator,
    SageMakerTuningOperator,
)
from airflow.providers.amazon.aws.sensors.sagemaker import (
    SageMakerPipelineSensor,
    SageMakerProcessingSensor,
    SageMakerTrainingSensor,
    SageMakerTransformSensor,
    SageMakerTuningSensor,
)
from airflow.sdk.exceptions import TaskDeferred

ROLE = "AmazonSageMaker-ExecutionRole-Local"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
MACHINE = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}

result, mode = sys.argv[1:]
bucket = f"airflow-{mode}"
hook = SageMakerHook("aws_default")
client, s3 = hook.get_conn(), hook.get_session().client("s3")
deferred_to = []


def run(operator):
    """Execute an operator as a worker would, its trigger as a triggerer would."""
    try:
        return operator.execute({})
    except TaskDeferred as deferral:
        deferred_to.append(type(deferral.trigger).__name__)
        event = asyncio.run(first_event(deferral.trigger))
        return getattr(operator, deferral.method_name)({}, event=event.payload)


async def first_event(trigger):
    """Return what a trigger ends with."""
    return await anext(trigger.run())


def arguments(script, outputs):
    """Return the request of a processing job that runs a script."""
    return {
        "RoleArn": ROLE,
        "ProcessingResources": {"ClusterConfig": MACHINE},
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", "-c", script],
        },
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": name,
                    "S3Output": {
                        "S3Uri": f"s3://{bucket}/{name}",
                        "LocalPath": f"/opt/ml/processing/{name}",
                        "S3UploadMode": "EndOfJob",
                    },
                }
                for name in outputs
            ]
        },
    }


def make_pipeline(name, script):
    """Make a pipeline of one step; Airflow has no operator for that."""
    step = {
        "Name": "Only",
        "Type": "Processing",
        "Arguments": {**arguments(script, ()), "RoleArn": f"arn:aws:iam::123456789012:role/{ROLE}"},
    }
    del step["Arguments"]["ProcessingOutputConfig"]
    client.create_pipeline(
        PipelineName=name,
        PipelineDefinition=json.dumps(
            {
                "Version": "2020-12-01",
                "Parameters": [{"Name": "P", "Type": "String", "DefaultValue": "p"}],
                "Steps": [step],
            }
        ),
        RoleArn=f"arn:aws:iam::123456789012:role/{ROLE}",
        ClientRequestToken="0" * 32 + name,
    )


s3.create_bucket(Bucket=bucket)
hook.tar_and_s3_upload("scripts", "code/sourcedir.tar.gz", bucket)
waits = {"wait_for_completion": True, "check_interval": 1, "deferrable": mode == "deferrable"}
seen = {}

prepare = """from pathlib import Path; out = Path("/opt/ml/processing"); \
(out / "train/train.csv").write_text("1"); (out / "report/report.json").write_text('{"rows": 1}')"""
processed = run(
    SageMakerProcessingOperator(
        task_id="process",
        config={"ProcessingJobName": f"process-{mode}", **arguments(prepare, ("train", "report"))},
        output_files_to_xcom=[{"output_name": "report", "file_name": "report.json", "result_name": "report"}],
        **waits,
    )
)
seen["processed"] = [processed["Processing"]["ProcessingJobStatus"], processed["OutputFiles"]]
training = {
    "RoleArn": ROLE,
    "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
    "InputDataConfig": [
        {
            "ChannelName": "train",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/train"}},
        }
    ],
    "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models"},
    "ResourceConfig": MACHINE,
    "StoppingCondition": {"MaxRuntimeInSeconds": "600"},
}
script = {
    "sagemaker_program": json.dumps("train.py"),
    "sagemaker_submit_directory": json.dumps(f"s3://{bucket}/code/sourcedir.tar.gz"),
}
config = {"TrainingJobName": f"train-{mode}", "HyperParameters": {**script, "depth": "3"}, **deepcopy(training)}
trained = run(SageMakerTrainingOperator(task_id="train", config=config, **waits))["Training"]
seen["trained"] = trained["TrainingJobStatus"]
training["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "depth", "Regex": r"depth=(\d+)"}]
tuned = run(
    SageMakerTuningOperator(
        task_id="tune",
        config={
            "HyperParameterTuningJobName": f"tune-{mode}",
            "HyperParameterTuningJobConfig": {
                "Strategy": "Grid",
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "depth"},
                "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "depth", "Values": ["1", "2"]}]},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": "2", "MaxParallelTrainingJobs": "2"},
            },
            "TrainingJobDefinition": {"StaticHyperParameters": script, **deepcopy(training)},
        },
        **waits,
    )
)["Tuning"]
seen["tuned"] = [
    tuned["HyperParameterTuningJobStatus"],
    tuned["TrainingJobStatusCounters"]["Completed"],
    tuned["BestTrainingJob"]["TunedHyperParameters"],
]
artifacts = trained["ModelArtifacts"]["S3ModelArtifacts"]
model = run(
    SageMakerModelOperator(
        task_id="model",
        config={
            "ModelName": f"model-{mode}",
            "ExecutionRoleArn": ROLE,
            "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": artifacts},
        },
    )
)
seen["model"] = model["Model"]["ModelArn"]
run(SageMakerDeleteModelOperator(task_id="delete", config={"ModelName": f"model-{mode}"}))
# moto takes no notice of NameContains, and the other mode makes models at the same time.
seen["models"] = [each["ModelName"] for each in client.list_models()["Models"] if each["ModelName"] == f"model-{mode}"]

Path("model.json").write_text('{"add": 40}')
with tarfile.open("model.tar.gz", "w:gz") as archive:
    archive.add("model.json")
s3.upload_file("model.tar.gz", bucket, "adds/model.tar.gz")
s3.put_object(Bucket=bucket, Key="numbers/in.csv", Body=b"1\n2\n")
transformed = run(
    SageMakerTransformOperator(
        task_id="transform",
        config={
            "Model": {
                "ModelName": f"adds-{mode}",
                "ExecutionRoleArn": ROLE,
                "PrimaryContainer": {
                    "Image": IMAGE,
                    "ModelDataUrl": f"s3://{bucket}/adds/model.tar.gz",
                    "Environment": {
                        "SAGEMAKER_PROGRAM": "inference.py",
                        "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{bucket}/code/sourcedir.tar.gz",
                    },
                },
            },
            "Transform": {
                "TransformJobName": f"transform-{mode}",
                "ModelName": f"adds-{mode}",
                "TransformInput": {
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/numbers"}},
                    "ContentType": "text/csv",
                    "SplitType": "Line",
                },
                "TransformOutput": {
                    "S3OutputPath": f"s3://{bucket}/transformed",
                    "Accept": "text/csv",
                    "AssembleWith": "Line",
                },
                "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": "1"},
            },
        },
        **waits,
    )
)
seen["transformed"] = [
    transformed["Transform"]["TransformJobStatus"],
    s3.get_object(Bucket=bucket, Key="transformed/in.csv.out")["Body"].read().decode().split(),
]

make_pipeline(f"short-{mode}", "print('short')")
arn = run(
    SageMakerStartPipelineOperator(task_id="start", pipeline_name=f"short-{mode}", pipeline_params={"P": "q"}, **waits)
)
seen["execution"] = client.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
seen["parameters"] = client.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
make_pipeline(f"long-{mode}", "import signal; signal.pause()")
long = SageMakerStartPipelineOperator(task_id="long", pipeline_name=f"long-{mode}").execute({})
seen["stopped"] = run(SageMakerStopPipelineOperator(task_id="stop", pipeline_exec_arn=long, **waits))
seen["sensed"] = [
    sensor.poke({})
    for sensor in (
        SageMakerProcessingSensor(task_id="processed", job_name=f"process-{mode}"),
        SageMakerTrainingSensor(task_id="trained", job_name=f"train-{mode}"),
        SageMakerTuningSensor(task_id="tuned", job_name=f"tune-{mode}"),
        SageMakerTransformSensor(task_id="transformed", job_name=f"transform-{mode}"),
        SageMakerPipelineSensor(task_id="executed", pipeline_exec_arn=arn),
    )
]
# Not how often: an operator does not defer when its job has ended by then.
seen["deferred_to"] = sorted(set(deferred_to))
Path(result).write_text(json.dumps(seen))
