from __future__ import annotations

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.validation import validate

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"


def call(name="s", arguments=None, **more):
    return {"Name": name, "Type": "Lambda", "Arguments": arguments or {}, "FunctionArn": FUNCTION, **more}


def train(**more):
    return {"Name": "t", "Type": "Training", "Arguments": {}} | more


def fan(body=None, name="fan", **arguments):
    body = [call("body", OutputParameters=[{"OutputName": "score", "OutputType": "Float"}])] if body is None else body
    return {
        "Name": name,
        "Type": "ForEach",
        "Arguments": {"IterableItems": ["a"], "MaxConcurrency": 1, **arguments, "ForEachBody": body},
    }


def reported(*steps, **document):
    definition = PipelineDefinition.from_document({"Version": "2020-12-01", "Steps": list(steps), **document})
    return [f"{problem.severity}: {problem}" for problem in validate(definition)]


SELECTOR = {"Pick": "MaxBy", "Field": {"Get": "IterationOutput.body.OutputParameters['score']"}}


@pytest.mark.parametrize(
    "path",
    [
        "Steps.fan.Status",
        "Steps.fan.SucceededStepCount",
        "Steps.fan.Selected.OutputParameters['score']",
        "Steps.fan.IterationOutputs[0].body.OutputParameters['score']",
    ],
)
def test_what_a_foreach_step_offers_can_be_read(path):
    """Counts, the selected iteration and each iteration's outputs are properties of a ForEach step."""
    assert reported(fan(Selector=SELECTOR), call(arguments={"x": {"Get": path}})) == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "Steps.fan.Stats",
            (
                "a ForEach step has the properties IterationOutputs, Selected, Status, InputItemCount, TotalStepCount, "
                "SucceededStepCount, FailedStepCount, StoppedStepCount. Did you mean 'Status'?"
            ),
        ),
        ("Steps.fan.Status.x", "'Status' of a ForEach step has nothing inside it"),
        ("Steps.fan.Selected.x", "ForEach step 'fan' has no 'Selector', so it selects nothing"),
        ("Steps.fan.IterationOutputs.body.x", "write Steps.fan.IterationOutputs[<index>].<body step>.<output>"),
        ("Steps.fan.IterationOutputs[0].boddy.x", "ForEach step 'fan' has no body step 'boddy'. Did you mean 'body'?"),
        (
            "Steps.fan.IterationOutputs[0].body.OutputParameters['scor']",
            "step 'body' declares no output parameter 'scor'. Did you mean 'score'?",
        ),
        (
            "Steps.body.OutputParameters['score']",
            (
                "it runs once per item of ForEach step 'fan'; outside of it, depend on 'fan', and read "
                "Steps.fan.IterationOutputs[<index>].body or Steps.fan.Selected"
            ),
        ),
        ("ForEach.CurrentItem", "the current item exists only in the steps of a ForEach body"),
        ("IterationOutput.body.x", "an IterationOutput can be read only in 'Selector.Field' of a ForEach step"),
        ("PipelineExperimentConfig.TrialName", "the document has no 'PipelineExperimentConfig'"),
        ("Steps.cond.Outcom", "'cond' is a Condition step, and has one property: Outcome"),
    ],
)
def test_what_cannot_be_read_here(path, message):
    """A reference that has no value where it stands is an error that says where it would have one."""
    cond = {
        "Name": "cond",
        "Type": "Condition",
        "Arguments": {"Conditions": [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}]},
    }
    assert reported(fan(), cond, call(arguments={"x": {"Get": path}})) == [
        f"error: step 's' reads '{path}': {message} @ $.Steps[2].Arguments.x"
    ]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            fan(MaxConcurrency=51),
            (
                "'MaxConcurrency' of ForEach step 'fan' must be a whole number from 1 to 50, not 51 @ "
                "$.Steps[0].Arguments.MaxConcurrency"
            ),
        ),
        (
            fan(IterableItems=[]),
            (
                "'IterableItems' of ForEach step 'fan' must be a reference to a JSON list, or a list of 1 to 100 "
                "items, not a list of 0 @ $.Steps[0].Arguments.IterableItems"
            ),
        ),
        (
            fan(IterableItems=[{"a": 1, "b": 2}]),
            (
                "an item of ForEach step 'fan' is an object; items must be text, numbers, true, false or references. "
                "Write an object as JSON text @ $.Steps[0].Arguments.IterableItems[0]"
            ),
        ),
        (fan(body=[]), "ForEach step 'fan' has no steps in its body @ $.Steps[0].Arguments.ForEachBody"),
        (
            fan(body=[{"Name": "end", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}]),
            (
                "Fail step 'end' is in the body of ForEach step 'fan'; a body cannot hold Condition, Fail or ForEach "
                "steps @ $.Steps[0].Arguments.ForEachBody[0].Type"
            ),
        ),
        (
            fan(Selector={**SELECTOR, "Pick": "Max"}),
            (
                "the selector of ForEach step 'fan' picks 'Max'; it can pick MaxBy or MinBy. Did you mean 'MaxBy'? "
                "@ $.Steps[0].Arguments.Selector.Pick"
            ),
        ),
        (
            fan(Selector={**SELECTOR, "Field": {"Get": "IterationOutput.boddy.x"}}),
            (
                "'Field' of the selector of ForEach step 'fan' reads 'IterationOutput.boddy.x': there is no body step "
                "'boddy'. Did you mean 'body'? @ $.Steps[0].Arguments.Selector.Field"
            ),
        ),
        (
            fan(Selector={**SELECTOR, "Field": "score"}),
            (
                "'Field' of the selector of ForEach step 'fan' must read an output of a body step: "
                '{"Get": "IterationOutput.<body step>.<output>"} @ $.Steps[0].Arguments.Selector.Field'
            ),
        ),
        (
            fan(body=[call("a", DependsOn=["b"]), call("b", DependsOn=["a"])]),
            (
                "the steps wait for one another in a cycle: 'a' -> 'b' -> 'a' (each waits for the next); remove one of "
                "these dependencies @ $.Steps[0].Arguments.ForEachBody[0]"
            ),
        ),
    ],
)
def test_foreach_steps_are_checked(step, message):
    """Items, concurrency, selector and body of a ForEach step follow the SDK's rules."""
    assert reported(step) == [f"error: {message}"]


def test_a_condition_with_the_name_of_a_body_step():
    """The name is reported, and the steps of the condition's branches are checked all the same."""
    condition = {
        "Name": "body",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}],
            "IfSteps": [call("inner", DependsOn=["nobody"])],
            "ElseSteps": [],
        },
    }
    assert reported(fan(), condition) == [
        (
            "error: two steps are named 'body', the first @ $.Steps[0].Arguments.ForEachBody[0]; names are unique in a "
            "pipeline @ $.Steps[1].Name"
        ),
        (
            "error: step 'inner' depends on 'nobody': there is no step 'nobody'. Did you mean 'body'? @ "
            "$.Steps[1].Arguments.IfSteps[0].DependsOn[0]"
        ),
    ]


def test_names_of_body_steps_are_unique_in_the_pipeline():
    """Two bodies cannot share a name, nor may a step be named as a body step's run is."""
    assert reported(fan(), fan(name="other"), call("body-0")) == [
        (
            "error: two steps are named 'body', the first @ $.Steps[0].Arguments.ForEachBody[0]; names are unique in a "
            "pipeline @ $.Steps[1].Arguments.ForEachBody[0].Name"
        ),
        (
            "error: step 'body-0' has the name that run 0 of step 'body' gets in ForEach step 'fan'; give it another "
            "name @ $.Steps[2].Name"
        ),
    ]


def test_body_steps_may_read_one_another_and_steps_outside():
    """Inside a body, its own steps and those of the pipeline can be named; the ForEach step itself cannot."""
    body = [
        call("a", {"x": {"Get": "ForEach.CurrentItem.name"}}),
        call("b", {"x": {"Get": "Steps.s.A"}}, DependsOn=["a"]),
    ]
    assert reported(call(), fan(body=body)) == []
    assert reported(fan(body=[call("a", DependsOn=["fan"])])) == [
        (
            "error: step 'a' depends on 'fan': it is the ForEach step that this step runs in, which ends after it "
            "@ $.Steps[0].Arguments.ForEachBody[0].DependsOn[0]"
        )
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Get": 5}, "step 's': a Get must hold a reference as text, not 5 @ $.Steps[0].Arguments.x"),
        ({"Std:Join": []}, "step 's': a Std:Join needs 'On' (text) and 'Values' (a list) @ $.Steps[0].Arguments.x"),
        (
            {"Std:Join": {"On": "", "Values": [[1]]}},
            (
                "step 's' joins a list of 1; only text, numbers, true, false and expressions can be joined "
                "@ $.Steps[0].Arguments.x.Std:Join.Values[0]"
            ),
        ),
        ({"Std:JsonGet": "a"}, "step 's': a Std:JsonGet must be an object, not 'a' @ $.Steps[0].Arguments.x"),
        (
            {"Std:JsonGet": {"Path": "a"}},
            "step 's': a Std:JsonGet must name either 'PropertyFile' or 'S3Uri' @ $.Steps[0].Arguments.x",
        ),
        (
            {"Std:JsonGet": {"S3Uri": "s3://box/k", "Path": {"Get": "Execution.PipelineName"}}},
            (
                "step 's': the 'Path' of a Std:JsonGet must be literal text, not an object "
                "@ $.Steps[0].Arguments.x.Std:JsonGet.Path"
            ),
        ),
        (
            {"Std:JsonGet": {"PropertyFile": "metrics", "Path": "a"}},
            (
                "step 's': the 'PropertyFile' of a Std:JsonGet must be written "
                '{"Get": "Steps.<step>.PropertyFiles.<name>"} @ $.Steps[0].Arguments.x.Std:JsonGet.PropertyFile'
            ),
        ),
    ],
)
def test_how_expressions_are_written_is_checked(value, message):
    """An expression of a wrong form is an error at its place."""
    assert reported(call(arguments={"x": value})) == [f"error: {message}"]


@pytest.mark.parametrize("after", ["P30D", "p30d", "PT12H", "T12H", "P4DT12H", "P1Y2M3W4DT5H6M7.5S"])
def test_durations_of_the_cache(after):
    """ISO 8601 durations pass, and so do those of the SDK's own examples, in lower case or without a P."""
    assert reported(train(CacheConfig={"Enabled": True, "ExpireAfter": after})) == []


@pytest.mark.parametrize("after", ["30", "P", "T", "PT", "30 days", "", "P30H", 30])
def test_what_is_no_duration(after):
    """Anything else is refused with an example of a duration."""
    assert reported(train(CacheConfig={"Enabled": True, "ExpireAfter": after})) == [
        (
            f"error: the cache of step 't' expires after {after!r}, which is not a duration; write an ISO 8601 "
            "duration such as 'P30D' or 'PT12H' @ $.Steps[0].CacheConfig.ExpireAfter"
        )
    ]


@pytest.mark.parametrize(
    ("policy", "messages"),
    [
        ({"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 20, "BackoffRate": 1.5, "IntervalSeconds": 0}, []),
        ({"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "ExpireAfterMin": 14400}, []),
        ({"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 1, "IntervalSeconds": 43200}, []),
        ({"ExceptionType": ["Step.THROTTLING"], "ExpireAfterMin": 0}, []),
        ({"ExceptionType": ["Step.SERVICE_FAULT", "Step.THROTTLING"]}, []),
        (
            {"MaxAttempts": 1, "ExpireAfterMin": 1},
            [
                "a retry policy of step 't' lists no exceptions to retry on @ $.Steps[0].RetryPolicies[0].ExceptionType",
                (
                    "a retry policy of step 't' has both 'MaxAttempts' and 'ExpireAfterMin'; keep one of them "
                    "@ $.Steps[0].RetryPolicies[0]"
                ),
            ],
        ),
        (
            {"ExceptionType": ["Step.THROTTLED"], "MaxAttempts": True, "BackoffRate": -1},
            [
                (
                    "step 't' retries on 'Step.THROTTLED'; a retry policy may name Step.SERVICE_FAULT, Step.THROTTLING, "
                    "SageMaker.JOB_INTERNAL_ERROR, SageMaker.CAPACITY_ERROR, SageMaker.RESOURCE_LIMIT. Did you mean "
                    "'Step.THROTTLING'? @ $.Steps[0].RetryPolicies[0].ExceptionType[0]"
                ),
                (
                    "'MaxAttempts' of a retry policy of step 't' must be a whole number from 0 to 20, not True "
                    "@ $.Steps[0].RetryPolicies[0].MaxAttempts"
                ),
                (
                    "'BackoffRate' of a retry policy of step 't' must be 0 or a positive number, not -1 "
                    "@ $.Steps[0].RetryPolicies[0].BackoffRate"
                ),
            ],
        ),
    ],
)
def test_retry_policies_are_checked(policy, messages):
    """What a policy retries on, how often and for how long follows the guide: 0 is never, none of both five times."""
    assert reported(train(RetryPolicies=[policy])) == [f"error: {message}" for message in messages]


def test_a_step_without_a_job_retries_on_no_job_errors():
    """Model and RegisterModel steps take policies for the step only."""
    policy = {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "MaxAttempts": 1}
    assert reported({"Name": "m", "Type": "Model", "Arguments": {}, "RetryPolicies": [policy]}) == [
        (
            "error: Model step 'm' retries on 'SageMaker.CAPACITY_ERROR', but runs no job; it can retry on "
            "Step.SERVICE_FAULT, Step.THROTTLING @ $.Steps[0].RetryPolicies[0].ExceptionType[0]"
        )
    ]


def test_what_is_not_known_is_a_warning():
    """Unknown keys, step types and functions are kept, and said."""
    steps = [
        {"Name": "a", "Type": "Traning", "DependsOn": [{"Step": "t", "Mode": 1}]},
        train(CacheConfg={}, Arguments={"x": {"Std:Joint": 1}}),
    ]
    document = {"Parameters": [{"Name": "P", "Type": "String", "Defaultvalue": "x"}], "Metadatas": {}}
    assert reported(*steps, **document) == [
        (
            "warning: the document has the key 'Metadatas', which this version does not know; it is kept as it is. Did "
            "you mean 'Metadata'? @ $.Metadatas"
        ),
        (
            "warning: pipeline parameter 'P' has the key 'Defaultvalue', which this version does not know; it is kept as "
            "it is. Did you mean 'DefaultValue'? @ $.Parameters[0].Defaultvalue"
        ),
        (
            "warning: step 'a' is of the type 'Traning', which this version does not know; it is kept as it is. Did you "
            "mean 'Training'? @ $.Steps[0].Type"
        ),
        (
            "warning: step 'a' depends on 't' with the key 'Mode', which this version does not know "
            "@ $.Steps[0].DependsOn[0].Mode"
        ),
        (
            "warning: step 't' has the key 'CacheConfg', which this version does not know of Training steps; it is kept "
            "as it is. Did you mean 'CacheConfig'? @ $.Steps[1].CacheConfg"
        ),
        (
            "warning: step 't' uses the function 'Std:Joint', which this version does not know; functions are Get, "
            "Std:Join, Std:JsonGet. Did you mean 'Std:Join'? @ $.Steps[1].Arguments.x"
        ),
    ]


def test_what_only_older_or_other_sources_allow_is_a_warning():
    """What AWS's JSON schema, an old page or no source at all speaks for is said, and refused by nobody here."""
    condition = {"Name": "c", "Type": "Condition", "Arguments": {"Conditions": [{"Type": "NotIn"}]}}
    policies = [
        {"ExceptionType": ["Emr.RESOURCE_LIMIT", "SageMaker.JOB_CAPACITY_ERROR"], "IntervalSeconds": 43201},
    ]
    steps = [
        condition,
        train(RetryPolicies=policies, CacheConfig={"ExpireAfter": "P1D"}),
        call(arguments={"x": {"Get": "Execution.TrainingJobName"}, "y": {"Get": "Execution.ProcessingJobName"}}),
        {"Name": "f", "Type": "Fail", "Arguments": {}},
        {"Name": "m", "Type": "AutoML", "Arguments": {"AutoMLJobConfig": {"Mode": "AUTO"}}},
    ]
    definition = PipelineDefinition.from_document({"Steps": steps})
    assert [f"{problem.severity}: {problem}" for problem in validate(definition)] == [
        "warning: 'Version' is missing; write '2020-12-01' @ $.Version",
        (
            "warning: a condition in step 'c' is of the type 'NotIn', which AWS's JSON schema of the definition names "
            "but the SDK never writes; its members are not checked @ $.Steps[0].Arguments.Conditions[0]"
        ),
        "warning: 'CacheConfig' of step 't' does not say whether it is 'Enabled' @ $.Steps[1].CacheConfig",
        (
            "warning: step 't' retries on 'Emr.RESOURCE_LIMIT': only AWS's JSON schema of the definition names it "
            "@ $.Steps[1].RetryPolicies[0].ExceptionType[0]"
        ),
        (
            "warning: step 't' retries on 'SageMaker.JOB_CAPACITY_ERROR': an old page names it; newer ones write "
            "SageMaker.CAPACITY_ERROR @ $.Steps[1].RetryPolicies[0].ExceptionType[1]"
        ),
        (
            "warning: 'IntervalSeconds' of a retry policy of step 't' is 43201; SageMaker's guide allows 43200 "
            "@ $.Steps[1].RetryPolicies[0].IntervalSeconds"
        ),
        (
            "warning: step 's' reads 'Execution.TrainingJobName': it is the name of the job of a Training step, and 's' is "
            "a Lambda step @ $.Steps[2].Arguments.x"
        ),
        (
            "warning: step 's' reads 'Execution.ProcessingJobName': it is the name of the job of a Processing step, and "
            "'s' is a Lambda step @ $.Steps[2].Arguments.y"
        ),
        "warning: Fail step 'f' has no 'ErrorMessage' @ $.Steps[3].Arguments.ErrorMessage",
        (
            "warning: AutoML step 'm' has the mode 'AUTO'; the SDK allows only ENSEMBLING in a pipeline "
            "@ $.Steps[4].Arguments.AutoMLJobConfig.Mode"
        ),
    ]


def test_what_aws_sources_allow_besides_the_sdk_passes():
    """A parameter may be described; Lambda and Callback steps need no arguments; EMR and check steps may have retry
    policies.
    """
    policies = [{"ExceptionType": ["Step.THROTTLING"]}]
    cluster = {"StepConfig": {"HadoopJarStep": {"Jar": "s3://box/k"}}, "ClusterId": "j-1"}
    steps = [
        {"Name": "l", "Type": "Lambda", "FunctionArn": FUNCTION},
        {"Name": "c", "Type": "Callback", "SqsQueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/q"},
        {"Name": "e", "Type": "EMR", "Arguments": cluster, "RetryPolicies": policies},
        {"Name": "q", "Type": "QualityCheck", "Arguments": {}, "CheckType": "DATA_QUALITY", "RetryPolicies": policies},
    ]
    parameters = [{"Name": "P", "Type": "String", "DefaultValue": "text", "Description": "what it is for"}]
    assert reported(*steps, Parameters=parameters) == []


def test_a_parameter_without_a_type_is_text():
    """As AWS's schema has it: its default is held against that."""
    assert reported(train(), Parameters=[{"Name": "P", "DefaultValue": 5}]) == [
        (
            "warning: pipeline parameter 'P' has no 'Type'; it is read as String, the default of AWS's JSON schema. "
            "Write the type: the SDK always does @ $.Parameters[0].Type"
        ),
        (
            "error: pipeline parameter 'P' is declared String and has the default 5, which is Integer "
            "@ $.Parameters[0].DefaultValue"
        ),
    ]


def test_a_trigger_of_any_content_is_reported():
    """A trigger that is no text is refused, however deep it is nested."""
    trigger = 5
    for _ in range(290):
        trigger = [trigger]
    assert reported(train(), call(DependsOn=[{"Step": "t", "Trigger": trigger}])) == [
        (
            "error: step 's' depends on 't' with the trigger a list of 1; triggers are Completed, Failed, Stopped, Any "
            "@ $.Steps[1].DependsOn[0].Trigger"
        )
    ]


def test_every_cycle_is_reported():
    """Two cycles that share no step are two problems."""
    steps = [call(name, DependsOn=[other]) for name, other in ("ab", "ba", "cd", "dc")]
    assert reported(*steps) == [
        (
            f"error: the steps wait for one another in a cycle: '{one}' -> '{other}' -> '{one}' (each waits for the "
            f"next); remove one of these dependencies @ $.Steps[{index}]"
        )
        for one, other, index in (("a", "b", 0), ("c", "d", 2))
    ]


def test_a_dependency_said_twice_is_a_warning():
    """The same dependency twice means the same as once."""
    assert reported(train(), call(DependsOn=["t", {"Step": "t", "Trigger": "Completed"}])) == [
        "warning: step 's' depends on 't' twice; remove one @ $.Steps[1].DependsOn[1]"
    ]


def test_older_quotas_are_warnings_and_the_service_models_limits_errors():
    """51 steps, 21 in a branch and 201 conditions are allowed with a warning; 51 output parameters are not allowed."""
    condition = {"Type": "Equals", "LeftValue": 1, "RightValue": {"Std:JsonGet": {"S3Uri": "s3://box/k", "Path": "a"}}}
    arguments = {"Conditions": [condition] * 201, "IfSteps": [call(f"i{index}") for index in range(21)]}
    outputs = [{"OutputName": f"o{index}", "OutputType": "String"} for index in range(51)]
    steps = [call(f"s{index}") for index in range(28)]
    assert reported(
        {"Name": "c", "Type": "Condition", "Arguments": arguments}, call("many", OutputParameters=outputs), *steps
    ) == [
        "warning: Condition step 'c' has 21 steps in 'IfSteps'; older quotas of SageMaker allow 20 @ $.Steps[0].Arguments.IfSteps",
        "error: step 'many' has 51 output parameters; at most 50 @ $.Steps[1].OutputParameters",
        "warning: the pipeline has 51 steps; older quotas of SageMaker allow 50 @ $.Steps",
        "warning: the pipeline has 201 Std:JsonGet expressions; older quotas of SageMaker allow 200 @ $.Steps",
        "warning: the pipeline has 201 conditions; older quotas of SageMaker allow 200 @ $.Steps",
    ]


def test_a_document_of_more_than_a_mebibyte_is_refused():
    """SageMaker takes 1048576 bytes."""
    (problem,) = reported(call(arguments={"x": "ü" * 524_288}))
    assert problem == "error: the document has 1048725 bytes; SageMaker takes at most 1048576 @ $"


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            {"Name": "t", "Type": "Training"},
            "Training step 't' has no 'Arguments', or they are not an object @ $.Steps[0].Arguments",
        ),
        ({"Name": "l", "Type": "Lambda", "Arguments": {}}, "Lambda step 'l' lacks 'FunctionArn' @ $.Steps[0]"),
        ({"Name": "c", "Type": "Callback", "Arguments": {}}, "Callback step 'c' lacks 'SqsQueueUrl' @ $.Steps[0]"),
        (
            {"Name": "f", "Type": "Fail", "Arguments": {"ErrorMessage": 5}},
            (
                "the 'ErrorMessage' of Fail step 'f' must be text or an expression, not 5 @ $.Steps[0].Arguments.ErrorMessage"
            ),
        ),
        (
            {"Name": "q", "Type": "QualityCheck", "Arguments": {}, "CheckType": "DATA_QALITY"},
            (
                "step 'q' has the check type 'DATA_QALITY'; for a QualityCheck step it must be one of DATA_QUALITY, "
                "MODEL_QUALITY. Did you mean 'DATA_QUALITY'? @ $.Steps[0].CheckType"
            ),
        ),
        (
            {"Name": "x", "Type": "Cleanup", "Arguments": {"Resources": {"S3": [{"StepName": "trian"}]}}},
            "step 'x' cleans up after 'trian': there is no such step @ $.Steps[0].Arguments.Resources.S3[0].StepName",
        ),
        (
            call(OutputParameters=[{"OutputName": "o", "OutputType": "Int"}]),
            (
                "output parameter 'o' of step 's' has the type 'Int'; types are String, Integer, Float, Boolean. "
                "Did you mean 'Integer'? @ $.Steps[0].OutputParameters[0].OutputType"
            ),
        ),
        (
            train(Type="Processing", PropertyFiles={}),
            "'PropertyFiles' of step 't' must be a list, not an object @ $.Steps[0].PropertyFiles",
        ),
        (
            train(Type="Processing", PropertyFiles=["m"]),
            "a property file of step 't' must be an object, not 'm' @ $.Steps[0].PropertyFiles[0]",
        ),
        (
            train(Type="Processing", PropertyFiles=[{"PropertyFileName": "m", "OutputName": "o", "Path": "m.json"}]),
            (
                "a property file of step 't' has no 'FilePath', or its 'FilePath' is not text @ $.Steps[0].PropertyFiles[0].FilePath"
            ),
        ),
        (
            train(DisplayName="x" * 257),
            "'DisplayName' of step 't' has 257 characters; at most 256 @ $.Steps[0].DisplayName",
        ),
        (
            train(CacheConfig={"Enabled": "yes"}),
            "'Enabled' of the cache of step 't' must be true or false @ $.Steps[0].CacheConfig.Enabled",
        ),
    ],
)
def test_what_a_step_of_its_type_must_have(step, message):
    """A step that lacks what its type needs, or has it in a wrong form, is reported with the way out."""
    assert reported(step) == [f"error: {message}"]


def test_configs_read_parameters_and_execution_variables_only():
    """The experiment config stands in no step: properties of steps have no value there."""
    config = {"ExperimentName": {"Get": "Steps.t.A"}, "TrialName": {"Get": "Execution.TrainingJobName"}}
    assert reported(train(), PipelineExperimentConfig=config) == [
        (
            "error: 'PipelineExperimentConfig' reads 'Steps.t.A': outside of steps, only pipeline parameters and execution "
            "variables can be read @ $.PipelineExperimentConfig.ExperimentName"
        ),
        (
            "warning: 'PipelineExperimentConfig' reads 'Execution.TrainingJobName': it is the name of the job of a "
            "Training step, and this is read outside of steps @ $.PipelineExperimentConfig.TrialName"
        ),
    ]


def test_nested_steps_and_conditions_are_checked_to_the_end():
    """Fifty nested Condition steps, the innermost with a condition a hundred deep, are checked to the end."""
    condition = {"Type": "Equals", "LeftValue": 1, "RightValue": {"Get": "Parameters.P"}}
    for _ in range(100):
        condition = {"Type": "Not", "Condition": condition}
    step = {"Name": "end", "Type": "Condition", "Arguments": {"Conditions": [condition]}}
    for depth in range(50):
        plain = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
        step = {"Name": f"s{depth}", "Type": "Condition", "Arguments": {"Conditions": [plain], "IfSteps": [step]}}
    where = f"$.Steps[0]{'.Arguments.IfSteps[0]' * 50}.Arguments.Conditions[0]{'.Condition' * 100}.RightValue"
    assert [problem for problem in reported(step) if problem.startswith("error")] == [
        f"error: step 'end' reads 'Parameters.P': there is no pipeline parameter 'P' @ {where}"
    ]


def test_what_is_allowed_and_never_written():
    """What AWS's schema or guide allow, and the SDK never writes, is named with what it is taken for."""
    step = train(
        RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 0}],
        Arguments={"x": [{"Std:Join": {"Values": ["a", "b"]}}]},
    )
    assert reported(step, Parameters=[{"Name": "In"}]) == [
        (
            "warning: pipeline parameter 'In' has no 'Type'; it is read as String, the default of AWS's JSON schema. "
            "Write the type: the SDK always does @ $.Parameters[0].Type"
        ),
        (
            "warning: 'MaxAttempts' of a retry policy of step 't' is 0. SageMaker's guide says that 0 means never, and "
            "the SDK refuses it. Leave the policy out, or give at least 1 @ $.Steps[0].RetryPolicies[0].MaxAttempts"
        ),
        (
            "warning: step 't': a Std:Join has no 'On'; it is read as empty text. Write it: the SDK always does "
            "@ $.Steps[0].Arguments.x[0].Std:Join.On"
        ),
    ]
