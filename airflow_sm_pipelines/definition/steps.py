"""Steps of a pipeline definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_sm_pipelines.definition.parameters import MISSING

DEPENDENCY_TRIGGERS: Final = ("Completed", "Failed", "Stopped", "Any")
"""What a dependency waits for; a bare step name in ``DependsOn`` means ``Completed``."""

MAXIMUM_STEP_NAME_LENGTH: Final = 64

_KNOWN_KEYS = ("Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description")


@dataclass(frozen=True)
class StepDependency:
    """One entry of ``DependsOn``.

    :param step: the step waited for.
    :param trigger: one of :data:`DEPENDENCY_TRIGGERS`.
    """

    step: str
    trigger: str = "Completed"

    @classmethod
    def from_document(cls, document: Any) -> StepDependency:
        """Read a ``DependsOn`` entry: a step's name, or ``{"Step", "Trigger"}``."""
        if isinstance(document, str):
            return cls(document)
        return cls(document["Step"], document.get("Trigger", "Completed"))

    def to_document(self) -> Any:
        """Return the entry as it stands in a document; ``Completed`` is a bare name."""
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
        """Return the entry as it stands in a document."""
        return {"PropertyFileName": self.name, "OutputName": self.output_name, "FilePath": self.file_path}


@dataclass(frozen=True)
class Step:
    """One step, of any type.

    :param name: unique in the document.
    :param type: ``Processing``, ``Training``, ``Condition``, ... exactly as the document says.
    :param arguments: ``Arguments``, as JSON. A Condition step's branches lie in here.
    :param depends_on: ``DependsOn``; ``None`` when the key is absent.
    :param display_name: ``DisplayName``.
    :param description: ``Description``.
    :param extra: all other keys (``CacheConfig``, ``RetryPolicies``, ``PropertyFiles``, ...), as they are.
    """

    name: str
    type: str
    arguments: Any = MISSING
    depends_on: tuple[StepDependency, ...] | None = None
    display_name: str | None = None
    description: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Step:
        """Read one entry of ``Steps``; checks nothing (see :mod:`.validation`)."""
        depends_on = document.get("DependsOn")
        return cls(
            name=document["Name"],
            type=document["Type"],
            arguments=document.get("Arguments", MISSING),
            depends_on=None if depends_on is None else tuple(map(StepDependency.from_document, depends_on)),
            display_name=document.get("DisplayName"),
            description=document.get("Description"),
            extra={key: value for key, value in document.items() if key not in _KNOWN_KEYS},
        )

    def to_document(self) -> dict[str, Any]:
        """Return the step as it stands in a document."""
        document: dict[str, Any] = {"Name": self.name, "Type": self.type}
        if self.arguments is not MISSING:
            document["Arguments"] = self.arguments
        if self.depends_on is not None:
            document["DependsOn"] = [dependency.to_document() for dependency in self.depends_on]
        if self.display_name is not None:
            document["DisplayName"] = self.display_name
        if self.description is not None:
            document["Description"] = self.description
        return {**document, **self.extra}

    @property
    def conditions(self) -> list[Any]:
        """The raw conditions of a Condition step; empty for every other type."""
        return list(self.arguments.get("Conditions", [])) if self.type == "Condition" else []

    @property
    def if_steps(self) -> tuple[Step, ...]:
        """The steps run when all conditions hold; empty unless this is a Condition step."""
        return self._branch("IfSteps")

    @property
    def else_steps(self) -> tuple[Step, ...]:
        """The steps run when not all conditions hold; empty unless this is a Condition step."""
        return self._branch("ElseSteps")

    @property
    def property_files(self) -> tuple[PropertyFile, ...]:
        """The property files this step declares."""
        return tuple(map(PropertyFile.from_document, self.extra.get("PropertyFiles") or ()))

    def _branch(self, key: str) -> tuple[Step, ...]:
        if self.type != "Condition":
            return ()
        return tuple(map(Step.from_document, self.arguments.get(key) or ()))


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
    """A step, where it stands in the document, and the branch it belongs to.

    :param step: the step.
    :param path: such as ``$.Steps[3].Arguments.IfSteps[0]``.
    :param owner: ``None`` for a step at the top level.
    """

    step: Step
    path: str
    owner: BranchOwner | None


def walk_steps(steps: tuple[Step, ...], path: str = "$.Steps") -> Iterator[LocatedStep]:
    """Yield all steps depth first, each Condition step before the steps of its branches.

    Does not recurse in Python, so the depth of nested conditions is no limit.

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
