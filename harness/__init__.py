"""The local endpoint and Airflow's components as processes of this machine: started, watched, frozen, ended.

The demo, the live tests and the benchmarks are built on it. It knows none of them, and is not part of the package.
"""
