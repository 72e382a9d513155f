"""What the demo, the live tests and the benchmarks need besides ``airflow_sm_pipelines.serving``.

A client of Airflow's REST API, stacks whose components are frozen and killed, and servers for many processes. It knows
none of those who use it, and is not part of the package.
"""
