from __future__ import annotations

from pathlib import Path

import pytest

from airflow_sm_pipelines.running.sources import Kind, Source, SourceError, definition_source, kind_of, read_text


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("churn.json", "anything", Kind.DEFINITION),
        ("churn", '\n {"Steps": []}', Kind.DEFINITION),
        ("churn.py", "from sagemaker.workflow.pipeline import Pipeline", Kind.SDK),
        ("churn.py", "from mine import pipeline", Kind.SDK),
        ("churn.py", "from . import airflow", Kind.SDK),
        ("churn.py", "# import airflow", Kind.SDK),
        ("churn.py", "import airflow.sdk, sagemaker", Kind.DAG),
        ("churn.py", "def make():\n    from airflow_sm_pipelines import SageMakerPipelineTaskGroup", Kind.DAG),
    ],
)
def test_a_file_is_told_by_its_suffix_and_its_imports(name, text, kind):
    """A Python file that imports Airflow or this package, wherever in it, is a Dag file; without a suffix JSON begins."""
    assert kind_of(Path(name), text) is kind


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("churn.yaml", "Steps: []", "churn.yaml is neither a pipeline definition nor a Python file. Give a JSON file"),
        ("churn.py", "from from", "churn.py is not valid Python: invalid syntax"),
        ("churn.py", "\0", "churn.py is not valid Python: source code string cannot contain null"),
    ],
)
def test_a_file_that_is_none_of_them_is_said(name, text, message):
    """The message names the file and what may be given."""
    with pytest.raises(SourceError) as refused:
        kind_of(Path(name), text)
    assert str(refused.value).startswith(message)


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    """With the reason of the system, or of the encoding."""
    (tmp_path / "latin.json").write_bytes(b"\xe4")
    messages = []
    for name in ("missing.json", "latin.json"):
        with pytest.raises(SourceError) as refused:
            read_text(tmp_path / name)
        messages.append(str(refused.value))
    assert messages == [
        f"{tmp_path}/missing.json cannot be read: [Errno 2] No such file or directory: '{tmp_path}/missing.json'",
        f"{tmp_path}/latin.json cannot be read: 'utf-8' codec can't decode byte 0xe4 in position 0: unexpected end of data",
    ]


def test_a_definition_file_names_its_pipeline(tmp_path):
    """After the file, with hyphens for what SageMaker does not take; or as it is told."""
    path = tmp_path / "churn_model (2).json"
    assert [definition_source(path, "{}", name) for name in (None, "mine")] == [
        Source("churn-model-2", "{}", tmp_path),
        Source("mine", "{}", tmp_path),
    ]


def test_a_name_that_sagemaker_refuses_is_said():
    """With the option that gives another one."""
    with pytest.raises(SourceError) as refused:
        definition_source(Path("___.json"), "{}", None)
    assert str(refused.value) == (
        "SageMaker refuses the pipeline name '': 1 to 256 letters, digits and hyphens, beginning and ending with a letter "
        "or digit. Give another one: --pipeline-name NAME"
    )
