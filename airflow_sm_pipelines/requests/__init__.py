"""Steps held against the API requests that SageMaker makes of them, by botocore's model. Calls nobody.

Loading the model takes a tenth of a second, so this is nothing for the parsing of a Dag file.
"""

from airflow_sm_pipelines.requests.check import check_requests
from airflow_sm_pipelines.requests.service_model import MODELS

__all__ = ["MODELS", "check_requests"]
