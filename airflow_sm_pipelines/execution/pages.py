"""Where the local endpoint shows executions, jobs and logs to people: what it and those who link to it agree on."""

from __future__ import annotations

from typing import Final

PAGES: Final = "/_pages/"
"""What the address of a page begins with; the ARN of an execution or a job follows. No bucket can have the name."""

LOG_PAGES: Final = "/_pages/log/"
"""The same for the log of a job."""

SERVES_PAGES: Final = "x-sm-pipelines-pages"
"""The header by which an endpoint says that it has such pages. Other endpoints have none."""
