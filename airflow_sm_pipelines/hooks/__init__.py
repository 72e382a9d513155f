"""Talking to AWS: SageMaker pipelines, and the S3 objects and logs around them."""
