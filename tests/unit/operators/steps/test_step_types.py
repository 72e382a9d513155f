from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_sm_pipelines import (
    ParameterInteger,
    SageMakerAutoMLStepOperator,
    SageMakerCallbackStepOperator,
    SageMakerClarifyCheckStepOperator,
    SageMakerConditionStepOperator,
    SageMakerEMRServerlessStepOperator,
    SageMakerEMRStepOperator,
    SageMakerEndpointConfigStepOperator,
    SageMakerEndpointStepOperator,
    SageMakerInferenceComponentStepOperator,
    SageMakerLambdaStepOperator,
    SageMakerModelStepOperator,
    SageMakerProcessingStepOperator,
    SageMakerQualityCheckStepOperator,
    SageMakerRegisterModelStepOperator,
    SageMakerStepOperator,
    SageMakerTrainingStepOperator,
    SageMakerTransformStepOperator,
    SageMakerTuningStepOperator,
)
from airflow_sm_pipelines.definition.expressions import Get
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.requests.check import check_requests
from airflow_sm_pipelines.requests.properties import property_problems

GOLDEN = json.loads((Path(__file__).parents[3] / "golden" / "step_types.json").read_text())
JOB = {"image_uri": "image", "instance_type": "ml.m5.xlarge"}
RANGES = {"eta": (0.1, 0.9), "depth": (2, 8), "booster": ["gbtree", "dart"]}


def tuning(**more):
    return SageMakerTuningStepOperator(
        task_id="t",
        **JOB,
        inputs={"train": "s3://box/train"},
        hyperparameters={"rounds": 10},
        hyperparameter_ranges=RANGES,
        objective_metric_name="auc",
        metric_definitions={"auc": "auc=(.*)"},
        max_jobs=4,
        max_parallel_jobs="{{ params.parallel }}",
        **more,
    )


def transform():
    return SageMakerTransformStepOperator(
        task_id="t",
        model_name="m",
        data="s3://box/data",
        instance_type="ml.m5.xlarge",
        content_type="text/csv",
        split_type="Line",
        accept="text/csv",
        assemble_with="Line",
        batch_strategy="MultiRecord",
        environment={"A": "1"},
    )


def model():
    return SageMakerModelStepOperator(
        task_id="t", image_uri="image", model_data="s3://box/model.tar.gz", environment={"A": "1"}
    )


def function():
    return SageMakerLambdaStepOperator(
        task_id="t",
        function_arn="arn:aws:lambda:us-east-1:123456789012:function:f",
        inputs={"x": 1, "y": "{{ ds }}"},
        outputs={"n": "Integer"},
        cache="P1D",
    )


def callback():
    return SageMakerCallbackStepOperator(
        task_id="t",
        sqs_queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/q",
        inputs={"x": 1},
        outputs=["answer"],
    )


def emr(**more):
    keywords = {"job_arguments": ["--a", "1"], "job_properties": {"k": "v"}, "cluster_id": "j-1"}
    return SageMakerEMRStepOperator(
        task_id="t",
        jar="s3://box/job.jar",
        main_class="Main",
        execution_role_arn="arn:aws:iam::123456789012:role/emr",
        **{**keywords, **more},
    )


def emr_serverless(**more):
    return SageMakerEMRServerlessStepOperator(
        task_id="t",
        job_driver={"sparkSubmit": {"entryPoint": "s3://box/e.py"}},
        **{"application_id": "app", **more},
    )


def automl():
    return SageMakerAutoMLStepOperator(
        task_id="t",
        data="s3://box/train",
        target_attribute_name="y",
        problem_type="BinaryClassification",
        objective_metric_name="AUC",
    )


def quality_check():
    return SageMakerQualityCheckStepOperator(
        task_id="t",
        **JOB,
        dataset="s3://box/data",
        check_type="MODEL_QUALITY",
        model_package_group_name="churn",
        skip_check="{{ params.skip }}",
        register_new_baseline=True,
        supplied_baseline_statistics="s3://box/s.json",
        environment={"problem_type": "Regression"},
    )


def clarify_check():
    return SageMakerClarifyCheckStepOperator(
        task_id="t",
        **JOB,
        dataset="s3://box/data",
        analysis_config="s3://box/analysis_config.json",
        check_type="MODEL_BIAS",
        model_name="m",
        supplied_baseline_constraints="s3://box/c.json",
    )


def endpoint_config():
    return SageMakerEndpointConfigStepOperator(
        task_id="t", endpoint_config_name="config", model_name="m", instance_type="ml.m5.xlarge"
    )


def endpoint():
    return SageMakerEndpointStepOperator(task_id="t", endpoint_name="e", endpoint_config_name="config")


def inference_component():
    return SageMakerInferenceComponentStepOperator(
        task_id="t",
        inference_component_name="i",
        endpoint_name="e",
        model_name="m",
        compute_resource_requirements={"MinMemoryRequiredInMb": 1024},
    )


BUILDERS = [
    tuning,
    transform,
    model,
    function,
    callback,
    emr,
    emr_serverless,
    automl,
    quality_check,
    clarify_check,
    endpoint_config,
    endpoint,
    inference_component,
]


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_every_step_type_has_its_document(dag, group, build):
    """All keywords of an operator make the step a person has checked, and a request that botocore's model takes."""
    with group() as pipeline:
        build()
    definition = pipeline.compile().definition
    document = definition.to_document()
    assert {"Parameters": document["Parameters"], "Step": document["Steps"][0]} == GOLDEN[build.__name__]
    assert list(map(str, check_requests(definition))) == []


def processing():
    return SageMakerProcessingStepOperator(
        task_id="t", **JOB, outputs=["report"], property_files={"metrics": "report/metrics.json"}
    )


def training():
    return SageMakerTrainingStepOperator(task_id="t", **JOB)


def registration():
    return SageMakerRegisterModelStepOperator(task_id="t", model_package_group_name="g", image_uri="image")


def condition():
    return SageMakerConditionStepOperator(task_id="t", conditions=[Get("Execution.PipelineName").equals("x")])


REFERENCES = [
    (processing, lambda step: step.outputs["report"], "ProcessingOutputConfig.Outputs['report'].S3Output.S3Uri"),
    (training, lambda step: step.model_artifacts, "ModelArtifacts.S3ModelArtifacts"),
    (registration, lambda step: step.model_package_arn, "ModelPackageArn"),
    (condition, lambda step: step.outcome, "Outcome"),
    (training, lambda step: step.properties.FinalMetricDataList[0].Value, "FinalMetricDataList[0].Value"),
    (tuning, lambda step: step.best_training_job, "BestTrainingJob.TrainingJobName"),
    (transform, lambda step: step.predictions, "TransformOutput.S3OutputPath"),
    (model, lambda step: step.model_name, "ModelName"),
    (function, lambda step: step.output_parameters["n"], "OutputParameters['n']"),
    (callback, lambda step: step.output_parameters["answer"], "OutputParameters['answer']"),
    (automl, lambda step: step.best_candidate.CandidateName, "BestCandidate.CandidateName"),
    (quality_check, lambda step: step.calculated_baseline_constraints, "CalculatedBaselineConstraints"),
    (quality_check, lambda step: step.calculated_baseline_statistics, "CalculatedBaselineStatistics"),
    (
        quality_check,
        lambda step: step.baseline_used_for_drift_check_statistics,
        "BaselineUsedForDriftCheckStatistics",
    ),
    (
        clarify_check,
        lambda step: step.baseline_used_for_drift_check_constraints,
        "BaselineUsedForDriftCheckConstraints",
    ),
    (endpoint_config, lambda step: step.endpoint_config_name, "EndpointConfigName"),
    (endpoint, lambda step: step.endpoint_name, "EndpointName"),
    (inference_component, lambda step: step.inference_component_name, "InferenceComponentName"),
]


@pytest.mark.parametrize(("build", "reference", "path"), REFERENCES)
def test_references_to_each_step_type(dag, group, build, reference, path):
    """What a step offers to others is a property that its Describe operation has, and may be read in another step."""
    with group() as pipeline:
        offered = reference(build())
        SageMakerStepOperator(task_id="reader", step_type="Brand-new", arguments={"X": offered})
    assert offered.to_document() == {"Get": f"Steps.t.{path}"}
    definition = pipeline.compile().definition
    assert definition.to_document()["Steps"][1]["Arguments"] == {"X": {"Get": f"Steps.t.{path}"}}
    assert dag.get_task("churn.reader").upstream_task_ids == {"churn.t"}
    assert list(property_problems(definition, {step.name: step for step in definition.steps})) == []


@pytest.mark.parametrize(
    ("output_uri", "beginning"),
    [
        (None, ["s3://lab/churn", {"Get": "Execution.PipelineExecutionId"}, "t"]),
        ("s3://box/models/", ["s3://box/models"]),
    ],
)
def test_the_best_models_of_a_tuning_step(dag, group, output_uri, beginning):
    """The k-th best model lies below the output, under the name of its training job."""
    with group():
        step = tuning(output_uri=output_uri)

    def model_of(k):
        job_name = {"Get": f"Steps.t.TrainingJobSummaries[{k}].TrainingJobName"}
        return {"Std:Join": {"On": "/", "Values": [*beginning, job_name, "output/model.tar.gz"]}}

    assert step.top_model(2).to_document() == model_of(2)
    assert step.model_artifacts.to_document() == model_of(0)


def test_ranges_may_be_parameters(dag, group):
    """An end of a range may be a parameter or Jinja; Jinja alone takes after the other end."""
    with group(parameters={"Lowest": 1, "Highest": 0.9}) as pipeline:
        SageMakerTuningStepOperator(
            task_id="t",
            **JOB,
            objective_metric_name="auc",
            hyperparameter_ranges={
                "depth": (pipeline.parameters["Lowest"], 8),
                "rounds": ("{{ params.least }}", 100),
                "leaves": (ParameterInteger("{{ params.leaves }}"), "{{ params.most }}"),
                "eta": (0.1, pipeline.parameters["Highest"]),
                "booster": ["gbtree", "{{ params.booster }}"],
            },
        )
    [step] = pipeline.compile().definition.to_document()["Steps"]
    place = "t-HyperParameterTuningJobConfig-ParameterRanges-"

    def text(name):
        return {"Std:Join": {"On": "", "Values": [{"Get": f"Parameters.{name}"}]}}

    assert step["Arguments"]["HyperParameterTuningJobConfig"]["ParameterRanges"] == {
        "IntegerParameterRanges": [
            {"Name": "depth", "MinValue": text("Lowest"), "MaxValue": "8"},
            {
                "Name": "rounds",
                "MinValue": {"Get": f"Parameters.{place}IntegerParameterRanges-1-MinValue"},
                "MaxValue": "100",
            },
            {
                "Name": "leaves",
                "MinValue": text(f"{place}IntegerParameterRanges-2-MinValue-Std-Join-Values-0"),
                "MaxValue": {"Get": f"Parameters.{place}IntegerParameterRanges-2-MaxValue"},
            },
        ],
        "ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.1", "MaxValue": text("Highest")}],
        "CategoricalParameterRanges": [
            {
                "Name": "booster",
                "Values": ["gbtree", {"Get": f"Parameters.{place}CategoricalParameterRanges-0-Values-1"}],
            }
        ],
    }


def test_several_variants_are_raw_arguments(dag, group):
    """Production variants given as boto3 has them are not touched."""
    variants = [{"VariantName": "a", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}]
    with group():
        step = SageMakerEndpointConfigStepOperator(
            task_id="t", endpoint_config_name="config", arguments={"ProductionVariants": variants}
        )
    assert step.to_step_node().arguments == {"EndpointConfigName": "config", "ProductionVariants": variants}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: SageMakerTuningStepOperator(
                task_id="t", **JOB, hyperparameter_ranges={"eta": 5}, objective_metric_name="auc"
            ).to_step_node(),
            "hyperparameter_ranges['eta'] is 5. Give (lowest, highest), or a list of values.",
        ),
        (
            lambda: emr(cluster_config={"Instances": {}}),
            "an EMR step runs on one cluster. Give either cluster_id or cluster_config.",
        ),
        (
            lambda: emr(cluster_id=None),
            "an EMR step runs on one cluster. Give either cluster_id or cluster_config.",
        ),
        (
            lambda: emr_serverless(application_id=None),
            "an EMRServerless step runs in one application. Give either application_id or application_config.",
        ),
        (
            lambda: emr_serverless(arguments={"ApplicationId": "a"}),
            "an EMRServerless step runs in one application. Give either application_id or application_config.",
        ),
        (
            lambda: emr(job_arguments="--a 1"),
            "job_arguments='--a 1' is not a list. Write job_arguments=['--a 1'].",
        ),
        (
            lambda: emr(job_properties=["k=v"]),
            "job_properties=['k=v'] is not a dict. Give job_properties={'name': ...}.",
        ),
        (
            lambda: SageMakerModelStepOperator(task_id="t", image_uri="i", environment=["A=1"]),
            "environment=['A=1'] is not a dict. Give environment={'name': ...}.",
        ),
        (
            lambda: SageMakerTransformStepOperator(task_id="t", model_name="m", instance_type="ml.m5.xlarge"),
            "data is missing. Give data=..., or TransformInput.DataSource in arguments.",
        ),
        (
            lambda: SageMakerLambdaStepOperator(task_id="t", function_arn="f", inputs=["x"]),
            "inputs=['x'] is not a dict. Give inputs={'name': ...}.",
        ),
        (
            lambda: SageMakerLambdaStepOperator(task_id="t", function_arn="f", outputs="abc"),
            "outputs='abc' is not a list. Write outputs=['abc'].",
        ),
        (
            lambda: SageMakerLambdaStepOperator(task_id="t", function_arn="f", outputs={"n": "Int"}),
            "output 'n' has the type 'Int'; types are String, Integer, Float, Boolean.",
        ),
    ],
)
def test_bad_keywords_are_refused_at_parse_time(dag, group, build, message):
    """What cannot be a step is an error of the Dag file, with Dag, task and fix."""
    with pytest.raises(TranslationError) as caught, group():
        build()
    assert str(caught.value) == f"Dag 'd', task 'churn.t': {message}"
