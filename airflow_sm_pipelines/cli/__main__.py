"""``python -m airflow_sm_pipelines.cli`` is ``sm-pipelines``."""

from __future__ import annotations

import sys

from airflow_sm_pipelines.cli.program import main

if __name__ == "__main__":
    sys.exit(main())
