"""From the end of a step to the end of its task, beside tasks of Airflow's own that end from a trigger at once."""
