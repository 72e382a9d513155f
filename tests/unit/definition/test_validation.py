from __future__ import annotations

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.parameters import PipelineParameter
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.definition.validation import pipeline_name_problem, require_valid, validate
from airflow_sm_pipelines.exceptions import PipelineDefinitionError

EVALUATE = {
    "Name": "evaluate",
    "Type": "Processing",
    "Arguments": {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "evaluation"}]}},
    "PropertyFiles": [{"PropertyFileName": "metrics", "OutputName": "evaluation", "FilePath": "m.json"}],
}


def step(name="s", arguments=None, **more):
    return {"Name": name, "Type": "Training", "Arguments": arguments or {}, **more}


def reading(path, name="s"):
    return step(name, {"x": [{"Get": path}]})


def condition(name="c", conditions=None, if_steps=(), else_steps=()):
    conditions = [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}] if conditions is None else conditions
    arguments = {"Conditions": conditions, "IfSteps": list(if_steps), "ElseSteps": list(else_steps)}
    return {"Name": name, "Type": "Condition", "Arguments": arguments}


def problems(*steps, parameters=(), **more):
    definition = PipelineDefinition(parameters=parameters, steps=tuple(map(Step.from_document, steps)), **more)
    return [str(problem) for problem in validate(definition)]


PARAMETER = PipelineParameter("InputData", "String")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([reading("Parameters.InputData")], []),
        (
            [reading("Parameters.InputDatta")],
            (
                "step 's' reads 'Parameters.InputDatta': there is no pipeline parameter 'InputDatta'. Did you mean "
                "'InputData'? @ $.Steps[0].Arguments.x[0]"
            ),
        ),
        (
            [reading("Steps.evalute.A"), EVALUATE],
            (
                "step 's' reads 'Steps.evalute.A': there is no step 'evalute'. Did you mean 'evaluate'? "
                "@ $.Steps[0].Arguments.x[0]"
            ),
        ),
        (
            [reading("Steps.evaluate"), EVALUATE],
            "step 's' reads 'Steps.evaluate': it names a step but none of its properties @ $.Steps[0].Arguments.x[0]",
        ),
        (
            [reading("Steps.s.A")],
            "step 's' reads 'Steps.s.A': a step cannot read its own properties @ $.Steps[0].Arguments.x[0]",
        ),
        (
            [EVALUATE, reading("Steps.evaluate.PropertyFiles.metric")],
            (
                "step 's' reads 'Steps.evaluate.PropertyFiles.metric': step 'evaluate' declares no property file 'metric'. "
                "Did you mean 'metrics'? @ $.Steps[1].Arguments.x[0]"
            ),
        ),
        (
            [EVALUATE, reading("Steps.evaluate.ProcessingOutputConfig.Outputs['evaluations'].S3Output.S3Uri")],
            (
                "step 's' reads 'Steps.evaluate.ProcessingOutputConfig.Outputs['evaluations'].S3Output.S3Uri': step "
                "'evaluate' has no output 'evaluations'. Did you mean 'evaluation'? @ $.Steps[1].Arguments.x[0]"
            ),
        ),
        (
            [reading("Step.evaluate.A"), EVALUATE],
            (
                "step 's' reads 'Step.evaluate.A': references begin with Parameters, Steps, Execution, "
                "PipelineExperimentConfig, ForEach, IterationOutput. Did you mean 'Steps'? @ $.Steps[0].Arguments.x[0]"
            ),
        ),
        (
            [reading("Execution.PipelineID")],
            (
                "step 's' reads 'Execution.PipelineID': there is no execution variable 'PipelineID'. Did you mean "
                "'PipelineArn'? @ $.Steps[0].Arguments.x[0]"
            ),
        ),
        (
            [reading("Steps[")],
            (
                "step 's': 'Steps[' is not a reference: cannot read it from character 6, '['. References look like "
                "Parameters.Name or Steps.name.Property[0].Other['key'] @ $.Steps[0].Arguments.x[0]"
            ),
        ),
        (
            [condition(if_steps=[step("inner")]), reading("Steps.inner.A")],
            (
                "step 's' reads 'Steps.inner.A': it runs only in the if-branch of Condition step 'c'; depend on 'c' "
                "instead, or move 's' into that branch @ $.Steps[1].Arguments.x[0]"
            ),
        ),
        ([condition(if_steps=[step("inner"), reading("Steps.inner.A")])], []),
    ],
)
def test_references_are_checked(steps, expected):
    """A reference to nothing, to itself or into a branch is reported with its place and the nearest name."""
    assert problems(*steps, parameters=(PARAMETER,)) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("depends_on", "expected"),
    [
        (["evaluate"], []),
        ([{"Step": "evaluate", "Trigger": "Any"}], []),
        (
            ["evaluat"],
            [
                "step 's' depends on 'evaluat': there is no step 'evaluat'. Did you mean 'evaluate'? @ $.Steps[1].DependsOn[0]"
            ],
        ),
        (["s"], ["step 's' depends on itself @ $.Steps[1].DependsOn[0]"]),
        (
            ["evaluate", {"Step": "evaluate", "Trigger": "Failed"}],
            [
                "step 's' depends on 'evaluate' with the triggers 'Completed' and 'Failed'; keep one of them @ $.Steps[1].DependsOn[1]"
            ],
        ),
        (
            [{"Step": "evaluate", "Trigger": "Done"}],
            [
                (
                    "step 's' depends on 'evaluate' with the trigger 'Done'; triggers are Completed, Failed, Stopped, Any "
                    "@ $.Steps[1].DependsOn[0].Trigger"
                )
            ],
        ),
        (
            ["stop"],
            [
                (
                    "step 's' depends on 'stop': it is a Fail step, which ends the execution; nothing can come after it "
                    "@ $.Steps[1].DependsOn[0]"
                )
            ],
        ),
        (
            ["register"],
            [
                (
                    "step 's' depends on 'register': it runs only in the else-branch of Condition step 'c'; depend on "
                    "'c' instead, or move 's' into that branch @ $.Steps[1].DependsOn[0]"
                )
            ],
        ),
    ],
)
def test_dependencies_are_checked(depends_on, expected):
    """A dependency on nothing, twice, on a Fail step or into a branch is reported with its place."""
    stop = {"Name": "stop", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}
    steps = [EVALUATE, step(DependsOn=depends_on), stop, condition(else_steps=[step("register")])]
    assert problems(*steps) == expected


def test_a_cycle_is_reported():
    """A cycle is one problem, with every step in it."""
    assert problems(reading("Steps.b.A", "a"), step("b", DependsOn=["a"])) == [
        (
            "the steps wait for one another in a cycle: 'a' -> 'b' -> 'a' (each waits for the next); remove one of "
            "these dependencies @ $.Steps[0]"
        )
    ]


def test_names_are_checked():
    """Names twice and names that SageMaker refuses are reported, wherever the step stands."""
    assert problems(step("a b"), step("x" * 65), step("a"), condition(if_steps=[step("a")])) == [
        "two steps are named 'a', the first @ $.Steps[2]; names are unique in a pipeline @ $.Steps[3].Arguments.IfSteps[0].Name",
        "SageMaker refuses the step name 'a b': 1 to 64 letters, digits, hyphens and underscores @ $.Steps[0].Name",
        f"SageMaker refuses the step name '{'x' * 65}': 1 to 64 letters, digits, hyphens and underscores @ $.Steps[1].Name",
    ]


def test_property_files_are_checked():
    """A property file twice, or in an output that does not exist, is reported."""
    files = [
        {"PropertyFileName": "m", "OutputName": "evaluations", "FilePath": "m.json"},
        {"PropertyFileName": "m", "OutputName": "evaluation", "FilePath": "m.json"},
    ]
    assert problems({**EVALUATE, "PropertyFiles": files}) == [
        (
            "property file 'm' of step 'evaluate' is in output 'evaluations', which the step does not have. Did you "
            "mean 'evaluation'? @ $.Steps[0].PropertyFiles[0].OutputName"
        ),
        "step 'evaluate' declares property file 'm' twice @ $.Steps[0].PropertyFiles[1]",
    ]


def test_conditions_are_checked():
    """Unknown and incomplete conditions are reported, nested ones included."""
    conditions = [
        {"Type": "Not", "Condition": {"Type": "Or", "Conditions": [{"Type": "Equal"}, {"Type": "In", "Values": []}]}},
        7,
        {"Type": "Not", "Condition": 5},
        {"LeftValue": 1, "RightValue": 1},
    ]
    assert problems(condition(conditions=conditions), condition("empty", [])) == [
        (
            "Condition step 'c' has a condition of unknown type 'Equal'. Did you mean 'Equals'? "
            "@ $.Steps[0].Arguments.Conditions[0].Condition.Conditions[0]"
        ),
        "a condition of type In in step 'c' lacks 'QueryValue' @ $.Steps[0].Arguments.Conditions[0].Condition.Conditions[1]",
        (
            "'Values' of a condition of type In in step 'c' must be a list that is not empty "
            "@ $.Steps[0].Arguments.Conditions[0].Condition.Conditions[1].Values"
        ),
        (
            "Condition step 'c' has 7 where a condition belongs; a condition is an object with a 'Type' "
            "@ $.Steps[0].Arguments.Conditions[1]"
        ),
        (
            "Condition step 'c' has 5 where a condition belongs; a condition is an object with a 'Type' "
            "@ $.Steps[0].Arguments.Conditions[2].Condition"
        ),
        (
            "a condition in step 'c' has no 'Type', or its 'Type' is not text; types are Equals, GreaterThan, "
            "GreaterThanOrEqualTo, LessThan, LessThanOrEqualTo, In, Not, Or @ $.Steps[0].Arguments.Conditions[3]"
        ),
        "Condition step 'empty' has no conditions @ $.Steps[1].Arguments.Conditions",
    ]


def test_parameters_are_checked():
    """Parameters twice, of no type, or with a default that does not fit are reported; an Integer fits a Float."""
    parameters = (
        PipelineParameter("P", "Text"),
        PipelineParameter("P", "Integer", 0.5),
        PipelineParameter("a b", "Boolean", True),
        PipelineParameter("F", "Float", 1),
        PipelineParameter("E", "String", "c", ("a", "b")),
        PipelineParameter("L", "String", "0", tuple(map(str, range(17)))),
    )
    assert problems(step(), parameters=parameters) == [
        "pipeline parameter 'P' has the type 'Text'; types are String, Integer, Float, Boolean @ $.Parameters[0].Type",
        "two pipeline parameters are named 'P' @ $.Parameters[1].Name",
        "pipeline parameter 'P' is declared Integer and has the default 0.5, which is Float @ $.Parameters[1].DefaultValue",
        "SageMaker refuses the parameter name 'a b': 1 to 256 letters, digits, hyphens and underscores @ $.Parameters[2].Name",
        "the default 'c' of pipeline parameter 'E' is not among its enum values @ $.Parameters[4].DefaultValue",
        "pipeline parameter 'L' has 17 enum values; older quotas of SageMaker allow 16 @ $.Parameters[5].EnumValues",
    ]


def test_an_empty_pipeline_of_another_version_is_refused():
    """A pipeline has a step and the one version there is."""
    assert problems(version="2030-01-01") == [
        "'Version' is '2030-01-01'; write '2020-12-01' @ $.Version",
        "a pipeline has at least one step @ $.Steps",
    ]


def test_all_problems_come_at_once():
    """The exception lists every problem under the subject."""
    definition = PipelineDefinition(
        steps=(Step("a b", "Training", {}), Step("c", "Training", {"x": {"Get": "Parameters.P"}}))
    )
    with pytest.raises(PipelineDefinitionError) as caught:
        require_valid(definition, "pipeline 'churn'")
    assert str(caught.value) == (
        "pipeline 'churn' has 2 problems:\n"
        "  - SageMaker refuses the step name 'a b': 1 to 64 letters, digits, hyphens and underscores @ $.Steps[0].Name\n"
        "  - step 'c' reads 'Parameters.P': there is no pipeline parameter 'P' @ $.Steps[1].Arguments.x"
    )


@pytest.mark.parametrize("name", ["a", "A-9", "a" * 256])
def test_pipeline_names_that_pass(name):
    """Letters, digits and inner hyphens make a pipeline's name."""
    assert pipeline_name_problem(name) is None


@pytest.mark.parametrize("name", ["", "-a", "a-", "a_b", "a" * 257])
def test_pipeline_names_that_do_not(name):
    """A name that the service model's pattern refuses is refused here, with the rule."""
    assert pipeline_name_problem(name) == (
        f"SageMaker refuses the pipeline name {name!r}: 1 to 256 letters, digits and hyphens, beginning and ending "
        "with a letter or digit"
    )
