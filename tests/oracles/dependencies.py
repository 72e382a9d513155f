"""The page docs/about/dependencies.md, made from pyproject.toml: ``python -m tests.oracles.dependencies``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "about" / "dependencies.md"
BUNDLED = ROOT / "airflow_sm_pipelines" / "plugins" / "static" / "sagemaker.licenses.md"

USES = {
    "apache-airflow": "what this is a provider of",
    "apache-airflow-providers-amazon": "connections and sessions of AWS",
    "apache-airflow-providers-common-compat": "names of Airflow that moved between its versions",
    "asgiref": "calls of AWS beside the triggerer's event loop",
    "awslambdaric": "Lambda functions of the local endpoint",
    "boto3": "calls of AWS, and the model of its requests",
    "click": "the command line",
    "moto": "S3, CloudWatch Logs, STS, SQS and the model registry of the local endpoint",
    "optuna": "the values that tuning jobs of the local endpoint try",
    "packaging": "comparisons of versions",
    "python-jsonpath": "the filters of transform jobs of the local endpoint",
    "rich": "the table of `sm-pipelines run`",
    "sagemaker": "nothing in this package imports it; it makes the `Pipeline` objects that you hand over",
    "sagemaker-inference": "the scripts of models in transform jobs of the local endpoint",
    "sagemaker-training": "script mode of jobs of the local endpoint",
    "tomli": "the file of `--images` on Python 3.10",
}
ABSENT = {"sagemaker": "Apache-2.0", "tomli": "MIT"}
"""The licences of what the tests' environment lacks."""

SPDX = {
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
}

HEAD = """# Dependencies and licences

Made from `pyproject.toml` and the installed packages by `python -m tests.oracles.dependencies`. The package itself is under the
Apache License 2.0. `make sbom` lists everything that an installation has, with versions and licences, as a CycloneDX document
(`dist/sbom.cdx.json`).
"""


def page() -> str:
    """Return the page."""
    parts = defaultdict(set)
    for text in metadata.requires("airflow-sm-pipelines") or ():
        requirement = Requirement(text)
        extra = re.search(r"extra == ['\"](\w+)['\"]", str(requirement.marker))
        parts["Always" if extra is None else f"With the extra `{extra[1]}`"].add(requirement.name)
    lines = [HEAD]
    for title, names in parts.items():
        lines += [f"## {title}", "", "| package | licence | used for |", "|---|---|---|"]
        lines += [f"| `{name}` | {_licence(name)} | {USES[name]} |" for name in sorted(names)]
        lines.append("")
    lines += ["## In the bundle of the pages", "", "Their texts are in the wheel, beside the bundle.", ""]
    lines += ["| library | licence |", "|---|---|", *(f"| `{name}` | {licence} |" for name, licence in _bundled()), ""]
    return "\n".join(lines)


def _licence(name: str) -> str:
    if name in ABSENT:
        return ABSENT[name]
    found = metadata.metadata(name)
    classified = [
        each.rpartition(" :: ")[2] for each in found.get_all("Classifier") or () if each.startswith("License")
    ]
    stated = found.get("License-Expression") or found.get("License") or classified[0]
    return SPDX.get(stated, stated)


def _bundled() -> Iterator[tuple[str, str]]:
    for heading in re.findall(r"^## (.*)$", BUNDLED.read_text(encoding="utf-8"), re.MULTILINE):
        name, licence = re.fullmatch(r"(\S+) - \S+ \(([\w.-]+)\)", heading).groups()  # type: ignore[union-attr]
        yield name, licence


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
