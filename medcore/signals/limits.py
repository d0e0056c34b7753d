"""Limits as data: `medcore/reference/*.toml`, each value with its unit, population, citation and the day it was checked."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

_FOLDER = Path(__file__).resolve().parent.parent / "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One number of a reference file, and where it is from."""

    value: float
    unit: str
    citation: str


@cache
def limits(file: str) -> MappingProxyType[str, Limit]:
    """The `[[limit]]` rows of `medcore/reference/<file>.toml` by name."""
    rows = tomllib.loads((_FOLDER / f"{file}.toml").read_text(encoding="utf-8"))["limit"]
    return MappingProxyType({row["name"]: Limit(value=float(row["value"]), unit=row["unit"], citation=row["citation"]) for row in rows})


def value(file: str, name: str) -> float:
    """One number of `file`.

    Raises:
        KeyError: the file has no such row.
    """
    return limits(file)[name].value
