"""Sensors that wait for pipeline executions, and for steps of them, whoever started them."""
