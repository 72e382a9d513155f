"""Tasks about whole pipeline executions."""
