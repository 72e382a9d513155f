"""TaskGroups that are pipelines."""
