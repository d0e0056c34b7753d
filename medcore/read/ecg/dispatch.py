"""Which parser an ECG file is for, by content. Runs in the sandboxed child."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from medcore.errors import InputRejected, NotAnImage
from medcore.read.ecg.aecg import is_aecg, parse_aecg
from medcore.read.ecg.edf import is_edf, parse_edf
from medcore.read.ecg.ishne import is_ishne, parse_ishne
from medcore.read.ecg.mat import is_mat, parse_mat
from medcore.read.ecg.muse import is_muse, parse_muse
from medcore.read.ecg.note import Note, is_note
from medcore.read.ecg.scp import is_scp, parse_scp
from medcore.read.ecg.sierra import is_sierra, parse_sierra
from medcore.read.ecg.text import parse_text
from medcore.read.ecg.wfdb import parse_wfdb
from medcore.read.ecg.wfdb_header import HEADER_BYTES, is_wfdb_header
from medcore.read.tracing import Tracing

Parts = Mapping[str, memoryview]
_FORMATS: tuple[tuple[Callable[[memoryview], bool], Callable[[memoryview], Tracing]], ...] = (
    (is_ishne, parse_ishne),
    (is_edf, parse_edf),
    (is_scp, parse_scp),
    (is_aecg, parse_aecg),
    (is_muse, parse_muse),
    (is_sierra, parse_sierra),
)
_LONE_HEADER = "This is the header of a WFDB record without its signal file; upload the file that it names (.dat or .mat) together with it."
_LONE_SIGNAL = "This is the signal file of a WFDB record without its header; upload the header (.hea) together with it."
_LONE_NOTE = "This is a note about an ECG without the ECG; upload both together."
_CODES = range(1, 50)  # of annotation(5): what a beat or change is called


def parse_ecg(data: memoryview, note: Note | None = None) -> Tracing | None:
    """The recording in one file; None where the bytes are those of no ECG format.

    Raises:
        InputRejected: it is one, and may not be read.
    """
    head = bytes(data[:4])
    if head == b"fLaC":
        raise NotAnImage(_LONE_SIGNAL)
    for matches, parse in _FORMATS:
        if matches(data):
            return parse(data)
    if len(data) <= HEADER_BYTES:
        text = bytes(data)
        if is_note(text):
            raise NotAnImage(_LONE_NOTE)
        if is_wfdb_header(text):
            raise NotAnImage(_LONE_HEADER)
    return parse_mat(data, note) if is_mat(data) else parse_text(data, note)


def parse_record(header: memoryview, parts: Parts, note: Note | None = None) -> Tracing:
    """The recording of a WFDB header and the signal files that it names.

    Raises:
        InputRejected: any of its kinds.
    """
    return parse_wfdb(header, parts, note)


def lone(name: str, error: InputRejected) -> InputRejected:
    """A clearer sentence for a file that nothing reads, where its name says which other file it belongs to."""
    if type(error) is NotAnImage and name.lower().endswith(".dat"):
        return NotAnImage(_LONE_SIGNAL)
    return error


def is_annotation(data: memoryview) -> bool:
    """Whether the file looks like the annotations of a WFDB record (annotation(5)): 16-bit words, the last one zero."""
    if len(data) < 4 or len(data) % 2 or bytes(data[-2:]) != b"\0\0":
        return False
    code = data[1] >> 2
    return code in _CODES or code in (59, 60, 61, 62, 63)
