"""The local endpoint and Airflow's components as processes of this machine: started, watched, ended.

``sm-pipelines serve`` is built on it, and so are the demo, the live tests and the benchmarks.
"""
