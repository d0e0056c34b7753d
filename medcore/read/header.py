"""Typed access to DICOM elements by keyword. Missing stays None; what is not a number is told apart from what is not there."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from functools import cache

from pydicom.charset import decode_bytes, python_encoding
from pydicom.datadict import dictionary_VR, tag_for_keyword

from medcore.errors import Inconsistent
from medcore.read.elements import Element, Elements
from medcore.read.text import TEXT_LIMIT, clean, code_string, is_uid

_BINARY = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "UV": "Q", "SV": "q", "US or SS": "H"}
_DELIMITERS = {0x0A, 0x0C, 0x0D, 0x09}


@cache
def _known(keyword: str) -> tuple[int, str]:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return int(tag), dictionary_VR(tag)


class Header:
    """The elements of one data set, read on demand."""

    def __init__(self, elements: Elements, little: bool = True, encodings: Sequence[str] = ("iso8859",)) -> None:
        self._elements = elements
        self._little = little
        self._encodings = list(encodings)
        self.warnings: list[str] = []

    def _element(self, keyword: str) -> tuple[Element, str] | None:
        tag, vr = _known(keyword)
        element = self._elements.get(tag)
        if element is None:
            return None
        return element, element.vr if element.vr not in ("", "UN") else vr

    @property
    def order(self) -> str:
        """Byte order of the values, as NumPy writes it."""
        return "<" if self._little else ">"

    def __contains__(self, keyword: str) -> bool:
        return _known(keyword)[0] in self._elements

    def use_character_set(self) -> None:
        """Take the character sets that the header names; unknown ones give replacement characters and a warning."""
        raw = self.raw("SpecificCharacterSet").decode("ascii", "replace")
        names = [name.strip(" \0") for name in raw.split("\\")]
        if not raw.strip(" \0\\"):
            return
        if not all(name in python_encoding for name in names):
            self.warnings.append("The header names an unknown character set; letters outside ASCII are replaced.")
            self._encodings = ["ascii"]
            return
        self._encodings = [python_encoding[name] for name in names]

    def raw(self, keyword: str) -> bytes:
        """The value's bytes, empty when it is not there."""
        found = self._element(keyword)
        return b"" if found is None else bytes(found[0].value)

    def text(self, keyword: str, limit: int = TEXT_LIMIT) -> str | None:
        """The value as one cleaned line for display."""
        raw = self.raw(keyword)[: 8 * limit]
        return clean(self._decoded(raw), limit) if raw else None

    def _decoded(self, raw: bytes) -> str:
        if self._encodings == ["ascii"] or (raw.isascii() and b"\x1b" not in raw):
            return raw.decode("ascii", "replace")
        try:
            return decode_bytes(raw, self._encodings, _DELIMITERS)
        except (UnicodeError, LookupError):
            return raw.decode("ascii", "replace")

    def code(self, keyword: str) -> str | None:
        """The first value of a CS element."""
        return code_string(self.raw(keyword)[:256].decode("ascii", "replace").split("\\")[0].strip(" \0"))

    def codes(self, keyword: str) -> tuple[str, ...]:
        """All values of a CS element."""
        return tuple(part.strip(" \0").upper() for part in self.raw(keyword)[:1024].decode("ascii", "replace").split("\\"))

    def uid(self, keyword: str) -> str | None:
        """A UID. Raises Inconsistent where it could mean a path."""
        value = self.raw(keyword).decode("latin-1").strip(" \0")
        if value and not is_uid(value):
            raise Inconsistent("An identifier (UID) in the header holds characters that an identifier cannot have.")
        return value or None

    def numbers(self, keyword: str) -> tuple[float, ...] | None:
        """All values as numbers; () where the value is there but not numeric, None where it is missing or empty."""
        found = self._element(keyword)
        if found is None or not len(found[0].value):
            return None
        element, vr = found
        code = _BINARY.get(vr)
        if code is None:
            return _decimals(bytes(element.value[:65536]))
        size = struct.calcsize("<" + code)
        count = len(element.value) // size
        return struct.unpack_from(f"{'<' if self._little else '>'}{count}{code}", element.value)

    def number(self, keyword: str) -> float | None:
        """The first number. Raises Inconsistent where the value is there but is not a finite number."""
        values = self.numbers(keyword)
        if values is None:
            return None
        if not values or not math.isfinite(values[0]):
            raise Inconsistent(f"The header's {keyword} is not a finite number.")
        return values[0]

    def integer(self, keyword: str) -> int | None:
        """The first number, which must be whole."""
        value = self.number(keyword)
        if value is not None and value != int(value):
            raise Inconsistent(f"The header's {keyword} is not a whole number.")
        return None if value is None else int(value)

    def finite(self, keyword: str, count: int) -> tuple[float, ...] | None:
        """Exactly `count` finite numbers, or None."""
        values = self.numbers(keyword)
        if values is None or len(values) < count or not all(math.isfinite(value) for value in values[:count]):
            return None
        return values[:count]

    def items(self, keyword: str) -> list[Header]:
        """The items of a sequence."""
        found = self._element(keyword)
        return [] if found is None else [Header(item, self._little, self._encodings) for item in found[0].items]

    def first(self, keyword: str) -> Header:
        """The first item of a sequence, or an empty header."""
        items = self.items(keyword)
        return items[0] if items else Header({}, self._little, self._encodings)


def _decimals(raw: bytes) -> tuple[float, ...] | None:
    """DS and IS: decimal strings between backslashes (PS3.5 6.2)."""
    text = raw.decode("ascii", "replace").strip(" \0")
    if not text:
        return None
    try:
        return tuple(float(part.strip(" \0")) for part in text.split("\\"))
    except ValueError:
        return ()
