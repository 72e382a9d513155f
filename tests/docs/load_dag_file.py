"""Load a Dag file as Airflow's Dag processor does, and compile its pipeline groups: ``python load_dag_file.py dags/churn.py``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from airflow.sdk import DAG, TaskGroup
from airflow.sdk.definitions._internal.contextmanager import DagContext

from airflow_sm_pipelines.task_groups.base import BasePipelineTaskGroup


def groups(group: TaskGroup) -> list[BasePipelineTaskGroup]:
    """Return the pipeline groups in a group, at any depth."""
    children = [child for child in group.children.values() if isinstance(child, TaskGroup)]
    inside = [found for child in children for found in groups(child)]
    return [group, *inside] if isinstance(group, BasePipelineTaskGroup) else inside


file = Path(sys.argv[1]).resolve()
sys.path.insert(0, str(file.parent))
DagContext.autoregistered_dags.clear()
DagContext.current_autoregister_module_name = file.stem
specification = importlib.util.spec_from_file_location(file.stem, file)
assert specification is not None
assert specification.loader is not None
module = importlib.util.module_from_spec(specification)
sys.modules[file.stem] = module
specification.loader.exec_module(module)
dags = {each.dag_id: each for each in vars(module).values() if isinstance(each, DAG)}
dags.update({dag.dag_id: dag for dag, _ in DagContext.autoregistered_dags})
assert dags, f"{file.name} has no Dag"
for dag in dags.values():
    dag.check_cycle()
    for group in groups(dag.task_group):
        group.compile()
