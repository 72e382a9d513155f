"""Sandboxes: how a job gets its own ``/opt/ml``. Jobs know their protocol only (``local.jobs.sandbox``)."""
