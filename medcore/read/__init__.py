"""Bytes to studies, by content and never by extension. Parsing runs in a sandboxed child; this side holds no parser.

read(name, data)   one study
read_all(files)    what an upload of files, zips and folders brought, with what was refused
read_each(files)   one answer per file, in order
read_records(records)   one answer per ECG record of one or several files, in order
read_path(path)    a file, folder or zip on disk
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from medcore import settings
from medcore.errors import Inconsistent, InputRejected, NotAnImage, SeveralStudies, TooLarge
from medcore.read.group import studies
from medcore.read.limits import MIB
from medcore.read.sandbox import ZYGOTE, Read, run
from medcore.read.text import display_name
from medcore.types import Study

__all__ = ["Intake", "Refused", "read", "read_all", "read_each", "read_path", "read_records", "warm"]

_LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")
_HEADER = ".hea"  # of a WFDB record: the one format whose files only their names hold together
_NOTHING = "The upload holds no image, ECG or glucose trace."
_BATCH_BYTES = 32 * MIB  # of records that one child reads: far from its time limit on a busy machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A file that was not read; `name` is for display only."""

    name: str
    error: InputRejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What an upload brought."""

    studies: tuple[Study, ...]
    refused: tuple[Refused, ...]


def read(name: str, data: bytes) -> Study:
    """Read one study out of one file or zip.

    Raises:
        InputRejected: nothing in it is an image that may be read; one of its kinds says why.
        SeveralStudies: it holds more than one study.
    """
    intake = read_all([(name, data)])
    if len(intake.studies) > 1:
        raise SeveralStudies("The file holds several studies, and one was asked for.")
    if not intake.studies or any(refused.error.code == "mixed_patients" for refused in intake.refused):
        raise _worst(intake.refused)
    study = intake.studies[0]
    if intake.refused:
        count = len(intake.refused)
        return replace(study, warnings=(*study.warnings, f"{count} file{'s' * (count > 1)} of the upload could not be read."))
    return study


def _worst(refused: Sequence[Refused]) -> InputRejected:
    """A hard stop before anything else, then whatever came first."""
    if not refused:
        return NotAnImage(_NOTHING)
    return next((each.error for each in refused if each.error.code == "mixed_patients"), refused[0].error)


def read_all(files: Sequence[tuple[str, bytes]]) -> Intake:
    """Read an upload of (name, bytes), zips opened, grouped into studies and series. Never raises for a bad file."""
    wanted = [(name, data) for name, data in files if _file_name(name) not in _LITTER]
    if not wanted:
        return Intake(studies=(), refused=())
    try:
        reads = run(wanted)
    except InputRejected as error:
        return Intake(studies=(), refused=tuple(Refused(name=display_name(name), error=error) for name, _ in wanted))
    return _intake(reads)


def _intake(reads: Sequence[Read]) -> Intake:
    found: list[Study] = []
    refused = [Refused(name=each.name, error=each.error) for each in reads if each.error is not None]
    for study, name in studies(reads):
        if isinstance(study, Study):
            found.append(study)
        else:
            refused.append(Refused(name=name, error=study))
    return Intake(studies=tuple(found), refused=tuple(refused))


def read_each(files: Sequence[tuple[str, bytes]]) -> tuple[Study | InputRejected, ...]:
    """One answer per file, in order, in one child for all: for manifests of many images."""
    if not files:
        return ()
    try:
        reads = run(files)
    except InputRejected as error:
        return (error,) * len(files)
    by_file: list[list[Read]] = [[] for _ in files]
    for each in reads:
        by_file[each.index].append(each)
    return tuple(_one(own) for own in by_file)


def read_records(records: Sequence[Sequence[tuple[str, bytes]]]) -> tuple[Study | InputRejected, ...]:
    """One answer per record, in order. A record is its files (name, bytes): a WFDB header with its signals, or one file of another kind."""
    answers: list[Study | InputRejected] = []
    while len(answers) < len(records):
        start, size = len(answers), 0
        end = start
        while end < len(records) and (end == start or size < _BATCH_BYTES):
            size += sum(len(data) for _, data in records[end])
            end += 1
        answers += _records(records[start:end])
    return tuple(answers)


def _records(records: Sequence[Sequence[tuple[str, bytes]]]) -> list[Study | InputRejected]:
    sets = [number for number, record in enumerate(records) for _ in record]
    try:
        reads = run([file for record in records for file in record], sets) if sets else []
    except InputRejected as error:
        return [error] * len(records)
    by_record: list[list[Read]] = [[] for _ in records]
    for each in reads:
        by_record[sets[each.index]].append(each)
    return [_one(own) for own in by_record]


def _one(reads: Sequence[Read]) -> Study | InputRejected:
    intake = _intake(reads)
    if any(refused.error.code == "mixed_patients" for refused in intake.refused):
        return _worst(intake.refused)
    if len(intake.studies) == 1:
        return intake.studies[0]
    return Inconsistent("The file holds several studies; one is read at a time.") if intake.studies else _worst(intake.refused)


def read_path(path: Path) -> Intake:
    """Read a file, a zip, or every file under a folder; links are not followed out of it.

    Raises:
        NotAnImage: there is nothing at `path`, nothing in it, or it may not be opened.
        TooLarge: it is over MEDCORE_MAX_UPLOAD_MB.
    """
    try:
        files = _files(path)
    except OSError:
        raise NotAnImage("The file or folder cannot be opened.") from None
    intake = read_all(files)
    if not intake.studies and not intake.refused:
        raise NotAnImage("The folder holds no image, ECG or glucose trace.")
    return intake


def _files(path: Path) -> list[tuple[str, bytes]]:
    """Name and bytes of the file, or of every file under the folder; the size is asked for before anything is read."""
    if path.is_dir():
        names = sorted(Path(folder) / name for folder, _, files in os.walk(path) for name in files)
        names = [name for name in names if not name.is_symlink() and name.is_file()]
    elif path.is_file() or path.with_name(path.name + _HEADER).is_file():
        names, path = _record(path), path.parent
    else:
        raise NotAnImage("There is no file or folder of that name.")
    limit = settings.number("MEDCORE_MAX_UPLOAD_MB")
    if sum(name.stat().st_size for name in names) > limit * MIB:
        raise TooLarge(f"The upload is larger than {limit} MB.")
    return [(name.relative_to(path).as_posix(), name.read_bytes()) for name in names]


def _record(path: Path) -> list[Path]:
    """The file itself; of a WFDB record (named by itself, its header or a signal file) all files that its header names."""
    from medcore.read.ecg import wfdb_files

    header = next((one for one in (path.with_suffix(_HEADER), path.with_name(path.name + _HEADER)) if one.is_file()), None)
    if header is None:
        return [path]
    try:
        names = [header, *(path.parent / name for name in wfdb_files(header.read_bytes()))]
    except InputRejected:
        return [path]
    belongs = path in names or not path.is_file()
    return [name for name in names if name.is_file()] if belongs else [path]


def _file_name(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def warm() -> None:
    """Start the sandbox's process, so that the first upload need not wait for it."""
    ZYGOTE.warm()


class _Callable(ModuleType):
    """This package, which can be called: `medcore.read` is both the room and what one does in it."""

    def __call__(self, name: str, data: bytes) -> Study:
        return read(name, data)


sys.modules[__name__].__class__ = _Callable
