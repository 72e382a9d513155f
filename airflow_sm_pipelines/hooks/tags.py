"""The tags of a pipeline, kept as a Dag says, beside those that others have given it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from airflow_sm_pipelines.exceptions import PipelineExecutionError

OURS: Final = "airflow_sm_pipelines:tags"
"""The tag that names the tags which a Dag has given, and whose absence from the Dag removes them."""

LONGEST_VALUE: Final = 256
"""Characters of a tag's value."""

_SEPARATOR: Final = " "


@dataclass(frozen=True)
class TagChange:
    """What is to be done so that a pipeline has the tags of its Dag.

    :param add: values by key, the tag that names ours among them.
    :param remove: keys that the Dag has given earlier, and gives no more.
    """

    add: Mapping[str, str]
    remove: tuple[str, ...]

    def __str__(self) -> str:
        shown = [f"{key}={value}" for key, value in self.add.items() if key != OURS]
        shown += [f"-{key}" for key in self.remove if key != OURS]
        return ", ".join(shown)


def with_ours(wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of a new pipeline: those of the Dag, and the one that names them.

    :param wanted: the Dag's tags.
    :raises PipelineExecutionError: their keys together are too long for a tag's value.
    """
    if not wanted:
        return {}
    names = _SEPARATOR.join(sorted(wanted))
    if len(names) > LONGEST_VALUE:
        raise PipelineExecutionError(
            f"the keys of {len(wanted)} tags have {len(names)} characters together, and the tag '{OURS}', which "
            f"records the Dag's tags for later runs, holds at most {LONGEST_VALUE}. Give fewer tags"
        )
    if spaced := next((key for key in wanted if _SEPARATOR in key), None):
        raise PipelineExecutionError(
            f"the key of the tag '{spaced}' has a space, which the tag '{OURS}' cannot record. Rename the tag"
        )
    return {**wanted, OURS: names}


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as requests have them.

    :param tags: values by key.
    """
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def change_of(current: Mapping[str, str], wanted: Mapping[str, str]) -> TagChange:
    """Return what is to be done.

    :param current: the pipeline's tags.
    :param wanted: the Dag's tags.
    :raises PipelineExecutionError: as :func:`with_ours` does.
    """
    target = with_ours(wanted)
    earlier = [key for key in current.get(OURS, "").split(_SEPARATOR) if key]
    remove = [key for key in (*earlier, OURS) if key in current and key not in target]
    return TagChange({key: value for key, value in target.items() if current.get(key) != value}, tuple(remove))
