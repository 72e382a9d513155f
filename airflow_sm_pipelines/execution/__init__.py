"""What a pipeline execution is: its ARN, its statuses, what was seen of it, and what that means.

Pure: the standard library and :mod:`airflow_sm_pipelines.exceptions` only. No Airflow, no boto3.
"""
