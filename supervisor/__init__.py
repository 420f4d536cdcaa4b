"""Supervisor: hyperparameter searches, ensembles and workflows on MPI ranks."""

from importlib import import_module as _import_module
from typing import Any as _Any

__version__ = "0.1.0"

_PLACES = {
    "App": "dataflow.app",
    "Array": "dataflow.array",
    "Counter": "dataflow.counter",
    "AppFailed": "dataflow.future",
    "File": "dataflow.files",
    "Future": "dataflow.future",
    "app": "dataflow.app",
    "as_completed": "dataflow.combine",
    "cancel": "dataflow.combine",
    "flow": "runtime.script",
    "gather": "dataflow.combine",
    "glob": "dataflow.files",
    "location": "dataflow.combine",
    "repeat": "dataflow.control",
    "share": "dataflow.combine",
    "shell": "dataflow.shell",
    "wait": "dataflow.combine",
    "when": "dataflow.control",
}

__all__ = ["__version__", *_PLACES]


def __getattr__(name: str) -> _Any:
    """Import what is asked for, and only that: workers start with little."""
    if name not in _PLACES:
        raise AttributeError(f"module 'supervisor' has no attribute {name!r}")
    return getattr(_import_module(f"supervisor.{_PLACES[name]}"), name)
