"""``make docker-check``: builds docker/Dockerfile and runs docker/compose.yaml where there is no container engine."""
