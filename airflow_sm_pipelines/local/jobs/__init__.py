"""Jobs: Processing and Training, run as processes with their own ``/opt/ml``."""
