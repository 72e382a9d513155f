"""Data arrives: writes the Wisconsin breast cancer set as CSV to S3 and says so with an Asset.

``example_train`` is scheduled on that Asset. Settings come from the environment, so that parsing this file
asks neither S3 nor Airflow's database for anything.
"""

from __future__ import annotations

import os

from airflow.sdk import Asset, dag, task

BUCKET = os.environ.get("EXAMPLE_BUCKET", "example-ml")
RAW_DATA = Asset(name="breast_cancer_raw", uri=f"s3://{BUCKET}/breast-cancer/raw/breast_cancer.csv")


@dag(schedule=None, tags=["example"])
def example_ingest():
    """Write the raw data to S3."""

    @task(outlets=[RAW_DATA])
    def write_raw_data() -> int:
        """Write one CSV with the features and the column ``target``: 0 malignant, 1 benign."""
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook
        from sklearn.datasets import load_breast_cancer

        table = load_breast_cancer(as_frame=True).frame
        table.columns = [name.replace(" ", "_") for name in table.columns]
        bucket, key = S3Hook.parse_s3_url(RAW_DATA.uri)
        S3Hook(aws_conn_id="aws_default").load_string(table.to_csv(index=False), key, bucket_name=bucket, replace=True)
        print(f"{len(table)} rows, {len(table.columns) - 1} features -> {RAW_DATA.uri}")
        return len(table)

    write_raw_data()


ingestion = example_ingest()
