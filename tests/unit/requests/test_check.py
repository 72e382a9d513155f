from __future__ import annotations

import copy
import json
import subprocess
import sys

import pytest
from botocore.model import ServiceModel

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.parameters import PipelineParameter
from airflow_sm_pipelines.definition.problems import Problem
from airflow_sm_pipelines.definition.step_types import STEPS
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.definition.validation.names import instance_type_problem
from airflow_sm_pipelines.requests import check_requests, service_model
from airflow_sm_pipelines.requests.service_model import service
from tests.versions import needs_argument

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
PARAMETERS = (
    PipelineParameter("Text", "String"),
    PipelineParameter("Whole", "Integer"),
    PipelineParameter("Real", "Float"),
    PipelineParameter("Flag", "Boolean"),
)
PROCESSING = {
    "RoleArn": ROLE,
    "AppSpecification": {"ImageUri": "image", "ContainerArguments": ["--n", "1"]},
    "ProcessingResources": {
        "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30},
    },
    "Environment": {"A": "1"},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "NetworkConfig": {"EnableNetworkIsolation": True},
}
CLUSTER = "$.Steps[0].Arguments.ProcessingResources.ClusterConfig"


def changed(path, value):
    arguments = copy.deepcopy(PROCESSING)
    *way, last = path.split(".")
    inner = arguments
    for key in way:
        inner = inner[key]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return arguments


def problems(arguments, type_="Processing", parameters=PARAMETERS, more=()):
    steps = (Step("s", type_, arguments), *map(Step.from_document, more))
    return [str(problem) for problem in check_requests(PipelineDefinition(parameters=parameters, steps=steps))]


def test_a_right_request_passes():
    """A request that the API would take has no problems; the job's name, which the pipeline gives, may be missing."""
    assert problems(PROCESSING) == []


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (
            "AppSpecification.ImageUri",
            None,
            (
                "step 's' lacks 'ImageUri', which AppSpecification (CreateProcessingJob) requires "
                "@ $.Steps[0].Arguments.AppSpecification"
            ),
        ),
        ("RoleArn", None, "step 's' lacks 'RoleArn', which CreateProcessingJob requires @ $.Steps[0].Arguments"),
        (
            "ProcessingResources.ClusterConfig.InstanceCuont",
            1,
            (
                "step 's' has 'InstanceCuont', which ProcessingClusterConfig (CreateProcessingJob) does not know. "
                f"Did you mean 'InstanceCount'? @ {CLUSTER}.InstanceCuont"
            ),
        ),
        (
            "ProcessingResources.ClusterConfig.InstanceCount",
            {"Get": "Parameters.Text"},
            (
                "step 's' gives 'Parameters.Text', which is String where CreateProcessingJob wants a whole number. "
                f"Declare it Integer @ {CLUSTER}.InstanceCount"
            ),
        ),
        (
            "ProcessingResources.ClusterConfig.InstanceCount",
            {"Get": "Parameters.Real"},
            (
                "step 's' gives 'Parameters.Real', which is Float where CreateProcessingJob wants a whole number. "
                f"Declare it Integer @ {CLUSTER}.InstanceCount"
            ),
        ),
        (
            "AppSpecification.ContainerArguments",
            ["--n", {"Get": "Parameters.Whole"}],
            (
                "step 's' gives 'Parameters.Whole', which is Integer where CreateProcessingJob wants text. Put it in "
                '{"Std:Join": {"On": "", "Values": [...]}}, which makes text of it '
                "@ $.Steps[0].Arguments.AppSpecification.ContainerArguments[1]"
            ),
        ),
        (
            "AppSpecification.ContainerArguments",
            ["--n", 1],
            (
                "step 's' gives 1 where CreateProcessingJob wants text. Write it as text "
                "@ $.Steps[0].Arguments.AppSpecification.ContainerArguments[1]"
            ),
        ),
        (
            "NetworkConfig.EnableNetworkIsolation",
            {"Std:Join": {"On": "", "Values": ["true"]}},
            (
                "step 's' gives a Std:Join where CreateProcessingJob wants true or false "
                "@ $.Steps[0].Arguments.NetworkConfig.EnableNetworkIsolation"
            ),
        ),
        (
            "ProcessingResources.ClusterConfig.InstanceCount",
            "1",
            f"step 's' gives '1' where CreateProcessingJob wants a whole number @ {CLUSTER}.InstanceCount",
        ),
        (
            "ProcessingResources.ClusterConfig.InstanceCount",
            0,
            f"step 's': 'InstanceCount' is 0; it must be at least 1 @ {CLUSTER}.InstanceCount",
        ),
        (
            "StoppingCondition",
            [],
            (
                "step 's' gives a list of 0 where CreateProcessingJob wants an object @ "
                "$.Steps[0].Arguments.StoppingCondition"
            ),
        ),
        (
            "Environment.A",
            "x" * 257,
            "step 's': 'A' has 257 characters; at most 256 @ $.Steps[0].Arguments.Environment.A",
        ),
        (
            "ProcessingOutputConfig",
            {
                "Outputs": [
                    {
                        "OutputName": "o",
                        "S3Output": {"S3Uri": "s3://box/k", "LocalPath": "/opt", "S3UploadMode": "EndOfJobs"},
                    }
                ]
            },
            (
                "step 's': 'S3UploadMode' is 'EndOfJobs'; it must be one of Continuous, EndOfJob. Did you mean "
                "'EndOfJob'? @ $.Steps[0].Arguments.ProcessingOutputConfig.Outputs[0].S3Output.S3UploadMode"
            ),
        ),
        (
            "RoleArn",
            "arn:aws:iam::1:role/SageMakerRole",
            (
                "step 's': 'RoleArn' is 'arn:aws:iam::1:role/SageMakerRole', which does not match the API's pattern "
                r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+ @ $.Steps[0].Arguments.RoleArn"
            ),
        ),
    ],
)
def test_what_the_api_would_refuse_is_found(path, value, expected):
    """Members, types, enums, patterns, lengths and ranges are checked, each problem with its place and a way out."""
    assert problems(changed(path, value))[:1] == [expected]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("ProcessingResources.ClusterConfig.InstanceCount", {"Get": "Parameters.Whole"}),
        ("ProcessingResources.ClusterConfig.InstanceType", {"Get": "Parameters.Text"}),
        ("ProcessingResources.ClusterConfig.InstanceCount", {"Get": "Steps.other.Anything"}),
        ("NetworkConfig.EnableNetworkIsolation", {"Get": "Parameters.Flag"}),
        ("AppSpecification.ImageUri", {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Whole"}]}}),
        ("AppSpecification.ImageUri", {"Std:JsonGet": {"S3Uri": "s3://box/k", "Path": "a"}}),
        ("Environment.A", {"Get": "Execution.PipelineExecutionId"}),
        ("ProcessingInputs", []),
    ],
)
def test_expressions_pass_where_their_type_fits_or_only_the_run_can_tell(path, value):
    """An expression of the right or of an unknown type is no problem, and literal rules do not hold for it."""
    assert problems(changed(path, value)) == []


@pytest.mark.parametrize(
    ("name", "severity", "message"),
    [
        (
            "ml.m99.large",
            "warning",
            "the installed botocore does not know the instance type 'ml.m99.large'. Did you mean 'ml.m5.large'?",
        ),
        ("ml.x1.metal-48xl", "warning", "the installed botocore does not know the instance type 'ml.x1.metal-48xl'"),
        ("ml.m5.lrge", "error", "there is no instance type 'ml.m5.lrge'. Did you mean 'ml.m5.large'?"),
        ("m5.large", "error", "there is no instance type 'm5.large'. Did you mean 'ml.m5.large'?"),
        (
            "huge",
            "error",
            "there is no instance type 'huge': it is ml.<family>.<size>, such as ml.m5.large",
        ),
    ],
)
def test_instance_types_that_botocore_does_not_know(name, severity, message):
    """AWS has some before botocore does: those are warnings. Their form and their sizes are what they have been."""
    arguments = changed("ProcessingResources.ClusterConfig.InstanceType", name)
    definition = PipelineDefinition(steps=(Step("s", "Processing", arguments),))
    assert check_requests(definition) == [Problem(severity, f"step 's': {message}", f"{CLUSTER}.InstanceType")]


def test_every_instance_type_of_the_api_has_the_form_of_one():
    """Those of all jobs and endpoints; so one that comes later and has it is a warning at most."""
    shapes = [service("sagemaker").shape_for(name) for name in service("sagemaker").shape_names]
    names = {
        name
        for shape in shapes
        if shape.name.endswith("InstanceType") and shape.name != "AppInstanceType"
        for name in getattr(shape, "enum", ())
    }
    assert len(names) > 300
    assert [name for name in names if instance_type_problem(name, ()).severity != "warning"] == []


@pytest.mark.parametrize(
    ("given", "severity"),
    [({}, "warning"), ({"Machine": "ml.m5.lrge"}, "error"), ({"Machine": "ml.m5.large"}, None)],
    ids=["default", "given", "given another"],
)
def test_what_a_parameter_brings_is_checked_in_its_place(given, severity):
    """A default may never be used, so it is a warning; what the execution is started with is an error."""
    arguments = changed("ProcessingResources.ClusterConfig.InstanceType", {"Get": "Parameters.Machine"})
    parameter = PipelineParameter("Machine", "String", "ml.m5.lrge")
    definition = PipelineDefinition(parameters=(parameter,), steps=(Step("s", "Processing", arguments),))
    message = (
        "step 's', pipeline parameter 'Machine': there is no instance type 'ml.m5.lrge'. Did you mean 'ml.m5.large'?"
    )
    expected = [] if severity is None else [Problem(severity, message, f"{CLUSTER}.InstanceType")]
    assert check_requests(definition, given=given) == expected


@pytest.mark.parametrize(("given", "value"), [({}, 0), ({"Count": "0"}, 0)])
def test_numbers_that_a_parameter_brings(given, value):
    """Also as text, as executions are started with them."""
    arguments = changed("ProcessingResources.ClusterConfig.InstanceCount", {"Get": "Parameters.Count"})
    definition = PipelineDefinition(
        parameters=(PipelineParameter("Count", "Integer", 0),), steps=(Step("s", "Processing", arguments),)
    )
    [problem] = check_requests(definition, given=given)
    assert problem.message == f"step 's', pipeline parameter 'Count': 'InstanceCount' is {value}; it must be at least 1"


NOT_A_BUCKET = (
    "and a bucket's name has 3 to 63 lowercase letters, digits, hyphens and dots, a letter or digit at each end"
)
OLD = ". Only buckets of us-east-1 from before March 2018 may have others"


@pytest.mark.parametrize("may_be_old", [None, False, True])
@pytest.mark.parametrize(
    ("uri", "bucket", "was_possible"),
    [
        ("s3://My_Bucket/x", "My_Bucket", True),
        ("s3://a..b/x", "a..b", True),
        ("s3://10.1.2.3/x", "10.1.2.3", True),
        ("s3://my bucket/x", "my bucket", False),
        ("s3://ab", "ab", False),
        ("s3://good-bucket.1/x", None, True),
        ("s3://arn:aws:s3:us-east-1:123456789012:accesspoint/data/x", None, True),
        ({"Std:Join": {"On": "/", "Values": ["s3://My_Bucket", "x"]}}, "My_Bucket", True),
        ({"Std:Join": {"On": "", "Values": ["s3://My_Bucket/", "x"]}}, "My_Bucket", True),
        ({"Std:Join": {"On": "", "Values": ["s3://My_", "x"]}}, None, True),
        ({"Std:Join": {"On": "/", "Values": ["s3:/", "x"]}}, None, True),
    ],
)
def test_names_that_no_bucket_has(uri, bucket, was_possible, may_be_old):
    """Warnings, unless whoever asks wrote the definition; then it says whether old buckets may be meant."""
    path = "$.Steps[0].Arguments.ProcessingInputs[0].S3Input.S3Uri"
    read = {
        "InputName": "raw",
        "S3Input": {"S3Uri": uri, "S3DataType": "S3Prefix", "LocalPath": "/opt/ml/processing/raw"},
    }
    definition = PipelineDefinition(steps=(Step("s", "Processing", changed("ProcessingInputs", [read])),))
    expected = []
    if bucket is not None and not (was_possible and may_be_old):
        shown = uri if isinstance(uri, str) else uri["Std:Join"]["Values"][0]
        message = f"step 's': '{shown}' has the bucket '{bucket}', {NOT_A_BUCKET}{OLD * was_possible}"
        expected = [Problem("warning" if may_be_old is None else "error", message, path)]
    assert check_requests(definition, buckets_may_be_old=may_be_old) == expected


def test_output_parameters_have_the_type_they_declare():
    """An Integer output of a Lambda step fits a count and not a text."""
    more = [
        {
            "Name": "l",
            "Type": "Lambda",
            "Arguments": {},
            "FunctionArn": "f",
            "OutputParameters": [{"OutputName": "n", "OutputType": "Integer"}],
        }
    ]
    read = {"Get": "Steps.l.OutputParameters['n']"}
    assert problems(changed("ProcessingResources.ClusterConfig.InstanceCount", read), more=more) == []
    assert problems(changed("Environment.A", read), more=more) == [
        (
            "step 's' gives 'Steps.l.OutputParameters['n']', which is Integer where CreateProcessingJob wants text. Put "
            'it in {"Std:Join": {"On": "", "Values": [...]}}, which makes text of it @ $.Steps[0].Arguments.Environment.A'
        )
    ]


def test_steps_inside_branches_and_bodies_are_checked():
    """A step in a branch and one in a ForEach body are held against their requests, at their own places."""
    body = {"Name": "b", "Type": "Model", "Arguments": {"Bad": 1}}
    fan = {"Name": "f", "Type": "ForEach", "Arguments": {"ForEachBody": [body]}}
    assert problems({"Conditions": [], "IfSteps": [fan]}, "Condition") == [
        (
            "step 'b' has 'Bad', which CreateModel does not know; it may be newer than the installed botocore "
            "@ $.Steps[0].Arguments.IfSteps[0].Arguments.ForEachBody[0].Arguments.Bad"
        )
    ]


@pytest.mark.parametrize(
    ("type_", "arguments", "expected"),
    [
        ("Lambda", {"anything": {"goes": 1}}, []),
        (
            "EMR",
            {"StepConfig": {"HadoopJarStep": {"Jar": "s3://box/k"}}},
            ["step 's': an EMR step has one of ClusterId and ClusterConfig @ $.Steps[0].Arguments"],
        ),
        (
            "EMR",
            {"StepConfig": [], "ClusterId": {"Get": "Parameters.Whole"}, "ExecutionRoleAnr": ROLE},
            [
                (
                    "step 's' has 'ExecutionRoleAnr', which an EMR step does not know. Did you mean 'ExecutionRoleArn'? "
                    "@ $.Steps[0].Arguments.ExecutionRoleAnr"
                ),
                "step 's' gives a list of 0 where an EMR step wants an object @ $.Steps[0].Arguments.StepConfig",
                (
                    "step 's' gives 'Parameters.Whole', which is Integer where an EMR step wants text. Put it in "
                    '{"Std:Join": {"On": "", "Values": [...]}}, which makes text of it '
                    "@ $.Steps[0].Arguments.ClusterId"
                ),
            ],
        ),
        (
            "EMRServerless",
            {
                "JobConfig": {},
                "ApplicationId": "00f",
                "ApplicationConfig": {"releaseLabel": "emr-7.0.0", "type": "SPARK"},
            },
            [
                "step 's' lacks 'ExecutionRoleArn', which an EMRServerless step requires @ $.Steps[0].Arguments",
                (
                    "step 's': an EMRServerless step has one of ApplicationId and ApplicationConfig "
                    "@ $.Steps[0].Arguments"
                ),
            ],
        ),
        (
            "Lineage",
            {
                "Actions": [{"ActionName": "a", "Source": {"SourceUri": "s3://box/k"}}],
                "Artifacts": [{"ArtifactType": "Model", "Source": {"SourceUri": {"Get": "Parameters.Flag"}}}],
                "Contexts": ["c"],
                "Associations": [
                    {"Source": {"Arn": 5}, "AssociationType": "Produce", "More": 1},
                    {"Source": {"Name": {"Get": "Parameters.Text"}, "Type": "Actoin"}, "Destination": {}},
                ],
            },
            [
                "step 's' gives 'c' where a Lineage step wants an object @ $.Steps[0].Arguments.Contexts[0]",
                (
                    "step 's' lacks 'Destination', which Association (a Lineage step) requires "
                    "@ $.Steps[0].Arguments.Associations[0]"
                ),
                (
                    "step 's' has 'More', which Association (a Lineage step) does not know; it may be newer than the "
                    "installed botocore. Did you mean 'Source'? @ $.Steps[0].Arguments.Associations[0].More"
                ),
                (
                    "step 's' gives 5 where a Lineage step wants text. Write it as text "
                    "@ $.Steps[0].Arguments.Associations[0].Source.Arn"
                ),
                (
                    "step 's': 'AssociationType' is 'Produce'; it must be one of ContributedTo, AssociatedWith, "
                    "DerivedFrom, Produced, SameAs. Did you mean 'Produced'? @ "
                    "$.Steps[0].Arguments.Associations[0].AssociationType"
                ),
                (
                    "step 's': 'Type' is 'Actoin'; it must be one of Action, Artifact, Context. Did you mean 'Action'? "
                    "@ $.Steps[0].Arguments.Associations[1].Source.Type"
                ),
                "step 's' lacks 'ActionType', which CreateAction requires @ $.Steps[0].Arguments.Actions[0]",
                (
                    "step 's' gives 'Parameters.Flag', which is Boolean where CreateArtifact wants text. Put it in "
                    '{"Std:Join": {"On": "", "Values": [...]}}, which makes text of it '
                    "@ $.Steps[0].Arguments.Artifacts[0].Source.SourceUri"
                ),
            ],
        ),
        (
            "Cleanup",
            {"Resources": {"S3": [{"StepName": "t", "S3Uris": []}, {"S3Uris": ["s3://box/k", 1]}]}},
            [
                "step 's': 'S3Uris' has 0 entries; at least 1 @ $.Steps[0].Arguments.Resources.S3[0].S3Uris",
                (
                    "step 's' lacks 'StepName', which CleanupSource (a Cleanup step) requires "
                    "@ $.Steps[0].Arguments.Resources.S3[1]"
                ),
                (
                    "step 's' gives 1 where a Cleanup step wants text. Write it as text "
                    "@ $.Steps[0].Arguments.Resources.S3[1].S3Uris[1]"
                ),
            ],
        ),
        ("Brand-new", {"anything": {"goes": 1}}, []),
        ("Processing", None, []),
        (
            "EMR",
            {"ClusterId": "j-1", "StepConfig": {"HadoopJarStep": {"Args": ["a"]}}},
            [
                (
                    "step 's' lacks 'Jar', which an EMR HadoopJarStep requires "
                    "@ $.Steps[0].Arguments.StepConfig.HadoopJarStep"
                )
            ],
        ),
        (
            "EMRServerless",
            {"ExecutionRoleArn": ROLE, "ApplicationId": "00f", "JobConfig": {"jobDriver": {"sparkSubmit": {}}}},
            [
                (
                    "step 's' lacks 'entryPoint', which SparkSubmit (EMR Serverless StartJobRun) requires "
                    "@ $.Steps[0].Arguments.JobConfig.jobDriver.sparkSubmit"
                )
            ],
        ),
    ],
)
def test_other_services_and_other_steps(type_, arguments, expected):
    """EMR steps are held against EMR's model, and what no API describes against what the SDK writes; steps that make no
    known request pass.
    """
    assert problems(arguments, type_) == expected


def test_structures_that_contain_themselves_are_checked():
    """EMR's nested configurations are checked to the innermost."""
    configuration = {"Classification": 1}
    for _ in range(90):
        configuration = {"Classification": "x", "Configurations": [configuration]}
    instances = {"InstanceCount": 1}
    cluster = {"Instances": instances, "Configurations": [configuration]}
    found = problems({"StepConfig": {"HadoopJarStep": {"Jar": "j"}}, "ClusterConfig": cluster}, "EMR")
    where = "$.Steps[0].Arguments.ClusterConfig" + ".Configurations[0]" * 91 + ".Classification"
    assert found == [f"step 's' gives 1 where EMR RunJobFlow wants text. Write it as text @ {where}"]


def test_checking_loads_neither_a_client_nor_airflow():
    """What `sm-pipelines validate` loads is the model and its reader: no boto3, no client, no Airflow."""
    program = (
        "import sys; from airflow_sm_pipelines.requests import check_requests; "
        "from airflow_sm_pipelines.definition.document import PipelineDefinition; "
        "from airflow_sm_pipelines.definition.steps import Step; "
        "check_requests(PipelineDefinition(steps=(Step('m', 'Model', {}),))); "
        "print(sorted({'airflow', 'boto3', 'botocore.client', 'botocore.session', 'pydantic'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def reading(path, where="ProcessingResources.ClusterConfig.InstanceCount", type_="Training"):
    more = [{"Name": "t", "Type": type_, "Arguments": {}}]
    found = problems(changed(where, {"Get": path}), more=more)
    return [problem for problem in found if "$.Steps[0]" in problem]


@pytest.mark.parametrize(
    ("path", "where", "type_"),
    [
        ("Steps.t.ModelArtifacts.S3ModelArtifacts", "Environment.A", "Training"),
        ("Steps.t.SecondaryStatusTransitions[0].Status", "Environment.A", "Training"),
        ("Steps.t.HyperParameters['depth']", "Environment.A", "Training"),
        ("Steps.t.ResourceConfig.InstanceCount", "ProcessingResources.ClusterConfig.InstanceCount", "Training"),
        ("Steps.t.TrainingJobSummaries[0].TrainingJobName", "Environment.A", "Tuning"),
        ("Steps.t.BestCandidateProperties.ModelInsightsJsonReportPath", "Environment.A", "AutoML"),
        ("Steps.t.JobConfigDocument.OutputModelPackageArn", "Environment.A", "Job"),
        ("Steps.t.Whatever", "Environment.A", "Brand-new"),
        ("Steps.t.BaselineUsedForDriftCheckConstraints", "Environment.A", "ClarifyCheck"),
        ("Steps.t.CalculatedBaselineStatistics", "Environment.A", "QualityCheck"),
        ("Steps.t.Config.Args[0]", "Environment.A", "EMR"),
        ("Steps.t.ClusterId", "Environment.A", "EMR"),
        ("Steps.t.jobRun.jobDriver.sparkSubmit.entryPoint", "Environment.A", "EMRServerless"),
        ("Steps.t.ActionArns['a']", "Environment.A", "Lineage"),
        ("Steps.t.OutputParameters['a']", "Environment.A", "Callback"),
    ],
)
def test_properties_that_exist_pass(path, where, type_):
    """What the API describes can be read, by index, by name and into a job's document; unknown step types have anything."""
    assert reading(path, where, type_) == []


def test_a_property_that_does_not_exist_is_found():
    """A misspelt property is reported where it is read, with the nearest name."""
    assert reading("Steps.t.ModelArtifact.S3ModelArtifacts", "Environment.A") == [
        (
            "'Steps.t.ModelArtifact.S3ModelArtifacts' is not a property: a Training step has no 'ModelArtifact'. Did "
            "you mean 'ModelArtifacts'? @ $.Steps[0].Arguments.Environment.A"
        )
    ]
    assert reading("Steps.t.ModelArtifacts.S3ModelArtifact", "Environment.A") == [
        (
            "'Steps.t.ModelArtifacts.S3ModelArtifact' is not a property: ModelArtifacts has no 'S3ModelArtifact'. Did "
            "you mean 'S3ModelArtifacts'? @ $.Steps[0].Arguments.Environment.A"
        )
    ]


def test_properties_have_the_type_the_api_gives_them():
    """A step's number is no text, and its text no number."""
    assert reading("Steps.t.TrainingTimeInSeconds", "Environment.A") == [
        (
            "step 's' gives 'Steps.t.TrainingTimeInSeconds', which is Integer where CreateProcessingJob wants text. Put "
            'it in {"Std:Join": {"On": "", "Values": [...]}}, which makes text of it @ $.Steps[0].Arguments.Environment.A'
        )
    ]
    assert reading("Steps.t.TrainingJobName") == [
        (
            "step 's' gives 'Steps.t.TrainingJobName', which is String where CreateProcessingJob wants a whole number "
            f"@ {CLUSTER}.InstanceCount"
        )
    ]


@pytest.mark.parametrize(
    ("type_", "keys", "expected"),
    [
        (
            "QualityCheck",
            {
                "ModelPackageGroupName": None,
                "SkipCheck": {"Get": "Parameters.Flag"},
                "RegisterNewBaseline": False,
                "SuppliedBaselineStatistics": {"Get": "Parameters.Text"},
            },
            [],
        ),
        (
            "QualityCheck",
            {"SkipCheck": "false", "FailOnViolation": {"Get": "Parameters.Text"}, "SuppliedBaselineConstraints": []},
            [
                "step 's' gives 'false' where a QualityCheck step wants true or false @ $.Steps[0].SkipCheck",
                (
                    "step 's' gives 'Parameters.Text', which is String where a QualityCheck step wants true or false. "
                    "Declare it Boolean @ $.Steps[0].FailOnViolation"
                ),
                "step 's' gives a list of 0 where a QualityCheck step wants text @ $.Steps[0].SuppliedBaselineConstraints",
            ],
        ),
        (
            "ClarifyCheck",
            {"ModelName": 7, "ModelPackageGroupName": {"Get": "Parameters.Whole"}, "CheckType": 3},
            [
                "step 's' gives 7 where a ClarifyCheck step wants text. Write it as text @ $.Steps[0].ModelName",
                (
                    "step 's' gives 'Parameters.Whole', which is Integer where a ClarifyCheck step wants text. Put it in "
                    '{"Std:Join": {"On": "", "Values": [...]}}, which makes text of it @ $.Steps[0].ModelPackageGroupName'
                ),
            ],
        ),
        (
            "Lambda",
            {"FunctionArn": ["f"]},
            ["step 's' gives a list of 1 where a Lambda step wants text @ $.Steps[0].FunctionArn"],
        ),
        ("Callback", {"SqsQueueUrl": {"Get": "Parameters.Text"}}, []),
    ],
)
def test_what_stands_beside_the_arguments_has_its_type(type_, keys, expected):
    """The keys of check, Lambda and Callback steps take text, or true and false, as the SDK gives them; null is nothing."""
    step = {"Name": "s", "Type": type_, "Arguments": PROCESSING, **keys}
    definition = PipelineDefinition(parameters=PARAMETERS, steps=(Step.from_document(step),))
    assert [str(problem) for problem in check_requests(definition)] == expected


@pytest.mark.parametrize(
    ("type_", "path", "expected"),
    [
        ("QualityCheck", "CalculatedBaseline", "a QualityCheck step has no 'CalculatedBaseline'"),
        ("EMR", "Confg.Args[0]", "an EMR step has no 'Confg'. Did you mean 'Config'?"),
        ("EMRServerless", "jobRun.satte", "JobRun has no 'satte'. Did you mean 'state'?"),
        ("Lambda", "Outputs['a']", "a Lambda step has no 'Outputs'"),
        ("Lineage", "ActionArn", "a Lineage step has no 'ActionArn'. Did you mean 'ActionArns'?"),
        ("Cleanup", "Resources", "a Cleanup step has no 'Resources'"),
    ],
)
def test_properties_of_all_step_types_are_looked_up(type_, path, expected):
    """A property that no step of the type has is reported, also where the property comes from no SageMaker job."""
    (problem,) = reading(f"Steps.t.{path}", "Environment.A", type_)
    assert problem.startswith(f"'Steps.t.{path}' is not a property: {expected}")


def test_what_iterations_made_is_looked_up():
    """A property that a step of a ForEach body does not have is reported in its selector and where iterations are read."""
    body = {"Name": "t", "Type": "Training", "Arguments": {}}
    fan = {
        "Name": "fan",
        "Type": "ForEach",
        "Arguments": {
            "IterableItems": ["a"],
            "MaxConcurrency": 1,
            "ForEachBody": [body],
            "Selector": {"Pick": "MaxBy", "Field": {"Get": "IterationOutput.t.Metric"}},
        },
    }
    read = {"Get": "Steps.fan.IterationOutputs[0].t.ModelArtifact.S3ModelArtifacts"}
    found = problems(changed("Environment.A", read), more=[fan])
    assert [problem for problem in found if "is not a property" in problem] == [
        (
            "'Steps.fan.IterationOutputs[0].t.ModelArtifact.S3ModelArtifacts' is not a property: a Training step has "
            "no 'ModelArtifact'. Did you mean 'ModelArtifacts'? @ $.Steps[0].Arguments.Environment.A"
        ),
        (
            "'IterationOutput.t.Metric' is not a property: a Training step has no 'Metric' "
            "@ $.Steps[1].Arguments.Selector.Field"
        ),
    ]


def test_a_member_unlike_all_known_ones_is_a_warning():
    """Botocore may be older than the API: what is spelt like no known member is not taken for a typo."""
    definition = PipelineDefinition(
        steps=(
            Step("s", "Processing", {**PROCESSING, "ProcessingInput": [], "Environments": 1, "NetworkSettings": {}}),
        )
    )
    assert [(problem.severity, problem.path) for problem in check_requests(definition)] == [
        ("error", "$.Steps[0].Arguments.ProcessingInput"),
        ("error", "$.Steps[0].Arguments.Environments"),
        ("warning", "$.Steps[0].Arguments.NetworkSettings"),
    ]


@needs_argument("MlflowExperimentName")
def test_names_of_experiments_and_of_mlflow_are_checked():
    """The experiment's and MLflow's names follow the API's patterns where they are literal; unknown members are said."""
    experiment = {"ExperimentName": "my_experiment", "TrialName": {"Get": "Execution.PipelineExecutionId"}}
    definition = PipelineDefinition(
        pipeline_experiment_config=experiment, mlflow_config={"MlflowExperimentName": {"Get": "Parameters.Whole"}}
    )
    assert [str(problem) for problem in check_requests(definition)] == [
        (
            "'PipelineExperimentConfig': 'ExperimentName' is 'my_experiment', which does not match the API's pattern "
            "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,119} @ $.PipelineExperimentConfig.ExperimentName"
        ),
        "'MlflowConfig' lacks 'MlflowResourceArn', which the API's MlflowConfig requires @ $.MlflowConfig",
    ]


def without(monkeypatch, *shapes):
    """A botocore of before the service had some structures."""
    model = json.loads(json.dumps(service_model.service("sagemaker")._service_description, default=dict))
    for shape in shapes:
        model["shapes"].pop(shape, None)
    for shape in model["shapes"].values():
        members = shape.get("members", {})
        shape["members"] = {name: member for name, member in members.items() if member["shape"] not in shapes}
    older, ours = ServiceModel(model, "sagemaker"), service_model.service(STEPS)
    monkeypatch.setattr(service_model, "service", {"sagemaker": older, STEPS: ours}.get)


def test_what_an_older_botocore_does_not_know_is_not_checked(monkeypatch):
    """It is a warning, and the rest is checked: the service may know more than the client."""
    without(monkeypatch, "MlflowConfig", "CreateJobRequest", "DescribeJobResponse")
    job = Step("j", "Job", {"JobName": 5})
    reads = Step("f", "Fail", {"ErrorMessage": {"Get": "Steps.j.JobStatus"}})
    definition = PipelineDefinition(
        steps=(job, reads), mlflow_config={"MlflowExperimentName": "m"}, pipeline_experiment_config={"TrialName": "a b"}
    )
    assert [(problem.severity, problem.message) for problem in check_requests(definition)] == [
        (
            "error",
            (
                "'PipelineExperimentConfig': 'TrialName' is 'a b', which does not match the API's pattern "
                "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,119}"
            ),
        ),
        ("warning", "'MlflowConfig' is not checked: the installed botocore is older than the API's MlflowConfig"),
        ("warning", "step 'j' is not checked: the installed botocore is older than CreateJob"),
    ]


def test_nested_steps_and_values_are_held_against_their_requests():
    """Ninety conditions inside one another, and values as deep, are held against their requests to the end."""
    deep = "x"
    for _ in range(90):
        deep = {"Std:Join": {"On": "", "Values": [deep]}}
    step = {"Name": "m", "Type": "Model", "Arguments": {"PrimaryContainer": {"Image": deep, "ImageConfig": [deep]}}}
    for depth in range(90):
        step = {"Name": f"s{depth}", "Type": "Condition", "Arguments": {"Conditions": [], "IfSteps": [step]}}
    definition = PipelineDefinition(steps=(Step.from_document(step),))
    (problem,) = check_requests(definition)
    assert problem.message == "step 'm' gives a list of 1 where CreateModel wants an object"
    assert problem.path == f"$.Steps[0]{'.Arguments.IfSteps[0]' * 90}.Arguments.PrimaryContainer.ImageConfig"
