"""``sm-pipelines import``: a pipeline of the account as files, with its code, and the call that runs it from there."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from airflow_sm_pipelines.command_line import CommandError
from airflow_sm_pipelines.definition.code_references import CodeReference, code_references
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.parameters import MISSING
from airflow_sm_pipelines.exceptions import PipelineDefinitionError
from airflow_sm_pipelines.execution.step_lines import printable
from airflow_sm_pipelines.running.account import Account, NamedPipeline
from airflow_sm_pipelines.safe_files import UnsafeFilesError, extract_archive, place_below

_CODE: Final = "code"
_SHOWN: Final = 5
_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9_.\-]")


@dataclass(frozen=True)
class ImportedPipeline:
    """A pipeline as it is imported.

    :param name: its name.
    :param role_arn: the role that it runs with.
    :param definition: its definition.
    :param code: the paths of its code, below the directory, by the S3 URIs that the definition has.
    """

    name: str
    role_arn: str
    definition: PipelineDefinition
    code: Mapping[str, str]

    @property
    def file_name(self) -> str:
        """What its definition is called."""
        return f"{self.name}.json"

    def call(self) -> str:
        """Return the call that runs it from a Dag file in the same directory."""
        arguments = [
            _literal(self.name),
            f"definition={_literal(self.file_name)}",
            f"pipeline_name={_literal(self.name)}",
            f"role_arn={_literal(self.role_arn)}",
        ]
        if self.code:
            bucket = next(iter(self.code)).removeprefix("s3://").partition("/")[0]
            arguments.append(f"artifact_uri={_literal(f's3://{bucket}/{self.name}')}")
            lines = [f"        {_literal(uri)}: {_literal(path)},\n" for uri, path in self.code.items()]
            arguments.append("code={\n" + "".join(lines) + "    }")
        needed = [each.name for each in self.definition.parameters if each.default_value is MISSING]
        if needed:
            lines = [f"        {_literal(name)}: ...,  # it has no default\n" for name in needed]
            arguments.append("parameters={\n" + "".join(lines) + "    }")
        inside = "".join(f"    {argument},\n" for argument in arguments)
        return f"SageMakerPipelineTaskGroup.from_definition(\n{inside})\n"


def import_pipeline(name: str, account: Account, directory: Path, *, force: bool = False) -> int:
    """Write a pipeline's definition and code as files, and print the call that runs it from there.

    :param name: the pipeline, ``NAME`` or ``NAME@VERSION``.
    :param account: where it is read.
    :param directory: where the files are written.
    :param force: whether to overwrite existing files.
    :return: the exit status.
    :raises CommandError: it cannot be read, or a file is there already. Then nothing is written.
    """
    named = NamedPipeline.parse(name)
    described = account.pipeline(named)
    try:
        definition = PipelineDefinition.from_json(str(described["PipelineDefinition"]))
    except PipelineDefinitionError as error:
        raise CommandError(f"pipeline {named}: {error}") from None
    try:
        with tempfile.TemporaryDirectory() as scratch:
            fetched = Path(scratch, "files")
            fetched.mkdir()
            code = _Fetching(account, fetched, Path(scratch, "archive")).fetch(code_references(definition))
            pipeline = ImportedPipeline(named.name, str(described["RoleArn"]), definition, code)
            text = json.dumps(definition.to_document(), indent=2, ensure_ascii=False) + "\n"
            place_below(fetched, pipeline.file_name).write_text(text, encoding="utf-8")
            written = _move(fetched, directory, force=force)
    except (UnsafeFilesError, OSError) as error:
        raise CommandError(str(error)) from None
    sys.stderr.writelines(f"Wrote {printable(str(directory / each))}\n" for each in written)
    sys.stdout.write(printable(pipeline.call()))
    return 0


class _Fetching:
    """Brings code from S3 to a directory.

    :param account: where it is.
    :param directory: where it goes.
    :param scratch: a file for an archive meanwhile.
    """

    def __init__(self, account: Account, directory: Path, scratch: Path) -> None:
        self._account = account
        self._directory = directory
        self._scratch = scratch
        self._taken: set[str] = set()

    def fetch(self, references: Sequence[CodeReference]) -> dict[str, str]:
        """Return the path of each code, by its URI. What is missing is reported and left out.

        :param references: the code.
        """
        of_step: dict[str, set[str | None]] = {}
        for each in references:
            of_step.setdefault(each.step, set()).add(each.uri)
        paths: dict[str, str] = {}
        for each in references:
            if each.uri is None:
                _warn(
                    f"the S3 URI of '{each.name}' of step '{each.step}' is known only during a run. It is not imported"
                )
            elif each.uri not in paths:
                parts = [_CODE, _file_name(each.step)]
                parts += [_file_name(each.name)] if len(of_step[each.step]) > 1 else []
                path = self._one(each, each.uri, self._free("/".join(parts)))
                if path is not None:
                    paths[each.uri] = path
        return paths

    def _free(self, path: str) -> str:
        """A path that nothing else has: names from the document may be alike once they are those of files."""
        while path in self._taken:
            path += "_"
        self._taken.add(path)
        return path

    def _one(self, reference: CodeReference, uri: str, below: str) -> str | None:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        if not uri.startswith("s3://") or not bucket or not key.strip("/"):
            _warn(f"step '{reference.step}' reads code from '{uri}', which is not an object in S3. It is not imported")
            return None
        prefix = f"{key.rstrip('/')}/"
        keys = [each for each in self._account.keys(bucket, key.rstrip("/")) if each == key or each.startswith(prefix)]
        if key in keys and not key.endswith("/"):
            content = self._account.read(bucket, key)
            if reference.is_archive:
                self._scratch.write_bytes(content)
                return self._extracted(uri, below)
            return self._written(f"{below}/{key.rpartition('/')[2]}", content)
        keys = [each for each in keys if not each.endswith("/")]
        if not keys:
            _warn(f"step '{reference.step}' reads code from {uri}, and there is nothing")
            return None
        for each in keys:
            self._written(f"{below}/{each.removeprefix(prefix)}", self._account.read(bucket, each))
        return below

    def _extracted(self, uri: str, below: str) -> str:
        target = place_below(self._directory, below)
        target.mkdir(parents=True, exist_ok=True)
        try:
            extract_archive(self._scratch, target)
        except UnsafeFilesError as error:
            raise CommandError(f"{uri} is {error}") from None
        return below

    def _written(self, path: str, content: bytes) -> str:
        target = place_below(self._directory, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return path


def _move(source: Path, directory: Path, *, force: bool) -> list[str]:
    """Move all files below a directory into another, or none where one is there already."""
    found = sorted(
        path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_symlink() or path.is_file()
    )
    targets = {name: place_below(directory, name) for name in found}
    there = [name for name, target in targets.items() if os.path.lexists(target)]
    if there and not force:
        more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
        raise CommandError(
            f"{directory} already has {', '.join(there[:_SHOWN])}{more}. Nothing was written. Give another "
            "--directory, or --force to overwrite"
        )
    for name, target in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        _put(source / name, target)
    return found


def _put(source: Path, target: Path) -> None:
    """Move a file or a link to a place that may be in another file system."""
    if source.is_symlink():
        if os.path.lexists(target):
            target.unlink()
        target.symlink_to(source.readlink())
    else:
        target.write_bytes(source.read_bytes())


def _file_name(name: str) -> str:
    """A name from the document as that of a file: a definition may have been made by anybody."""
    return _UNUSUAL.sub("_", name).lstrip(".") or "_"


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _warn(text: Any) -> None:
    sys.stderr.write(f"sm-pipelines import: warning: {printable(str(text))}\n")
