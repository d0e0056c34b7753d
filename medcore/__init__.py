"""Medcore: read a patient's study, say what can be trusted about it, and keep the record.

`import medcore` stays light (no torch, no Streamlit, no database): what is heavy is imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from medcore import read  # a package that can be called: medcore.read(name, data)
from medcore.read import read_all

__version__ = "0.1.0"

_HOMES = {
    "MedcoreError": "medcore.errors",
    "InputRejected": "medcore.errors",
    "Study": "medcore.types",
    "Series": "medcore.types",
    "Finding": "medcore.types",
    "Gate": "medcore.types",
    "Report": "medcore.types",
    "ModelCard": "medcore.types",
    "Status": "medcore.types",
    "cards": "medcore.registry",
    "check": "medcore.pipeline",
    "choose": "medcore.pipeline",
    "diagnose": "medcore.pipeline",
}
__all__ = ["__version__", "read", "read_all", *_HOMES]


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'medcore' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
