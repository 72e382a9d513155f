"""A pipeline of SageMaker SDK 2, from upsert to delete: python pipeline.py RESULT."""

import json
import sys
import time
from pathlib import Path

import local_session  # noqa: F401 - what docs/local/clients.md has a data scientist save and import first
import sagemaker
from botocore.exceptions import WaiterError
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.processing import FrameworkProcessor, ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.sklearn import SKLearn, SKLearnModel, SKLearnProcessor
from sagemaker.workflow.callback_step import CallbackOutput, CallbackOutputTypeEnum, CallbackStep
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import ProcessingStep, TrainingStep

VERSION = "1.2-1"
session = PipelineSession()
role = sagemaker.get_execution_role(session)
machine = {"role": role, "instance_type": "ml.m5.large", "instance_count": 1, "sagemaker_session": session}
sqs, service = (session.boto_session.client(name) for name in ("sqs", "sagemaker"))
queue = sqs.create_queue(QueueName="approvals-sdk2")["QueueUrl"]


def output(name):
    return ProcessingOutput(output_name=name, source=f"/opt/ml/processing/{name}")


def pipeline():
    rows = ParameterInteger("Rows", default_value=100)
    label = ParameterString("Label", default_value='it\'s a "good" label')
    scikit_learn = SKLearnProcessor(VERSION, **machine)
    prepare = ProcessingStep(
        "Prepare",
        step_args=scikit_learn.run(
            code="scripts/prepare.py", arguments=["--rows", rows.to_string()], outputs=[output("train")]
        ),
    )
    train_input = TrainingInput(prepare.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri)
    estimator = SKLearn(
        "train.py",
        source_dir="scripts",
        framework_version=VERSION,
        hyperparameters={"depth": 3, "label": label},
        **machine,
    )
    train = TrainingStep("Train", step_args=estimator.fit({"train": train_input}))
    generic = Estimator(
        estimator.training_image_uri(),
        entry_point="train.py",
        source_dir="scripts",
        hyperparameters={"depth": 4, "label": "generic"},
        **machine,
    )
    train_generic = TrainingStep("TrainGeneric", step_args=generic.fit({"train": train_input}))
    image = estimator.training_image_uri()
    report = PropertyFile("Report", output_name="evaluation", path="evaluation.json")
    model_artifacts = train.properties.ModelArtifacts.S3ModelArtifacts
    trained = ProcessingInput(source=model_artifacts, destination="/opt/ml/processing/model")
    evaluate = ProcessingStep(
        "Evaluate",
        step_args=FrameworkProcessor(SKLearn, VERSION, **machine).run(
            code="evaluate.py", source_dir="scripts", inputs=[trained], outputs=[output("evaluation")]
        ),
        property_files=[report],
    )
    evaluate_generic = ProcessingStep(
        "EvaluateGeneric",
        step_args=ScriptProcessor(image_uri=image, command=["python3"], **machine).run(
            code="scripts/evaluate.py",
            inputs=[
                ProcessingInput(
                    source=train_generic.properties.ModelArtifacts.S3ModelArtifacts,
                    destination="/opt/ml/processing/model",
                )
            ],
            outputs=[output("evaluation")],
        ),
    )
    approve = CallbackStep(
        "Approve",
        sqs_queue_url=queue,
        inputs={"model": model_artifacts},
        outputs=[CallbackOutput("by", CallbackOutputTypeEnum.String)],
        depends_on=[evaluate],
    )
    model = SKLearnModel(
        model_data=model_artifacts,
        role=role,
        entry_point="train.py",
        source_dir="scripts",
        framework_version=VERSION,
        sagemaker_session=session,
    )
    create = ModelStep("Create", step_args=model.create("ml.m5.large"))
    plain = sagemaker.Model(image, model_data=model_artifacts, role=role, sagemaker_session=session)
    register = ModelStep(
        "Register",
        step_args=plain.register(
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=["ml.m5.large"],
            transform_instances=["ml.m5.large"],
            model_package_group_name="churn-sdk2",
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
        "churn-sdk2",
        parameters=[rows, label],
        steps=[prepare, train, train_generic, evaluate, evaluate_generic, approve, decide],
        sagemaker_session=session,
    )


def approve():
    """Answer the Callback step when its message comes."""
    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    service.send_pipeline_execution_step_success(
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
    group = service.list_model_packages(ModelPackageGroupName="churn-sdk2")["ModelPackageSummaryList"]
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
