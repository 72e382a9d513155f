from __future__ import annotations

from tests.unit.operators.conftest import context, service, task_log

__all__ = ["context", "service", "task_log"]
