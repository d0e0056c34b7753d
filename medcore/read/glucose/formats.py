"""The glucose formats that are read, for pages and docs, in the form in which the ECG's are told."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from medcore.read.ecg.formats import Format

_TABLE = Path(__file__).resolve().parents[2] / "reference" / "glucose_formats.toml"


@cache
def formats() -> tuple[Format, ...]:
    """All of them, in the order of the table."""
    with _TABLE.open("rb") as file:
        return tuple(Format(**row) for row in tomllib.load(file)["format"])
