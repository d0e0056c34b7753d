"""Which reader a file of glucose is for, by content. Runs in the sandboxed child."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from medcore.errors import NotAnImage, TooLarge
from medcore.read.curve import Curve
from medcore.read.glucose import carelink, clarity, columns, events, libre, nightscout, ohio, plain, tidepool
from medcore.read.glucose.note import NOTE_BYTES, Said, is_note
from medcore.read.glucose.sheet import Sheet, decoded, sheets
from medcore.read.limits import GLUCOSE_BYTES

_MAKERS = (clarity, libre, carelink)
_LONE_NOTE = "This is a note about a table of glucose without the table; upload both together."
_HEAD = 1 << 16
_TEXT = bytes(range(32, 256)) + b"\t\r\n\f\0"


def parse_glucose(data: memoryview, said: Said | None = None) -> Curve | None:
    """The curve in one file; None where the bytes are those of no format of glucose.

    Raises:
        InputRejected: they are, and may not be read; of those ColumnsUnknown, DateOrderUnknown and GlucoseUnitUnknown ask for a note.
    """
    if bytes(data[:1024]).translate(None, _TEXT):
        return None
    if len(data) <= NOTE_BYTES and is_note(bytes(data)):
        raise NotAnImage(_LONE_NOTE)
    if ohio.is_ohio(data):
        return ohio.parse_ohio(data)
    if events.is_json(data):
        return _json(data)
    return _table(data, said)


def _json(data: memoryview) -> Curve | None:
    if len(data) > GLUCOSE_BYTES:
        raise TooLarge("The JSON file is larger than the reader takes.")
    lists = events.records(data)
    if lists is None:
        return None
    if tidepool.is_tidepool(lists):
        return tidepool.read(lists)
    return nightscout.read(lists) if nightscout.is_nightscout(lists) else None


def _table(data: memoryview, said: Said | None) -> Curve | None:
    if len(data) > GLUCOSE_BYTES:
        head = decoded(data[:_HEAD])
        if head is not None and any(_names(sheet) is not None for sheet in sheets(head)):
            raise TooLarge("The table is larger than the reader takes.")
        return None
    text = decoded(data)
    divided = list(sheets(text)) if text is not None else []
    for sheet in divided:
        reader = _names(sheet)
        if reader is not None:
            return reader(said)
    for sheet in divided:
        known = plain.told(sheet, said) if said is not None else None
        if known is not None:
            return replace(plain.read(sheet, *known, said), noted=True)
    for sheet in divided:
        question = plain.asks(sheet)
        if question is not None:
            raise question
    return None


def _names(sheet: Sheet) -> Callable[[Said | None], Curve] | None:
    """The reader for the row of column names that stands first; None where no row is one."""
    for line, cells in sheet.head:
        names = [columns.bare(cell) for cell in cells]
        for maker in _MAKERS:
            if maker.header(names):
                return partial(maker.read, sheet, line, cells)
        places = plain.header(names)
        if places is not None:
            return partial(plain.read, sheet, line, cells, places)
    return None
