"""Functions of a Dag file as scripts that jobs run: signature, source, script."""
