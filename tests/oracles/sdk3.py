"""Write what the SageMaker SDK 3 makes of pipelines with its step classes. See README.md for how to run it."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from unittest.mock import Mock

from jinja2 import Template
from sagemaker.core.clarify import BiasConfig, DataConfig, ModelConfig, ModelPredictedLabelConfig, SHAPConfig
from sagemaker.core.helper.session_helper import production_variant
from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.lineage.action import Action
from sagemaker.core.lineage.artifact import Artifact
from sagemaker.core.lineage.context import Context
from sagemaker.core.model_monitor import DatasetFormat
from sagemaker.core.parameter import ContinuousParameter
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.training.configs import Compute, InputData, SourceCode
from sagemaker.core.transformer import Transformer
from sagemaker.core.workflow.conditions import (
    ConditionEquals,
    ConditionGreaterThan,
    ConditionGreaterThanOrEqualTo,
    ConditionIn,
    ConditionLessThan,
    ConditionLessThanOrEqualTo,
    ConditionNot,
    ConditionOr,
)
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterBoolean, ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession, _StepArguments
from sagemaker.core.workflow.pipeline_definition_config import PipelineDefinitionConfig
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.callback_step import CallbackOutput, CallbackOutputTypeEnum, CallbackStep
from sagemaker.mlops.workflow.check_job_config import CheckJobConfig
from sagemaker.mlops.workflow.clarify_check_step import (
    ClarifyCheckStep,
    DataBiasCheckConfig,
    ModelBiasCheckConfig,
    ModelExplainabilityCheckConfig,
)
from sagemaker.mlops.workflow.cleanup_step import CleanupStep, S3CleanupSource
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.emr_serverless_step import EMRServerlessJobConfig, EMRServerlessStep
from sagemaker.mlops.workflow.emr_step import EMRStep, EMRStepConfig
from sagemaker.mlops.workflow.endpoint_step import EndpointConfigStep, EndpointStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.for_each_step import CurrentItem, ForEachSelector, ForEachStep, IterationOutput
from sagemaker.mlops.workflow.function_step import step
from sagemaker.mlops.workflow.inference_component_step import InferenceComponentStep
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.mlops.workflow.lineage_step import LineageAssociation, LineageEntityReference, LineageStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.notebook_job_step import NotebookJobStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.quality_check_step import (
    DataQualityCheckConfig,
    ModelQualityCheckConfig,
    QualityCheckStep,
)
from sagemaker.mlops.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.step_dependency import StepDependency, TriggerCondition
from sagemaker.mlops.workflow.steps import (
    CacheConfig,
    JobStep,
    ProcessingStep,
    TrainingStep,
    TransformStep,
    TuningStep,
)
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.evaluate.pipeline_templates import DETERMINISTIC_TEMPLATE
from sagemaker.train.tuner import HyperparameterTuner

HERE = Path(__file__).parent
SCRIPTS = Path(tempfile.mkdtemp(prefix="oracles-"))  # the SDK puts files of its own beside a step's code
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/image:1"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
CACHE = CacheConfig(enable_caching=True, expire_after="P30D")


def pipeline_session() -> PipelineSession:
    """A session whose clients answer everything and call nobody, as in the SDK's own tests."""
    client = Mock()
    client._client_config.user_agent = "Boto3 1.9.69 Python/3.6.5 Linux/4.14.77-70.82.amzn1.x86_64 Botocore/1.12.69"
    client.describe_model.return_value = {"PrimaryContainer": {"Image": IMAGE}}
    client.get_paginator.return_value.paginate.return_value = []
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "*"}]}
    client.get_role.return_value = {"Role": {"Arn": ROLE, "AssumeRolePolicyDocument": trust}}
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


def processing_input(name: str, uri: object) -> ProcessingInput:
    """An input of a Processing step at the usual place."""
    return ProcessingInput(
        input_name=name,
        s3_input=ProcessingS3Input(
            s3_uri=uri, local_path=f"/opt/ml/processing/{name}", s3_data_type="S3Prefix", s3_input_mode="File"
        ),
    )


def processing_output(name: str, uri: object = "s3://bucket/out") -> ProcessingOutput:
    """An output of a Processing step at the usual place."""
    return ProcessingOutput(
        output_name=name,
        s3_output=ProcessingS3Output(s3_uri=uri, local_path=f"/opt/ml/processing/{name}", s3_upload_mode="EndOfJob"),
    )


def machine_learning(session: PipelineSession) -> Pipeline:
    """Prepare, train, tune, evaluate, transform, register; nested conditions; caches and retries."""
    text = ParameterString(
        "InputData", default_value="s3://bucket/input", enum_values=["s3://bucket/input", "s3://box"]
    )
    count = ParameterInteger("InstanceCount", default_value=1)
    threshold = ParameterFloat("Threshold", default_value=0.5)
    flag = ParameterBoolean("Approve", default_value=True)
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
        max_runtime_in_seconds=3600,
        sagemaker_session=session,
        env={"A": text},
    )
    prepare = ProcessingStep(
        "Prepare",
        step_args=processor.run(
            code=str(SCRIPTS / "prepare.py"),
            inputs=[processing_input("input", text)],
            outputs=[
                processing_output("train"),
                processing_output("test", Join("/", ["s3://bucket", ExecutionVariables.PIPELINE_EXECUTION_ID, "test"])),
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

    def trainer() -> ModelTrainer:
        return ModelTrainer(
            sagemaker_session=session,
            role=ROLE,
            training_image=IMAGE,
            compute=Compute(instance_type="ml.m5.large", instance_count=1),
            source_code=SourceCode(source_dir=str(SCRIPTS), entry_script="train.py"),
            hyperparameters={"depth": 5, "name": text},
            input_data_config=[InputData(channel_name="train", data_source=train_uri)],
        )

    train = TrainingStep("Train", step_args=trainer().train(), cache_config=CACHE, retry_policies=retries)
    tuner = HyperparameterTuner(
        model_trainer=trainer(),
        objective_metric_name="auc",
        hyperparameter_ranges={"eta": ContinuousParameter(0.1, 0.9)},
        metric_definitions=[{"Name": "auc", "Regex": "auc=(.*)"}],
        max_jobs=4,
        max_parallel_jobs=2,
    )
    tune = TuningStep("Tune", step_args=tuner.tune(inputs=[InputData(channel_name="train", data_source=train_uri)]))
    report = PropertyFile("Report", output_name="evaluation", path="evaluation.json")
    evaluate = ProcessingStep(
        "Evaluate",
        step_args=processor.run(
            code=str(SCRIPTS / "prepare.py"),
            inputs=[
                processing_input("model", train.properties.ModelArtifacts.S3ModelArtifacts),
                processing_input("test", test_uri),
                processing_input("best", tune.get_top_model_s3_uri(top_k=0, s3_bucket="bucket")),
            ],
            outputs=[processing_output("evaluation")],
        ),
        property_files=[report],
    )
    builder = ModelBuilder(
        image_uri=IMAGE,
        s3_model_data_url=train.properties.ModelArtifacts.S3ModelArtifacts,
        role_arn=ROLE,
        sagemaker_session=session,
        instance_type="ml.m5.large",
    )
    register = ModelStep(
        "Register",
        step_args=builder.register(
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=["ml.m5.large"],
            transform_instances=["ml.m5.large"],
            model_package_group_name="churn",
            approval_status="Approved",
        ),
    )
    create = ModelStep(
        "Create",
        step_args=builder.build(),
        retry_policies=[StepRetryPolicy([StepExceptionTypeEnum.THROTTLING], max_attempts=2)],
    )
    transformer = Transformer(
        model_name=create.properties.ModelName,
        instance_count=1,
        instance_type="ml.m5.large",
        output_path="s3://bucket/transformed",
        sagemaker_session=session,
        base_transform_job_name="churn",
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
        if_steps=[transform],
        else_steps=[],
    )
    outer = ConditionStep(
        "GoodEnough",
        conditions=[
            ConditionGreaterThanOrEqualTo(accuracy, threshold),
            ConditionGreaterThan(accuracy, 0.1),
            ConditionLessThanOrEqualTo(accuracy, 1.0),
        ],
        if_steps=[create, register, inner],
        else_steps=[fail],
    )
    return Pipeline(
        "machine-learning",
        parameters=[text, count, threshold, flag],
        steps=[prepare, train, tune, evaluate, outer],
        sagemaker_session=session,
    )


def services(session: PipelineSession) -> Pipeline:
    """Lambda, Callback, EMR, EMR Serverless, endpoints, lineage, jobs, run conditions and clean-up."""
    outputs = [
        LambdaOutput("text", LambdaOutputTypeEnum.String),
        LambdaOutput("whole", LambdaOutputTypeEnum.Integer),
    ]
    function = Lambda(function_arn=FUNCTION, session=session)
    call = LambdaStep(
        "Call",
        lambda_func=function,
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
    group = {"Name": "Master", "InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}
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
            "Instances": {"InstanceGroups": [group]},
        },
    )
    job = EMRServerlessJobConfig(
        job_driver={"sparkSubmit": {"entryPoint": "s3://bucket/job.py"}}, execution_role_arn=ROLE
    )
    serverless = EMRServerlessStep("Serverless", "Serverless", "existing", job, application_id="00abcdefgh")
    own_application = EMRServerlessStep(
        "OwnApplication",
        "OwnApplication",
        "makes its application",
        job,
        application_config={"name": "app", "releaseLabel": "emr-7.0.0", "type": "SPARK"},
    )
    variant = production_variant("model", "ml.m5.large", 1)
    endpoint_config = EndpointConfigStep(
        "EndpointConfig", step_args=session.create_endpoint_config("config", [variant]), cache_config=CACHE
    )
    endpoint = EndpointStep(
        "Endpoint",
        step_args=session.create_endpoint("endpoint", endpoint_config.properties.EndpointConfigName, wait=False),
    )
    component = InferenceComponentStep(
        "Component",
        step_args=session.create_inference_component(
            "component",
            endpoint.properties.EndpointName,
            "AllTraffic",
            {
                "ModelName": "model",
                "ComputeResourceRequirements": {"NumberOfCpuCoresRequired": 1, "MinMemoryRequiredInMb": 1024},
            },
            {"CopyCount": 1},
            wait=False,
        ),
    )
    lineage = LineageStep(
        "Lineage",
        actions=Action.create(
            action_name="a", action_type="Deploy", source_uri="s3://bucket/a", sagemaker_session=session
        ),
        artifacts=[
            Artifact.create(
                artifact_name="b", artifact_type="Data", source_uri="s3://bucket/b", sagemaker_session=session
            )
        ],
        contexts=Context.create(
            context_name="c", context_type="Project", source_uri="s3://bucket/c", sagemaker_session=session
        ),
        associations=[
            LineageAssociation(
                LineageEntityReference(name="b", type="Artifact"),
                LineageEntityReference(name="a", type="Action"),
                "ContributedTo",
            )
        ],
    )
    request = {
        "RoleArn": ROLE,
        "JobCategory": "AgentRFT",
        "JobConfigSchemaVersion": "1.0.0",
        "JobConfigDocument": '{"a": 1}',
    }

    def capture(producer: Mock) -> None:
        producer.sagemaker_session._intercept_create_request(request, None, "create_job")

    record = LambdaStep(
        "Record", lambda_func=function, inputs={"action": lineage.properties.ActionArns["a"]}, depends_on=[lineage]
    )
    tune = JobStep("Job", step_args=_StepArguments("create_job", capture, Mock(sagemaker_session=session)))
    notify = LambdaStep(
        "Notify", lambda_func=function, depends_on=[StepDependency(emr, TriggerCondition.FAILED), "Call"]
    )
    clean = CleanupStep(
        "Clean",
        s3_sources=[S3CleanupSource(serverless, ["s3://bucket/a", "s3://bucket/b"])],
        depends_on=[StepDependency(serverless, TriggerCondition.ANY), StepDependency(own, TriggerCondition.STOPPED)],
    )
    return Pipeline(
        "services",
        steps=[
            call, wait, emr, own, serverless, own_application, endpoint_config, endpoint, component, lineage,
            record, tune, notify, clean,
        ],
        sagemaker_session=session,
    )  # fmt: skip


def for_each(session: PipelineSession) -> Pipeline:
    """ForEach steps over a parameter and over a list, with a selector, and what is read from them."""
    items = ParameterString("Items", default_value='[{"name": "a"}]')
    function = Lambda(function_arn=FUNCTION, session=session)
    score = LambdaStep(
        "Score",
        lambda_func=function,
        inputs={"name": CurrentItem().name, "whole": CurrentItem()},
        outputs=[LambdaOutput("score", LambdaOutputTypeEnum.Float)],
    )
    processor = ScriptProcessor(
        image_uri=IMAGE,
        command=["python3"],
        role=ROLE,
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=session,
    )
    work = ProcessingStep(
        "Work",
        step_args=processor.run(
            code=str(SCRIPTS / "prepare.py"),
            inputs=[processing_input("item", CurrentItem()["uri"])],
            outputs=[processing_output("result")],
        ),
    )
    fan = ForEachStep(
        "Fan",
        iterable_items=items,
        max_concurrency=5,
        for_each_body=[score, work],
        selector=ForEachSelector("MaxBy", IterationOutput(score).OutputParameters["score"]),
    )
    again = LambdaStep("Again", lambda_func=function, inputs={"item": CurrentItem()})
    second = ForEachStep(
        "Second", iterable_items=["a", 1, 0.5, True, items], max_concurrency=1, for_each_body=[again], depends_on=[fan]
    )
    decide = ConditionStep(
        "Decide",
        conditions=[
            ConditionEquals(fan.properties.Status, "Succeeded"),
            ConditionGreaterThan(fan.properties.SucceededStepCount, 1),
            ConditionGreaterThan(fan.properties.Selected.OutputParameters["score"], 0.5),
        ],
        if_steps=[
            LambdaStep(
                "Use",
                lambda_func=function,
                inputs={"first": fan.properties.IterationOutputs[0].Score.OutputParameters["score"]},
            )
        ],
        else_steps=[FailStep("None", error_message="nothing was good")],
    )
    return Pipeline("for-each", parameters=[items], steps=[fan, second, decide], sagemaker_session=session)


def nested_conditions(session: PipelineSession) -> Pipeline:
    """31 Condition steps inside one another, as AWS's own tests have them."""
    number = ParameterInteger("Number", default_value=5)
    inner = FailStep("End", error_message="too deep")
    for depth in reversed(range(31)):
        inner = ConditionStep(
            f"Depth{depth}", conditions=[ConditionGreaterThan(number, depth)], if_steps=[inner], else_steps=[]
        )
    return Pipeline("nested", parameters=[number], steps=[inner], sagemaker_session=session)


def checks(session: PipelineSession) -> Pipeline:
    """QualityCheck and ClarifyCheck steps."""
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
    return Pipeline(
        "checks",
        parameters=[skip, text],
        steps=[data_quality, model_quality, *steps],
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


def notebooks(session: PipelineSession) -> Pipeline:
    """A notebook job, and what can be read of it."""
    text = ParameterString("Text", default_value="a")
    notebook = NotebookJobStep(
        name="Notebook",
        input_notebook=str(SCRIPTS / "notebook.ipynb"),
        image_uri=IMAGE,
        kernel_name="python3",
        role=ROLE,
        s3_root_uri="s3://bucket/notebooks",
        parameters={"text": text},
        environment_variables={"A": text},
        retry_policies=[StepRetryPolicy([StepExceptionTypeEnum.THROTTLING], max_attempts=3)],
    )
    read = {
        "job": notebook.properties.ComputingJobName,
        "status": notebook.properties.ComputingJobStatus,
        "input": notebook.properties.NotebookJobInputLocation,
        "output": notebook.properties.NotebookJobOutputLocationPrefix,
        "notebook": notebook.properties.OutputNotebookName,
    }
    use = LambdaStep("Use", lambda_func=Lambda(function_arn=FUNCTION, session=session), inputs=read)
    return Pipeline("notebooks", parameters=[text], steps=[notebook, use], sagemaker_session=session)


class Evaluation:
    """The pipeline that the SDK's evaluators of models make: a template of the document, not step classes."""

    def definition(self) -> str:
        """The document."""
        account = "arn:aws:sagemaker:us-east-1:123456789012"
        settings = {
            "role_arn": ROLE,
            "pipeline_name": "evaluation",
            "mlflow_resource_arn": f"{account}:mlflow-tracking-server/server",
            "mlflow_experiment_name": "experiment",
            "source_model_package_arn": f"{account}:model-package/group/1",
            "model_package_group_arn": f"{account}:model-package-group/group",
            "base_model_arn": "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/model/1.0.0",
            "dataset_artifact_arn": f"{account}:artifact/0123456789abcdef",
            "action_arn_prefix": f"{account}:action",
            "dataset_uri": "s3://bucket/data",
            "s3_output_path": "s3://bucket/out",
            "task": "mmlu",
            "strategy": "zs_cot",
            "evaluate_base_model": True,
        }
        return Template(DETERMINISTIC_TEMPLATE).render(settings)


def evaluation(session: PipelineSession) -> Evaluation:
    """Lineage steps as AWS writes them, serverless training jobs, an MLflow config."""
    return Evaluation()


def main(target: Path) -> None:
    """Write one file for each pipeline.

    :param target: the directory.
    """
    target.mkdir(parents=True, exist_ok=True)
    for name in ("prepare.py", "train.py"):
        (SCRIPTS / name).write_text("print(1)\n")
    (SCRIPTS / "notebook.ipynb").write_text('{"cells": []}\n')
    builders = (
        machine_learning, services, for_each, nested_conditions, checks, functions, notebooks, evaluation,
    )  # fmt: skip
    for build in builders:
        document = json.loads(build(pipeline_session()).definition())
        text = json.dumps(document, indent=1).replace(str(SCRIPTS), "/oracles").replace(str(HERE), "/oracles")
        (target / f"{build.__name__}.json").write_text(text + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
