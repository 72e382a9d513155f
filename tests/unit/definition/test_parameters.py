from __future__ import annotations

import pytest

from airflow_sm_pipelines.definition.parameters import PipelineParameter, is_valid_name, to_start_value, type_of
from airflow_sm_pipelines.exceptions import PipelineParameterError


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("String", "", ""),
        ("String", "5", "5"),
        ("Integer", "-5", -5),
        ("Float", "5", 5.0),
        ("Float", "1e-3", 0.001),
        ("Boolean", "true", True),
        ("Boolean", "False", False),
    ],
)
def test_start_values_get_their_type(type_, text, value):
    """A start value is text on the wire and has the declared type in the pipeline."""
    parsed = PipelineParameter("P", type_).parse(text)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(
    ("parameter", "text", "message"),
    [
        (
            PipelineParameter("P", "Integer"),
            "0.5",
            "Pipeline parameter 'P' is declared Integer and was given '0.5'; give a whole number, such as '5'.",
        ),
        (
            PipelineParameter("P", "Float"),
            "high",
            "Pipeline parameter 'P' is declared Float and was given 'high'; give a number, such as '0.9'.",
        ),
        (
            PipelineParameter("P", "Integer"),
            "\N{ARABIC-INDIC DIGIT ONE}",
            (
                "Pipeline parameter 'P' is declared Integer and was given '\N{ARABIC-INDIC DIGIT ONE}'; give a whole number, "
                "such as '5'."
            ),
        ),
        (
            PipelineParameter("P", "Float"),
            "1_0",
            "Pipeline parameter 'P' is declared Float and was given '1_0'; give a finite number, such as '0.9'.",
        ),
        (
            PipelineParameter("P", "Float"),
            "nan",
            "Pipeline parameter 'P' is declared Float and was given 'nan'; give a finite number, such as '0.9'.",
        ),
        (
            PipelineParameter("P", "Boolean"),
            "1",
            "Pipeline parameter 'P' is declared Boolean and was given '1'; give 'true' or 'false'.",
        ),
        (
            PipelineParameter("P", "String", enum_values=("a", "b")),
            "c",
            "Pipeline parameter 'P' has the value 'c'; allowed values are 'a', 'b'.",
        ),
        (
            PipelineParameter("P", "String"),
            "x" * 1025,
            (
                "The value of pipeline parameter 'P' has 1025 characters; SageMaker takes at most 1024. "
                "Put the content in S3 and pass its URI."
            ),
        ),
    ],
)
def test_unfit_start_values_are_refused(parameter, text, message):
    """A value that does not fit its declaration is refused with the parameter, the value and what would fit."""
    with pytest.raises(PipelineParameterError) as caught:
        parameter.parse(text)
    assert str(caught.value) == message


def test_python_values_become_start_values():
    """Booleans are lower case on the wire, as JSON has them."""
    assert [to_start_value(value) for value in ("a", 1, 0.5, True, False)] == ["a", "1", "0.5", "true", "false"]


def test_what_is_no_scalar_is_no_start_value():
    """A list has no place in a pipeline parameter, and the error says what to do."""
    with pytest.raises(PipelineParameterError) as caught:
        to_start_value(["a"])
    assert str(caught.value) == (
        "A pipeline parameter holds a str, int, float or bool, not list (a list of 1). Pass one of its values with "
        "Jinja: {{ ti.xcom_pull(...)['name'] }}. Or pass a JSON string, or put the content in S3 and pass its URI."
    )


def test_types_of_python_values():
    """A bool is Boolean although Python calls it an int."""
    assert [type_of(value) for value in (True, 1, 0.5, "a", None)] == ["Boolean", "Integer", "Float", "String", None]


def test_parameter_names():
    """Names are 1 to 256 letters, digits, hyphens and underscores."""
    assert [is_valid_name(name) for name in ("a-B_9", "", "a" * 256, "a" * 257, "a b", "a.b")] == [
        True,
        False,
        True,
        False,
        False,
        False,
    ]
