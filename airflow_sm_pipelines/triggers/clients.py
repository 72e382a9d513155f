"""Making AWS clients in a triggerer, beside its event loop, without holding that up.

botocore makes a hundred thousand objects of a service's model. That sets off full garbage collections, each of
which goes through everything that Airflow has loaded, with the interpreter's lock held: a third of a second in which no
trigger runs, although the client is made in a thread.
"""

from __future__ import annotations

import functools
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
    """Collect no garbage in the block; the first time, also exempt what is there by its end from all collections.

    That is Airflow, botocore and the first client, which stay: the collections put off would only come later else.
    Once is enough, and more would be harmful: a client that is replaced is garbage that only a collection frees.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        freeze_once()
        if was_enabled:
            gc.enable()


@functools.cache
def freeze_once() -> None:
    """Exempt everything there is from garbage collections (:func:`gc.freeze`), the first time it is called."""
    gc.freeze()
