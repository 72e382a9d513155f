"""The page docs/reference/messages.md, made from the code: ``python -m tests.oracles.messages``.

A message is the text of an exception that is raised, a line of a log from a warning on, or what a function or property that looks
for a problem returns. Rules of the pipeline definition are on their own page, see :mod:`tests.oracles.rules`.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator

from tests.oracles import rules
from tests.oracles.rules import Texts, is_sentence

PACKAGE = rules.PACKAGE
PAGE = PACKAGE.parent / "docs" / "reference" / "messages.md"

PARSED = "An import error of the Dag, or an error of `sm-pipelines render`, `run` and `validate`."
AWS = (
    "More: [AccessDenied](../troubleshooting.md#accessdenied), "
    "[the connection](../troubleshooting.md#connection-credentials-and-region)."
)
STEPS = "operators/steps"

ROOMS = {
    "The task group and its settings": (
        PARSED,
        (
            "task_groups/base.py",
            "task_groups/pipeline.py",
            "task_groups/place.py",
            "settings.py",
            "requests/regions.py",
        ),
    ),
    "The graph of the group": (
        PARSED,
        (
            "translation/reader.py",
            "translation/compile.py",
            "translation/nodes.py",
            f"{STEPS}/settings.py",
            "definition/validation/scope.py",
        ),
    ),
    "Trigger rules, conditions and branches": (
        f"{PARSED} More: [branching](../guides/branching.md).",
        (
            "translation/branches.py",
            "translation/failures.py",
            f"{STEPS}/decisions.py",
            "definition/comparisons.py",
            "definition/conditions.py",
        ),
    ),
    "Values and pipeline parameters": (
        f"{PARSED} Of a value that only a run has: the launch task fails. More: [parameters](../guides/parameters.md).",
        (
            "task_groups/parameters.py",
            "task_groups/launch_values.py",
            "translation/lifting.py",
            "translation/argument_types.py",
            "translation/xcoms.py",
            "definition/parameters.py",
            "definition/items.py",
            "definition/caching.py",
            "operators/items.py",
        ),
    ),
    "Keywords of steps": (
        PARSED,
        tuple(
            f"{STEPS}/{name}.py"
            for name in (
                "base",
                "keywords",
                "references",
                "hyperparameters",
                "processing",
                "training",
                "tuning",
                "transform",
                "model",
                "hosting",
                "automl",
                "emr",
                "checks",
                "lambda_and_callback",
                "generic",
            )
        ),
    ),
    "Code": (PARSED, ("translation/code.py",)),
    "Functions as steps": (
        f"{PARSED} More: [functions](../guides/functions.md).",
        (
            f"{STEPS}/functions.py",
            f"{STEPS}/decorators.py",
            "translation/functions/signature.py",
            "translation/functions/source.py",
        ),
    ),
    "Mapped steps": (
        f"{PARSED} More: [mapped steps](../guides/for-each.md).",
        (
            f"{STEPS}/mapped.py",
            "translation/mapping.py",
            "translation/mapped_groups.py",
            "task_groups/mapped.py",
        ),
    ),
    "Airflow tasks in the middle": (
        f"{PARSED} More: [Airflow tasks in the middle](../guides/airflow-tasks-in-the-middle.md).",
        ("translation/middle.py", "task_groups/middle.py", "triggers/answering.py", f"{STEPS}/airflow_task.py"),
    ),
    "A definition that is given": (
        f"{PARSED} More: [existing pipelines](../guides/existing-pipelines.md).",
        ("translation/given.py", "translation/replaced_code.py", "task_groups/existing.py", "definition/json_text.py"),
    ),
    "Operators and sensors for whole executions": (
        f"{PARSED} Where a value is known only in a run: the task fails.",
        (
            "operators/executions/base.py",
            "operators/executions/pipeline.py",
            "operators/executions/existing.py",
            "operators/executions/metric_branch.py",
            "operators/executions/metrics.py",
            "sensors/execution.py",
        ),
    ),
    "Starting and resuming": (
        "In the log of the task that starts the execution, or resumes it.",
        (
            "operators/launch.py",
            "operators/executions/starting.py",
            "operators/executions/reporting.py",
            "hooks/starting.py",
            "hooks/selection.py",
            "hooks/known_arguments.py",
            "hooks/tags.py",
            "execution/resume.py",
        ),
    ),
    "Following": (
        "In the log of a task that waits. More: [failures](../guides/failures.md).",
        (
            "execution/outcome.py",
            "execution/ending.py",
            "execution/quiet.py",
            "execution/status.py",
            "execution/time_limit.py",
            "execution/progress.py",
            "execution/arn.py",
            "tasks/finish.py",
            "tasks/waiting.py",
            "triggers/base.py",
            "triggers/step.py",
            "triggers/finish.py",
            "triggers/follower.py",
            "hooks/executions.py",
        ),
    ),
    "Calls to AWS": (
        f"In the log of any task that calls AWS. {AWS}",
        ("hooks/services.py", "hooks/service_errors.py", "hooks/patience.py", "triggers/connections.py"),
    ),
    "Results of a step": (
        "In the log of the step's task, after the step has ended.",
        (
            "hooks/pipeline.py",
            "hooks/metrics.py",
            "hooks/step_results.py",
            "execution/json_file.py",
            "execution/cache_miss.py",
            "definition/evaluation.py",
            "compatibility/supervisor.py",
        ),
    ),
    "The pages in Airflow": (
        "On [the pages](../guides/user-interface.md), in place of what was asked for.",
        ("plugins/application.py", "plugins/followed.py", "plugins/prices.py"),
    ),
    "The command line": (
        "On the terminal. More: [command line](command-line.md).",
        (
            *sorted(str(path.relative_to(PACKAGE)) for path in (PACKAGE / "running").glob("*.py")),
            *sorted(str(path.relative_to(PACKAGE)) for path in (PACKAGE / "cli").glob("*.py")),
            *sorted(str(path.relative_to(PACKAGE)) for path in (PACKAGE / "serving").glob("*.py")),
            "checking.py",
            "command_line.py",
            "safe_files.py",
            "task_groups/dag_files.py",
            "task_groups/import_errors.py",
        ),
    ),
    "Tests of Dags": (
        "Raised by the fixture [`sagemaker_pipelines`](../guides/testing.md).",
        ("testing/pipelines.py", "testing/process.py"),
    ),
}

HEAD = """# Messages

The messages of the package, by what they are about, made from the code by `python -m tests.oracles.messages`; a test says when it
has to be made again. `…` stands for a name, a value or a hint. Each message says what to do.
[Troubleshooting](../troubleshooting.md) has what needs more than a sentence. Messages about the pipeline definition are
[rules](rules.md). The local endpoint answers in SageMaker's words, which are not listed."""


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    for title, (where, paths) in ROOMS.items():
        rows = dict.fromkeys(f"| {text} |" for path in paths for text in messages_of(path))
        parts.append(f"## {title}\n\n{where}\n\n| message |\n|---|\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def messages_of(path: str) -> Iterator[str]:
    """Yield the messages of a module.

    :param path: the module's file, below the package's directory.
    """
    tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
    name = f"{PACKAGE.name}.{path.removesuffix('.py').replace('/', '.')}"
    texts = Texts(vars(importlib.import_module(name)))
    for node in ast.walk(tree):
        for text in _said(node, texts):
            if is_sentence(text):
                yield re.sub(r"\s*\n\s*", " ", re.sub(r"%[srd]", "…", text)).replace("'…'", "…").replace("<", "&lt;")


def _said(node: ast.AST, texts: Texts) -> list[str]:
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
        return texts.of(node.exc.args[0])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("warning", "error"):
        return texts.of(node.args[0]) if node.args else []
    if isinstance(node, ast.FunctionDef) and re.search(
        r"(^|_)(problem|refusal|mistake)s?$|^nothing_launched$", node.name
    ):
        return texts.returned_by(node)
    return []


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
