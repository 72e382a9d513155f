"""Waiting in the triggerer for many executions: ours a trigger for each step, amazon's one for each execution."""
