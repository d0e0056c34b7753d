"""The ECG formats that are read, for pages and docs: which of them were tried on a real file, and which know the specification only."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).resolve().parents[2] / "reference" / "ecg_formats.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format. `seen` names the real file, empty where there was none."""

    name: str
    files: str
    seen: str
    reads: str
    refuses: str
    specification: str


@cache
def formats() -> tuple[Format, ...]:
    """All of them, in the order of the table."""
    with _TABLE.open("rb") as file:
        return tuple(Format(**row) for row in tomllib.load(file)["format"])
