"""The file that names interpreters for images."""

from __future__ import annotations

import re
import sys
import venv
from pathlib import Path

import pytest

from airflow_sm_pipelines.local.images_file import ImagesFileError, read_images_file
from airflow_sm_pipelines.local.jobs.interpreter import Interpreter

EXAMPLE = 'Write [[image]] with pattern = "*/sagemaker-xgboost:*" and python = "/path/to/bin/python"'
MAKE = "Make an environment with python3 -m venv, and give the path of its bin/python"


def test_patterns_and_their_interpreters(tmp_path: Path) -> None:
    """In the file's order; a relative path is looked for beside the file, and one interpreter is asked once."""
    venv.create(tmp_path / "bare", symlinks=True)
    path = tmp_path / "images.toml"
    path.write_text(
        f"""
        [[image]]
        pattern = "*/sagemaker-xgboost:1.7-*"
        python = "bare/bin/python"
        [[image]]
        pattern = "*/sagemaker-xgboost:*"
        python = "{sys.executable}"
        [[image]]
        pattern = "mine"
        python = "bare/bin/python"
        """
    )
    bare = Interpreter.ask(tmp_path / "bare" / "bin" / "python")
    found = read_images_file(path)
    assert found == (
        ("*/sagemaker-xgboost:1.7-*", bare),
        ("*/sagemaker-xgboost:*", Interpreter.ask(Path(sys.executable))),
        ("mine", bare),
    )
    assert found[0][1] is found[2][1]


def test_an_empty_file_names_none(tmp_path: Path) -> None:
    """So that entries may all be commented out."""
    path = tmp_path / "images.toml"
    path.write_text("# nothing yet\n")
    assert read_images_file(path) == ()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[[image", "{path} is not TOML: .*"),
        ("[[images]]", re.escape(f"{{path}} has the key 'images', which is not known. {EXAMPLE}")),
        ("[image]", re.escape(f"{{path}}: image is not an array of tables. {EXAMPLE}")),
        ("image = [1]", re.escape(f"{{path}}, [[image]] 1 is not a table. {EXAMPLE}")),
        (
            '[[image]]\npattern = "a"\npyton = "b"',
            re.escape(
                f"{{path}}, [[image]] 1 has the key 'pyton', which is not known. {EXAMPLE}. Did you mean 'python'?"
            ),
        ),
        ('[[image]]\npattern = "a"', re.escape(f"{{path}}, [[image]] 1 has no text as its python. {EXAMPLE}")),
        (
            '[[image]]\npattern = 1\npython = "b"',
            re.escape(f"{{path}}, [[image]] 1 has no text as its pattern. {EXAMPLE}"),
        ),
        (
            '[[image]]\npattern = "a"\ndocker = "b"',
            re.escape(
                "{path}, [[image]] 1 names a Docker image. The local endpoint does not run containers: give python, the "
                "path of an interpreter that has the image's packages"
            ),
        ),
        (
            '[[image]]\npattern = "a"\npython = "nowhere"',
            re.escape(f"{{path}}, [[image]] 1 ('a'): {{folder}}/nowhere is not there or cannot be executed. {MAKE}"),
        ),
        (
            '[[image]]\npattern = "a"\npython = "/bin/echo"',
            re.escape("{path}, [[image]] 1 ('a'): /bin/echo is not a Python interpreter: it answers ") + f".*{MAKE}",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_the_fix(tmp_path: Path, content: str, complaint: str) -> None:
    """One message: the file, the entry, the rule and what to write."""
    path = tmp_path / "images.toml"
    path.write_text(content)
    with pytest.raises(ImagesFileError) as error:
        read_images_file(path)
    pattern = (
        complaint.replace(r"\{", "{")
        .replace(r"\}", "}")
        .format(path=re.escape(str(path)), folder=re.escape(str(tmp_path)))
    )
    assert re.fullmatch(pattern, str(error.value), re.DOTALL), str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is named."""
    path = tmp_path / "images.toml"
    with pytest.raises(ImagesFileError) as error:
        read_images_file(path)
    assert str(error.value) == f"{path} cannot be read: No such file or directory. Give --images a file that is there"
