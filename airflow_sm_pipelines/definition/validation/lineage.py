"""Rules for Lineage steps: the entities they create, and the associations between them.

Source: the SageMaker SDK 3.27 (``sagemaker.mlops.workflow.lineage_step``). SageMaker looks up a name and type
among the entities of the same step only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.problems import Problem, did_you_mean, error, warning
from airflow_sm_pipelines.definition.steps import Step

ENTITY_TYPES: Final = ("Action", "Artifact", "Context")


def lineage_problems(step: Step, path: str) -> Iterator[Problem]:
    """Yield what is wrong with a Lineage step.

    :param step: the Lineage step.
    :param path: where it stands.
    """
    if not isinstance(step.arguments, Mapping):
        return
    where = f"{path}.Arguments"
    if not any(step.arguments.get(key) for key in ("Associations", *(f"{type_}s" for type_ in ENTITY_TYPES))):
        yield warning(f"Lineage step '{step.name}' creates no entity and no association", where)
    associations = step.arguments.get("Associations")
    for index, association in enumerate(associations if isinstance(associations, list) else ()):
        for end in ("Source", "Destination"):
            entity = association.get(end) if isinstance(association, Mapping) else None
            if isinstance(entity, Mapping):
                yield from _entity_problems(step, entity, f"{where}.Associations[{index}].{end}")


def entity_names(step: Step, type_: str) -> list[str] | None:
    """Return the names of the entities that a Lineage step creates; ``None`` where not all of them can be read.

    :param step: the Lineage step.
    :param type_: one of :data:`ENTITY_TYPES`.
    """
    entities = step.arguments.get(f"{type_}s") if isinstance(step.arguments, Mapping) else None
    if entities is None:
        return []
    if not isinstance(entities, list):
        return None
    names = [entity.get(f"{type_}Name") for entity in entities if isinstance(entity, Mapping)]
    read = [name for name in names if isinstance(name, str)]
    return read if len(read) == len(entities) else None


def _entity_problems(step: Step, entity: Mapping[str, Any], path: str) -> Iterator[Problem]:
    start = f"an association of Lineage step '{step.name}'"
    by_arn = entity.get("Arn") is not None
    given = [key for key in ("Name", "Type") if entity.get(key) is not None]
    if (by_arn and given) or (not by_arn and len(given) < 2):
        yield error(f"{start} must name an entity by its 'Arn', or by 'Name' and 'Type'", path)
        return
    name, type_ = entity.get("Name"), entity.get("Type")
    if by_arn or not isinstance(name, str) or type_ not in ENTITY_TYPES:
        return
    names = entity_names(step, type_)
    if names is not None and name not in names:
        yield error(
            f"{start} names the {type_} '{name}', which this step does not create; name one made elsewhere by its 'Arn'"
            f"{did_you_mean(name, names)}",
            f"{path}.Name",
        )
