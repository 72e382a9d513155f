"""``python -m airflow_sm_pipelines.serving SETTINGS``: what ``sm-pipelines serve`` runs under a guard."""

from __future__ import annotations

import json
import sys

from airflow_sm_pipelines.serving.serving import ServeSettings, serve

if __name__ == "__main__":
    sys.exit(serve(ServeSettings(**json.loads(sys.argv[1]))))
