"""``sm-pipelines run``: one command that runs a pipeline on this machine, and shows how it goes.

A file becomes a ``Source`` (``sources``, ``dag_source``, ``sdk_source``), the source a checked start (``preparation``),
and that an execution of an endpoint (``command``), which is followed (``following``), shown (``rows``, ``view``) and
summed up (``results``, ``summary``). It is a client like any other: what it knows of the execution, it has asked for.
"""
