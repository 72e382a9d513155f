"""What a worker does while the service is unavailable: it waits, for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.pace import LONGEST_IN_TROUBLE, Pace

Result = TypeVar("Result")

SECONDS: Final = 300.0
"""How long trouble is waited out. A worker's slot is taken meanwhile; after that it is Airflow's turn to retry."""


def persist(function: Callable[[], Result], log: Any) -> Result:
    """Call a function, again and again while the service is unavailable, for five minutes.

    Does not wait for a service that was never reached: that looks like wrong settings, and is better told at once.

    :param function: what to call; calling it again must do no harm.
    :param log: the task's log.
    :raises SageMakerServiceError: when trying again cannot help, or did not; in the service's words.
    """
    pace = Pace(LONGEST_IN_TROUBLE)
    left = SECONDS
    while True:
        began = time.monotonic()
        try:
            return function()
        except SageMakerServiceError as error:
            wait = pace.after_trouble()
            left -= time.monotonic() - began + wait
            if not error.retryable or not error.reached or left < 0:
                raise
            log.warning("SageMaker is unavailable, retrying: %s", error)
        time.sleep(wait)
