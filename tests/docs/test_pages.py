"""A reader who follows a page from its top to its bottom, in an empty directory, gets what the page says."""

from __future__ import annotations

import configparser
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import tomllib
import yaml

from airflow_sm_pipelines.serving.stack import clean_environment
from tests.docs.pages import DATA, OUTPUT, PROGRAMS, ROOT, Block, Page, pages, read_page

SECONDS = 180
LOADER = Path(__file__).with_name("load_dag_file.py")
PAGES = [read_page(path) for path in pages()]


class Reader:
    """Follows the blocks of a page.

    :param directory: where the reader works; empty at first.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        home = directory.parent / "home"
        home.mkdir()
        self.environment = {
            **clean_environment(home),
            "AIRFLOW_HOME": str(home / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            **({"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}),
        }
        self.servers = ExitStack()

    def follow(self, block: Block) -> None:
        """Do what a block is for: write its file, run it, or see that it is what it says."""
        if "tested by" in block.comments or "not run" in block.comments:
            return
        if "file" in block.comments:
            self.write(block)
        elif block.language == "python":
            self.run_python(block)
        elif block.language == "console":
            self.run_commands(block)
        elif block.language in DATA:
            parse(block)

    def write(self, block: Block) -> None:
        """Write a file, and load it where it is a Dag file."""
        file = self.directory / block.comments["file"]
        assert file.resolve().is_relative_to(self.directory.resolve()), f"{block.place}: outside the reader's directory"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, encoding="utf-8")
        if block.language in DATA:
            parse(block)
        if block.language == "python":
            compile(block.text, block.place, "exec")
            if is_dag_file(block.text):
                self.call(block, sys.executable, str(LOADER), str(file))

    def run_python(self, block: Block) -> None:
        """Load a Dag file that has no name, or run a program."""
        file = self.directory / "pasted.py"
        file.write_text(block.text, encoding="utf-8")
        loader = [str(LOADER)] if is_dag_file(block.text) else []
        self.call(block, sys.executable, *loader, str(file))

    def run_commands(self, block: Block) -> None:
        """Run commands in a shell of their own; in the background until the page ends."""
        shell = ["bash", "-euo", "pipefail", "-c", block.text]
        if "background" in block.comments:
            self.servers.enter_context(self.serving(block, shell))
        else:
            self.call(block, *shell)

    @contextmanager
    def serving(self, block: Block, command: list[str]) -> Iterator[None]:
        """Run a server, which is there when it has printed its first line."""
        with (self.directory.parent / f"line-{block.line}.log").open("w+") as log:
            process = subprocess.Popen(
                command,
                cwd=self.directory,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
            try:
                assert process.stdout is not None
                readable, _, _ = select.select([process.stdout], [], [], 60)
                first = process.stdout.readline() if readable else b""
                log.seek(0)
                assert first, f"{block.place}: the server printed nothing: {log.read()}"
                yield
            finally:
                os.killpg(process.pid, signal.SIGTERM)
                process.communicate(timeout=60)

    def call(self, block: Block, *command: str) -> None:
        """Run a command, which must succeed."""
        ended = subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert ended.returncode == 0, f"{block.place} ended with {ended.returncode}:\n{ended.stdout}"


def is_dag_file(text: str) -> bool:
    """Say whether Python code is a Dag file: it imports what makes a Dag, and is not a test."""
    return re.search(r"^from airflow(\.sdk)? import .*\b(DAG|dag)\b", text, re.MULTILINE) is not None


def parse(block: Block) -> None:
    """Read data as what the block says it is."""
    readers = {
        "ini": configparser.ConfigParser().read_string,
        "json": json.loads,
        "toml": tomllib.loads,
        "yaml": yaml.safe_load,
    }
    readers[block.language](block.text)


def has_test(name: str) -> bool:
    """Say whether there is a test: a file, or a function in it."""
    path, _, function = name.partition("::")
    file = ROOT / path
    return file.is_file() and (
        not function or re.search(rf"^def {function}\b", file.read_text(), re.MULTILINE) is not None
    )


def name_of(page: Page) -> str:
    """The page's path, as the name of its test."""
    return page.path.relative_to(ROOT).as_posix()


def runs_servers(page: Page) -> bool:
    """Say whether its servers take ports that another page's may take."""
    return any("background" in block.comments for block in page.blocks)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=name_of(page), marks=[pytest.mark.xdist_group("pages with servers")] * runs_servers(page))
        for page in PAGES
        if page.blocks
    ],
)
def test_a_reader_can_follow_the_page(page, tmp_path):
    """Every block is written or run in turn, and succeeds; what another test runs is not run again."""
    directory = tmp_path / "reader"
    directory.mkdir()
    for name in page.needed:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, directory / name)
    reader = Reader(directory)
    with reader.servers:
        for block in page.blocks:
            reader.follow(block)


def test_every_block_says_what_it_is():
    """Its fence names a language that is run, read or looked at; anything else is a file."""
    known = OUTPUT | DATA | PROGRAMS
    blocks = [block for page in PAGES for block in page.blocks]
    unknown = [
        (each.place, each.language) for each in blocks if each.language not in known and "file" not in each.comments
    ]
    prompts = [
        each.place for each in blocks if each.language == "console" and re.search(r"^\$ ", each.text, re.MULTILINE)
    ]
    assert (unknown, prompts) == ([], [])


def test_the_tests_that_run_blocks_exist():
    """A block that another test runs names that test; one that nothing can run says why."""
    blocks = [block for page in PAGES for block in page.blocks]
    named = [(each.place, name.strip()) for each in blocks for name in each.comments.get("tested by", "").split(",")]
    silent = [each.place for each in blocks if each.comments.get("not run") == ""]
    assert [(place, name) for place, name in named if name and not has_test(name)] == []
    assert silent == []


def test_the_readme_is_short():
    """Two hundred lines: the rest is on the site."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200
