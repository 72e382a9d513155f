"""What outlives the endpoint: its records, S3's buckets and objects, and entries of the model registry, as files."""
