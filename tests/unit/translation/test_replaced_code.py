from __future__ import annotations

import io
import json
import re
import tarfile

import pytest

from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.code import LocalCode
from airflow_sm_pipelines.translation.nodes import CodeUpload
from airflow_sm_pipelines.translation.replaced_code import ReplacedCode

PREFIX = "s3://box/p/code"
OLD = "s3://old/pipeline/code/abc/preprocess.py"
ARCHIVE = "s3://old/train/sourcedir.tar.gz"


@pytest.fixture
def folder(tmp_path):
    """A Dag folder with a script and a directory of scripts."""
    (tmp_path / "steps" / "inner").mkdir(parents=True)
    (tmp_path / "steps" / "my_preprocess.py").write_text("print(1)")
    (tmp_path / "steps" / "train.py").write_text("train")
    (tmp_path / "steps" / "inner" / "b.py").write_text("b")
    (tmp_path / "empty").mkdir()
    (tmp_path / "made.tar.gz").write_bytes(b"an archive")
    return tmp_path


def replaced(folder, document, code):
    """The document with local code, and what is uploaded."""
    replacement = ReplacedCode(code, str(folder), PREFIX)
    return replacement.in_document(document), list(replacement.uploads.values())


def steps(*, archive=ARCHIVE, program="train.py", uri=OLD):
    return {
        "Steps": [
            {
                "AppSpecification": {"ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/preprocess.py"]},
                "ProcessingInputs": [{"InputName": "code", "S3Input": {"S3Uri": uri}}],
                "ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": uri}}]},
            },
            {"HyperParameters": {"sagemaker_program": json.dumps(program), "sagemaker_submit_directory": archive}},
        ],
        "Parameters": [{"Name": "Code", "DefaultValue": uri}],
    }


def test_a_script_stands_where_the_object_stood(folder):
    """The new URI is everywhere but where a job writes, and the script has the name that the entry point calls."""
    digest = LocalCode((("preprocess.py", b"print(1)"),), "").digest
    new = f"{PREFIX}/{digest}/preprocess.py"
    expected = steps(uri=new)
    expected["Steps"][0]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] = OLD
    assert replaced(folder, steps(), {OLD: "steps/my_preprocess.py"}) == (expected, [CodeUpload(new, b"print(1)")])


def test_a_directory_stands_for_all_below_it(folder):
    """A prefix that is a directory here is found where it begins a URI; a slash at the end stays."""
    directory = folder / "steps"
    files = (("inner/b.py", b"b"), ("my_preprocess.py", b"print(1)"), ("train.py", b"train"))
    base = f"{PREFIX}/{LocalCode(files, '').digest}"
    document = ["s3://old/code/inner/b.py", "s3://old/code/", "s3://old/code", "s3://old/code/inner", "s3://old/codes"]
    assert replaced(folder, {"Steps": document}, {"s3://old/code": directory}) == (
        {"Steps": [f"{base}/inner/b.py", f"{base}/", base, f"{base}/inner", "s3://old/codes"]},
        [CodeUpload(f"{base}/{path}", content) for path, content in files],
    )


@pytest.mark.parametrize("quoted", [True, False])
@pytest.mark.parametrize("path", ["steps", "steps/train.py"])
def test_script_mode_gets_an_archive(folder, path, quoted):
    """A directory or a script becomes an archive of the name it had, and the hyperparameter stays JSON where it was."""
    old = "s3://old/train/mine.tar.gz"
    document, [upload] = replaced(folder, steps(archive=json.dumps(old) if quoted else old), {old: path})
    assert re.fullmatch(rf"{PREFIX}/[0-9a-f]{{64}}/mine\.tar\.gz", upload.uri)
    assert document == steps(archive=json.dumps(upload.uri) if quoted else upload.uri)
    with tarfile.open(fileobj=io.BytesIO(upload.content)) as archive:
        expected = ["inner/b.py", "my_preprocess.py", "train.py"] if path == "steps" else ["train.py"]
        assert archive.getnames() == expected


def test_an_archive_is_taken_as_it_is(folder):
    """What is an archive already is uploaded, whatever it is called here."""
    document, uploads = replaced(folder, steps(archive=json.dumps(ARCHIVE)), {ARCHIVE: "made.tar.gz"})
    uri = f"{PREFIX}/{LocalCode((('sourcedir.tar.gz', b'an archive'),), '').digest}/sourcedir.tar.gz"
    assert (document, uploads) == (steps(archive=json.dumps(uri)), [CodeUpload(uri, b"an archive")])


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            {OLD.replace("preprocess", "preproces"): "steps"},
            (
                f"code has the key '{OLD.replace('preprocess', 'preproces')}', which the definition does not refer to. Did "
                f"you mean '{OLD}'? It refers to these S3 URIs: {OLD}, {ARCHIVE}."
            ),
        ),
        (
            {OLD: "steps/none.py"},
            (
                f"code['{OLD}'] is 'steps/none.py', and there is no such file or directory (looked for {{folder}}/steps/none.py)"
                ". A relative path starts at the Dag file's directory."
            ),
        ),
        ({OLD: "empty"}, f"code['{OLD}'] is 'empty', a directory without files ({{folder}}/empty)."),
        ({"preprocess.py": "steps"}, "code has the key 'preprocess.py'. Give an S3 URI as the definition has it."),
        ({OLD: 1}, f"code['{OLD}'] is 1. Give the path of a file or a directory."),
        (
            {"s3://old/pipeline": "steps"},
            f"the definition refers to '{OLD}', and code['s3://old/pipeline'], 'steps', has no 'code/abc/preprocess.py'.",
        ),
        (
            {ARCHIVE: "steps/my_preprocess.py"},
            (
                f"code['{ARCHIVE}'] is 'steps/my_preprocess.py', and the definition runs 'train.py' of it, which it does not "
                "have."
            ),
        ),
    ],
    ids=["unknown", "no file", "no files", "no URI", "no path", "not inside", "not the program"],
)
def test_what_cannot_be_replaced(folder, code, message):
    """The key, the path and what to do are named."""
    with pytest.raises(TranslationError, match=f"^{re.escape(message.format(folder=folder))}$"):
        replaced(folder, steps(), code)
