"""Demo cases: real files that installed packages carry, known by their SHA-256."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from importlib.resources import files

from medcore.errors import NotAnImage
from medcore.ui.components import ASSETS

__all__ = ["Case", "cases", "content"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case of assets/demo.toml; its wording stands under [demo] in the text files."""

    name: str
    package: str
    file: str
    modality: str
    sha256: str


def cases() -> tuple[Case, ...]:
    """The cases in the order of the list."""
    listed = tomllib.loads((ASSETS / "demo.toml").read_text("utf-8"))["case"]
    return tuple(Case(**case) for case in listed)


def content(case: Case) -> bytes:
    """The bytes of `case`.

    Raises:
        NotAnImage: the package is missing or carries another file than the one described.
    """
    try:
        data = files(case.package).joinpath(case.file).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise NotAnImage("This demo case is not installed on this machine.") from error
    if hashlib.sha256(data).hexdigest() != case.sha256:
        raise NotAnImage("The file of this demo case is not the one it should be.")
    return data
