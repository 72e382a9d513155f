"""The command line ``sm-pipelines``: a module for each command, imported when the command is used."""

from __future__ import annotations

from airflow_sm_pipelines.cli.program import main

__all__ = ["main"]
