"""Tuning jobs: a search over hyperparameters, of which each combination is a training job."""
