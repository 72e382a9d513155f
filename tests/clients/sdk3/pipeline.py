"""A pipeline of SageMaker SDK 3, from upsert to delete: python pipeline.py RESULT."""

import json
import sys
import time
from pathlib import Path

import local_session  # noqa: F401 - what docs/local/clients.md has a data scientist save and import first
from botocore.exceptions import WaiterError
from sagemaker.core.helper.session_helper import get_execution_role
from sagemaker.core.image_uris import retrieve
from sagemaker.core.processing import FrameworkProcessor, ScriptProcessor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.training.configs import Compute, InputData, SourceCode
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.callback_step import CallbackOutput, CallbackOutputTypeEnum, CallbackStep
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train.model_trainer import ModelTrainer

INSTANCE = "ml.m5.large"
session = PipelineSession()
role = get_execution_role(session)
image = retrieve("sklearn", session.boto_region_name, version="1.2-1", instance_type=INSTANCE)
sqs, sagemaker = (session.boto_session.client(name) for name in ("sqs", "sagemaker"))
queue = sqs.create_queue(QueueName="approvals-sdk3")["QueueUrl"]


def output(name):
    return ProcessingOutput(
        output_name=name,
        s3_output=ProcessingS3Output(
            s3_uri=f"s3://{session.default_bucket()}/churn-sdk3/{name}",
            local_path=f"/opt/ml/processing/{name}",
            s3_upload_mode="EndOfJob",
        ),
    )


def pipeline():
    rows = ParameterInteger("Rows", default_value=100)
    label = ParameterString("Label", default_value='a "good" label')
    script = ScriptProcessor(
        image_uri=image,
        command=["python3"],
        role=role,
        instance_type=INSTANCE,
        instance_count=1,
        sagemaker_session=session,
    )
    prepare = ProcessingStep(
        "Prepare",
        step_args=script.run(
            code="scripts/prepare.py", arguments=["--rows", rows.to_string()], outputs=[output("train")]
        ),
    )
    trainer = ModelTrainer(
        training_image=image,
        role=role,
        compute=Compute(instance_type=INSTANCE, instance_count=1),
        source_code=SourceCode(source_dir="scripts", entry_script="train.py"),
        hyperparameters={"depth": 3, "label": label},
        input_data_config=[
            InputData(
                channel_name="train",
                data_source=prepare.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri,
            )
        ],
        sagemaker_session=session,
    )
    train = TrainingStep("Train", step_args=trainer.train())
    framework = FrameworkProcessor(
        image_uri=image, role=role, instance_type=INSTANCE, instance_count=1, sagemaker_session=session
    )
    report = PropertyFile("Report", output_name="evaluation", path="evaluation.json")
    model_artifacts = train.properties.ModelArtifacts.S3ModelArtifacts
    evaluate = ProcessingStep(
        "Evaluate",
        step_args=framework.run(
            code="evaluate.py",
            source_dir="scripts",
            inputs=[
                ProcessingInput(
                    input_name="model",
                    s3_input=ProcessingS3Input(
                        s3_uri=model_artifacts,
                        local_path="/opt/ml/processing/model",
                        s3_data_type="S3Prefix",
                        s3_input_mode="File",
                    ),
                )
            ],
            outputs=[output("evaluation")],
        ),
        property_files=[report],
    )
    approve = CallbackStep(
        "Approve",
        sqs_queue_url=queue,
        inputs={"model": model_artifacts},
        outputs=[CallbackOutput("by", CallbackOutputTypeEnum.String)],
        depends_on=[evaluate],
    )
    builder = ModelBuilder(
        image_uri=image,
        s3_model_data_url=model_artifacts,
        role_arn=role,
        sagemaker_session=session,
        instance_type=INSTANCE,
    )
    create = ModelStep("Create", step_args=builder.build())
    register = ModelStep(
        "Register",
        step_args=builder.register(
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=[INSTANCE],
            transform_instances=[INSTANCE],
            model_package_group_name="churn-sdk3",
            approval_status="Approved",
        ),
    )
    accuracy = JsonGet(step_name="Evaluate", property_file=report, json_path="metrics.accuracy.value")
    decide = ConditionStep(
        "Decide",
        conditions=[ConditionGreaterThanOrEqualTo(accuracy, 0.5)],
        if_steps=[create, register],
        else_steps=[FailStep("Bad", error_message=Join(" ", ["accuracy", accuracy, approve.properties.Outputs["by"]]))],
    )
    return Pipeline(
        "churn-sdk3",
        parameters=[rows, label],
        steps=[prepare, train, evaluate, approve, decide],
        sagemaker_session=session,
    )


def approve():
    """Answer the Callback step when its message comes."""
    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    sagemaker.send_pipeline_execution_step_success(
        CallbackToken=json.loads(message["Body"])["token"], OutputParameters=[{"Name": "by", "Value": "me"}]
    )


def seen(execution):
    status = execution.describe()["PipelineExecutionStatus"]
    steps = sorted(
        (step["StepName"], step["StepStatus"], step.get("FailureReason", "")) for step in execution.list_steps()
    )
    return {"status": status, "steps": steps}


def main(result):
    """Run it well, run it badly, change it, delete it; write down what was seen."""
    churn = pipeline()
    report = {"role": role, "upserted": churn.upsert(role)["PipelineArn"]}
    good = churn.start(parameters={"Rows": 60})
    approve()
    good.wait(delay=1, max_attempts=120)
    report["good"] = seen(good)
    report["given"] = good.list_parameters()["PipelineParameters"]
    group = sagemaker.list_model_packages(ModelPackageGroupName="churn-sdk3")["ModelPackageSummaryList"]
    report["packages"] = [package["ModelApprovalStatus"] for package in group]
    bad = churn.start(parameters={"Rows": 10})
    approve()
    try:
        bad.wait(delay=1, max_attempts=120)
    except WaiterError as error:
        report["error"] = str(error).partition(":")[0]
    report["bad"] = seen(bad)
    stopped = churn.start()
    stopped.stop()
    while (status := stopped.describe()["PipelineExecutionStatus"]) == "Stopping":
        time.sleep(0.2)  # the SDK's wait() does not know that an execution can be Stopped
    report["stopped"] = status
    report["described"] = churn.describe()["PipelineName"]
    report["updated"] = churn.update(role, description="changed")["PipelineArn"]
    report["description"] = churn.describe()["PipelineDescription"]
    report["executions"] = len(churn.list_executions()["PipelineExecutionSummaries"])
    report["deleted"] = churn.delete()["PipelineArn"]
    Path(result).write_text(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1])
