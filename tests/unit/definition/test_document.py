from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.graph import PipelineGraph
from airflow_sm_pipelines.definition.parameters import PipelineParameter
from airflow_sm_pipelines.definition.steps import BranchOwner, PropertyFile, Step, StepDependency, walk_body
from airflow_sm_pipelines.definition.validation import validate
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, Problem

SDK_DOCUMENT = Path(__file__).parents[2] / "golden" / "sdk_3_27.json"


def test_what_the_sdk_emits_survives_unchanged():
    """A document of the SageMaker SDK is read and written without a loss, its key order included."""
    text = SDK_DOCUMENT.read_text()
    definition = PipelineDefinition.from_json(text)
    assert json.dumps(definition.to_document(), indent=1) == json.dumps(json.loads(text), indent=1)


def test_what_the_sdk_emits_is_valid():
    """The SDK's document has no problems, and its steps come in an order in which they can run."""
    definition = PipelineDefinition.from_json(SDK_DOCUMENT.read_text())
    assert validate(definition) == []
    assert PipelineGraph.of(definition).order == (
        "Lam",
        "Cb",
        "Notify",
        "Fan",
        "Emr",
        "EmrS",
        "Cond",
        "Inner",
        "F1",
        "F2",
        "Clean",
    )


def test_walk_goes_into_branches():
    """Walking yields every step with its place and branch, a condition before what lies in it."""
    definition = PipelineDefinition.from_json(SDK_DOCUMENT.read_text())
    inner = [(each.step.name, each.path, each.owner) for each in definition.walk() if each.owner is not None]
    assert inner == [
        ("Inner", "$.Steps[6].Arguments.IfSteps[0]", BranchOwner("Cond", True)),
        ("F1", "$.Steps[6].Arguments.IfSteps[0].Arguments.IfSteps[0]", BranchOwner("Inner", True)),
        ("F2", "$.Steps[6].Arguments.ElseSteps[0]", BranchOwner("Cond", False)),
    ]


def test_unknown_keys_are_kept():
    """Keys of the document, a parameter or a step that this version does not know stay as they are."""
    document = {
        "Version": "2020-12-01",
        "Metadata": {"a": 1},
        "Parameters": [{"Name": "P", "Type": "String", "New": [1]}],
        "Steps": [{"Name": "s", "Type": "Brand-new", "Arguments": {"x": None}, "NewKey": {"y": 2}}],
        "AlsoNew": True,
    }
    assert PipelineDefinition.from_document(document).to_document() == document


def test_a_definition_made_in_python_has_the_sdk_defaults():
    """Without further settings the experiment is named after the pipeline and the trial after the execution."""
    definition = PipelineDefinition(
        parameters=(PipelineParameter("P", "Integer", 3),),
        steps=(
            Step(
                "a",
                "Processing",
                {},
                depends_on=(StepDependency("b", "Failed"), StepDependency("c")),
                display_name="A",
                description="the first",
                extra={"PropertyFiles": [PropertyFile("m", "out", "m.json").to_document()]},
            ),
        ),
    )
    assert definition.to_json() == (
        '{"Version":"2020-12-01","Metadata":{},"Parameters":[{"Name":"P","Type":"Integer","DefaultValue":3}],'
        '"PipelineExperimentConfig":{"ExperimentName":{"Get":"Execution.PipelineName"},'
        '"TrialName":{"Get":"Execution.PipelineExecutionId"}},'
        '"Steps":[{"Name":"a","Type":"Processing","Arguments":{},'
        '"DependsOn":[{"Step":"b","Trigger":"Failed"},"c"],"DisplayName":"A","Description":"the first",'
        '"PropertyFiles":[{"PropertyFileName":"m","OutputName":"out","FilePath":"m.json"}]}]}'
    )


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            "{",
            [
                (
                    "the document is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1) "
                    "@ $"
                )
            ],
        ),
        (
            '\ufeff{"Steps": []}',
            ["the document is not JSON: it begins with a byte order mark; save it as UTF-8 without one @ $"],
        ),
        (
            '{"Steps": [], "x": -Infinity}',
            ["the document is not JSON: -Infinity is not a JSON value; write null, or leave the key out @ $"],
        ),
        (
            '{"Steps": [1], "Steps": [{"Name": "a", "Type": "X", "Arguments": {"b": 1, "b": 2, "c": [{"d": 3, "d": 4}]}}]}',
            [
                "an object has the key 'Steps' more than once; keep one of them @ $.Steps",
                "an object has the key 'b' more than once; keep one of them @ $.Steps[0].Arguments.b",
                "an object has the key 'd' more than once; keep one of them @ $.Steps[0].Arguments.c[0].d",
            ],
        ),
        ("[]", ["a definition must be a JSON object, not list @ $"]),
        ("{}", ["'Steps' is missing, or not a list @ $.Steps"]),
        (
            '{"Version": 1, "Parameters": [{"Type": 2}], "Steps": [3, {"Name": "a", "Type": "Condition"}]}',
            [
                "'Version' must be text; write '2020-12-01' @ $.Version",
                "'Name' is missing, or not a string @ $.Parameters[0].Name",
                "'Type' must be text @ $.Parameters[0].Type",
                "expected an object, not int @ $.Steps[0]",
                "Condition step 'a' has no 'Arguments' @ $.Steps[1].Arguments",
            ],
        ),
        (
            (
                '{"Version": "2020-12-01", "Parameters": {}, "Steps": [{"Name": "a", "Type": "X", "DependsOn": [1]},'
                ' {"Name": "b", "Type": "Condition", "Arguments": {"IfSteps": 1,'
                ' "ElseSteps": [{"Name": "c", "Type": "X", "DependsOn": "a"}]}}]}'
            ),
            [
                "'Parameters' must be a list @ $.Parameters",
                "expected an object, not int @ $.Steps[0].DependsOn[0]",
                "'IfSteps' of Condition step 'b' must be a list @ $.Steps[1].Arguments.IfSteps",
                "'DependsOn' of step 'c' must be a list @ $.Steps[1].Arguments.ElseSteps[0].DependsOn",
            ],
        ),
    ],
)
def test_what_is_no_definition_is_refused(text, problems):
    """Every fault of the outline is named at once, with its place."""
    with pytest.raises(PipelineDefinitionError) as caught:
        PipelineDefinition.from_json(text)
    assert [str(problem) for problem in caught.value.problems] == problems


def nested_conditions(levels):
    """Return a document whose steps stand ``levels`` conditions deep, each of which is three levels of JSON."""
    step = {"Name": f"s{levels}", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}
    for depth in reversed(range(levels)):
        step = {"Name": f"s{depth}", "Type": "Condition", "Arguments": {"Conditions": [], "IfSteps": [step]}}
    return {"Version": "2020-12-01", "Steps": [step]}


def test_nested_conditions_are_read_and_written_to_the_last_level_that_is_taken():
    """Ninety-eight Condition steps around one step are 298 levels: they are walked, and come back as the same text."""
    document = nested_conditions(98)
    text = json.dumps(document, separators=(",", ":"))
    definition = PipelineDefinition.from_json(text)
    assert [each.step.name for each in definition.walk()] == [f"s{depth}" for depth in range(99)]
    assert definition.to_json() == text


TOO_DEEP = "the document nests deeper than 300 levels; make it flatter"


@pytest.mark.parametrize("conditions", [99, 5000])
def test_a_document_too_deep_is_refused_with_the_place(conditions):
    """Ninety-nine Condition steps around one step are 301 levels: the place is named, cut."""
    with pytest.raises(PipelineDefinitionError) as caught:
        PipelineDefinition.from_document(nested_conditions(conditions))
    place = f"$.Steps[0]{'.Arguments.IfSteps[0]' * 99}.Arguments"
    assert caught.value.problems == (Problem("error", TOO_DEEP, f"{place[:100]}..."),)


def test_a_text_deeper_than_python_reads_is_refused():
    """Text that Python's own reader gives up on is refused as a definition like any other."""
    inner = '{"Name":"end","Type":"Fail","Arguments":{"ErrorMessage":"x"}}'
    for depth in range(5000):
        inner = f'{{"Name":"s{depth}","Type":"Condition","Arguments":{{"Conditions":[],"IfSteps":[{inner}]}}}}'
    with pytest.raises(PipelineDefinitionError) as caught:
        PipelineDefinition.from_json(f'{{"Version":"2020-12-01","Steps":[{inner}]}}')
    # Python 3.14 reads text of any depth; then the place is known.
    place = f"$.Steps[0]{'.Arguments.IfSteps[0]' * 5}"
    assert caught.value.problems in (
        (Problem("error", TOO_DEEP, "$"),),
        (Problem("error", TOO_DEEP, f"{place[:100]}..."),),
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"Version":"2020-12-01","Steps":[]}',
        '{"Steps":[],"Parameters":null,"MlflowConfig":null,"Version":"2020-12-01","PipelineExperimentConfig":null}',
        '{"Version":"2020-12-01","Parameters":[],"Metadata":null,"Steps":[{"Type":"X","Name":"a"}],"More":{}}',
        '{"Version":"v","Steps":[{"Name":"a","Type":"X","Arguments":null,"DependsOn":[],"Description":null}]}',
        '{"Version":"v","Steps":[{"Name":"a","DependsOn":null,"Type":"X","DisplayName":null,"Arguments":{}}]}',
        '{"Version":"v","Steps":[{"Name":"a","Type":"X","DependsOn":[{"Step":"b","Trigger":"Completed"},{"Step":"c"}]}]}',
        '{"Version":"v","Steps":[{"Name":"a","Type":"X","DependsOn":[{"Trigger":"Any","Step":"b"},{"Step":"c","New":1}]}]}',
        '{"Version":"v","Parameters":[{"Type":"Float","Name":"P","EnumValues":null,"DefaultValue":null}],"Steps":[]}',
        '{"Steps":[{"Name":"a","Type":"X","PropertyFiles":[1,{"OutputName":"o"}]}]}',
        '{"Parameters":[{"Name":"P"},{"DefaultValue":"x","Name":"Q"}],"Steps":[]}',
        '{"Version":"v","Steps":[{"Name":"F","Type":"ForEach","Arguments":{"ForEachBody":[{"Type":"X","Name":"b"}]}}]}',
        '{"Version":"v","Steps":[{"Name":"C","Type":"Condition","Arguments":{"ElseSteps":null,"Conditions":[]}}]}',
    ],
)
def test_unusual_documents_survive_byte_for_byte(text):
    """Absent and null members, unusual key orders and dependencies written out come back as they were."""
    assert PipelineDefinition.from_json(text).to_json() == text


def test_a_dependency_written_out_equals_the_short_form():
    """How a dependency is written says nothing about what it means."""
    assert StepDependency.from_document({"Step": "b", "Trigger": "Completed"}) == StepDependency("b")


def test_the_steps_of_a_foreach_body_are_no_steps_of_the_pipeline():
    """Walking passes a ForEach body by; its steps, run once per item, are read from the ForEach step."""
    definition = PipelineDefinition.from_json(SDK_DOCUMENT.read_text())
    fan = next(each for each in definition.walk() if each.step.type == "ForEach")
    assert [(each.step.name, each.path, each.owner) for each in walk_body(fan)] == [
        ("Body", "$.Steps[3].Arguments.ForEachBody[0]", None)
    ]
    assert "Body" not in [each.step.name for each in definition.walk()]
