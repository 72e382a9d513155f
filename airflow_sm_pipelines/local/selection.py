"""Selective execution: some steps run, and what they depend on is taken from an earlier execution.

The rules are those of the developer guide ("Selective execution of pipeline steps") and of botocore's service model:
the steps between two selected ones are selected too, steps after them do not run, and those before them are copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from airflow_sm_pipelines.definition.graph import PipelineGraph, ancestors, waits_for
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.store import ExecutionRecord, StepRecord


class Selection:
    """Which steps of a graph an execution runs.

    :param graph: the graph.
    :param selected: the names of the steps to run.
    :raises ValidationError: there are no such steps, or some that lie between them are not selected.
    """

    def __init__(self, graph: PipelineGraph, selected: Sequence[str]) -> None:
        self.selected = tuple(selected)
        self._graph = graph
        self._waited = waits_for(graph.nodes)
        unknown = [name for name in self.selected if name not in graph.nodes]
        if unknown:
            raise ValidationError(f"Invalid SelectedSteps: the pipeline has no steps {_listed(unknown)}.")
        followers: dict[str, list[str]] = {}
        for name, waited in self._waited.items():
            for each in waited:
                followers.setdefault(each, []).append(name)
        self._before = _reached(self.selected, self._waited)
        between = self._before & _reached(self.selected, followers)
        between.difference_update(self.selected)
        if between:
            raise ValidationError(
                f"Invalid SelectedSteps: the steps {_listed(self._in_order(between))} lie between the selected steps"
                f" {_listed(self.selected)}. Select them too."
            )

    @property
    def needed(self) -> tuple[str, ...]:
        """The steps that selected ones wait for, without being selected."""
        direct = {each for name in self.selected for each in self._waited[name]}
        return self._in_order(direct.difference(self.selected))

    def copied_from(self, source: ExecutionRecord | None, pipeline_arn: str) -> dict[str, StepRecord]:
        """The results to start with.

        :param source: the execution to take them from.
        :param pipeline_arn: the pipeline that is started.
        :return: a record for every step before the selected ones that succeeded in the source.
        :raises ValidationError: there is no source and one is needed, it is of another pipeline or still running, or it
            lacks what a selected step waits for.
        """
        if source is None:
            if self.needed:
                # The service's words, https://github.com/aws/sagemaker-python-sdk/issues/4444
                raise ValidationError(
                    f"Invalid SourcePipelineExecutionArn: null. The selected steps {_listed(self.selected)} have"
                    f" dependencies on {_listed(self.needed)}"
                )
            return {}
        invalid = f"Invalid SourcePipelineExecutionArn: {source.arn}."
        if source.arn.pipeline_arn != pipeline_arn:
            raise ValidationError(f"{invalid} It is not an execution of the pipeline '{pipeline_arn}'.")
        with source.lock:
            if not source.status.is_terminal:
                raise ValidationError(f"{invalid} That execution is {source.status}; wait for its end.")
            lacking = [name for name in self.needed if not self._is_there(name, source.steps)]
            if lacking:
                raise ValidationError(
                    f"{invalid} The selected steps {_listed(self.selected)} have dependencies on {_listed(lacking)},"
                    " which did not succeed in that execution."
                )
            before = self._before.difference(self.selected)
            return {
                record.name: _copy(record, source)
                for record in source.steps.values()
                if record.status is StepStatus.SUCCEEDED and record.node in before
            }

    def _is_there(self, name: str, steps: Mapping[str, StepRecord]) -> bool:
        if name in steps:
            return steps[name].status is StepStatus.SUCCEEDED
        # A dependency on a Condition step waits for both of its branches; only one of them was taken.
        return any(
            owner.condition in steps and steps[owner.condition].outcome is (not owner.outcome)
            for owner in ancestors(name, self._graph.nodes)
        )

    def _in_order(self, names: Iterable[str]) -> tuple[str, ...]:
        wanted = set(names)
        return tuple(name for name in self._graph.order if name in wanted)


def _reached(starts: Iterable[str], edges: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    open_ = [each for start in starts for each in edges.get(start, ())]
    while open_:
        each = open_.pop()
        if each not in found:
            found.add(each)
            open_.extend(edges.get(each, ()))
    return found


def _copy(record: StepRecord, source: ExecutionRecord) -> StepRecord:
    moment = now()
    return replace(
        record,
        attempt=1,
        start_time=moment,
        end_time=moment,
        copied_from=str(source.arn),
        cached_from=None,
        cache_key=None,
    )


def _listed(names: Iterable[str]) -> str:
    return f"[{', '.join(names)}]"
