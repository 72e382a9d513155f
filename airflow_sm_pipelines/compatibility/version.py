"""The installed Airflow's version, and what depends on it alone. No other module reads it."""

from __future__ import annotations

from typing import Final

from airflow import __version__
from packaging.version import Version


def _is_since(airflow: str, first: str) -> bool:
    return Version(Version(airflow).base_version) >= Version(first)


def tasks_live_in_triggerer(airflow: str) -> bool:
    """Whether a task may start, and end, in the triggerer.

    Before 3.3 Airflow starts tasks on workers anyway, or does not render what it gives their triggers. 3.3.0
    ignores the ``retries`` of a task that its trigger fails (apache/airflow issue 71163).

    :param airflow: a version. A pre-release counts as what it comes before: 3.4.0b2 has what 3.4.0 has.
    """
    return _is_since(airflow, "3.3.1")


TASKS_LIVE_IN_TRIGGERER: Final = tasks_live_in_triggerer(__version__)


def has_react_pages(airflow: str) -> bool:
    """Whether Airflow's pages take React apps of plugins, and give them the React and the Chakra UI that they run with.

    3.1 takes React apps and gives them no Chakra UI.

    :param airflow: a version. A pre-release counts as what it comes before.
    """
    return _is_since(airflow, "3.2")


REACT_PAGES: Final = has_react_pages(__version__)


def scopes_pages(airflow: str) -> bool:
    """Whether Airflow shows a plugin's page only where it applies (``applies_to``); before, it shows it everywhere.

    :param airflow: a version. A pre-release counts as what it comes before.
    """
    return _is_since(airflow, "3.4")


SCOPES_PAGES: Final = scopes_pages(__version__)
