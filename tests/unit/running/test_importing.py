from __future__ import annotations

import subprocess
import sys

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.running.importing import ImportedPipeline

ROLE = "arn:aws:iam::123456789012:role/r"


def definition(*parameters):
    return PipelineDefinition.from_document({"Version": "2020-12-01", "Parameters": list(parameters), "Steps": []})


def test_the_call_that_runs_it():
    """Code and artifact_uri where there is code, and a place for each parameter without a default."""
    declared = [{"Name": "Needed", "Type": "String"}, {"Name": "P", "Type": "Integer", "DefaultValue": 1}]
    code = {"s3://ml/old/p.py": "code/p/p.py", "s3://ml/s.tar.gz": "code/train"}
    assert ImportedPipeline("churn", ROLE, definition(*declared), code).call() == (
        "SageMakerPipelineTaskGroup.from_definition(\n"
        '    "churn",\n'
        '    definition="churn.json",\n'
        '    pipeline_name="churn",\n'
        '    role_arn="arn:aws:iam::123456789012:role/r",\n'
        '    artifact_uri="s3://ml/churn",\n'
        "    code={\n"
        '        "s3://ml/old/p.py": "code/p/p.py",\n'
        '        "s3://ml/s.tar.gz": "code/train",\n'
        "    },\n"
        "    parameters={\n"
        '        "Needed": ...,  # it has no default\n'
        "    },\n"
        ")\n"
    )
    assert ImportedPipeline("churn", ROLE, definition(), {}).call() == (
        "SageMakerPipelineTaskGroup.from_definition(\n"
        '    "churn",\n'
        '    definition="churn.json",\n'
        '    pipeline_name="churn",\n'
        '    role_arn="arn:aws:iam::123456789012:role/r",\n'
        ")\n"
    )


LOADED = """
import sys
import airflow_sm_pipelines.running.difference
import airflow_sm_pipelines.running.importing

print([name for name in sys.modules if name.startswith(("airflow.", "airflow_sm_pipelines.local", "boto", "moto"))])
"""


def test_neither_airflow_nor_the_local_endpoint_is_needed():
    """What reads an account loads no AWS client before it is asked, no Airflow, and nothing of the extra local."""
    ended = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"
