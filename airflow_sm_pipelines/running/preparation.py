"""All that is checked, and known, before anything is started."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from airflow_sm_pipelines.checking import definition_problems
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.parameters import MISSING
from airflow_sm_pipelines.definition.problems import Problem, did_you_mean, error
from airflow_sm_pipelines.definition.steps import walk_body
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, PipelineParameterError
from airflow_sm_pipelines.running.buckets import buckets_of
from airflow_sm_pipelines.running.local_files import LocalFiles
from airflow_sm_pipelines.running.sources import Source
from airflow_sm_pipelines.running.words import COMMAND_LINE, Words
from airflow_sm_pipelines.translation.nodes import CodeUpload

ALL: Final = "all"
"""Stands for every step, where the log of one could be named."""

LocalLimits = Callable[[PipelineDefinition], list[Problem]]


@dataclass(frozen=True)
class Preparation:
    """A pipeline that can be started, or why it cannot.

    :param definition: the document, with S3 URIs for local paths; ``None`` when it cannot be read.
    :param values: the start values.
    :param uploads: files that have to be in S3 first.
    :param buckets: the buckets that have to be there.
    :param problems: all that were found; it can be started unless one of them is an error.
    """

    definition: PipelineDefinition | None
    values: Mapping[str, str]
    uploads: tuple[CodeUpload, ...]
    buckets: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep it from being started."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def prepare(
    source: Source,
    given: Mapping[str, str],
    *,
    selected: Sequence[str] = (),
    logs: Sequence[str] = (),
    local: LocalLimits | None = None,
    words: Words = COMMAND_LINE,
) -> Preparation:
    """Check a pipeline and all it is started with; find out what it needs.

    :param source: the pipeline.
    :param given: values of pipeline parameters, which count before the file's own.
    :param selected: the steps that a selective execution is to run.
    :param logs: the steps whose logs are to be shown; ``all`` is every step.
    :param local: names what cannot run here; ``None`` where the endpoint knows that alone.
    :param words: how what is missing is given.
    """
    try:
        read = PipelineDefinition.from_json(source.text)
    except PipelineDefinitionError as unreadable:
        return Preparation(None, {}, (), (), unreadable.problems)
    files = LocalFiles(source.folder)
    definition = PipelineDefinition.from_document(files.in_document(read.to_document()))
    started_with = {**source.values, **given}
    values = {name: files.in_value(value, words.parameter.format(name=name)) for name, value in started_with.items()}
    missing = {problem.path for problem in files.problems}
    # A path that leads to nothing stays where it was, and the API's rules have something to say of it, too.
    others = [problem for problem in definition_problems(definition, local) if problem.path not in missing]
    problems = [*files.problems, *others]
    problems += _parameter_problems(definition, values, source.values_of_runs, words)
    problems += _step_problems(definition, words.select, selected)
    problems += _step_problems(definition, words.logs, [each for each in logs if each != ALL])
    uploads = (*source.uploads, *files.uploads.values())
    buckets = buckets_of(definition, values, (upload.uri for upload in uploads))
    return Preparation(definition, values, uploads, buckets, tuple(problems))


def _step_problems(definition: PipelineDefinition, option: str, names: Sequence[str]) -> list[Problem]:
    steps = [located.step.name for located in definition.walk()]
    bodies = {each.step.name for located in definition.walk() for each in walk_body(located)}
    there = ", ".join(map(repr, steps))
    return [
        error(f"{option}: the pipeline has no step '{name}'{did_you_mean(name, steps) or '.'} It has {there}")
        for name in names
        # What a ForEach step runs has the number of its turn in its name.
        if name not in steps and not (name.rpartition("-")[0] in bodies and name.rpartition("-")[2].isdecimal())
    ]


def _parameter_problems(
    definition: PipelineDefinition, values: Mapping[str, str], values_of_runs: Mapping[str, str], words: Words
) -> list[Problem]:
    declared = {parameter.name: parameter for parameter in definition.parameters}
    problems: list[Problem] = []
    for name, value in values.items():
        if name not in declared:
            there = ", ".join(map(repr, declared)) or "none"
            hint = did_you_mean(name, declared) or "."
            problems.append(
                error(f"{words.parameters}: the pipeline declares no parameter '{name}'{hint} It declares {there}")
            )
            continue
        try:
            if not declared[name].is_left_out(value):
                declared[name].parse_start_value(value)
        except PipelineParameterError as wrong:
            problems.append(error(f"{words.parameters}: {wrong}"))
    for name, parameter in declared.items():
        if name in values or parameter.default_value is not MISSING:
            continue
        if name in values_of_runs:
            what = f"has the value {values_of_runs[name]}, which exists only in a Dag run"
        else:
            what = "has no default value"
        problems.append(error(f"pipeline parameter '{name}' {what}. Give one: {words.parameter.format(name=name)}"))
    return problems
