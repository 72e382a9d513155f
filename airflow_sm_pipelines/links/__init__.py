"""Links from a task to the AWS console, or to the local endpoint."""
