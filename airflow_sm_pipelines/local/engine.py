"""Which steps may start, and what the execution's status is, given what has ended. No threads, no clock.

The rules are the service's: a step starts when every step it depends on has ended as the dependency asks; a
Condition step decides which of its branches exist at all; after a failure that no step is there to handle,
nothing more starts, and what runs is left to finish.

What it does not do: run anything. The driver starts what :meth:`Schedule.start_ready` returns and reports each
end with :meth:`Schedule.finish`.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping
from enum import Enum
from types import MappingProxyType

from airflow_sm_pipelines.definition.graph import PipelineGraph, ancestors, waits_for
from airflow_sm_pipelines.definition.steps import StepDependency
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus


class _State(Enum):
    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    NOT_TAKEN = "not taken"


class _Verdict(Enum):
    MET = "met"
    OPEN = "open"
    NEVER = "never"


_ENDED = {StepStatus.SUCCEEDED: _State.SUCCEEDED, StepStatus.FAILED: _State.FAILED, StepStatus.STOPPED: _State.STOPPED}
_MEETS = {
    "Completed": {_State.SUCCEEDED},
    "Failed": {_State.FAILED},
    "Stopped": {_State.STOPPED},
    "Any": {_State.SUCCEEDED, _State.FAILED, _State.STOPPED},
}


class Schedule:
    """The progress of one execution through its graph. Not thread-safe.

    :param graph: the definition's graph.
    :param parallelism: how many steps may run at once; ``None`` for no limit.
    :param succeeded: steps that are not run again, since they succeeded before; for Condition steps their outcome.
    :param selected: the only other steps that may run; ``None`` for all.
    """

    def __init__(
        self,
        graph: PipelineGraph,
        parallelism: int | None = None,
        succeeded: Mapping[str, bool | None] = MappingProxyType({}),
        selected: Collection[str] | None = None,
    ) -> None:
        self._graph = graph
        self.parallelism = parallelism
        self._states = dict.fromkeys(graph.order, _State.WAITING)
        self._stopping = False
        self._failed = False
        self._timed_out = False  # a step that could not be stopped
        self._handled: list[tuple[str, _State]] = []  # failures that some step is there to handle
        self._position = {name: index for index, name in enumerate(graph.order)}
        self._startable: set[str] = set()
        self._running: set[str] = set()
        self._unsettled = list(range(len(graph.order)))  # a heap of positions; sorted, so a heap already
        self._followers: dict[str, list[str]] = {}
        for name, waited in waits_for(graph.nodes).items():
            for each in waited:
                self._followers.setdefault(each, []).append(name)
        self._inside: dict[str, list[str]] = {}
        self._around: dict[str, frozenset[str]] = {}
        for name in graph.order:
            around = [owner.condition for owner in ancestors(name, graph.nodes)]
            self._around[name] = frozenset(around)
            for condition in around:
                self._inside.setdefault(condition, []).append(name)
        for name in graph.order:
            if name in succeeded:
                self._succeed(name, succeeded[name])
            elif selected is not None and name not in selected:
                self._enter(name, _State.NOT_TAKEN)

    @property
    def status(self) -> ExecutionStatus:
        """The execution's status. Right after :meth:`start_ready`, so once nothing more can start, it is final."""
        busy = bool(self._running) or bool(self._ready())
        if self._stopping:
            if self._running:
                return ExecutionStatus.STOPPING
            return ExecutionStatus.FAILED if self._timed_out else ExecutionStatus.STOPPED
        if busy:
            return ExecutionStatus.EXECUTING
        if self._failed or not all(self._was_handled(*failure) for failure in self._handled):
            return ExecutionStatus.FAILED
        return ExecutionStatus.COMPLETED_WITH_FAILURES if self._handled else ExecutionStatus.SUCCEEDED

    def start_ready(self) -> tuple[str, ...]:
        """Mark the steps that may start now as running and return them, in the graph's order."""
        ready = self._ready()
        if self.parallelism is not None:
            ready = ready[: max(0, self.parallelism - len(self._running))]
        for name in ready:
            self._enter(name, _State.RUNNING)
        self._startable.difference_update(ready)
        return ready

    def finish(self, name: str, status: StepStatus, outcome: bool | None = None) -> None:
        """Report that a running step has ended.

        :param name: the step.
        :param status: Succeeded, Failed or Stopped.
        :param outcome: of a Condition step that succeeded: which branch is taken.
        :raises ValueError: the step is not running, the status is not final, or an outcome is missing.
        """
        if self._states[name] is not _State.RUNNING:
            raise ValueError(f"step {name!r} is {self._states[name].value}, so it cannot end now")
        if status not in _ENDED:
            raise ValueError(f"step {name!r} cannot end with the status {status}")
        if status is StepStatus.SUCCEEDED:
            self._succeed(name, outcome)
            return
        self._enter(name, _ENDED[status])
        if self._stopping:
            # A Lambda step is waited for, and fails only by its time-out (botocore's model, StopPipelineExecution).
            self._timed_out |= status is StepStatus.FAILED and self._graph.nodes[name].step.type == "Lambda"
        elif any(self._handlers(name, _ENDED[status])):
            self._handled.append((name, _ENDED[status]))
        else:
            self._failed = True

    def stop(self) -> None:
        """Start nothing more."""
        self._stopping = True

    def _succeed(self, name: str, outcome: bool | None) -> None:
        if self._graph.nodes[name].step.type == "Condition" and outcome is None:
            raise ValueError(f"Condition step {name!r} ended without an outcome")
        self._enter(name, _State.SUCCEEDED)
        if outcome is not None:
            for inner in self._inside.get(name, ()):
                if any(
                    owner.condition == name and owner.outcome is not outcome
                    for owner in ancestors(inner, self._graph.nodes)
                ):
                    self._enter(inner, _State.NOT_TAKEN)

    def _enter(self, name: str, state: _State) -> None:
        self._states[name] = state
        self._running.discard(name)
        if state is _State.RUNNING:
            self._running.add(name)
        else:
            for follower in self._followers.get(name, ()):
                heapq.heappush(self._unsettled, self._position[follower])

    def _ready(self) -> tuple[str, ...]:
        if self._stopping or self._failed:
            return ()
        # Only what an end may have changed is looked at, in topological order, so that what a branch not taken
        # takes with it is settled in one pass.
        while self._unsettled:
            name = self._graph.order[heapq.heappop(self._unsettled)]
            if self._states[name] is _State.WAITING and name not in self._startable:
                verdict = self._verdict(name)
                if verdict is _Verdict.MET:
                    self._startable.add(name)
                elif verdict is _Verdict.NEVER:
                    self._enter(name, _State.NOT_TAKEN)
        return tuple(sorted(self._startable, key=self._position.__getitem__))

    def _verdict(self, name: str) -> _Verdict:
        node = self._graph.nodes[name]
        if node.owner is not None:
            owner = self._states[node.owner.condition]
            if owner in (_State.WAITING, _State.RUNNING):
                return _Verdict.OPEN
            # The branch not taken is marked when the condition ends, so one that succeeded did in our favour.
            if owner is not _State.SUCCEEDED:
                return _Verdict.NEVER
        verdicts = {self._dependency_verdict(name, dependency) for dependency in node.dependencies}
        if _Verdict.NEVER in verdicts:
            return _Verdict.NEVER
        return _Verdict.OPEN if _Verdict.OPEN in verdicts else _Verdict.MET

    def _dependency_verdict(self, name: str, dependency: StepDependency) -> _Verdict:
        if dependency.step not in self._states:
            raise ValueError(f"step {name!r} depends on {dependency.step!r}, which does not exist")
        state = self._states[dependency.step]
        if state is _State.SUCCEEDED and dependency.step not in self._around[name]:
            state = self._state_with_branch(dependency.step)
        if state in (_State.WAITING, _State.RUNNING):
            return _Verdict.OPEN
        return _Verdict.MET if state in _MEETS[dependency.trigger] else _Verdict.NEVER

    def _state_with_branch(self, name: str) -> _State:
        """A Condition step together with the steps of the branch taken; any other step by itself."""
        states = {self._states[inner] for inner in self._inside.get(name, ())}
        for state in (_State.RUNNING, _State.FAILED, _State.STOPPED, _State.WAITING):
            if state in states:
                return state
        return _State.SUCCEEDED

    def _was_handled(self, name: str, state: _State) -> bool:
        """Whether a step has run because of a failure. It may be that none did: it lay in a branch not taken, say."""
        return any(
            self._states[handler] not in (_State.WAITING, _State.NOT_TAKEN) for handler in self._handlers(name, state)
        )

    def _handlers(self, name: str, state: _State) -> Iterator[str]:
        waited_for = {name, *self._around[name]}
        for other, node in self._graph.nodes.items():
            if any(
                dependency.step in waited_for
                and dependency.step not in self._around[other]
                and state in _MEETS[dependency.trigger]
                for dependency in node.dependencies
            ):
                yield other
