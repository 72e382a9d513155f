from __future__ import annotations

import io
import os
import tarfile

import pytest

from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.code import LocalCode, read_local_code
from airflow_sm_pipelines.translation.nodes import CodeUpload


@pytest.fixture
def folder(tmp_path):
    """A Dag folder with a script and a directory of scripts."""
    (tmp_path / "one.py").write_text("print(1)")
    (tmp_path / "steps" / "__pycache__").mkdir(parents=True)
    (tmp_path / "steps" / "__pycache__" / "x.pyc").write_text("left out")
    (tmp_path / "steps" / "inner").mkdir()
    (tmp_path / "steps" / "inner" / "b.py").write_text("b")
    (tmp_path / "steps" / "a.py").write_text("a")
    return tmp_path


def test_a_file_is_its_own_entry_point(folder):
    """One script is one file, to be run."""
    assert read_local_code("one.py", None, str(folder)) == LocalCode((("one.py", b"print(1)"),), "one.py")


def test_a_directory_is_taken_whole(folder):
    """All files of a directory are taken, in one order, without what Python left there."""
    code = read_local_code("steps", "a.py", str(folder))
    assert code == LocalCode((("a.py", b"a"), ("inner/b.py", b"b")), "a.py")


def test_absolute_paths_are_taken_as_they_are(folder):
    """An absolute path does not start at the Dag folder."""
    assert read_local_code(str(folder / "one.py"), None, "/nowhere").entry_point == "one.py"


def test_the_address_is_the_content(folder):
    """Equal code has equal addresses whenever it was written; other code has another."""
    before = read_local_code("one.py", None, str(folder))
    os.utime(folder / "one.py", (1, 1))
    same = read_local_code("one.py", None, str(folder))
    (folder / "one.py").write_text("print(2)")
    other = read_local_code("one.py", None, str(folder))
    assert before.as_archive("s3://box/code") == same.as_archive("s3://box/code")
    assert before.as_files("s3://box/code") == same.as_files("s3://box/code")
    assert other.digest != before.digest


def test_files_are_uploaded_side_by_side(folder):
    """Processing gets the files as they are, under the hash of all of them."""
    code = read_local_code("steps", "a.py", str(folder))
    base = f"s3://box/code/{code.digest}"
    assert code.as_files("s3://box/code") == (
        base,
        (CodeUpload(f"{base}/a.py", b"a"), CodeUpload(f"{base}/inner/b.py", b"b")),
    )


def test_script_mode_gets_an_archive(folder):
    """Training gets sourcedir.tar.gz with the same files, readable, of no owner and no time."""
    code = read_local_code("steps", "a.py", str(folder))
    uri, uploads = code.as_archive("s3://box/code")
    assert (uri, [upload.uri for upload in uploads]) == (f"s3://box/code/{code.digest}/sourcedir.tar.gz", [uri])
    with tarfile.open(fileobj=io.BytesIO(uploads[0].content)) as archive:
        members = [(each.name, each.mode, each.mtime, each.uid) for each in archive.getmembers()]
        assert members == [("a.py", 0o644, 0, 0), ("inner/b.py", 0o644, 0, 0)]
        assert archive.extractfile("inner/b.py").read() == b"b"


@pytest.mark.parametrize(
    ("code", "entry_point", "message"),
    [
        (
            "two.py",
            None,
            (
                "there is no code file 'two.py' (looked for {folder}/two.py). A relative path starts at the "
                "Dag file's directory; code already in S3 is given as 's3://bucket/key'."
            ),
        ),
        (
            "steps",
            None,
            "code='steps' is a directory. Say which script in it to run: entry_point='...'.",
        ),
        ("steps", "c.py", "there is no entry_point 'c.py' in the directory {folder}/steps."),
        (
            "one.py",
            "a.py",
            (
                "code='one.py' is one file, so entry_point='a.py' cannot name another. Leave entry_point "
                "out, or give the directory as code."
            ),
        ),
    ],
)
def test_code_that_is_not_there(folder, code, entry_point, message):
    """A missing file or entry point is an error with the task, the place looked at and the fix."""
    with pytest.raises(TranslationError) as caught:
        read_local_code(code, entry_point, str(folder))
    assert str(caught.value) == message.format(folder=folder)
