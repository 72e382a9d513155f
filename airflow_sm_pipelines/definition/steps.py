"""Steps of a pipeline definition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from airflow_sm_pipelines.definition.expressions import LocatedExpression, find_expressions
from airflow_sm_pipelines.definition.layout import in_order, other_order
from airflow_sm_pipelines.definition.parameters import MISSING

Made = TypeVar("Made")

DEPENDENCY_TRIGGERS: Final = ("Completed", "Failed", "Stopped", "Any")
"""What a dependency waits for; a bare step name in ``DependsOn`` means ``Completed``."""

MAXIMUM_STEP_NAME_LENGTH: Final = 64

PROPERTY_FILE_KEYS: Final = ("PropertyFileName", "OutputName", "FilePath")

_USUAL_KEYS = ("Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description")
_KNOWN_KEYS = frozenset(_USUAL_KEYS)
_NULLABLE_KEYS = ("DependsOn", "DisplayName", "Description")


@dataclass(frozen=True)
class StepDependency:
    """One entry of ``DependsOn``.

    :param step: the step waited for.
    :param trigger: one of :data:`DEPENDENCY_TRIGGERS`.
    :param written: the entry as a document has it, where that is not how it is usually written.
    """

    step: str
    trigger: str = "Completed"
    written: Any = field(default=None, compare=False, repr=False)

    @classmethod
    def from_document(cls, document: Any) -> StepDependency:
        """Read a ``DependsOn`` entry: a step's name, or ``{"Step", "Trigger"}``."""
        if isinstance(document, str):
            return cls(document)
        dependency = cls(document["Step"], document.get("Trigger", "Completed"))
        usual = dependency.to_document()
        if usual == document and tuple(usual) == tuple(document):
            return dependency
        return replace(dependency, written=document)

    def to_document(self) -> Any:
        """Return the entry as a document has it; ``Completed`` is a bare name unless it was written out."""
        if self.written is not None:
            return self.written
        return self.step if self.trigger == "Completed" else {"Step": self.step, "Trigger": self.trigger}


@dataclass(frozen=True)
class PropertyFile:
    """A JSON file among a Processing step's outputs whose content later steps can look into.

    :param name: ``PropertyFileName``.
    :param output_name: the ``OutputName`` it lies in.
    :param file_path: its path inside that output.
    """

    name: str
    output_name: str
    file_path: str

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PropertyFile:
        """Read an entry of ``PropertyFiles``."""
        return cls(document["PropertyFileName"], document["OutputName"], document["FilePath"])

    def to_document(self) -> dict[str, str]:
        """Return the entry as a document has it."""
        return {"PropertyFileName": self.name, "OutputName": self.output_name, "FilePath": self.file_path}

    def uri_below(self, output_uri: str) -> str:
        """Return the file's S3 URI.

        :param output_uri: the S3 URI of the output that it lies in.
        """
        return f"{output_uri.rstrip('/')}/{self.file_path.lstrip('/')}"


@dataclass(frozen=True)
class Step:
    """One step, of any type.

    :param name: unique in the document.
    :param type: ``Processing``, ``Training``, ``Condition``, ... exactly as the document says.
    :param arguments: ``Arguments``, as JSON. A Condition step's branches lie in here.
    :param depends_on: ``DependsOn``; ``None`` when the key is absent.
    :param display_name: ``DisplayName``.
    :param description: ``Description``.
    :param extra: all other keys (``CacheConfig``, ``RetryPolicies``, ``PropertyFiles``, ...), as they are; also
        those above when they hold ``null``.
    :param key_order: of a document whose keys are not in the usual order.
    """

    name: str
    type: str
    arguments: Any = MISSING
    depends_on: tuple[StepDependency, ...] | None = None
    display_name: str | None = None
    description: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    key_order: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Step:
        """Read one entry of ``Steps``; checks nothing (see :mod:`.validation`)."""
        depends_on = document.get("DependsOn")
        step = cls(
            name=document["Name"],
            type=document["Type"],
            arguments=document.get("Arguments", MISSING),
            depends_on=None if depends_on is None else tuple(map(StepDependency.from_document, depends_on)),
            display_name=document.get("DisplayName"),
            description=document.get("Description"),
            extra={
                key: value
                for key, value in document.items()
                if key not in _KNOWN_KEYS or (value is None and key in _NULLABLE_KEYS)
            },
        )
        order = other_order(document, step._usual_keys())
        return replace(step, key_order=order) if order else step

    def _usual_keys(self) -> list[str]:
        """The keys of the step's document in their usual order."""
        given = (self.depends_on, self.display_name, self.description)
        there = (True, True, self.arguments is not MISSING, *(value is not None for value in given))
        usual = [key for key, has in zip(_USUAL_KEYS, there, strict=True) if has]
        return usual + [key for key in self.extra if key not in usual]

    def to_document(self) -> dict[str, Any]:
        """Return the step as a document has it."""
        document: dict[str, Any] = {"Name": self.name, "Type": self.type}
        if self.arguments is not MISSING:
            document["Arguments"] = self.arguments
        if self.depends_on is not None:
            document["DependsOn"] = [dependency.to_document() for dependency in self.depends_on]
        if self.display_name is not None:
            document["DisplayName"] = self.display_name
        if self.description is not None:
            document["Description"] = self.description
        return in_order({**document, **self.extra}, self.key_order)

    @property
    def conditions(self) -> list[Any]:
        """The raw conditions of a Condition step; empty for every other type, and when they are not a list."""
        conditions = self.arguments.get("Conditions") if self.type == "Condition" else None
        return conditions if isinstance(conditions, list) else []

    @property
    def expressions(self) -> list[LocatedExpression]:
        """The step's own expressions, with their places below it (``.Arguments.RoleArn``).

        Those of steps inside it, in branches or a ForEach body, are not its own.
        """
        return self._once(
            "_expressions",
            lambda: [each for value, path in self._own_parts() for each in find_expressions(value, path)],
        )

    def with_dependencies(self, depends_on: tuple[StepDependency, ...] | None) -> Step:
        """Return the step with other dependencies. Its expressions are the same, and not looked for again.

        :param depends_on: ``DependsOn``.
        """
        step = replace(self, depends_on=depends_on)
        step.__dict__["_expressions"] = self.expressions
        return step

    def with_branches(self, if_steps: tuple[Step, ...], else_steps: tuple[Step, ...]) -> Step:
        """Return the Condition step with other branches, which hold these very steps.

        :param if_steps: what ``IfSteps`` stands for.
        :param else_steps: what ``ElseSteps`` stands for.
        """
        branches = {"IfSteps": if_steps, "ElseSteps": else_steps}
        documents = {key: [step.to_document() for step in steps] for key, steps in branches.items()}
        step = replace(self, arguments={**self.arguments, **documents})
        step.__dict__.update(branches, _expressions=self.expressions)
        return step

    def _own_parts(self) -> Iterator[tuple[Any, str]]:
        if self.type == "Condition":
            yield self.conditions, ".Arguments.Conditions"
        elif self.type == "ForEach" and isinstance(self.arguments, Mapping):
            for key, value in self.arguments.items():
                if key != "ForEachBody":
                    yield value, f".Arguments.{key}"
        else:
            yield self.arguments, ".Arguments"
        for key, value in self.extra.items():
            yield value, f".{key}"

    @property
    def if_steps(self) -> tuple[Step, ...]:
        """The steps run when all conditions hold; empty unless this is a Condition step."""
        return self._inner("IfSteps") if self.type == "Condition" else ()

    @property
    def else_steps(self) -> tuple[Step, ...]:
        """The steps run when not all conditions hold; empty unless this is a Condition step."""
        return self._inner("ElseSteps") if self.type == "Condition" else ()

    @property
    def body(self) -> tuple[Step, ...]:
        """The steps that a ForEach step runs for each item; empty for every other type."""
        return self._inner("ForEachBody") if self.type == "ForEach" else ()

    @property
    def property_files(self) -> tuple[PropertyFile, ...]:
        """The property files this step declares; those of a wrong form are left out, validation reports them."""
        declared = self.extra.get("PropertyFiles")
        return tuple(
            PropertyFile.from_document(each)
            for each in (declared if isinstance(declared, list) else ())
            if isinstance(each, Mapping) and all(isinstance(each.get(key), str) for key in PROPERTY_FILE_KEYS)
        )

    def _inner(self, key: str) -> tuple[Step, ...]:
        return self._once(key, lambda: tuple(map(Step.from_document, self.arguments.get(key) or ())))

    def _once(self, name: str, make: Callable[[], Made]) -> Made:
        """Return what is made of the step, once: it never changes. A ``cached_property`` takes a lock each time."""
        made: Made
        try:
            made = self.__dict__[name]
        except KeyError:
            made = self.__dict__[name] = make()
        return made


@dataclass(frozen=True)
class BranchOwner:
    """The branch of a Condition step that a step belongs to.

    :param condition: the Condition step's name.
    :param outcome: ``True`` for ``IfSteps``, ``False`` for ``ElseSteps``.
    """

    condition: str
    outcome: bool


@dataclass(frozen=True)
class LocatedStep:
    """A step, its place in the document, and the branch it belongs to.

    :param step: the step.
    :param path: such as ``$.Steps[3].Arguments.IfSteps[0]``.
    :param owner: ``None`` for a step at the top level.
    """

    step: Step
    path: str
    owner: BranchOwner | None


def walk_steps(steps: tuple[Step, ...], path: str = "$.Steps") -> Iterator[LocatedStep]:
    """Yield all steps depth first, each Condition step before the steps of its branches.

    Does not yield the steps of ForEach bodies, which run once per item and under other names: see
    :func:`walk_body`. Does not recurse in Python.

    :param steps: the steps of a document.
    :param path: where they stand.
    """
    stack = [LocatedStep(step, f"{path}[{index}]", None) for index, step in enumerate(steps)][::-1]
    while stack:
        located = stack.pop()
        yield located
        children = [
            LocatedStep(child, f"{located.path}.Arguments.{key}[{index}]", BranchOwner(located.step.name, outcome))
            for key, branch, outcome in (
                ("IfSteps", located.step.if_steps, True),
                ("ElseSteps", located.step.else_steps, False),
            )
            for index, child in enumerate(branch)
        ]
        stack.extend(reversed(children))


def walk_body(located: LocatedStep) -> Iterator[LocatedStep]:
    """Yield the steps of a ForEach step's body.

    :param located: the ForEach step; any other has no body.
    """
    for index, child in enumerate(located.step.body):
        yield LocatedStep(child, f"{located.path}.Arguments.ForEachBody[{index}]", located.owner)
