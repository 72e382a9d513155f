"""What jobs do not do here, found in a request before it runs."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sm_pipelines.local.jobs.limits import processing_limits, training_limits, transform_limits

COUNT = {"Get": "Parameters.Count"}
CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
ENTRY_POINT = {"ImageUri": "image", "ContainerEntrypoint": ["python3"]}
SCRIPT = {"sagemaker_program": "train.py", "sagemaker_submit_directory": COUNT}


def processing(**changes: Any) -> dict[str, Any]:
    return {"AppSpecification": ENTRY_POINT, "ProcessingResources": {"ClusterConfig": CLUSTER}, **changes}


def training(*channels: dict[str, Any], **changes: Any) -> dict[str, Any]:
    algorithm = {"TrainingImage": "image", "TrainingInputMode": "File"}
    request = {"AlgorithmSpecification": algorithm, "HyperParameters": SCRIPT, "ResourceConfig": CLUSTER}
    return {**request, "InputDataConfig": list(channels), **changes}


def channel(**source: Any) -> dict[str, Any]:
    return {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", **source}}}


def read(**source: Any) -> dict[str, Any]:
    return processing(ProcessingInputs=[{"InputName": "data", "S3Input": {"S3Uri": "s3://b/k", **source}}])


@pytest.mark.parametrize(
    ("request_", "limits"),
    [
        (processing(), []),
        (read(S3InputMode="File", S3DataType="S3Prefix"), []),
        (read(S3InputMode=COUNT, S3DataType=COUNT), []),
        (processing(ProcessingInputs=COUNT, ProcessingOutputConfig=COUNT, ProcessingResources=COUNT), []),
        (processing(ProcessingInputs=[{"InputName": "own", "AppManaged": True}]), []),
        (processing(ProcessingOutputConfig={"Outputs": [{"OutputName": "own", "AppManaged": True}]}), []),
        (
            processing(AppSpecification={"ImageUri": "image"}),
            [
                (
                    "the local endpoint cannot run the entry point of the image image. Give "
                    'AppSpecification.ContainerEntrypoint, such as ["python3", "/opt/ml/processing/input/code/script.py"]'
                    " @ .AppSpecification"
                )
            ],
        ),
        (
            processing(
                AppSpecification={"ImageUri": COUNT}, ProcessingResources={"ClusterConfig": {"InstanceCount": 2}}
            ),
            [
                (
                    "the local endpoint cannot run the entry point of the image that the run decides on. Give "
                    'AppSpecification.ContainerEntrypoint, such as ["python3", "/opt/ml/processing/input/code/script.py"]'
                    " @ .AppSpecification"
                ),
                (
                    "the job asks for 2 instances; the local endpoint runs jobs on one. Set InstanceCount to 1 "
                    "@ .ProcessingResources.ClusterConfig.InstanceCount"
                ),
            ],
        ),
        (
            processing(ProcessingInputs=[{"InputName": "table", "AppManaged": True, "DatasetDefinition": {}}]),
            [
                (
                    "the processing input 'table' is a DatasetDefinition, which Athena or Redshift answers; the local "
                    "endpoint reads from S3 only @ .ProcessingInputs[0]"
                )
            ],
        ),
        (
            processing(ProcessingInputs=[{"InputName": "nothing"}]),
            [
                (
                    "the processing input 'nothing' has no S3Input; the local endpoint reads from S3 only "
                    "@ .ProcessingInputs[0]"
                )
            ],
        ),
        (
            read(S3InputMode="Pipe", S3DataType=COUNT),
            [
                (
                    "the input 'data' asks for that the run decides on in Pipe mode; the local endpoint runs S3Prefix in "
                    "File and FastFile mode @ .ProcessingInputs[0]"
                )
            ],
        ),
        (
            processing(ProcessingOutputConfig={"Outputs": [{"OutputName": "f", "FeatureStoreOutput": {}}]}),
            [
                (
                    "the processing output 'f' has no S3Output with S3Uri and LocalPath; the local endpoint writes to S3 "
                    "only @ .ProcessingOutputConfig.Outputs[0]"
                )
            ],
        ),
    ],
)
def test_processing_jobs(request_: dict[str, Any], limits: list[str]):
    """Each with its place; what a parameter decides is left to the run, and what an application manages to it."""
    assert [str(limit) for limit in processing_limits(request_)] == limits


@pytest.mark.parametrize(
    ("request_", "limits"),
    [
        (training(channel()), []),
        (training({**channel(), "InputMode": "FastFile"}), []),
        (training({"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": COUNT}}}), []),
        (training(AlgorithmSpecification={"ContainerEntrypoint": ["python3"]}, HyperParameters={}), []),
        (training(ResourceConfig={"InstanceCount": COUNT}), []),
        (
            training(HyperParameters={"sagemaker_program": "train.py"}),
            [
                (
                    "the local endpoint cannot run the algorithm inside the image image. It runs script mode, that is the "
                    "hyperparameters sagemaker_program and sagemaker_submit_directory, or "
                    "AlgorithmSpecification.ContainerEntrypoint @ .AlgorithmSpecification"
                )
            ],
        ),
        (
            training(ResourceConfig={"InstanceGroups": [{"InstanceCount": 1}]}),
            ["the job asks for groups of instances; the local endpoint runs jobs on one @ .ResourceConfig"],
        ),
        (
            training(
                {**channel(), "InputMode": "Pipe"},
                channel(S3DataType="ManifestFile"),
                {"ChannelName": "disk", "DataSource": {"FileSystemDataSource": {}}},
            ),
            [
                (
                    "the input 'train' asks for S3Prefix in Pipe mode; the local endpoint runs S3Prefix in File and FastFile "
                    "mode @ .InputDataConfig[0]"
                ),
                (
                    "the input 'train' asks for ManifestFile in File mode; the local endpoint runs S3Prefix in File and "
                    "FastFile mode @ .InputDataConfig[1]"
                ),
                "the channel 'disk' has no S3DataSource; the local endpoint reads S3 only @ .InputDataConfig[2]",
            ],
        ),
    ],
)
def test_training_jobs(request_: dict[str, Any], limits: list[str]):
    """Algorithms inside images, clusters, and ways of reading data that would be something else here than on AWS."""
    assert [str(limit) for limit in training_limits(request_)] == limits


def transform(**changes: Any) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": COUNT}}
    return {
        "ModelName": COUNT,
        "TransformInput": {"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {"S3OutputPath": COUNT, "Accept": "text/csv", "AssembleWith": "Line"},
        "TransformResources": {"InstanceCount": 2},
        **changes,
    }


@pytest.mark.parametrize(
    ("request_", "limits"),
    [
        (transform(), []),
        (transform(DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}), []),
        (transform(TransformInput=COUNT, TransformOutput=COUNT, DataProcessing=COUNT), []),
        (
            transform(
                TransformInput={
                    "DataSource": {"S3DataSource": {"S3DataType": "ManifestFile"}},
                    "SplitType": "TFRecord",
                },
                DataCaptureConfig={"DestinationS3Uri": COUNT},
            ),
            [
                (
                    "the transform job reads ManifestFile; the local endpoint reads S3Prefix "
                    "@ .TransformInput.DataSource.S3DataSource.S3DataType"
                ),
                (
                    "the transform job splits its input as TFRecord; the local endpoint knows Line and None "
                    "@ .TransformInput.SplitType"
                ),
                "the transform job captures data; the local endpoint does not @ .DataCaptureConfig",
            ],
        ),
        (
            transform(DataProcessing={"InputFilter": "$.x"}),
            [
                (
                    "InputFilter: a row of CSV is an array, so $.x has to be an index or a range "
                    "@ .DataProcessing.InputFilter"
                )
            ],
        ),
    ],
)
def test_transform_jobs(request_: dict[str, Any], limits: list[str]):
    """Ways of reading that would be something else here, and filters that SageMaker does not take either."""
    assert [str(limit) for limit in transform_limits(request_)] == limits
