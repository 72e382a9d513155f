"""The pages in Airflow's user interface: a plugin, which costs nothing but in the API server."""
