"""Demo cases: real files that installed packages carry, and synthetic ECGs and sensor exports of known truth, known by their SHA-256."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from importlib.resources import files

from medcore.errors import NotAnImage
from medcore.ui.components import ASSETS

__all__ = ["Case", "cases", "content", "upload"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case of assets/demo.toml; its wording stands under [demo] in the text files."""

    name: str
    file: str
    modality: str
    sha256: str  # of `file` and `also`, one after the other
    package: str | None = None  # None: a file of assets
    also: tuple[str, ...] = ()  # what belongs to it: the header of a WFDB record


def cases() -> tuple[Case, ...]:
    """The cases in the order of the list."""
    listed = tomllib.loads((ASSETS / "demo.toml").read_text("utf-8"))["case"]
    return tuple(Case(**case | {"also": tuple(case.get("also", ()))}) for case in listed)


def content(case: Case) -> bytes:
    """The bytes of the file of `case`.

    Raises:
        NotAnImage: the package is missing or carries another file than the one described.
    """
    return upload(case)[0][1]


def upload(case: Case) -> list[tuple[str, bytes]]:
    """(name, bytes) of each file of `case`, as if a person had dropped them together.

    Raises:
        NotAnImage: as for `content`.
    """
    try:
        folder = ASSETS if case.package is None else files(case.package)
        given = [(name.rsplit("/", 1)[-1], folder.joinpath(name).read_bytes()) for name in (case.file, *case.also)]
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise NotAnImage("This demo case is not installed on this machine.") from error
    if hashlib.sha256(b"".join(data for _, data in given)).hexdigest() != case.sha256:
        raise NotAnImage("The file of this demo case is not the one it should be.")
    return given
