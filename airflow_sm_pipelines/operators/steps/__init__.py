"""Tasks that are steps of a pipeline."""
