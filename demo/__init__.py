"""The main job on one machine, from nothing: the local endpoint, Airflow, and the two example Dags.

``python -m demo`` (or ``make demo``) runs it, on the components of ``harness``. Not part of the package.
"""
