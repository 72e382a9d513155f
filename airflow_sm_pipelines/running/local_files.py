"""Local files in a definition: where an S3 URI belongs, a path may stand, and the file is uploaded under its hash.

A path is what has no scheme, or ``file://``. A relative one starts at the directory of the file with the pipeline.
Places of what jobs write are left as they are: those have to be in S3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from airflow_sm_pipelines.definition.code_references import SUBMIT_DIRECTORY
from airflow_sm_pipelines.definition.problems import Problem, error
from airflow_sm_pipelines.translation.code import LocalCode, read_path
from airflow_sm_pipelines.translation.nodes import CodeUpload

BUCKET: Final = "sm-pipelines-local"
"""The bucket that local files go to."""

_FILES: Final = f"s3://{BUCKET}/files"
_INPUT_KEYS: Final = ("S3Uri", "ModelDataUrl")
_OUTPUTS: Final = ("S3Output",)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_FILE: Final = "file://"


@dataclass
class LocalFiles:
    """The local files of one definition.

    :param folder: where relative paths start.
    """

    folder: Path
    uploads: dict[str, CodeUpload] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def in_document(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a document in which S3 URIs stand for paths; what they need is among the uploads.

        :param document: a definition.
        """
        parameters = document.get("Parameters")
        replaced: dict[str, Any] = {**document, "Steps": self._in(document.get("Steps"), "$.Steps")}
        if isinstance(parameters, list):
            replaced["Parameters"] = [
                {**each, "DefaultValue": self.in_value(each["DefaultValue"], f"$.Parameters[{index}].DefaultValue")}
                if isinstance(each, Mapping) and "DefaultValue" in each
                else each
                for index, each in enumerate(parameters)
            ]
        return replaced

    def in_value(self, value: Any, path: str) -> Any:
        """Return a pipeline parameter's value, with an S3 URI for ``file://...``. Other texts may mean anything.

        :param value: the value.
        :param path: where it stands.
        """
        return self._uri(value, path) if isinstance(value, str) and value.startswith(_FILE) else value

    def _in(self, value: Any, path: str) -> Any:
        if isinstance(value, Mapping):
            return {key: self._in_member(key, inner, f"{path}.{key}") for key, inner in value.items()}
        if isinstance(value, list):
            return [self._in(inner, f"{path}[{index}]") for index, inner in enumerate(value)]
        return value

    def _in_member(self, key: str, value: Any, path: str) -> Any:
        if key in _OUTPUTS:
            return value
        if isinstance(value, str) and key in _INPUT_KEYS:
            return self._uri(value, path)
        if isinstance(value, str) and key == SUBMIT_DIRECTORY:
            return self._submit_directory(value, path)
        return self._in(value, path)

    def _uri(self, value: str, path: str) -> str:
        code = self._read(value, path)
        if code is None:
            return value
        base, uploads = code.as_files(_FILES)
        self.uploads.update({upload.uri: upload for upload in uploads})
        return f"{base}/{code.entry_point}" if code.entry_point else base

    def _submit_directory(self, value: str, path: str) -> str:
        try:
            named = json.loads(value)
        except ValueError:
            named = value
        code = self._read(named, path) if isinstance(named, str) else None
        if code is None:
            return value
        if code.entry_point.endswith(".tar.gz"):
            base, uploads = code.as_files(_FILES)
            uri = f"{base}/{code.entry_point}"
        else:
            uri, uploads = code.as_archive(_FILES)
        self.uploads.update({upload.uri: upload for upload in uploads})
        return json.dumps(uri)

    def _read(self, value: str, path: str) -> LocalCode | None:
        """The files of a path; nothing for a text that is none. Of a single file, it is the entry point."""
        if not value or (_SCHEME.match(value) and not value.startswith(_FILE)):
            return None
        place = self.folder / (local_path(value) if value.startswith(_FILE) else Path(value))
        code = read_path(place)
        if code is not None:
            return code
        self.problems.append(
            error(
                f"'{value}' is neither an S3 URI nor a local file or directory (looked for {place}). A relative path "
                "starts at the directory of the pipeline's file",
                path,
            )
        )
        return None


def local_path(uri: str) -> Path:
    """Return the path of ``file:///absolute``, or of ``file://relative``.

    :param uri: the URI.
    """
    return Path(unquote(uri.removeprefix(_FILE)))
