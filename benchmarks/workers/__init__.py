"""Worker processes that a Dag run starts, and how long they hold their slots: on real Airflow components."""
