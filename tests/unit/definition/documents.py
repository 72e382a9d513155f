"""Hypothesis strategies for pipeline definition documents."""

from __future__ import annotations

from hypothesis import strategies as st

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
TYPES = (
    "Processing", "Training", "Tuning", "Transform", "AutoML", "Model", "RegisterModel", "Condition", "Fail", "Lambda",
    "Callback", "EMR", "EMRServerless", "QualityCheck", "ClarifyCheck", "EndpointConfig", "Endpoint",
    "InferenceComponent", "Lineage", "Job", "Cleanup", "ForEach", "Brand-new",
)  # fmt: skip
_REFERENCES = (
    "Parameters.P", "Steps.a.B", "Steps.b.OutputParameters['x']", "Steps.c.Outcome", "Steps.a.PropertyFiles.m",
    "Execution.PipelineName", "Execution.TrainingJobName", "ForEach.CurrentItem.x", "IterationOutput.a.B",
    "Steps.d.IterationOutputs[0].a.B", "Steps.d.Selected.B", "PipelineExperimentConfig.TrialName", "Steps", "[", "",
)  # fmt: skip
_EXPRESSIONS = st.recursive(
    st.builds(lambda path: {"Get": path}, st.sampled_from(_REFERENCES) | JSON),
    lambda inner: (
        st.builds(lambda on, values: {"Std:Join": {"On": on, "Values": values}}, JSON, st.lists(inner | JSON) | JSON)
        | st.builds(
            lambda source, what, path: {"Std:JsonGet": {source: what, "Path": path}},
            st.sampled_from(["PropertyFile", "S3Uri", "Other"]),
            inner | JSON,
            JSON,
        )
    ),
    max_leaves=4,
)
_VALUES = (
    JSON | _EXPRESSIONS | st.dictionaries(st.sampled_from(["A", "Role", "StepName"]), JSON | _EXPRESSIONS, max_size=2)
)
_NAMES = st.sampled_from(["a", "b", "c", "d", "a-0", "x y", ""])
_CONDITIONS = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "Type": st.sampled_from(["Equals", "In", "Not", "Or", "GreaterThan", "Same"]) | JSON,
            "LeftValue": _VALUES, "RightValue": _VALUES, "QueryValue": _VALUES, "Values": st.lists(_VALUES, max_size=2) | JSON,
            "Condition": JSON, "Conditions": JSON,
        },
    ) | JSON,
    lambda inner: st.builds(lambda each: {"Type": "Not", "Condition": each}, inner)
    | st.builds(lambda each: {"Type": "Or", "Conditions": each}, st.lists(inner, max_size=2)),
    max_leaves=3,
)  # fmt: skip
_EXTRAS = {
    "CacheConfig": JSON | st.fixed_dictionaries({}, optional={"Enabled": JSON, "ExpireAfter": JSON, "More": JSON}),
    "RetryPolicies": JSON | st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "ExceptionType": JSON | st.lists(st.sampled_from(["Step.THROTTLING", "SageMaker.CAPACITY_ERROR"])),
                "MaxAttempts": _VALUES, "ExpireAfterMin": _VALUES, "IntervalSeconds": _VALUES, "BackoffRate": _VALUES,
            },
        ) | JSON,
        max_size=2,
    ),
    "PropertyFiles": st.none() | st.lists(
        st.fixed_dictionaries({"PropertyFileName": st.just("m"), "OutputName": st.just("o"), "FilePath": st.just("f")}),
        max_size=2,
    ),
    "OutputParameters": JSON | st.lists(
        st.fixed_dictionaries({}, optional={"OutputName": st.just("x") | JSON, "OutputType": JSON}) | JSON, max_size=3
    ),
    "DependsOn": st.none() | st.lists(
        _NAMES | st.fixed_dictionaries({"Step": _NAMES}, optional={"Trigger": st.just("Failed") | JSON, "More": JSON}),
        max_size=3,
    ),
    "DisplayName": JSON, "Description": JSON, "CheckType": JSON, "FunctionArn": JSON, "New": _VALUES,
}  # fmt: skip


def _steps(inner):
    """Steps of all types, those of branches and bodies made by ``inner``."""
    arguments = {
        "Condition": st.fixed_dictionaries(
            {},
            optional={
                "Conditions": st.lists(_CONDITIONS, max_size=2) | JSON,
                "IfSteps": st.none() | inner,
                "ElseSteps": st.none() | inner,
                "More": JSON,
            },
        ),
        "ForEach": st.fixed_dictionaries(
            {},
            optional={
                "IterableItems": _VALUES, "MaxConcurrency": JSON, "ForEachBody": st.none() | inner,
                "Selector": st.fixed_dictionaries({}, optional={"Pick": JSON, "Field": _VALUES}) | JSON,
            },
        ),
        "Cleanup": st.builds(lambda each: {"Resources": {"S3": each}}, st.lists(_VALUES, max_size=2) | JSON) | JSON,
    }  # fmt: skip
    return st.sampled_from(TYPES).flatmap(
        lambda type_: st.fixed_dictionaries(
            {"Name": _NAMES, "Type": st.just(type_)}
            | ({"Arguments": arguments[type_]} if type_ in ("Condition", "ForEach") else {}),
            optional={} if type_ in ("Condition", "ForEach") else {"Arguments": arguments.get(type_, _VALUES)},
        ).flatmap(lambda step: st.fixed_dictionaries({}, optional=_EXTRAS).map(lambda extra: step | extra))
    )


_STEP_LISTS = st.lists(_steps(st.lists(_steps(st.just([])), max_size=2)), max_size=3)

READABLE = st.fixed_dictionaries(
    {"Version": st.just("2020-12-01") | st.text(max_size=3), "Steps": _STEP_LISTS},
    optional={
        "Metadata": JSON,
        "Parameters": st.none() | st.lists(
            st.fixed_dictionaries(
                {"Name": st.sampled_from(["P", "Q", ""]), "Type": st.sampled_from(["String", "Float", "Boolean", "X"])},
                optional={"DefaultValue": JSON, "EnumValues": st.none() | st.lists(JSON, max_size=3), "New": JSON},
            ),
            max_size=3,
        ),
        "PipelineExperimentConfig": JSON | st.fixed_dictionaries({}, optional={"ExperimentName": _VALUES}),
        "MlflowConfig": JSON,
        "New": JSON,
    },
)  # fmt: skip
"""Documents with the outline of a definition, and anything inside it."""
