"""The local endpoint: it runs SageMaker pipelines on this machine.

It executes the document that CreatePipeline received. The rest of AWS (S3, Logs, the model registry, ...) is moto
in the same process. Nothing in here imports Airflow: any AWS client is its client.
"""
