"""Making AWS clients in a triggerer, beside its event loop, without holding that up.

botocore makes a hundred thousand objects of a service's model. That sets off full garbage collections, each of
which goes through everything that Airflow has loaded, with the interpreter's lock held: a third of a second in which no
trigger runs, although the client is made in a thread. None of the objects is garbage, for a client stays.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook

_making = threading.Lock()


class TriggererHook(SageMakerPipelineHook):
    """The hook of triggers. Its clients are made one at a time, with garbage collection put off."""

    def make_client(self, service: str) -> Any:
        """Make a client for a service.

        :param service: boto3's name of it.
        """
        with _making, without_collections():
            return super().make_client(service)


@contextmanager
def without_collections() -> Iterator[None]:
    """Collect no garbage in the block, and what was made by its end never (:func:`gc.freeze`).

    Without the latter the next collection, of the youngest objects, would take as long as those put off. Garbage of the
    moment that only a collection could free stays as well; there is little, and clients are made once.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
