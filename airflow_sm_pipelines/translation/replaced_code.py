"""Local code in place of what a given definition refers to in S3.

Only URIs are replaced: a step finds the files where and under which names it did before. So a script keeps the name
that its object had, which is what ``ContainerEntrypoint`` and the like call it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from airflow_sm_pipelines.definition.code_references import (
    ARCHIVE_SUFFIX,
    PROGRAM,
    SUBMIT_DIRECTORY,
    plain_text,
)
from airflow_sm_pipelines.definition.problems import did_you_mean
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.code import LocalCode, read_path
from airflow_sm_pipelines.translation.nodes import CodeUpload

_OUTPUTS: Final = ("S3Output", "OutputDataConfig", "TransformOutput")
"""What jobs write stays where it is."""


@dataclass
class ReplacedCode:
    """Local code for one definition.

    :param code: files and directories by the S3 URIs that the document has. A URI that stands for a directory is also
        found where it is the beginning of another.
    :param folder: where relative paths start.
    :param prefix: ``s3://bucket/key`` under which the code is kept.
    """

    code: Mapping[str, str | Path]
    folder: str
    prefix: str
    uploads: dict[str, CodeUpload] = field(default_factory=dict)
    _read: dict[str, LocalCode] = field(default_factory=dict)
    _found: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)

    def in_document(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the document with the new URIs; what they need is among the uploads.

        :param document: a definition.
        :raises TranslationError: a URI stands nowhere in it, or a file is not there.
        """
        for uri, path in self.code.items():
            if not str(uri).startswith("s3://"):
                raise TranslationError(f"code has the key {uri!r}. Give an S3 URI as the definition has it.")
            try:
                place = Path(self.folder, path)
            except TypeError:
                raise TranslationError(f"code[{uri!r}] is {path!r}. Give the path of a file or a directory.") from None
            self._read[uri] = _read_local(uri, place, path)
        replaced: dict[str, Any] = self._in(document)
        for uri in self.code:
            if uri not in self._found:
                there, hint = ", ".join(sorted(self._seen)) or "none", did_you_mean(uri, self._seen)
                raise TranslationError(
                    f"code has the key '{uri}', which the definition does not refer to{hint or '.'} It refers to these "
                    f"S3 URIs: {there}."
                )
        return replaced

    def _in(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            replaced = {key: inner if key in _OUTPUTS else self._member(key, inner) for key, inner in value.items()}
            self._check_program(value)
            return replaced
        if isinstance(value, list):
            return [self._in(inner) for inner in value]
        return self._text(value, in_archive=False) if isinstance(value, str) else value

    def _member(self, key: str, value: Any) -> Any:
        return self._text(value, in_archive=key == SUBMIT_DIRECTORY) if isinstance(value, str) else self._in(value)

    def _text(self, text: str, *, in_archive: bool) -> str:
        """Return a text with the new URI, where it is one; also as JSON, as hyperparameters of script mode are."""
        plain = plain_text(text)
        if plain.startswith("s3://"):
            self._seen.add(plain)
        key = self._key(plain)
        if key is None:
            return text
        self._found.add(key)
        new = self._uri(plain, key, in_archive=in_archive or plain.endswith(ARCHIVE_SUFFIX))
        return new if plain == text else json.dumps(new)

    def _key(self, uri: str) -> str | None:
        """The key that a URI is meant by: itself, or the longest directory that it lies in."""
        if not uri.startswith("s3://"):
            return None
        around = [
            key
            for key in self.code
            if uri.rstrip("/") == key.rstrip("/")
            or (_is_directory(self._read[key]) and uri.startswith(f"{key.rstrip('/')}/"))
        ]
        return max(around, key=len, default=None)

    def _uri(self, uri: str, key: str, *, in_archive: bool) -> str:
        code = self._read[key]
        inside = uri.rstrip("/")[len(key.rstrip("/")) :].lstrip("/")
        name = uri.rstrip("/").rpartition("/")[2]
        if inside:
            files = dict(code.files)
            below = any(path.startswith(f"{inside}/") for path in files)
            if inside not in files and not below:
                raise TranslationError(
                    f"the definition refers to '{uri}', and code['{key}'], '{self.code[key]}', has no '{inside}'."
                )
        elif in_archive and not code.entry_point.endswith(ARCHIVE_SUFFIX):
            new, uploads = code.as_archive(self.prefix, name if name.endswith(ARCHIVE_SUFFIX) else "sourcedir.tar.gz")
            self._keep(uploads)
            return new
        elif code.entry_point:
            content = code.files[0][1]
            code = LocalCode(((name, content),), name)
            inside = name
        base, uploads = code.as_files(self.prefix)
        self._keep(uploads)
        return "/".join([base, inside] if inside else [base]) + ("/" if uri.endswith("/") else "")

    def _keep(self, uploads: tuple[CodeUpload, ...]) -> None:
        self.uploads.update({upload.uri: upload for upload in uploads})

    def _check_program(self, parameters: Mapping[str, Any]) -> None:
        """Raise where the script that is run is not in the code that is given: the container would not find it."""
        directory, program = (parameters.get(name) for name in (SUBMIT_DIRECTORY, PROGRAM))
        if not isinstance(directory, str) or not isinstance(program, str):
            return
        key = self._key(plain_text(directory))
        if key is None or self._read[key].entry_point.endswith(ARCHIVE_SUFFIX):
            return
        files = dict(self._read[key].files)
        if plain_text(program) not in files:
            raise TranslationError(
                f"code['{key}'] is '{self.code[key]}', and the definition runs '{plain_text(program)}' of it, which it "
                f"does not have{did_you_mean(plain_text(program), files) or '.'}"
            )


def _read_local(uri: str, path: Path, given: str | Path) -> LocalCode:
    code = read_path(path)
    if code is None:
        raise TranslationError(
            f"code['{uri}'] is '{given}', and there is no such file or directory (looked for {path}). A relative path "
            "starts at the Dag file's directory."
        )
    if not code.files:
        raise TranslationError(f"code['{uri}'] is '{given}', a directory without files ({path}).")
    return code


def _is_directory(code: LocalCode) -> bool:
    return not code.entry_point
