from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from airflow_sm_pipelines.exceptions import Problem
from airflow_sm_pipelines.running.local_files import LocalFiles, local_path
from airflow_sm_pipelines.translation.code import LocalCode


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "a b.py").write_text("print()")
    (tmp_path / "steps" / "__pycache__").mkdir()
    (tmp_path / "steps" / "__pycache__" / "x.pyc").write_text("x")
    (tmp_path / "model.tar.gz").write_text("archive")
    return tmp_path


SCRIPT = LocalCode((("a b.py", b"print()"),), "a b.py").digest
ARCHIVE = LocalCode((("model.tar.gz", b"archive"),), "model.tar.gz").digest
FILES = "s3://sm-pipelines-local/files"


def document(arguments, *parameters):
    return {"Parameters": list(parameters), "Steps": [{"Name": "a", "Type": "x", "Arguments": arguments}]}


@pytest.mark.parametrize(
    ("given", "uri"),
    [
        ("steps/a b.py", f"{FILES}/{SCRIPT}/a b.py"),
        ("file://steps/a%20b.py", f"{FILES}/{SCRIPT}/a b.py"),
        ("./steps", f"{FILES}/{SCRIPT}"),
        ("s3://lake/x", "s3://lake/x"),
        ("https://lake/x", "https://lake/x"),
    ],
)
def test_a_path_in_the_place_of_an_input_is_uploaded(folder, given, uri):
    """Under the hash of its content, a directory without caches; what has another scheme stays."""
    files = LocalFiles(folder)
    replaced = files.in_document(document({"ProcessingInputs": [{"S3Input": {"S3Uri": given}}]}))
    assert replaced == document({"ProcessingInputs": [{"S3Input": {"S3Uri": uri}}]})
    expected = {} if given == uri else {f"{FILES}/{SCRIPT}/a b.py": b"print()"}
    assert ({key: upload.content for key, upload in files.uploads.items()}, files.problems) == (expected, [])


def test_an_absolute_path_is_taken_as_it_is(folder):
    """Also with the scheme of a file, and where another folder is the pipeline's."""
    files = LocalFiles(Path("/nowhere"))
    given = document({"a": {"ModelDataUrl": f"{folder}/model.tar.gz"}, "b": {"S3Uri": f"file://{folder}/model.tar.gz"}})
    uri = f"{FILES}/{ARCHIVE}/model.tar.gz"
    assert files.in_document(given) == document({"a": {"ModelDataUrl": uri}, "b": {"S3Uri": uri}})


def test_expressions_and_the_places_of_outputs_stay(folder):
    """What a job writes has to be in S3, whatever lies under that path here."""
    files = LocalFiles(folder)
    given = document({"S3Output": {"S3Uri": "steps"}, "S3Uri": {"Get": "Parameters.X"}, "Other": "steps"})
    assert (files.in_document(given), files.uploads, files.problems) == (given, {}, [])


def test_code_of_script_mode_becomes_an_archive(folder):
    """The hyperparameter is JSON in a text; an archive that is there already is uploaded as it is."""
    files = LocalFiles(folder)
    values = ['"steps"', "steps", '"model.tar.gz"', '"s3://b/x.tar.gz"', {"Get": "Parameters.X"}, "5"]
    given = document([{"sagemaker_submit_directory": value} for value in values[:-1]])
    replaced = files.in_document(given)["Steps"][0]["Arguments"]
    source = f"{FILES}/{SCRIPT}/sourcedir.tar.gz"
    assert [each["sagemaker_submit_directory"] for each in replaced] == [
        json.dumps(source),
        json.dumps(source),
        json.dumps(f"{FILES}/{ARCHIVE}/model.tar.gz"),
        '"s3://b/x.tar.gz"',
        {"Get": "Parameters.X"},
    ]
    with tarfile.open(fileobj=io.BytesIO(files.uploads[source].content)) as archive:
        assert archive.getnames() == ["a b.py"]


def test_a_path_that_leads_nowhere_is_said(folder):
    """With its place in the document, and where it was looked for; the value stays."""
    files = LocalFiles(folder)
    given = document({"S3Uri": "gone.py"})
    assert files.in_document(given) == given
    assert files.problems == [
        Problem(
            "error",
            f"'gone.py' is neither an S3 URI nor a local file or directory (looked for {folder}/gone.py). A relative path "
            "starts at the directory of the pipeline's file",
            "$.Steps[0].Arguments.S3Uri",
        )
    ]


def test_a_parameter_names_a_file_by_its_scheme_only(folder):
    """A text without one may mean anything."""
    files = LocalFiles(folder)
    defaults = ["file://model.tar.gz", "model.tar.gz", 5]
    given = document(
        {}, *({"Name": f"P{index}", "DefaultValue": each} for index, each in enumerate(defaults)), {"Name": "Q"}
    )
    replaced = files.in_document(given)["Parameters"]
    assert [each.get("DefaultValue") for each in replaced] == [
        f"{FILES}/{ARCHIVE}/model.tar.gz",
        "model.tar.gz",
        5,
        None,
    ]


@pytest.mark.parametrize(
    ("uri", "path"), [("file:///a/b%20c", "/a/b c"), ("file://a/b", "a/b"), ("file://a#b?c", "a#b?c")]
)
def test_the_path_of_a_file_uri(uri, path):
    """Absolute with three slashes, else relative; percent signs are undone."""
    assert local_path(uri) == Path(path)
