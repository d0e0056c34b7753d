"""Bytes to `Image`, `Tracing` or `Curve`, by content. Runs in the sandboxed child; tests may call it in process."""

from __future__ import annotations

import logging
from collections.abc import Callable

from medcore.errors import Inconsistent, InputRejected, NotAnImage, TooLarge, Unsupported
from medcore.read.brought import Brought
from medcore.read.dicom import is_dicom, parse_dicom
from medcore.read.ecg.dispatch import Parts, parse_ecg, parse_record
from medcore.read.ecg.note import Note
from medcore.read.glucose.dispatch import parse_glucose
from medcore.read.glucose.note import Said
from medcore.read.limits import FILE_BYTES
from medcore.read.nifti import inflated, is_nifti, parse_nifti
from medcore.read.picture import is_picture, parse_picture

LOG = logging.getLogger("medcore.read")
_HEADERLESS = (
    b"\x02\0\0\0",
    b"\x08\0\0\0",
    b"\x08\0\x05\0",
    b"\x08\0\x08\0",
    b"\x08\0\x16\0",
    b"\0\x08\0\0",
    b"\0\x08\0\x05",
)  # group, element
FORMATS = "DICOM, NIfTI, PNG, JPEG, TIFF, BMP, WebP, ECG files (EDF, WFDB, SCP, HL7, CSV), exports of glucose sensors, and zips of them"


def parse(data: memoryview, parts: Parts | None = None, note: Note | None = None, said: Said | None = None) -> Brought:
    """Read one file, or the WFDB record of a header and its signal files (`parts`).

    `note`: what a person said of an ECG, `said`: of a table of glucose.

    Raises:
        InputRejected: it is not an image, ECG or glucose trace that may be read; nothing else is ever raised but MemoryError.
    """
    if parts is not None:
        return _guarded(lambda: parse_record(data, parts, note))
    return _guarded(lambda: _by_content(data, note, said))


def _guarded(read: Callable[[], Brought]) -> Brought:
    try:
        return read()
    except (InputRejected, MemoryError):
        raise
    except RecursionError:
        raise TooLarge("The file's header is nested too deep.") from None
    except Exception as error:  # noqa: BLE001 - third-party parsers raise anything; the detail may quote the file, so only its kind is kept
        LOG.warning("a parser failed with %s", type(error).__name__)
        raise Inconsistent("The file's contents contradict themselves, so it cannot be read.") from None


def _by_content(data: memoryview, note: Note | None, said: Said | None) -> Brought:
    if not len(data):
        raise NotAnImage("The file is empty.")
    if len(data) > FILE_BYTES:
        raise TooLarge("The file is larger than the reader takes.")
    if is_dicom(data):
        return parse_dicom(data)
    if bytes(data[:2]) == b"\x1f\x8b":
        data = inflated(data)
    if is_nifti(data):
        return parse_nifti(data)
    if is_picture(data):
        return parse_picture(data)
    if bytes(data[:4]) in _HEADERLESS:
        raise Unsupported("This looks like DICOM without its file header, which names the encoding; please export it again.")
    found = parse_glucose(data, said) or parse_ecg(data, note)  # no ECG has samples a minute apart
    if found is not None:
        return found
    raise NotAnImage(f"This is not an image, ECG or glucose trace that is read here; read are {FORMATS}.")
