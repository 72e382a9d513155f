"""The bridge between Airflow Dags and Amazon SageMaker Pipelines.

Importing this package imports neither Airflow nor boto3: every public name is loaded when it is first
used (PEP 562). The names are in ``__init__.pyi``, which type checkers read too.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from typing import Any

__version__ = "0.1.0"

_MODULES = {
    alias.name: str(statement.module)
    for statement in ast.parse(pkgutil.get_data(__name__, "__init__.pyi") or b"").body
    if isinstance(statement, ast.ImportFrom)
    for alias in statement.names
}
"""The module of each public name."""

__all__ = ["__version__"]
__all__ += list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
