"""The site: ``make docs`` builds it with Sphinx, a warning is an error. docs/decisions/0049-the-site.md says why."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))

import airflow_sm_pipelines  # noqa: E402 - the clone is on the path now
from docs import public_names  # noqa: E402 - as above

project = "airflow_sm_pipelines"
author = "the maintainers of airflow_sm_pipelines"
copyright = author  # noqa: A001 - Sphinx's name
version = release = airflow_sm_pipelines.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}

# GitHub's anchors, down to the headings that pages link to.
myst_heading_anchors = 4
myst_enable_extensions = ["fieldlist"]

autodoc_typehints = "none"
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
# Without this, a signature of twenty keywords is one line.
maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"airflow_sm_pipelines {version}"
html_static_path: list[str] = []
html_copy_source = False
html_show_sphinx = False

SUMMARY = (
    "An Apache Airflow provider: a TaskGroup of step operators becomes one Amazon SageMaker pipeline, and each step "
    "stays an Airflow task."
)

SOURCES: dict[str, str] = {}
"""The Markdown of each page."""

API: dict[str, list[str]] = {}
"""By page, what autodoc made of the docstrings there, in order: for the Markdown beside the page."""


def link_to_files(app: Sphinx, docname: str, source: list[str]) -> None:
    """Turn links to pages of the repository that are not of the site into their path. Other files can be downloaded.

    The changelog is that of the repository, and the navigation names the pages that there are.

    :param source: the page's text, which is replaced.
    """
    page = Path(str(app.env.doc2path(docname)))

    def replaced(match: re.Match[str]) -> str:
        text, target = match["text"], match["target"]
        if re.match(r"[a-z]+:", target):
            return match[0]
        base = ROOT if docname == "changelog" else page.parent
        file = (base / target).resolve()
        if docname == "changelog" and file.is_relative_to(DOCS):
            return f"[{text}]({file.relative_to(DOCS)}{match['anchor'] or ''})"
        if file.is_dir() and (file / "index.md").is_file():
            return f"[{text}]({target.rstrip('/')}/index.md)"
        if file == ROOT / "CHANGELOG.md":
            return f"[{text}](/changelog.md)"
        if file.is_relative_to(DOCS) or (file.is_file() and file.suffix != ".md"):
            return match[0]
        name = f"`{file.relative_to(ROOT)}`"
        return name if text.strip("`") == name.strip("`") else f"{text} ({name})"

    if docname == "index":
        source[0] = "\n".join(_with_pages(source[0].splitlines())) + "\n"
    if docname == "changelog":
        source[0] = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    source[0] = re.sub(
        r"(?<!!)\[(?P<text>[^\]\[]*(?:\[[^\]]*\][^\]\[]*)*)\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)",
        lambda match: replaced(match) if match["anchor"] or match["target"] else match[0],
        source[0],
    )
    SOURCES[docname] = source[0]


def _with_pages(lines: list[str]) -> Iterator[str]:
    named = {line for line in lines if re.fullmatch(r"[a-z/-]+", line)}
    for line in lines:
        if not re.fullmatch(r"[a-z/-]+\*", line):
            yield line
            continue
        found = sorted(page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.glob(f"{line}.md"))
        yield from (each for each in found if each not in named)
        named |= set(found)


def whole_signature(_: Sphinx, __: str, name: str, documented: Any, *___: Any) -> tuple[str, str] | None:
    """Return the signature of a public callable with the keywords that it hands on."""
    if not name.startswith(f"{airflow_sm_pipelines.__name__}.") or not callable(documented) or name.count(".") > 1:
        return None
    taken = public_names.parameters(documented).values()
    positional = [each for each in taken if each.kind is not each.KEYWORD_ONLY]
    named = [each for each in taken if each.kind is each.KEYWORD_ONLY]
    star = [] if not named or any(each.kind is each.VAR_POSITIONAL for each in positional) else ["*"]
    shown = [
        *(_shown(each) for each in positional),
        *star,
        *(_shown(each) for each in named),
    ]
    return f"({', '.join(shown)})", ""


def _shown(parameter: inspect.Parameter) -> str:
    return str(parameter.replace(annotation=inspect.Parameter.empty))


def whole_docstring(app: Sphinx, _: str, name: str, documented: Any, __: Any, lines: list[str]) -> None:
    """Add the keywords that a public callable takes from the classes it is made from.

    :param lines: the docstring's, which are changed.
    """
    if callable(documented) and name.count(".") == 1:
        own = public_names.documented(documented)
        added = [
            f":param {keyword}: {text}"
            for keyword, text in public_names.keywords(documented).items()
            if keyword not in own and text is not None
        ]
        fields = [number for number, line in enumerate(lines) if line.startswith(":param ")]
        after = (
            [number for number in range(fields[-1] + 1, len(lines)) if not lines[number].startswith(" ")]
            if fields
            else []
        )
        place = after[0] if after else len(lines)
        if not fields and added:
            added.insert(0, "")
        lines[place:place] = added
    API.setdefault(app.env.docname, []).append(_as_markdown(name, documented, lines))


def _as_markdown(name: str, documented: Any, lines: list[str]) -> str:
    text = "\n".join(lines).replace("``", "`")
    text = re.sub(r":\w+:`~?([^`]*)`", r"`\1`", text)
    text = re.sub(r"^:param (\w+):", r"- `\1`:", text, flags=re.MULTILINE)
    text = re.sub(r"^:(return|raises [\w.]+):", r"- \1:", text, flags=re.MULTILINE)
    signature = whole_signature(None, "", name, documented) if callable(documented) else None  # type: ignore[arg-type]
    return f"## `{name}{signature[0] if signature else ''}`\n\n{text.strip()}\n"


def pages_in_order(app: Sphinx, docname: str) -> Iterator[str]:
    """Yield a page and all below it, in the order of the navigation."""
    yield docname
    for below in app.env.toctree_includes.get(docname, []):
        yield from pages_in_order(app, below)


def write_markdown(app: Sphinx, failure: Exception | None) -> None:
    """Write the Markdown of each page beside it, with what autodoc made of docstrings; and llms.txt, which lists all.

    ``llms-full.txt`` has them in one file, without the decisions. See https://llmstxt.org.
    """
    if failure is not None or app.builder.name != "html":
        return
    listed, whole = [f"# {project}\n\n> {SUMMARY}\n\n## Pages\n"], []
    for docname in pages_in_order(app, "index"):
        text = re.sub(r"```\{(eval-rst|toctree)\}\n.*?```\n?", "", SOURCES[docname], flags=re.DOTALL).rstrip()
        text = "\n\n".join([text, *API.get(docname, [])]).rstrip() + "\n"
        page = app.outdir / f"{docname}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
        listed.append(f"- [{app.env.titles[docname].astext()}]({docname}.md)")
        if not docname.startswith("decisions/"):
            whole.append(f"<!-- {docname}.md -->\n\n{text}")
    (app.outdir / "llms.txt").write_text("\n".join(listed) + "\n", encoding="utf-8")
    (app.outdir / "llms-full.txt").write_text("\n".join(whole), encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Connect what this site adds."""
    app.connect("source-read", link_to_files)
    app.connect("autodoc-process-signature", whole_signature)
    app.connect("autodoc-process-docstring", whole_docstring)
    app.connect("build-finished", write_markdown)
