"""The page docs/reference/command-line.md, made from the code: ``python -m tests.oracles.command_line``."""

from __future__ import annotations

from pathlib import Path

import click

from airflow_sm_pipelines.cli.program import COMMANDS, PROGRAM, program

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "command-line.md"

HEAD = """# Command line

The command `sm-pipelines` comes with the package. `run`, `local`, `serve` and SDK scripts need the extra `local`:
`pip install 'airflow-sm-pipelines[local]'`.

This page is made from the code by `python -m tests.oracles.command_line`. A test reports when it has to be made again.

| command | use it to |
|---|---|
| [`new`](#sm-pipelines-new) | start a project: a Dag with a pipeline, its scripts, a test |
| [`validate`](#sm-pipelines-validate) | check pipelines in CI, without AWS |
| [`render`](#sm-pipelines-render) | see the definition that a task group compiles to |
| [`graph`](#sm-pipelines-graph) | draw a pipeline in a README or a pull request |
| [`diff`](#sm-pipelines-diff) | see what a deployment would change |
| [`import`](#sm-pipelines-import) | take over a pipeline that exists in your account |
| [`run`](#sm-pipelines-run) | run one pipeline on your machine |
| [`serve`](#sm-pipelines-serve) | run Airflow with your Dags on your machine |
| [`logs`](#sm-pipelines-logs) | read the log of a step |
| [`local`](#sm-pipelines-local) | run the local endpoint for other AWS clients |

## Exit status and output

| status | meaning |
|---|---|
| 0 | The command did what you asked for. |
| 1 | There is an error: a file cannot be read, a definition has errors, an execution failed. `diff`: the pipelines differ. |
| 2 | The command line is wrong. `diff`: any error. |
| 130 | You pressed Ctrl-C. `run` exits with 128 and the number of the signal. |

Results go to standard output. Errors go to standard error, and so do the warnings of `render` and `run`. Colours are written to
a terminal only. Set `NO_COLOR=1` to turn them off, or `FORCE_COLOR=1` to keep them in a pipe.

## Shell completion

Completion covers commands, options, files and step types. Add the line of your shell to its start file:

| shell | file | line |
|---|---|---|
| Bash 4.4 or later | `~/.bashrc` | `eval "$(_SM_PIPELINES_COMPLETE=bash_source sm-pipelines)"` |
| Zsh | `~/.zshrc` | `eval "$(_SM_PIPELINES_COMPLETE=zsh_source sm-pipelines)"` |
| fish | `~/.config/fish/completions/sm-pipelines.fish` | `_SM_PIPELINES_COMPLETE=fish_source sm-pipelines \\| source` |
"""

INTROS = {
    "new": """Start a project. The test runs the pipeline on your machine with the fixture
[`sagemaker_pipelines`](../guides/testing.md).

```console
sm-pipelines new churn
cd churn && python -m pytest
```
""",
    "validate": """Check pipelines before they reach AWS, for example in CI.

<!-- tested by: tests/unit/test_cli.py::test_dag_files_are_validated -->
```console
sm-pipelines validate --strict dags/*.py
```

A line without a place (`@ $...`) is about the whole file. The last line counts the problems.
""",
    "render": """See what your task group becomes, or keep the definition under version control.

<!-- tested by: tests/unit/test_cli.py::test_a_group_is_rendered -->
```console
sm-pipelines render dags/churn.py > churn.json
```
""",
    "graph": """Draw a pipeline.

<!-- tested by: tests/unit/test_cli.py::test_the_graph_of_a_dag_file -->
```console
sm-pipelines graph dags/churn.py > churn.mmd
```
""",
    "diff": """See what changes between the account and your Dag file.

<!-- tested by: tests/integration/test_account.py::test_versions_of_a_pipeline_are_compared -->
```console
sm-pipelines diff churn dags/churn.py
```
""",
    "import": """Take over a pipeline that somebody created with another tool. [What is imported](index.md#sm-pipelines-import).

<!-- tested by: tests/integration/test_account.py::test_versions_of_a_pipeline_are_compared -->
```console
sm-pipelines import churn --directory dags
```
""",
    "run": """Run one pipeline on your machine, without Airflow's components. [What it does, option by option](../local/run.md).

<!-- tested by: tests/integration/test_running.py::test_a_dag_file_runs -->
```console
sm-pipelines run dags/churn.py --s3 s3://example-ml/churn/raw=data
```
""",
    "serve": """Run Airflow's scheduler, triggerer, Dag processor and UI on a folder of Dags, with the local endpoint as AWS. The
command prints the address of the UI and a password. Create the buckets of your Dags with `--bucket`.

<!-- tested by: tests/live/test_serve.py::test_dags_are_served_until_a_signal -->
```console
sm-pipelines serve dags --bucket example-ml
```

In a clone of the repository, `make serve DAGS=dags` does the same. Airflow comes from the environment of the command: the Dags
run with the Airflow version and the providers that are installed there.
""",
    "logs": """Read the log of a step without the AWS console. `EXECUTION_ARN` is what the launch task returns: see
its XCom `return_value`.

<!-- tested by: tests/integration/test_account.py::test_the_log_of_a_step -->
```console
sm-pipelines logs arn:aws:sagemaker:eu-west-1:123456789012:pipeline/churn/execution/abcdefghijkl train --follow
```

The command needs the permissions `sagemaker:DescribePipelineExecution`, `sagemaker:ListPipelineExecutionSteps`,
`logs:DescribeLogStreams` and `logs:GetLogEvents`.
""",
    "local": """Run the local endpoint for boto3, the AWS CLI, the SageMaker SDK or an Airflow of your own.
[What it covers](../local/coverage.md).

<!-- tested by: tests/integration/test_process.py::test_it_prints_its_url_and_answers -->
```console
sm-pipelines local --port 4566 --bucket example-ml
```
""",
}
"""What stands before the help of each command."""


def help_of(name: str) -> str:
    """Return the output of ``--help`` of a command, 80 columns wide, without colours.

    :param name: the command; empty for the program.
    """
    parent = click.Context(program, info_name=PROGRAM, terminal_width=78, **program.context_settings)
    if not name:
        return click.unstyle(program.get_help(parent))
    command = program.get_command(parent, name)
    context = command.context_class(
        command, info_name=name, parent=parent, terminal_width=78, **command.context_settings
    )
    return click.unstyle(command.get_help(context))


def page() -> str:
    """Return the page."""
    parts = [HEAD, f"## sm-pipelines\n\n```text\n{help_of('')}\n```\n"]
    parts += [f"## sm-pipelines {name}\n\n{INTROS[name]}\n```text\n{help_of(name)}\n```\n" for name in COMMANDS]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
