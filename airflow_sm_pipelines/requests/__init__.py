"""Check steps against the API requests that SageMaker makes of them, by botocore's model. Makes no calls.

Loading the model takes a tenth of a second. Import this where a pipeline is checked, not with a module.
"""

from airflow_sm_pipelines.requests.check import check_requests, require_requests
from airflow_sm_pipelines.requests.types import type_of_property

__all__ = ["check_requests", "require_requests", "type_of_property"]
