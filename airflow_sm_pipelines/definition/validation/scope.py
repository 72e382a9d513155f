"""Where the rules find steps: all steps by name, and the ForEach bodies that hold them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.graph import GraphNode, ancestors, dependencies_of
from airflow_sm_pipelines.definition.problems import Problem, error
from airflow_sm_pipelines.definition.steps import LocatedStep, Step, StepDependency, walk_body
from airflow_sm_pipelines.exceptions import PipelineDefinitionError


@dataclass(frozen=True)
class Place:
    """A step that is looked at.

    :param located: the step, with its path.
    :param for_each: the ForEach step whose body it lies in; ``None`` for a step of the pipeline itself.
    """

    located: LocatedStep
    for_each: Step | None = None

    @property
    def step(self) -> Step:
        """The step."""
        return self.located.step

    @property
    def path(self) -> str:
        """Where it stands."""
        return self.located.path


@dataclass(frozen=True)
class Scope:
    """All names of a document.

    :param definition: the document.
    :param places: every step in document order, those of ForEach bodies right after their ForEach step.
    :param nodes: the steps of the pipeline itself by name; of two with one name, the first.
    :param steps: the same steps by name, without their graph.
    :param bodies: for each step of a ForEach body, its ForEach step's name and the step.
    :param parameters: the names of the pipeline parameters.
    """

    definition: PipelineDefinition
    places: tuple[Place, ...]
    nodes: Mapping[str, GraphNode]
    steps: Mapping[str, Step]
    bodies: Mapping[str, tuple[str, Step]]
    parameters: tuple[str, ...]

    def visible(self, place: Place) -> Mapping[str, Step]:
        """Return the steps that a step may name: those of the pipeline, and those of the body it lies in.

        :param place: the step.
        """
        if place.for_each is None:
            return self.steps
        return {**self.steps, **{child.name: child for child in place.for_each.body}}

    def border_problem(self, place: Place, target: str) -> str | None:
        """Return why a step cannot wait for another one of the pipeline.

        :param place: the step that would wait.
        :param target: the name of the step waited for.
        """
        if self.nodes[target].step.type == "Fail":
            return "it is a Fail step, which ends the execution; nothing can come after it"
        anchor = place.for_each.name if place.for_each is not None else place.step.name
        if place.for_each is not None and target == anchor:
            return "it is the ForEach step that this step runs in, which ends after it"
        own = set(ancestors(anchor, self.nodes)) if anchor in self.nodes else set()
        for owner in ancestors(target, self.nodes):
            if owner not in own:
                branch = "if" if owner.outcome else "else"
                return (
                    f"it runs only in the {branch}-branch of Condition step '{owner.condition}'; "
                    f"depend on '{owner.condition}' instead, or move '{place.step.name}' into that branch"
                )
        return None


def scope_of(definition: PipelineDefinition) -> tuple[Scope, list[Problem]]:
    """Return the names of a document, and the problems met in taking them: names used twice.

    :param definition: the document.
    """
    problems: list[Problem] = []
    places: list[Place] = []
    nodes: dict[str, GraphNode] = {}
    bodies: dict[str, tuple[str, Step]] = {}
    paths: dict[str, str] = {}
    for place in _places(definition):
        name = place.step.name
        places.append(place)
        if name in paths:
            message = f"two steps are named '{name}', the first @ {paths[name]}; names are unique in a pipeline"
            problems.append(error(message, f"{place.path}.Name"))
        paths.setdefault(name, place.path)
        if place.for_each is not None:
            bodies.setdefault(name, (place.for_each.name, place.step))
        elif (
            name not in nodes
        ):  # also one with the name of a body's step: the steps of its branches are looked up by it
            nodes[name] = GraphNode(place.step, waited_for(place.step), place.located.owner, place.path)
    for name, path in paths.items():
        body, _, number = name.rpartition("-")
        if body in bodies and number.isdecimal():
            message = (
                f"step '{name}' has the name that run {number} of step '{body}' gets in ForEach step "
                f"'{bodies[body][0]}'; give it another name"
            )
            problems.append(error(message, f"{path}.Name"))
    parameters = tuple(parameter.name for parameter in definition.parameters)
    steps = {name: node.step for name, node in nodes.items()}
    return Scope(definition, tuple(places), nodes, steps, bodies, parameters), problems


def waited_for(step: Step) -> tuple[StepDependency, ...]:
    """Return what a step waits for, as far as its references can be read.

    :param step: the step.
    """
    try:
        return tuple(dependencies_of(step))
    except PipelineDefinitionError:
        return step.depends_on or ()  # the unreadable reference itself is reported where references are checked


def _places(definition: PipelineDefinition) -> Iterator[Place]:
    for located in definition.walk():
        yield Place(located)
        for child in walk_body(located):
            yield Place(child, located.step)
