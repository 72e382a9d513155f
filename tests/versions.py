"""What tests have to know of the installed Airflow and boto3."""

from __future__ import annotations

import boto3
import pytest
from airflow import __version__ as airflow_version
from packaging.version import Version

from airflow_sm_pipelines.compatibility.version import TASKS_LIVE_IN_TRIGGERER
from airflow_sm_pipelines.hooks.known_arguments import SINCE

try:
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:  # before Airflow 3.2
    from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization

try:
    from airflow.serialization.decoders import smart_decode_trigger_kwargs
except ImportError:  # before Airflow 3.2
    from airflow.serialization.serialized_objects import smart_decode_trigger_kwargs

__all__ = [
    "DagSerialization",
    "cleared_workers_go_on",
    "in_triggerer",
    "needs_argument",
    "needs_for_each",
    "needs_pinned_botocore",
    "smart_decode_trigger_kwargs",
]

in_triggerer = pytest.mark.skipif(not TASKS_LIVE_IN_TRIGGERER, reason="before Airflow 3.3.1 workers end all tasks")
"""Leave a test out where tasks neither start nor end in the triggerer; also where it needs what only newer Airflows have."""


cleared_workers_go_on = pytest.mark.skipif(
    not Version("3.1") <= Version(airflow_version) < Version("3.4.0a0"),
    reason="Airflow 3.0 leaves what is cleared on a worker restarting, and the scheduler of 3.4.0b2 ends over it",
)
"""Leave a test out that clears a task while a worker runs it: there no task, ours or not, gets its next try then.

3.4.0b2 lets a process that is told to end go on for a minute. With the short heartbeat time-outs of these tests its scheduler
starts the next try before that (``complete_restart``), and ends with an IntegrityError.
"""


def needs_argument(name):
    """Leave a test out where boto3 does not know an argument yet."""
    since = SINCE[name]
    return pytest.mark.skipif(Version(boto3.__version__) < Version(since), reason=f"{name} needs boto3 {since}")


def needs_for_each():
    """Leave a test out that runs ForEach steps locally where boto3 does not know what is said of them, as 1.42.81."""
    model = boto3.session.Session()._session.get_service_model("sagemaker")
    known = "IterationContext" in model.shape_for("PipelineExecutionStep").members
    return pytest.mark.skipif(not known, reason="the local endpoint answers with what botocore knows")


needs_pinned_botocore = pytest.mark.skipif(
    Version(boto3.__version__) < Version("1.44"), reason="compares with botocore's model as it is pinned"
)
