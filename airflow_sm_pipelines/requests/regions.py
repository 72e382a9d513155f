"""The regions of AWS, as botocore lists them."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import botocore
import botocore.loaders

from airflow_sm_pipelines.definition.problems import did_you_mean


def region_problem(name: str) -> str | None:
    """Say what is wrong with a region; ``None`` when nothing is.

    :param name: such as ``eu-west-1``.
    """
    known = _regions()
    if name in known:
        return None
    return (
        f"region_name={name!r} is not a region that botocore {botocore.__version__} "
        f"knows{did_you_mean(name, known) or '.'} A newer region needs a newer botocore; or set it in the connection's "
        "extra instead."
    )


@functools.cache
def _regions() -> Sequence[str]:
    partitions = botocore.loaders.Loader().load_data("partitions")["partitions"]
    return [region for partition in partitions for region in partition["regions"]]
