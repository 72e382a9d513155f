"""What jobs do not do here, found in a request before it runs."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.local.jobs.limits import processing_limits, training_limits, transform_limits, tuning_limits
from airflow_sm_pipelines.local.runnable import not_run_here
from airflow_sm_pipelines.local.runners.registry import RUNNERS
from tests.tuning_requests import choices, config, definition, request

COUNT = {"Get": "Parameters.Count"}
CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
ENTRY_POINT = {"ImageUri": "image", "ContainerEntrypoint": ["python3"]}
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
RUNS = (
    "It runs XGBoost's (the images sagemaker-xgboost), script mode, that is the hyperparameters sagemaker_program and "
    "sagemaker_submit_directory, and AlgorithmSpecification.ContainerEntrypoint"
)
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
                AppSpecification={"ImageUri": COUNT}, ProcessingResources={"ClusterConfig": {"InstanceCount": 11}}
            ),
            [
                (
                    "the local endpoint cannot run the entry point of the image that the run decides on. Give "
                    'AppSpecification.ContainerEntrypoint, such as ["python3", "/opt/ml/processing/input/code/script.py"]'
                    " @ .AppSpecification"
                ),
                (
                    "the job asks for 11 instances; the local endpoint runs at most 10 of a job. Set InstanceCount to 10 or "
                    "less @ .ProcessingResources.ClusterConfig.InstanceCount"
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
        (read(S3InputMode="File", S3DataType="ManifestFile"), []),
        (
            read(S3InputMode="Pipe", S3DataType=COUNT, S3CompressionType="Gzip"),
            [
                (
                    "the processing input 'data' asks for Pipe mode; the local endpoint runs File mode "
                    "@ .ProcessingInputs[0]"
                )
            ],
        ),
        (
            read(S3CompressionType="Gzip"),
            [
                (
                    "the processing input 'data' asks for S3CompressionType Gzip, which is for Pipe mode "
                    "@ .ProcessingInputs[0]"
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
        (training(ResourceConfig={"InstanceCount": 10}), []),
        (
            training(HyperParameters={"sagemaker_program": "train.py"}),
            [f"the local endpoint cannot run the algorithm inside the image image. {RUNS} @ .AlgorithmSpecification"],
        ),
        (
            training(AlgorithmSpecification={"AlgorithmName": "sagemaker-xgboost"}, HyperParameters={}),
            [f"the local endpoint cannot run the algorithm sagemaker-xgboost. {RUNS} @ .AlgorithmSpecification"],
        ),
        (training(AlgorithmSpecification={"TrainingImage": COUNT}, HyperParameters={}), []),
        (training(channel(), AlgorithmSpecification={"TrainingImage": XGBOOST}, HyperParameters={"eta": COUNT}), []),
        (
            training(
                {**channel(), "ContentType": "application/x-parquet"},
                {**channel(), "ContentType": COUNT},
                AlgorithmSpecification={"TrainingImage": XGBOOST},
                HyperParameters={"_kfold": "5", "use_dask_gpu_training": "true"},
            ),
            [
                (
                    "the hyperparameter _kfold asks for cross-validation; the local endpoint trains XGBoost without "
                    "@ .HyperParameters._kfold"
                ),
                (
                    "the hyperparameter use_dask_gpu_training asks for GPUs; the local endpoint trains XGBoost without "
                    "@ .HyperParameters.use_dask_gpu_training"
                ),
                (
                    "the channel 'train' has the ContentType 'application/x-parquet'; the local endpoint trains XGBoost "
                    "with text/csv and text/libsvm @ .InputDataConfig[0].ContentType"
                ),
            ],
        ),
        (
            training(ResourceConfig={"InstanceGroups": [{"InstanceCount": 1}]}),
            ["the job asks for groups of instances; the local endpoint runs instances of one type @ .ResourceConfig"],
        ),
        (training(channel(S3DataType="ManifestFile"), {**channel(S3DataType="ManifestFile"), "InputMode": "Pipe"}), []),
        (training({**channel(), "InputMode": COUNT, "RecordWrapperType": "RecordIO"}), []),
        (training({**channel(), "InputMode": "Pipe", "CompressionType": "Gzip", "RecordWrapperType": "RecordIO"}), []),
        (
            training(
                {**channel(S3DataType="AugmentedManifestFile", AttributeNames=["source-ref"]), "InputMode": "Pipe"}
            ),
            [],
        ),
        (
            training(
                {**channel(S3DataType="Converse"), "InputMode": "Pipe"},
                {**channel(S3DataType="ManifestFile"), "InputMode": "FastFile"},
                channel(S3DataType="AugmentedManifestFile"),
                {**channel(), "CompressionType": "Gzip", "RecordWrapperType": "RecordIO"},
                {"ChannelName": "disk", "DataSource": {"FileSystemDataSource": {}}},
                {**channel(), "InputMode": "Telepathy"},
            ),
            [
                (
                    "the input 'train' asks for Converse in Pipe mode; the local endpoint runs S3Prefix and ManifestFile "
                    "and AugmentedManifestFile in that mode @ .InputDataConfig[0]"
                ),
                (
                    "the input 'train' asks for ManifestFile in FastFile mode; the local endpoint runs S3Prefix in that "
                    "mode @ .InputDataConfig[1]"
                ),
                (
                    "the input 'train' asks for AugmentedManifestFile in File mode; the local endpoint runs S3Prefix and "
                    "ManifestFile in that mode @ .InputDataConfig[2]"
                ),
                "the channel 'train' is an augmented manifest without AttributeNames @ .InputDataConfig[2]",
                "the channel 'train' asks for CompressionType Gzip, which is for Pipe mode @ .InputDataConfig[3]",
                "the channel 'train' asks for RecordWrapperType RecordIO, which is for Pipe mode @ .InputDataConfig[3]",
                "the channel 'disk' has no S3DataSource; the local endpoint reads S3 only @ .InputDataConfig[4]",
                (
                    "the input 'train' asks for S3Prefix in Telepathy mode; the local endpoint runs the modes File, "
                    "FastFile, Pipe @ .InputDataConfig[5]"
                ),
            ],
        ),
    ],
)
def test_training_jobs(request_: dict[str, Any], limits: list[str]):
    """Algorithms inside images, clusters, and ways of reading data that would be something else here than on AWS."""
    assert [str(limit) for limit in training_limits(request_)] == limits


IMAGE = definition()["AlgorithmSpecification"]["TrainingImage"]
ALGORITHM = (
    f"the local endpoint cannot run the algorithm inside the image {IMAGE}. It runs XGBoost's (the images "
    "sagemaker-xgboost), script mode, that is the hyperparameters sagemaker_program and sagemaker_submit_directory, and "
    "AlgorithmSpecification.ContainerEntrypoint"
)
COUNT_OF_ELEVEN = (
    "the job asks for 11 instances; the local endpoint runs at most 10 of a job. Set InstanceCount to 10 or less"
)
AUTO = {"AutoParameters": [{"Name": "rate", "ValueHint": "0.1"}]}


@pytest.mark.parametrize(
    ("request_", "limits"),
    [
        (request(choices(letter=["a"])), []),
        ({"HyperParameterTuningJobConfig": COUNT, "TrainingJobDefinition": COUNT, "TrainingJobDefinitions": COUNT}, []),
        ({"TrainingJobDefinition": definition(HyperParameterTuningResourceConfig=COUNT)}, []),
        (
            {
                "WarmStartConfig": {"WarmStartType": "TransferLearning"},
                "Autotune": {"Mode": "Enabled"},
                "HyperParameterTuningJobConfig": config(
                    AUTO, TuningJobCompletionCriteria={"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}}
                ),
                "TrainingJobDefinition": definition(StaticHyperParameters={}),
            },
            [
                (
                    "the tuning job asks for a warm start; the local endpoint starts every search from the beginning. "
                    "Leave it out @ .WarmStartConfig"
                ),
                (
                    "the tuning job asks for Autotune; the local endpoint chooses neither ranges nor limits itself. Leave it "
                    "out, and give ParameterRanges and ResourceLimits @ .Autotune"
                ),
                (
                    "the tuning job is to end when SageMaker detects convergence, whose rule is not published; the local "
                    "endpoint does not detect it. Give TargetObjectiveMetricValue or BestObjectiveNotImproving "
                    "@ .HyperParameterTuningJobConfig.TuningJobCompletionCriteria.ConvergenceDetected"
                ),
                (
                    "the tuning job has AutoParameters, for which Autotune chooses the ranges; the local endpoint does not. "
                    "Give their ranges @ .HyperParameterTuningJobConfig.ParameterRanges.AutoParameters"
                ),
                f"{ALGORITHM} @ .TrainingJobDefinition.AlgorithmSpecification",
            ],
        ),
        (
            {
                "TrainingJobDefinitions": [
                    definition(ResourceConfig={"InstanceCount": 11}, HyperParameterRanges=AUTO),
                    definition(HyperParameterTuningResourceConfig={"InstanceCount": 11}),
                    definition(HyperParameterTuningResourceConfig={"InstanceConfigs": [{"InstanceCount": 11}]}),
                ]
            },
            [
                (
                    "the tuning job has AutoParameters, for which Autotune chooses the ranges; the local endpoint does not. "
                    "Give their ranges @ .TrainingJobDefinitions[0].HyperParameterRanges.AutoParameters"
                ),
                f"{COUNT_OF_ELEVEN} @ .TrainingJobDefinitions[0].ResourceConfig.InstanceCount",
                f"{COUNT_OF_ELEVEN} @ .TrainingJobDefinitions[1].HyperParameterTuningResourceConfig.InstanceCount",
                f"{COUNT_OF_ELEVEN} @ .TrainingJobDefinitions[2].HyperParameterTuningResourceConfig.InstanceCount",
            ],
        ),
    ],
)
def test_tuning_jobs(request_: dict[str, Any], limits: list[str]):
    """What the search cannot do here, and what its training jobs cannot, with their places in the definitions."""
    assert [str(limit) for limit in tuning_limits(request_)] == limits


def test_a_tuning_step_with_its_place():
    """As a start of the pipeline is refused, and as ``sm-pipelines validate --local`` says."""
    arguments = {**request(choices(letter=["a"])), "WarmStartConfig": {"WarmStartType": "TransferLearning"}}
    document = {"Version": "2020-12-01", "Steps": [{"Name": "tune", "Type": "Tuning", "Arguments": arguments}]}
    assert [str(each) for each in not_run_here(PipelineDefinition.from_document(document), RUNNERS)] == [
        (
            "step 'tune': the tuning job asks for a warm start; the local endpoint starts every search from the "
            "beginning. Leave it out @ $.Steps[0].Arguments.WarmStartConfig"
        )
    ]


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
