"""Airflow operators that are steps of a SageMaker pipeline, and the launch task that starts it."""
