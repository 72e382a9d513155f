"""Waiting in the triggerer: one watch per execution, shared by the triggers of all its steps."""
