"""A hypothesis strategy for valid pipelines that have something of everything."""

from __future__ import annotations

import itertools
import json

from hypothesis import strategies as st

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
PARAMETERS = (
    {"Name": "Text", "Type": "String", "DefaultValue": "a", "EnumValues": ["a", "b"]},
    {"Name": "Count", "Type": "Integer", "DefaultValue": 1},
    {"Name": "Rate", "Type": "Float", "DefaultValue": 0.5},
    {"Name": "Flag", "Type": "Boolean", "DefaultValue": True},
)
CACHE = {"CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"}}
RETRIES = {"RetryPolicies": [{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 3}]}
TRIGGERS = ("Completed", "Failed", "Stopped", "Any")
READABLE = {
    "Processing": ("ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri", "ProcessingJobName"),
    "Training": ("ModelArtifacts.S3ModelArtifacts", "TrainingJobName"),
    "Model": ("ModelName",),
    "Lambda": ("OutputParameters['text']",),
    "Callback": ("OutputParameters['text']",),
    "Condition": ("Outcome",),
    "ForEach": ("Status", "Selected.OutputParameters['text']"),
    "Lineage": ("ActionArns['run']",),
}
"""What of a step can be read where text belongs, by the step's type."""
_LEAVES = ("Processing", "Training", "Model", "Lambda", "Callback", "Lineage")
_NAMES = st.lists(st.sampled_from(["a", "train", "Step_", "x" * 50]), min_size=1, max_size=3)


class _Draft:
    """Makes the steps of one pipeline."""

    def __init__(self, draw):
        self._draw = draw
        self._names = (f"{name}{number}" for number, name in enumerate(itertools.cycle(draw(_NAMES))))
        self._types = {}

    def steps(self, kinds, visible, depth):
        """Steps of the given types; each may read and wait for those before it, and for those around them."""
        made, visible = [], list(visible)
        for type_ in kinds:
            name = next(self._names)
            self._types[name] = type_
            step = {"Name": name, "Type": type_, "Arguments": self._arguments(type_, visible, depth)}
            step |= self._beside(type_)
            waited = self._draw(st.lists(st.sampled_from(visible), max_size=2, unique=True)) if visible else []
            if waited:
                step["DependsOn"] = [self._dependency(each) for each in waited]
            made.append(step)
            if type_ != "Fail":
                visible.append(name)
        return made

    def _dependency(self, name):
        trigger = self._draw(st.sampled_from(TRIGGERS))
        return name if trigger == "Completed" else {"Step": name, "Trigger": trigger}

    def _text(self, visible, also=()):
        """Something that is text when the pipeline runs."""
        references = ["Parameters.Text", "Execution.PipelineName", *also]
        references += [f"Steps.{name}.{path}" for name in visible for path in READABLE[self._types[name]]]
        read = {"Get": self._draw(st.sampled_from(references))}
        join = {"Std:Join": {"On": "/", "Values": ["a", 1, read, {"Get": "Parameters.Count"}]}}
        return self._draw(st.sampled_from(["s3://bucket/a", read, join]))

    def _arguments(self, type_, visible, depth, also=()):
        text = lambda: self._text(visible, also)  # noqa: E731 - said a dozen times below
        count = self._draw(st.sampled_from([1, {"Get": "Parameters.Count"}]))
        if type_ == "Processing":
            return {
                "RoleArn": ROLE,
                "AppSpecification": {"ImageUri": text(), "ContainerArguments": ["--x", text()]},
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
                },
                "ProcessingOutputConfig": {
                    "Outputs": [
                        {
                            "OutputName": "out",
                            "S3Output": {"S3Uri": text(), "LocalPath": "/opt", "S3UploadMode": "EndOfJob"},
                        }
                    ]
                },
                "Environment": {"A": text()},
                "NetworkConfig": {"EnableNetworkIsolation": {"Get": "Parameters.Flag"}},
            }
        if type_ == "Training":
            return {
                "RoleArn": ROLE,
                "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
                "OutputDataConfig": {"S3OutputPath": text()},
                "ResourceConfig": {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30},
                "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
                "HyperParameters": {"depth": text()},
            }
        if type_ == "Model":
            return {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": text(), "Environment": {"A": text()}}}
        if type_ == "Lineage":
            action = {"ActionName": "run", "ActionType": "Training", "Source": {"SourceUri": text()}}
            ends = {"Source": {"Name": "run", "Type": "Action"}, "Destination": {"Arn": {"Get": "Parameters.Text"}}}
            return {"Actions": [action], "Associations": [ends]}
        if type_ == "Condition":
            inner = ["Condition"] if depth < 2 and self._draw(st.booleans()) else []
            return {
                "Conditions": self._conditions(visible),
                "IfSteps": self.steps([*self._leaves(1, 2), *inner], visible, depth + 1),
                "ElseSteps": self.steps([*self._leaves(0, 1), "Fail"], visible, depth + 1),
            }
        if type_ == "ForEach":
            return self._for_each(visible)
        if type_ == "Fail":
            return {"ErrorMessage": text()}
        return {"text": text(), "number": count}

    def _leaves(self, least, most):
        return self._draw(st.lists(st.sampled_from(_LEAVES), min_size=least, max_size=most))

    def _conditions(self, visible):
        equals = {"Type": "Equals", "LeftValue": self._text(visible), "RightValue": "a"}
        conditions = [{"Type": "Not", "Condition": {"Type": "Or", "Conditions": [equals]}}]
        files = [name for name in visible if self._types[name] == "Processing"]
        if files:
            file = {"Get": f"Steps.{self._draw(st.sampled_from(files))}.PropertyFiles.report"}
            read = {"Std:JsonGet": {"PropertyFile": file, "Path": "accuracy.value"}}
            conditions.append({"Type": "GreaterThan", "LeftValue": read, "RightValue": {"Get": "Parameters.Rate"}})
        return conditions

    def _for_each(self, visible):
        name = next(self._names)
        self._types[name] = "Lambda"
        body = {"Name": name, "Type": "Lambda", "Arguments": self._arguments("Lambda", visible, 0, _ITEM)}
        body |= self._beside("Lambda")
        return {
            "IterableItems": self._draw(st.sampled_from([["a", 1], {"Get": "Parameters.Text"}])),
            "MaxConcurrency": self._draw(st.integers(1, 50)),
            "Selector": {"Pick": "MaxBy", "Field": {"Get": f"IterationOutput.{name}.OutputParameters['text']"}},
            "ForEachBody": [body],
        }

    def _beside(self, type_):
        if type_ == "Processing":
            return {
                **CACHE,
                "PropertyFiles": [{"PropertyFileName": "report", "OutputName": "out", "FilePath": "report.json"}],
            }
        if type_ in ("Lambda", "Callback"):
            key = {"Lambda": {"FunctionArn": FUNCTION}, "Callback": {"SqsQueueUrl": "https://queue"}}[type_]
            return {**key, "OutputParameters": [{"OutputName": "text", "OutputType": "String"}]}
        return {"Training": {**CACHE, **RETRIES}, "Model": RETRIES}.get(type_, {})


_ITEM = ("ForEach.CurrentItem.name",)


@st.composite
def valid_pipelines(draw):
    """Pipelines whose steps read and wait for one another in every way they may; the API would take every request.

    Each has Processing, Training, Lambda, Lineage, ForEach and Condition steps, the last with steps in both branches.
    """
    some = draw(st.lists(st.sampled_from([*_LEAVES, "ForEach", "Condition"]), max_size=3))
    kinds = ["Processing", "Training", "Lambda", "Lineage", "ForEach", "Condition", *some]
    kinds = [kinds[0], *draw(st.permutations(kinds[1:]))]  # a condition reads the property file of an earlier step
    document = {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": PARAMETERS,
        "PipelineExperimentConfig": {
            "ExperimentName": {"Get": "Execution.PipelineName"},
            "TrialName": {"Get": "Execution.PipelineExecutionId"},
        },
        "Steps": _Draft(draw).steps(kinds, [], 0),
    }
    return json.loads(json.dumps(document))  # tests change it: no two places may share an object


def all_steps(document):
    """Every step with its path, its ways through branches, and the ForEach step whose body it lies in, in order."""
    stack = [(step, f"$.Steps[{index}]", (), None) for index, step in enumerate(document["Steps"])][::-1]
    while stack:
        step, path, branches, loop = stack.pop()
        yield step, path, branches, loop
        inside = []
        for key in ("IfSteps", "ElseSteps", "ForEachBody"):
            inner = step["Arguments"].get(key, ()) if step["Type"] in ("Condition", "ForEach") else ()
            way = branches if key == "ForEachBody" else (*branches, (step["Name"], key))
            around = step if key == "ForEachBody" else loop
            inside += [(each, f"{path}.Arguments.{key}[{index}]", way, around) for index, each in enumerate(inner)]
        stack.extend(reversed(inside))


def places(value, path="$"):
    """Every place in a JSON value, in order: the container, the key or index, the value and its path."""
    stack = [(value, path)]
    while stack:
        container, path = stack.pop()
        inner = []
        for key, item in container.items() if isinstance(container, dict) else enumerate(container):
            where = f"{path}[{key}]" if isinstance(container, list) else f"{path}.{key}"
            yield container, key, item, where
            if isinstance(item, (dict, list)):
                inner.append((item, where))
        stack.extend(reversed(inner))


def pairs(document):
    """All pairs of two different steps, as :func:`all_steps` yields them."""
    return itertools.permutations(all_steps(document), 2)
