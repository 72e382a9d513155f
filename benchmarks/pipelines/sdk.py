"""The same pipeline for the SageMaker SDK 3. Nobody is called: the clients are mocks, as in the SDK's own tests."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import OutputDataConfig, ProcessingInput, ProcessingOutput, ProcessingS3Input
from sagemaker.core.shapes import ProcessingS3Output as S3Output
from sagemaker.core.training.configs import Compute, InputData
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep
from sagemaker.train import ModelTrainer

from benchmarks.pipelines import BUCKET, FUNCTION, IMAGE, ROLE, blocks

TYPE = "ml.m5.large"


def quiet_session() -> PipelineSession:
    """Return a session whose clients answer everything.

    It has no SDK defaults: with any, the SDK checks them against their schema again at each use, which would make it
    hundreds of times slower.
    """
    client = Mock(**{"_client_config.user_agent": "Boto3/1 Botocore/1"})
    client.get_paginator.return_value.paginate.return_value = []
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "*"}]}
    client.get_role.return_value = {"Role": {"Arn": ROLE, "AssumeRolePolicyDocument": trust}}
    client.get_caller_identity.return_value = {"Account": "123456789012", "UserId": "u", "Arn": ROLE}
    boto_session = Mock(region_name="us-east-1")
    boto_session.client.return_value = client
    session = PipelineSession(boto_session=boto_session, sagemaker_client=client, default_bucket="data")
    session.sagemaker_config = {}
    return session


def pipeline(steps: int) -> Pipeline:
    """Make the pipeline.

    :param steps: how many steps; a multiple of ten.
    """
    session = quiet_session()
    data = ParameterString("InputData", default_value=f"{BUCKET}/input")
    threshold = ParameterFloat("Threshold", default_value=0.5)
    top: list[Any] = []
    source: Any = data
    for number in blocks(steps):
        source = _block(session, top, number, source, threshold)
    return Pipeline("benchmark", parameters=[data, threshold], steps=top, sagemaker_session=session)


def _block(session: PipelineSession, top: list[Any], number: int, source: Any, threshold: ParameterFloat) -> Any:
    processor = ScriptProcessor(
        image_uri=IMAGE,
        command=["python3"],
        role=ROLE,
        instance_count=1,
        instance_type=TYPE,
        sagemaker_session=session,
    )
    fetch = _call(session, f"fetch-{number}", {"from": source, "block": number})
    prepare = _processing(processor, f"prepare-{number}", {"raw": _answer(fetch)}, ["train", "test"])
    trainer = ModelTrainer(
        sagemaker_session=session,
        role=ROLE,
        training_image=IMAGE,
        compute=Compute(instance_type=TYPE, instance_count=1, volume_size_in_gb=30),
        hyperparameters={"max_depth": "5", "eta": "0.2"},
        input_data_config=[InputData(channel_name="train", data_source=_output(prepare, "train"))],
        output_data_config=OutputDataConfig(s3_output_path=f"{BUCKET}/models"),
    )
    train = TrainingStep(f"train-{number}", step_args=trainer.train())
    model = train.properties.ModelArtifacts.S3ModelArtifacts
    report = PropertyFile("metrics", output_name="result", path="metrics.json")
    evaluate = _processing(
        processor,
        f"evaluate-{number}",
        {"model": model, "test": _output(prepare, "test")},
        ["result"],
        property_files=[report],
    )
    compare = _call(session, f"compare-{number}", {"result": _output(evaluate, "result")})
    approve = _call(session, f"approve-{number}", {"model": model})
    archive = _call(session, f"archive-{number}", {"ticket": _answer(approve)})
    notify = _call(session, f"notify-{number}", {"ticket": _answer(approve)})
    reject = FailStep(f"reject-{number}", error_message=Join(" ", ["accuracy is below", threshold]))
    accuracy = JsonGet(step_name=evaluate.name, property_file=report, json_path="accuracy")
    check = ConditionStep(
        f"check-{number}",
        conditions=[ConditionGreaterThanOrEqualTo(accuracy, threshold)],
        if_steps=[approve, archive, notify],
        else_steps=[reject],
    )
    top.extend((fetch, prepare, train, evaluate, compare, check))
    return _answer(compare)


def _processing(
    processor: ScriptProcessor,
    name: str,
    inputs: dict[str, Any],
    outputs: list[str],
    **further: Any,
) -> ProcessingStep:
    request = processor.run(
        code=f"{BUCKET}/step.py",
        inputs=[
            ProcessingInput(
                input_name=each,
                s3_input=ProcessingS3Input(
                    s3_uri=uri,
                    local_path=f"/opt/ml/processing/input/{each}",
                    s3_data_type="S3Prefix",
                    s3_input_mode="File",
                ),
            )
            for each, uri in inputs.items()
        ],
        outputs=[
            ProcessingOutput(
                output_name=each,
                s3_output=S3Output(
                    s3_uri=f"{BUCKET}/out/{name}/{each}",
                    local_path=f"/opt/ml/processing/output/{each}",
                    s3_upload_mode="EndOfJob",
                ),
            )
            for each in outputs
        ],
    )
    return ProcessingStep(name, step_args=request, **further)


def _output(step: ProcessingStep, name: str) -> Any:
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def _answer(step: LambdaStep) -> Any:
    return step.properties.Outputs["answer"]


def _call(session: PipelineSession, name: str, inputs: dict[str, Any]) -> LambdaStep:
    return LambdaStep(
        name,
        lambda_func=Lambda(function_arn=FUNCTION, session=session),
        inputs=inputs,
        outputs=[LambdaOutput("answer", LambdaOutputTypeEnum.String)],
    )
