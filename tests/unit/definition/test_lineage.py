from __future__ import annotations

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.validation import validate

ENTITIES = {
    "Actions": [{"ActionName": "run", "ActionType": "Training", "Source": {"SourceUri": "s3://box/run"}}],
    "Artifacts": [{"ArtifactName": "model", "ArtifactType": "Model", "Source": {"SourceUri": "s3://box/model"}}],
}
RUN, MODEL = {"Name": "run", "Type": "Action"}, {"Name": "model", "Type": "Artifact"}


def reported(arguments, *more):
    lineage = {"Name": "record", "Type": "Lineage", "Arguments": arguments}
    definition = PipelineDefinition.from_document({"Version": "2020-12-01", "Steps": [lineage, *more]})
    return [f"{problem.severity}: {problem}" for problem in validate(definition)]


def associations(*ends):
    return {**ENTITIES, "Associations": [{"Source": source, "Destination": other} for source, other in ends]}


@pytest.mark.parametrize(
    "arguments",
    [
        ENTITIES,
        associations((RUN, MODEL), (MODEL, {"Arn": "arn:aws:sagemaker:us-east-1:123456789012:context/c"})),
        associations(({"Name": {"Get": "Execution.PipelineExecutionId"}, "Type": "Context"}, RUN)),
        {
            "Contexts": [{"ContextName": {"Get": "Execution.PipelineExecutionId"}}],
            "Associations": [{"Source": {"Name": "later", "Type": "Context"}, "Destination": {"Arn": "arn:a"}}],
        },
    ],
)
def test_lineage_that_fits_together(arguments):
    """Entities alone pass, and associations of what the step creates, of what has an ARN, and of what only the run names."""
    assert reported(arguments) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            associations(({"Name": "rnu", "Type": "Action"}, MODEL)),
            (
                "an association of Lineage step 'record' names the Action 'rnu', which this step does not create; name "
                "one made elsewhere by its 'Arn'. Did you mean 'run'? "
                "@ $.Steps[0].Arguments.Associations[0].Source.Name"
            ),
        ),
        (
            associations((RUN, {"Name": "run", "Type": "Context"})),
            (
                "an association of Lineage step 'record' names the Context 'run', which this step does not create; name "
                "one made elsewhere by its 'Arn' @ $.Steps[0].Arguments.Associations[0].Destination.Name"
            ),
        ),
        (
            associations((RUN, {"Name": "model"})),
            (
                "an association of Lineage step 'record' must name an entity by its 'Arn', or by 'Name' and 'Type' "
                "@ $.Steps[0].Arguments.Associations[0].Destination"
            ),
        ),
        (
            associations(({**RUN, "Arn": "arn:a"}, MODEL)),
            (
                "an association of Lineage step 'record' must name an entity by its 'Arn', or by 'Name' and 'Type' "
                "@ $.Steps[0].Arguments.Associations[0].Source"
            ),
        ),
    ],
)
def test_lineage_that_does_not(arguments, message):
    """What the step does not create, or names in no way or in two, is an error at its place."""
    assert reported(arguments) == [f"error: {message}"]


def test_lineage_of_nothing_is_a_warning():
    """A Lineage step that creates nothing does nothing."""
    assert reported({"Actions": []}) == [
        "warning: Lineage step 'record' creates no entity and no association @ $.Steps[0].Arguments"
    ]


def test_arns_of_what_a_lineage_step_creates_can_be_read():
    """The ARN of an entity is read by its name; a name that the step does not create is reported."""
    reads = [
        {"Name": name, "Type": "Lambda", "FunctionArn": "f", "Arguments": {"x": {"Get": f"Steps.record.{path}"}}}
        for name, path in (("a", "ActionArns['run']"), ("b", "ArtifactArns['modle']"), ("c", "ContextArns['run']"))
    ]
    assert reported(ENTITIES, *reads) == [
        (
            "error: step 'b' reads 'Steps.record.ArtifactArns['modle']': Lineage step 'record' creates no Artifact 'modle'. "
            "Did you mean 'model'? @ $.Steps[2].Arguments.x"
        ),
        (
            "error: step 'c' reads 'Steps.record.ContextArns['run']': Lineage step 'record' creates no Context 'run' "
            "@ $.Steps[3].Arguments.x"
        ),
    ]
