"""Write what the SageMaker SDK 2 makes of pipelines with its step classes. See README.md for how to run it."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from unittest.mock import Mock

from sagemaker import AutoML, AutoMLInput, Model, PipelineModel
from sagemaker.clarify import BiasConfig, DataConfig, ModelConfig, ModelPredictedLabelConfig, SHAPConfig
from sagemaker.drift_check_baselines import DriftCheckBaselines
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.lambda_helper import Lambda
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.model_monitor import DatasetFormat
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.sklearn import SKLearn
from sagemaker.transformer import Transformer
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner
from sagemaker.workflow.automl_step import AutoMLStep
from sagemaker.workflow.callback_step import CallbackOutput, CallbackOutputTypeEnum, CallbackStep
from sagemaker.workflow.check_job_config import CheckJobConfig
from sagemaker.workflow.clarify_check_step import (
    ClarifyCheckStep,
    DataBiasCheckConfig,
    ModelBiasCheckConfig,
    ModelExplainabilityCheckConfig,
)
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import (
    ConditionEquals,
    ConditionGreaterThan,
    ConditionGreaterThanOrEqualTo,
    ConditionIn,
    ConditionLessThan,
    ConditionLessThanOrEqualTo,
    ConditionNot,
    ConditionOr,
)
from sagemaker.workflow.emr_step import EMRStep, EMRStepConfig
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.function_step import step
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.monitor_batch_transform_step import MonitorBatchTransformStep
from sagemaker.workflow.parameters import ParameterBoolean, ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.pipeline_definition_config import PipelineDefinitionConfig
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.quality_check_step import DataQualityCheckConfig, ModelQualityCheckConfig, QualityCheckStep
from sagemaker.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.workflow.steps import CacheConfig, ProcessingStep, TrainingStep, TransformStep, TuningStep

HERE = Path(__file__).parent
SCRIPTS = Path(tempfile.mkdtemp(prefix="oracles-"))  # the SDK puts files of its own beside a step's code
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/image:1"
CACHE = CacheConfig(enable_caching=True, expire_after="P30D")


def pipeline_session() -> PipelineSession:
    """A session whose clients answer everything and call nobody, as in the SDK's own tests."""
    client = Mock()
    client._client_config.user_agent = "Boto3 1.9.69 Python/3.6.5 Linux/4.14.77-70.82.amzn1.x86_64 Botocore/1.12.69"
    client.describe_model_package_group.return_value = {"ModelPackageGroupName": "churn"}
    client.describe_model.return_value = {"PrimaryContainer": {"Image": IMAGE}}
    client.get_caller_identity.return_value = {"Account": "123456789012", "UserId": "u", "Arn": ROLE}
    boto_session = Mock(region_name="us-east-1")
    boto_session.client.return_value = client
    boto_session.resource.return_value = Mock()
    return PipelineSession(
        boto_session=boto_session,
        sagemaker_client=client,
        default_bucket="bucket",
        sagemaker_config={"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}},
    )


def machine_learning(session: PipelineSession) -> Pipeline:
    """Prepare, train, tune, evaluate, transform, register; nested conditions; caches and retries."""
    text = ParameterString(
        "InputData", default_value="s3://bucket/input", enum_values=["s3://bucket/input", "s3://box"]
    )
    count = ParameterInteger("InstanceCount", default_value=1)
    threshold = ParameterFloat("Threshold", default_value=0.5)
    flag = ParameterBoolean("Approve", default_value=True)
    volume = ParameterInteger("Volume")
    retries = [
        StepRetryPolicy([StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING], max_attempts=5),
        SageMakerJobStepRetryPolicy([SageMakerJobExceptionTypeEnum.CAPACITY_ERROR], expire_after_mins=120),
    ]
    processor = ScriptProcessor(
        image_uri=IMAGE,
        command=["python3"],
        role=ROLE,
        instance_count=count,
        instance_type="ml.m5.large",
        volume_size_in_gb=volume,
        max_runtime_in_seconds=3600,
        sagemaker_session=session,
        env={"A": text},
    )
    prepare = ProcessingStep(
        "Prepare",
        step_args=processor.run(
            code=str(SCRIPTS / "prepare.py"),
            inputs=[ProcessingInput(source=text, destination="/opt/ml/processing/input")],
            outputs=[
                ProcessingOutput(output_name="train", source="/opt/ml/processing/train"),
                ProcessingOutput(
                    output_name="test",
                    source="/opt/ml/processing/test",
                    destination=Join("/", ["s3://bucket", ExecutionVariables.PIPELINE_EXECUTION_ID, "test"]),
                ),
            ],
            arguments=["--rows", count.to_string()],
        ),
        cache_config=CACHE,
        retry_policies=retries,
        display_name="Prepare",
        description="splits the data",
    )
    train_uri = prepare.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri
    test_uri = prepare.properties.ProcessingOutputConfig.Outputs["test"].S3Output.S3Uri
    estimator = SKLearn(
        entry_point="train.py",
        source_dir=str(SCRIPTS),
        image_uri=IMAGE,
        role=ROLE,
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=session,
        hyperparameters={"depth": 5, "rows": count, "name": text, "eta": threshold},
    )
    train = TrainingStep("Train", step_args=estimator.fit({"train": TrainingInput(train_uri)}), cache_config=CACHE)
    generic = Estimator(
        image_uri=IMAGE,
        role=ROLE,
        instance_count=1,
        instance_type="ml.m5.large",
        output_path="s3://bucket/models",
        sagemaker_session=session,
        use_spot_instances=True,
        max_run=3600,
        max_wait=7200,
        subnets=["subnet-1"],
        security_group_ids=["sg-1"],
    )
    tuner = HyperparameterTuner(
        estimator=generic,
        objective_metric_name="auc",
        objective_type="Maximize",
        max_jobs=4,
        max_parallel_jobs=2,
        hyperparameter_ranges={"eta": ContinuousParameter(0.1, 0.9)},
        metric_definitions=[{"Name": "auc", "Regex": "auc=(.*)"}],
    )
    tune = TuningStep("Tune", step_args=tuner.fit({"train": TrainingInput(train_uri, content_type="text/csv")}))
    report = PropertyFile("Report", output_name="evaluation", path="evaluation.json")
    evaluate = ProcessingStep(
        "Evaluate",
        step_args=processor.run(
            code=str(SCRIPTS / "prepare.py"),
            inputs=[
                ProcessingInput(
                    source=train.properties.ModelArtifacts.S3ModelArtifacts, destination="/opt/ml/processing/model"
                ),
                ProcessingInput(source=test_uri, destination="/opt/ml/processing/test"),
                ProcessingInput(
                    source=tune.get_top_model_s3_uri(top_k=0, s3_bucket="bucket"),
                    destination="/opt/ml/processing/best",
                ),
            ],
            outputs=[ProcessingOutput(output_name="evaluation", source="/opt/ml/processing/evaluation")],
        ),
        property_files=[report],
    )
    metrics = ModelMetrics(
        model_statistics=MetricsSource(
            s3_uri=Join(
                "/",
                [
                    evaluate.properties.ProcessingOutputConfig.Outputs["evaluation"].S3Output.S3Uri,
                    "evaluation.json",
                ],
            ),
            content_type="application/json",
        )
    )
    model = Model(
        image_uri=IMAGE,
        model_data=train.properties.ModelArtifacts.S3ModelArtifacts,
        role=ROLE,
        sagemaker_session=session,
    )
    create = ModelStep("Create", step_args=model.create(instance_type="ml.m5.large"))
    register = ModelStep(
        "Register",
        step_args=model.register(
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=["ml.m5.large"],
            transform_instances=["ml.m5.large"],
            model_package_group_name="churn",
            model_metrics=metrics,
            approval_status="Approved",
            drift_check_baselines=DriftCheckBaselines(),
        ),
        retry_policies=[StepRetryPolicy([StepExceptionTypeEnum.THROTTLING], max_attempts=2)],
    )
    pipeline_model = PipelineModel(models=[model, model], role=ROLE, sagemaker_session=session)
    create_pipeline_model = ModelStep("CreateBoth", step_args=pipeline_model.create("c5.large"))
    repacked = Model(
        image_uri=IMAGE,
        model_data=train.properties.ModelArtifacts.S3ModelArtifacts,
        role=ROLE,
        sagemaker_session=session,
        entry_point="train.py",
        source_dir=str(SCRIPTS),
    )
    create_repacked = ModelStep("Repacked", step_args=repacked.create(instance_type="ml.m5.large"))
    transformer = Transformer(
        model_name=create.properties.ModelName,
        instance_count=count,
        instance_type="ml.m5.large",
        output_path="s3://bucket/transformed",
        sagemaker_session=session,
    )
    transform = TransformStep("Transform", step_args=transformer.transform(data=test_uri, content_type="text/csv"))
    accuracy = JsonGet(step_name=evaluate.name, property_file=report, json_path="metrics.accuracy.value")
    fail = FailStep("TooBad", error_message=Join(" ", ["accuracy is below", threshold]))
    inner = ConditionStep(
        "Approved",
        conditions=[
            ConditionEquals(flag, True),
            ConditionOr([ConditionIn(text, ["s3://bucket/input"]), ConditionNot(ConditionLessThan(count, 3))]),
        ],
        if_steps=[register],
        else_steps=[],
    )
    outer = ConditionStep(
        "GoodEnough",
        conditions=[
            ConditionGreaterThanOrEqualTo(accuracy, threshold),
            ConditionGreaterThan(accuracy, 0.1),
            ConditionLessThanOrEqualTo(accuracy, 1.0),
        ],
        if_steps=[inner, create, transform, create_pipeline_model, create_repacked],
        else_steps=[fail],
    )
    return Pipeline(
        "machine-learning",
        parameters=[text, count, threshold, flag, volume],
        steps=[prepare, train, tune, evaluate, outer],
        sagemaker_session=session,
    )


def services(session: PipelineSession) -> Pipeline:
    """Lambda, Callback, EMR and AutoML steps."""
    outputs = [
        LambdaOutput("text", LambdaOutputTypeEnum.String),
        LambdaOutput("whole", LambdaOutputTypeEnum.Integer),
    ]
    call = LambdaStep(
        "Call",
        lambda_func=Lambda(function_arn="arn:aws:lambda:us-east-1:123456789012:function:f", session=session),
        inputs={"execution": ExecutionVariables.PIPELINE_EXECUTION_ARN, "n": 1},
        outputs=outputs,
        cache_config=CACHE,
    )
    wait = CallbackStep(
        "Wait",
        sqs_queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/queue",
        inputs={"text": call.properties.Outputs["text"], "whole": call.properties.Outputs["whole"]},
        outputs=[CallbackOutput("result", CallbackOutputTypeEnum.String)],
        depends_on=[call],
    )
    config = EMRStepConfig(
        jar="s3://bucket/job.jar", args=["--a", "1"], main_class="Main", properties=[{"Key": "k", "Value": "v"}]
    )
    emr = EMRStep("Emr", "Emr", "on a cluster", "j-123456789ABCD", config, depends_on=[wait], cache_config=CACHE)
    own = EMRStep(
        "EmrOwnCluster",
        "EmrOwnCluster",
        "makes its cluster",
        None,
        config,
        cluster_config={
            "ReleaseLabel": "emr-6.15.0",
            "ServiceRole": "EMR_DefaultRole",
            "JobFlowRole": "EMR_EC2_DefaultRole",
            "Instances": {
                "InstanceGroups": [
                    {"Name": "Master", "InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}
                ]
            },
        },
    )
    auto = AutoML(
        role=ROLE,
        target_attribute_name="y",
        sagemaker_session=session,
        mode="ENSEMBLING",
        output_path="s3://bucket/auto",
        job_objective={"MetricName": "AUC"},
        problem_type="BinaryClassification",
    )
    inputs = AutoMLInput(inputs="s3://bucket/train", target_attribute_name="y", channel_type="training")
    automl = AutoMLStep("Auto", step_args=auto.fit(inputs=[inputs]))
    best = automl.get_best_auto_ml_model(role=ROLE, sagemaker_session=session)
    create = ModelStep("CreateBest", step_args=best.create(instance_type="ml.m5.large"))
    return Pipeline("services", steps=[call, wait, emr, own, automl, create], sagemaker_session=session)


def checks(session: PipelineSession) -> Pipeline:
    """QualityCheck, ClarifyCheck and MonitorBatchTransform steps."""
    job = CheckJobConfig(role=ROLE, instance_count=1, instance_type="ml.m5.large", sagemaker_session=session)
    skip = ParameterBoolean("Skip", default_value=False)
    text = ParameterString("Baseline", default_value="s3://bucket/baseline")
    quality_config = DataQualityCheckConfig(
        baseline_dataset="s3://bucket/data",
        dataset_format=DatasetFormat.csv(header=False),
        output_s3_uri="s3://bucket/q",
    )
    data_quality = QualityCheckStep(
        "DataQuality",
        quality_config,
        job,
        skip_check=skip,
        register_new_baseline=True,
        fail_on_violation=True,
        supplied_baseline_statistics=text,
        model_package_group_name="churn",
        cache_config=CACHE,
    )
    model_quality = QualityCheckStep(
        "ModelQuality",
        ModelQualityCheckConfig(
            baseline_dataset="s3://bucket/data",
            dataset_format=DatasetFormat.csv(header=False),
            problem_type="BinaryClassification",
            inference_attribute="_c0",
            ground_truth_attribute="_c1",
        ),
        job,
        skip_check=skip,
        model_package_group_name="churn",
        depends_on=[data_quality],
    )
    data = DataConfig(
        s3_data_input_path="s3://bucket/data",
        s3_output_path="s3://bucket/clarify",
        label=0,
        dataset_type="text/csv",
        s3_analysis_config_output_path="s3://bucket/analysis",
    )
    bias = BiasConfig(label_values_or_threshold=[1], facet_name=[1], facet_values_or_threshold=[[1]])
    model = ModelConfig(model_name="model", instance_count=1, instance_type="ml.m5.large")
    steps = [
        ClarifyCheckStep(
            "DataBias",
            DataBiasCheckConfig(data_config=data, data_bias_config=bias),
            job,
            skip_check=skip,
            model_package_group_name="churn",
        ),
        ClarifyCheckStep(
            "ModelBias",
            ModelBiasCheckConfig(
                data_config=data,
                data_bias_config=bias,
                model_config=model,
                model_predicted_label_config=ModelPredictedLabelConfig(label=0),
            ),
            job,
            skip_check=skip,
            supplied_baseline_constraints=text,
        ),
        ClarifyCheckStep(
            "Explain",
            ModelExplainabilityCheckConfig(
                data_config=data,
                model_config=model,
                explainability_config=SHAPConfig(baseline=[[0]], num_samples=10, agg_method="mean_abs"),
            ),
            job,
            skip_check=skip,
            register_new_baseline=True,
        ),
    ]
    transformer = Transformer(
        model_name="model",
        instance_count=1,
        instance_type="ml.m5.large",
        output_path="s3://bucket/out",
        sagemaker_session=session,
    )
    monitor = MonitorBatchTransformStep(
        "Monitor",
        transform_step_args=transformer.transform(data="s3://bucket/in", content_type="text/csv"),
        monitor_configuration=quality_config,
        check_job_configuration=job,
    )
    return Pipeline(
        "checks",
        parameters=[skip, text],
        steps=[data_quality, model_quality, *steps, monitor],
        sagemaker_session=session,
    )


def functions(session: PipelineSession) -> Pipeline:
    """Functions as steps: @step, what one returns in another and in a condition."""
    settings = {
        "role": ROLE,
        "instance_type": "ml.m5.large",
        "image_uri": IMAGE,
        "environment_variables": {"A": "1"},
    }
    number = ParameterInteger("Number", default_value=2)

    @step(name="Load", **settings)
    def load(n):
        return {"rows": n}

    @step(name="Fit", retry_policies=[StepRetryPolicy([StepExceptionTypeEnum.THROTTLING], max_attempts=3)], **settings)
    def fit(loaded, threshold):
        return loaded["rows"] * threshold

    @step(name="Publish", display_name="Publish", description="after the condition", **settings)
    def publish(score):
        return score

    score = fit(load(number), 0.5)
    decide = ConditionStep(
        "Decide",
        conditions=[ConditionGreaterThan(score, 1)],
        if_steps=[publish(score)],
        else_steps=[FailStep("Low", error_message=Join("=", ["score", score]))],
    )
    return Pipeline(
        "functions",
        parameters=[number],
        steps=[decide],
        sagemaker_session=session,
        pipeline_definition_config=PipelineDefinitionConfig(use_custom_job_prefix=False),
    )


def main(target: Path) -> None:
    """Write one file for each pipeline.

    :param target: the directory.
    """
    target.mkdir(parents=True, exist_ok=True)
    for name in ("prepare.py", "train.py"):
        (SCRIPTS / name).write_text("print(1)\n")
    for build in (machine_learning, services, checks, functions):
        document = json.loads(build(pipeline_session()).definition())
        text = json.dumps(document, indent=1).replace(str(SCRIPTS), "/oracles").replace(str(HERE), "/oracles")
        (target / f"{build.__name__}.json").write_text(text + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
