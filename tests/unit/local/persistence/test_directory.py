"""The data directory: whole documents, checked contents, and what is refused."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_sm_pipelines.local.persistence.directory import DataDirectory, DataDirectoryError, digest_of


def test_documents_and_contents_are_there_for_the_next_endpoint(tmp_path: Path) -> None:
    """Whatever their keys are. What was being written when an endpoint ended is gone."""
    directory = DataDirectory(tmp_path / "new" / "data")
    values = {"../../x": {"a": [1, None, "ü"]}, "\udcff": True, "k": 1, "gone": 2}
    for key, value in values.items():
        directory.write("things", key, value)
    directory.write("things", "k", 3)
    directory.remove("things", "gone")
    directory.remove("things", "never there")
    directory.write_content(b"kept")
    directory.write_content(b"kept")
    directory.write_content(b"not used")
    (directory.path / "things" / ".draft-x").write_text("{")
    directory.close()

    directory = DataDirectory(tmp_path / "new" / "data")
    directory.remove_other_contents({digest_of(b"kept")})
    assert directory.read("things") == {"../../x": {"a": [1, None, "ü"]}, "\udcff": True, "k": 3}
    assert directory.read("others") == {}
    assert (directory.content(digest_of(b"kept")), directory.content(digest_of(b"not used"))) == (b"kept", None)
    assert not (directory.path / "things" / ".draft-x").exists()
    assert sorted(path.name for path in directory.path.iterdir()) == [
        ".lock",
        "contents",
        "sm-pipelines-data.json",
        "things",
    ]
    directory.close()


def test_a_content_that_is_not_whole_is_not_there(tmp_path: Path) -> None:
    """What a loss of power has cut is noticed. A name of another form is refused."""
    directory = DataDirectory(tmp_path)
    directory.write_content(b"long content")
    (tmp_path / "contents" / digest_of(b"long content")).write_bytes(b"long")
    assert directory.content(digest_of(b"long content")) is None
    with pytest.raises(DataDirectoryError, match=re.escape("'../x' is not the name of a content in")):
        directory.content("../x")
    directory.close()


def test_one_endpoint_at_a_time(tmp_path: Path) -> None:
    """The second one is told which process has it; it is free again when that is done with it."""
    first = DataDirectory(tmp_path)
    with pytest.raises(DataDirectoryError) as refusal:
        DataDirectory(tmp_path)
    assert str(refusal.value) == (
        f"the data directory {tmp_path} is in use by another endpoint (process {os.getpid()}). Wait until it has ended, "
        "or use another directory"
    )
    first.close()
    DataDirectory(tmp_path).close()


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        (
            {"model.csv": ""},
            (
                "{0} is not a data directory of sm-pipelines: it has no sm-pipelines-data.json, but model.csv. Give an "
                "empty directory, or one that does not exist yet"
            ),
        ),
        (
            {"sm-pipelines-data.json": '{"format": 2}'},
            (
                "the data directory {0} has the format 2, and this version of sm-pipelines reads 1. Use the version that "
                "wrote it, or another directory"
            ),
        ),
        (
            {"sm-pipelines-data.json": "[]"},
            "{0}/sm-pipelines-data.json does not say which format the directory has",
        ),
    ],
)
def test_other_directories_are_refused(tmp_path: Path, files: dict[str, str], complaint: str) -> None:
    """And nothing is written into them."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DataDirectoryError) as refusal:
        DataDirectory(tmp_path)
    assert str(refusal.value) == complaint.format(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == files


def test_a_file_is_refused(tmp_path: Path) -> None:
    """A directory is asked for."""
    (tmp_path / "f").touch()
    with pytest.raises(DataDirectoryError) as refusal:
        DataDirectory(tmp_path / "f")
    assert str(refusal.value) == f"the data directory {tmp_path / 'f'} is a file; give a directory"


@pytest.mark.parametrize("content", ["", "[]", "[" * 100_000, json.dumps({"key": "other", "value": 1})])
def test_a_file_that_is_no_document_is_refused(tmp_path: Path, content: str) -> None:
    """The message names it."""
    directory = DataDirectory(tmp_path)
    directory.write("things", "k", 1)
    [file] = (tmp_path / "things").iterdir()
    file.write_text(content)
    with pytest.raises(DataDirectoryError, match=re.escape(str(file))):
        directory.read("things")
    directory.close()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A directory from elsewhere cannot show files of its reader."""
    directory = DataDirectory(tmp_path / "data")
    directory.write("things", "k", 1)
    [file] = (tmp_path / "data" / "things").iterdir()
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        directory.read("things")
    directory.close()


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A directory, and a named pipe, for which one would wait for ever."""
    directory = DataDirectory(tmp_path)
    directory.write("things", "k", 1)
    make(tmp_path / "things" / "x.json")
    with pytest.raises(DataDirectoryError) as refusal:
        directory.read("things")
    assert str(refusal.value) == f"{tmp_path / 'things' / 'x.json'} is not a file. Remove it"
    directory.close()
