"""From an Airflow TaskGroup to a pipeline definition, by way of neutral records."""
