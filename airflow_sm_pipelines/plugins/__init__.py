"""The pages in Airflow's user interface: a plugin that works only in the API server."""
