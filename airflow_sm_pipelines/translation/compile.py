"""Compile neutral records into a pipeline definition. Compiling the same outline twice gives equal bytes."""

from __future__ import annotations

import dataclasses
import gc
import graphlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.expressions import (
    PropertyReference,
    Reference,
    reference_of,
    references_among,
)
from airflow_sm_pipelines.definition.graph import find_cycle
from airflow_sm_pipelines.definition.parameters import MAXIMUM_START_PARAMETERS, MISSING, PipelineParameter
from airflow_sm_pipelines.definition.steps import BranchOwner, Step, StepDependency
from airflow_sm_pipelines.definition.validation import pipeline_name_problem, require_valid
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, TranslationError
from airflow_sm_pipelines.translation.argument_types import types_in, types_of
from airflow_sm_pipelines.translation.branches import (
    FAILURE_RULES,
    SUPPORTED_RULES,
    Route,
    refuse_cycles_through_branches,
    routes_of,
)
from airflow_sm_pipelines.translation.failures import refuse_unlike_failures
from airflow_sm_pipelines.translation.lifting import Lifting
from airflow_sm_pipelines.translation.nodes import (
    CodeUpload,
    DeclaredParameter,
    PipelineOutline,
    RuntimeValue,
    StepNode,
    TaskNode,
)

PropertyTypeOf = Callable[[Step, Reference], str | None]


@dataclass(frozen=True)
class CompiledPipeline:
    """What a task group comes to.

    :param definition: the document.
    :param text: the document as CreatePipeline takes it.
    :param values: the values an execution is started with, by pipeline parameter: literals and what Airflow
        renders when the launch task runs.
    :param uploads: files that have to be in S3 first.
    """

    definition: PipelineDefinition
    text: str
    values: Mapping[str, Any]
    uploads: tuple[CodeUpload, ...] = ()


def compile_pipeline(outline: PipelineOutline, property_type: PropertyTypeOf | None = None) -> CompiledPipeline:
    """Translate an outline.

    :param outline: the task group, read.
    :param property_type: says which type a property has, given its step and the reference; by default no types are
        known.
    :raises TranslationError: for a graph that SageMaker cannot run, naming the rule, the tasks and the fix.
    :raises PipelineDefinitionError: for every rule of the document that is broken, all at once.
    """
    try:
        return _Compiler(outline, property_type).compile()
    except TranslationError as error:
        raise TranslationError(f"{outline.subject}: {error}") from None


@contextmanager
def without_collections() -> Iterator[None]:
    """Put garbage collections off: a large document is many objects, all of which stay until it is done."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Compiler:
    def __init__(self, outline: PipelineOutline, property_type: PropertyTypeOf | None) -> None:
        self.outline = outline
        self.property_type = property_type
        self.tasks: dict[str, TaskNode] = {task.step.task_id: task for task in outline.tasks}
        self.names: dict[str, str] = {}
        self.nodes = {step.name: step for task in outline.tasks for step in (task.step, *task.step.body)}
        self.lifting = Lifting((parameter.name for parameter in outline.parameters), self._type_of)

    def compile(self) -> CompiledPipeline:
        self._check_names()
        order = self._order()
        routes = routes_of(self.tasks, order)
        refuse_unlike_failures(self.tasks, order, routes, self.names)
        steps = {task_id: self._step(self.tasks[task_id], routes) for task_id in self.tasks}
        parameters = self._parameters()
        definition = PipelineDefinition(parameters=parameters, steps=self._nest(steps, routes))
        try:
            require_valid(definition, f"{self.outline.subject}, pipeline '{self.outline.pipeline_name}'")
        except PipelineDefinitionError:
            # Its cycles are not cycles of the tasks, and need another message.
            refuse_cycles_through_branches(definition)
            raise
        values = {parameter.name: _start_value(parameter.value) for parameter in self.outline.parameters}
        values.update(self.lifting.values)
        if len(values) > MAXIMUM_START_PARAMETERS:
            raise TranslationError(
                f"the pipeline has {len(values)} parameters, {len(self.lifting.values)} of them for Jinja and XComArgs "
                f"in steps, but an execution can be started with at most {MAXIMUM_START_PARAMETERS} values. Put some "
                "of them into one file in S3."
            )
        uploads = {upload.uri: upload for task in self.outline.tasks for upload in task.step.uploads}
        return CompiledPipeline(definition, definition.to_json(), values, tuple(uploads.values()))

    def _type_of(self, value: PropertyReference) -> str | None:
        """Return the type of a property, where it is known. What cannot be read as a reference is found later."""
        reference = reference_of("Get", value.to_document()["Get"])
        node = None if reference is None else self.nodes.get(reference.step_name or "")
        if reference is None or node is None or self.property_type is None:
            return None
        node, reference = _read_inside(node, reference)
        return self.property_type(Step(node.name, node.type, extra=node.extra), reference)

    def _check_names(self) -> None:
        if problem := pipeline_name_problem(self.outline.pipeline_name):
            raise TranslationError(f"{problem}. Set pipeline_name.")
        if not self.tasks:
            raise TranslationError("a pipeline has at least one step; put a step operator into the group.")
        for task in self.outline.tasks:
            step = task.step
            if step.name in self.names:
                raise TranslationError(
                    f"the tasks '{self.names[step.name]}' and '{step.task_id}' both make a step named '{step.name}'. "
                    "Give one of them another step_name."
                )
            self.names[step.name] = step.task_id
            self._check_rule(task)

    def _check_rule(self, task: TaskNode) -> None:
        """Refuse trigger rules that SageMaker does not have where the task stands."""
        step = task.step
        if task.trigger_rule == "all_done_setup_success":
            raise TranslationError(
                f"task '{step.task_id}' is a teardown, and SageMaker has no teardowns. Let the teardown follow the "
                "group: group >> clean_up().as_teardown(setups=...)."
            )
        if task.trigger_rule not in SUPPORTED_RULES:
            raise TranslationError(
                f"task '{step.task_id}' has trigger_rule='{task.trigger_rule}', which SageMaker cannot follow. "
                f"It can follow {', '.join(SUPPORTED_RULES)}."
            )
        if task.outside_task_ids and self.outline.launch_trigger_rule != "all_success":
            raise TranslationError(
                f"task '{step.task_id}' follows '{task.outside_task_ids[0]}' outside the group, and the launch "
                f"task has trigger_rule='{self.outline.launch_trigger_rule}': it may start the pipeline although "
                f"'{task.outside_task_ids[0]}' has not succeeded. Let the whole group follow that task instead "
                "(task >> group), or give the launch task trigger_rule='all_success'."
            )
        if task.trigger_rule in FAILURE_RULES and task.outside_task_ids:
            raise TranslationError(
                f"task '{step.task_id}' has trigger_rule='{task.trigger_rule}' and follows "
                f"'{task.outside_task_ids[0]}' outside the group. The pipeline starts only when that has "
                "succeeded, so no step can start because of its failure. Handle the failure outside the group."
            )
        mapped = [each for each in task.upstream_task_ids if self.tasks[each].step.body]
        if task.trigger_rule == "all_failed" and mapped:
            raise TranslationError(
                f"task '{step.task_id}' has trigger_rule='all_failed' and follows the mapped task '{mapped[0]}'. "
                "Airflow would run it when all its instances have failed; a ForEach step fails when one of its runs "
                "does. Use trigger_rule='one_failed'."
            )
        if task.trigger_rule in FAILURE_RULES and len(task.upstream_task_ids) != 1:
            raise TranslationError(
                f"task '{step.task_id}' has trigger_rule='{task.trigger_rule}' and "
                f"{len(task.upstream_task_ids)} upstream steps. SageMaker can wait for the failure of one step "
                "only. Give it one upstream step."
            )

    def _order(self) -> list[str]:
        edges = {task_id: task.upstream_task_ids for task_id, task in self.tasks.items()}
        if cycle := find_cycle(edges):
            chain = " >> ".join(f"'{task_id}'" for task_id in (*reversed(cycle), cycle[-1]))
            raise TranslationError(
                f"the tasks wait for one another in a cycle: {chain}. Remove one of these dependencies; a reference to "
                "another step is a dependency too."
            )
        return list(graphlib.TopologicalSorter(edges).static_order())

    def _document(self, node: StepNode) -> Step:
        """Return a step without what it waits for."""
        types = types_of(node.type)
        if node.type == "Condition":
            arguments: Any = {
                "Conditions": [
                    condition.map_operands(self.lifting.operands(node, index)).to_document()
                    for index, condition in enumerate(node.conditions)
                ]
            }
        else:
            arguments = self.lifting.document(node.arguments, node, types=types_in(types, "Arguments"))
        if node.body:
            body = [self._in_body(each) for each in node.body]
            arguments = {**arguments, "ForEachBody": [each.to_document() for each in body]}
        extra = self.lifting.document(node.extra, node, types=types)
        return Step(
            name=node.name,
            type=node.type,
            arguments=arguments,
            display_name=node.display_name,
            description=node.description,
            extra=extra,
        )

    def _in_body(self, node: StepNode) -> Step:
        """Return a step of a body, with what it waits for of the others."""
        step = self._document(node)
        referenced = _referenced_steps(step, node)
        depends_on = tuple(StepDependency(name) for name in node.follows if name not in referenced)
        return step.with_dependencies(depends_on) if depends_on else step

    def _step(self, task: TaskNode, routes: Mapping[str, Route]) -> Step:
        step = self._document(task.step)
        depends_on = self._depends_on(task, routes, _referenced_steps(step, task.step))
        return step.with_dependencies(depends_on) if depends_on else step

    def _depends_on(
        self, task: TaskNode, routes: Mapping[str, Route], referenced: set[str | None]
    ) -> tuple[StepDependency, ...]:
        route = routes[task.step.task_id]
        around = {owner.condition for owner in route}
        dependencies: dict[str, StepDependency] = {}
        for upstream in task.upstream_task_ids:
            their_route = routes[upstream]
            trigger = _trigger(task.trigger_rule)
            name = self.tasks[upstream].step.name
            if their_route != route[: len(their_route)]:
                shared = next(
                    index for index, owner in enumerate(their_route) if index >= len(route) or route[index] != owner
                )
                name = their_route[shared].condition
                if trigger != "Completed":
                    raise TranslationError(
                        f"task '{task.step.task_id}' has trigger_rule='{task.trigger_rule}' and follows '{upstream}', "
                        f"which runs only in a branch of '{name}'. SageMaker can wait for a step's failure only from "
                        "inside the same branch. Move the task into that branch."
                    )
            if name in around or name in dependencies:
                continue
            if trigger == "Completed" and name in referenced:
                continue
            dependencies[name] = StepDependency(name, trigger)
        return tuple(dependencies.values())

    def _nest(self, steps: Mapping[str, Step], routes: Mapping[str, Route]) -> tuple[Step, ...]:
        """Return the steps at the top level; the others have gone into the branches of their conditions."""
        branches: dict[BranchOwner, list[str]] = {}
        for task_id in steps:
            if route := routes[task_id]:
                branches.setdefault(route[-1], []).append(task_id)
        nested = dict(steps)
        for task_id in sorted(steps, key=lambda each: -len(routes[each])):  # the innermost conditions first
            step = steps[task_id]
            if step.type == "Condition":
                inside = [branches.get(BranchOwner(step.name, outcome), ()) for outcome in (True, False)]
                nested[task_id] = step.with_branches(*(tuple(nested[each] for each in branch) for branch in inside))
        return tuple(nested[task_id] for task_id in steps if not routes[task_id])

    def _parameters(self) -> tuple[PipelineParameter, ...]:
        declared = [
            PipelineParameter(
                name=parameter.name,
                type=parameter.type,
                default_value=_default(parameter),
                enum_values=parameter.enum_values,
            )
            for parameter in self.outline.parameters
        ]
        return (*declared, *self.lifting.parameters)


def _referenced_steps(step: Step, node: StepNode) -> set[str | None]:
    try:
        found = [*step.expressions, *(each for child in step.body for each in child.expressions)]
        return {located.reference.step_name for located in references_among(found)}
    except PipelineDefinitionError as error:
        raise TranslationError(f"task '{node.task_id}': {error.problems[0]}") from None


def _read_inside(node: StepNode, reference: Reference) -> tuple[StepNode, Reference]:
    """Return what a reference reads: of a ForEach step that is a step of its body, selected or by index."""
    body = {each.name: each for each in node.body}
    if reference.keys[1:2] == ("Selected",):
        selector = node.arguments.get("Selector") or {}
        compared = reference_of("Get", selector.get("Field", {}).get("Get"))
        name, keys = None if compared is None else compared.name, reference.keys[2:]
    elif reference.keys[1:2] == ("IterationOutputs",) and len(reference.keys) > 3:
        name, keys = str(reference.keys[3]), reference.keys[4:]
    else:
        return node, reference
    inner = body.get(name or "")
    if inner is None or not keys:
        return node, reference
    return inner, dataclasses.replace(reference, keys=(inner.name, *keys))


def _trigger(trigger_rule: str) -> str:
    if trigger_rule in FAILURE_RULES:
        return "Failed"
    return "Any" if trigger_rule == "all_done" else "Completed"


def _start_value(value: Any) -> Any:
    return value.value if isinstance(value, RuntimeValue) else value


def _default(parameter: DeclaredParameter) -> Any:
    if not isinstance(parameter.value, RuntimeValue):
        return parameter.value
    return MISSING if parameter.default_value is None else parameter.default_value
