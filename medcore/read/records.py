"""Which files of an upload belong together: a WFDB header with the signal files it names, an ECG or a table with the note about it.

By content; names serve only to find what a header names, in its own folder. Runs in the sandboxed child.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from medcore.errors import InputRejected, NotAnImage
from medcore.read.ecg.note import NOTE_BYTES, Note, is_note, parse_note
from medcore.read.ecg.wfdb_header import HEADER_BYTES, is_wfdb_header, wfdb_files
from medcore.read.glucose.note import NOTE_BYTES as SAID_BYTES
from medcore.read.glucose.note import Said
from medcore.read.glucose.note import is_note as is_said
from medcore.read.glucose.note import parse_note as parse_said

Unit = tuple[int, int]  # file of the upload, member of it
Place = tuple[int, str, str]  # set, folder, name
_HEAD = 256
_TEXT = bytes(range(32, 127)) + bytes(range(128, 256)) + b"\t\r\n"
_MISSING = "The signal file that this WFDB header names is not beside it; upload both together."
_SHARED = "Two WFDB headers name the same signal file; only the first is read."


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as the plan sees it. Files of two sets are never put together."""

    unit: Unit
    group: int  # the set
    folder: str
    name: str  # without folders
    size: int
    head: Callable[[int], bytes]  # the first so many bytes, b"" where it may not be opened


@dataclass(slots=True)
class Plan:
    """What to read together. A unit in `claimed` is no file of its own; one in `beside` may be annotations of a record."""

    parts: dict[Unit, Mapping[str, Unit]] = field(default_factory=dict)
    problems: dict[Unit, InputRejected] = field(default_factory=dict)
    claimed: set[Unit] = field(default_factory=set)
    beside: set[Unit] = field(default_factory=set)
    notes: dict[int, tuple[Unit, Note]] = field(default_factory=dict)  # of ECGs, by set
    said: dict[int, tuple[Unit, Said]] = field(default_factory=dict)  # of glucose, by set

    def skipped(self, unit: Unit) -> bool:
        """Whether the unit is read with another one."""
        noted = unit in {own for own, _ in self.notes.values()} | {own for own, _ in self.said.values()}
        return noted or (unit in self.claimed and unit not in self.parts)


def entry(unit: Unit, group: int, path: str, size: int, head: Callable[[int], bytes]) -> Entry:
    """A file by its path inside the upload or zip, which is never opened."""
    folder, _, name = path.replace("\\", "/").rpartition("/")
    return Entry(unit, group, folder, name, size, head)


def plan(entries: Iterable[Entry], outside: Plan | None = None) -> Plan:
    """Look into each small file for a header or a note; everything else stands alone. `outside`: the plan of what lies around a zip."""
    outside = outside or Plan()
    found = Plan(notes=dict(outside.notes), said=dict(outside.said))
    by_name: dict[Place, Entry] = {}
    headers: list[tuple[Entry, bytes]] = []
    for each in entries:
        by_name.setdefault((each.group, each.folder, each.name), each)
        text = _text(each)
        if is_note(text) or is_said(text):
            _take_note(found, each, text)
        elif text and is_wfdb_header(text):
            headers.append((each, text))
    for each, text in headers:
        _take_header(found, each, text, by_name)
    if len(by_name) == 1:
        found.notes, found.said = dict(outside.notes), dict(outside.said)  # a note about nothing
    if headers:
        stems = {(each.group, each.folder, _stem(each.name)) for each, _ in headers}
        found.beside = {each.unit for each in by_name.values() if (each.group, each.folder, _stem(each.name)) in stems}
    return found


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _text(own: Entry) -> bytes:
    """The whole of a small file whose beginning is text, else nothing."""
    if not 0 < own.size <= HEADER_BYTES:
        return b""
    head = own.head(_HEAD)
    if not head or head[:64].translate(None, _TEXT):
        return b""
    if not is_note(head) and not is_said(head) and head[:1] != b"#" and not _like_record_line(head):
        return b""
    return own.head(own.size)


def _like_record_line(head: bytes) -> bool:
    words = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].split()
    return len(words) >= 2 and words[1].isdigit()


def _take_note(found: Plan, own: Entry, text: bytes) -> None:
    try:
        if is_said(text):
            found.said[own.group] = (own.unit, parse_said(text[:SAID_BYTES]))
        else:
            found.notes[own.group] = (own.unit, parse_note(text[:NOTE_BYTES]))
    except InputRejected as error:
        found.problems[own.unit] = error


def _take_header(found: Plan, own: Entry, text: bytes, by_name: Mapping[Place, Entry]) -> None:
    try:
        places = {name: (own.group, own.folder, name) for name in wfdb_files(text)}
        parts = {name: by_name[place].unit for name, place in places.items() if place in by_name}
        if len(parts) < len(places):
            raise NotAnImage(_MISSING)
        if found.claimed & set(parts.values()):
            raise NotAnImage(_SHARED)
    except InputRejected as error:
        found.problems[own.unit] = error
        return
    found.parts[own.unit] = parts
    found.claimed |= set(parts.values())
