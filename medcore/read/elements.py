"""DICOM data elements out of untrusted bytes, with every length and depth checked (PS3.5 section 7).

Written here, not left to a library, because nesting, lengths and the transfer syntax must be found sound
before anything allocates: pydicom alone accepts a wrong byte order and recurses as deep as a file asks.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import cache

from pydicom.datadict import dictionary_VR

from medcore.errors import Inconsistent, TooLarge, Truncated
from medcore.read.limits import ELEMENTS, NESTING

LONG_VR = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
SHORT_VR = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXELS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
_TRUNCATED = "The file ends before its data does; it may have been cut short while copying."
_FOREIGN = "The file's header does not follow the encoding it names, so its pixels cannot be trusted."


@dataclass(slots=True)
class Element:
    """One element: its bytes as a view, or its items if it is a sequence."""

    vr: str
    value: memoryview
    items: list[Elements] = field(default_factory=list)


Elements = dict[int, Element]


@dataclass(slots=True)
class _Frame:
    """What the walk is inside of: a data set (`items` is None) or a sequence."""

    end: int  # len(data) when the length is undefined
    defined: bool
    explicit: bool
    elements: Elements
    items: list[Elements] | None = None
    fragments: bool = False  # the items hold bytes, not elements


@dataclass(slots=True)
class Walk:
    """The result: top-level elements up to the pixels, where those stand, and what had to be dropped."""

    elements: Elements
    end: int
    pixel_tag: int = 0
    pixel_vr: str = ""
    pixel_start: int = 0
    pixel_length: int = 0  # UNDEFINED: encapsulated
    dropped: int = 0
    giant_groups: int = 0


@cache
def _is_sequence(tag: int) -> bool:
    try:
        return dictionary_VR(tag) == "SQ"
    except KeyError:
        return False


def walk(data: memoryview, start: int, *, explicit: bool, little: bool, only_group: int | None = None) -> Walk:
    """Walk the elements of `data` from `start`, to the pixels, the end, or the end of `only_group`.

    Raises:
        Truncated: a length points beyond the file.
        TooLarge: sequences nested too deep, or too many elements.
        Inconsistent: the bytes are not elements in this encoding.
    """
    return _Walker(data, little, explicit, only_group).run(start)


class _Walker:
    def __init__(self, data: memoryview, little: bool, explicit: bool, only_group: int | None) -> None:
        self.data = data
        self.only_group = only_group
        order = "<" if little else ">"
        self.tag = struct.Struct(order + "HH").unpack_from
        self.short = struct.Struct(order + "H").unpack_from
        self.long = struct.Struct(order + "L").unpack_from
        self.result = Walk({}, len(data))
        self.stack = [_Frame(len(data), False, explicit, self.result.elements)]

    def run(self, pos: int) -> Walk:
        self._first(pos)
        count = 0
        while self.stack:
            count += 1
            if count > ELEMENTS:
                raise TooLarge("The file's header holds more elements than any image needs.")
            frame = self.stack[-1]
            if pos + 8 > frame.end:
                if not self._ended(frame, pos):
                    raise Truncated(_TRUNCATED)
                self.stack.pop()
                pos = frame.end if frame.defined else pos
                continue
            group, number = self.tag(self.data, pos)
            tag = group << 16 | number
            if len(self.stack) == 1 and self._stops(tag, group, pos):
                break
            pos = self._element(frame, tag, pos) if frame.items is None else self._item(frame, frame.items, tag, pos)
            if pos < 0:  # the pixels
                break
        return self.result

    def _first(self, pos: int) -> None:
        """The first element tells a wrong byte order or explicit VRs under an implicit label."""
        if pos + 8 > len(self.data):
            return
        group = self.tag(self.data, pos)[0]
        vr = bytes(self.data[pos + 4 : pos + 6])
        if (group & 0xFF == 0 and 0 < group >> 8 <= 0x60) or (not self.stack[0].explicit and vr in LONG_VR | SHORT_VR):
            raise Inconsistent(_FOREIGN)

    def _stops(self, tag: int, group: int, pos: int) -> bool:
        if self.only_group is not None and group != self.only_group:
            self.result.end = pos
            return True
        return tag == 0  # padding with zeros after the last element

    def _ended(self, frame: _Frame, pos: int) -> bool:
        """At the end of `frame`: whether it may end here. Under 8 trailing bytes are padding."""
        if len(self.stack) == 1:
            self.result.end = pos
        return frame.defined or len(self.stack) == 1

    def _item(self, frame: _Frame, items: list[Elements], tag: int, pos: int) -> int:
        length = self.long(self.data, pos + 4)[0]
        pos += 8
        if tag == SEQUENCE_END:
            self.stack.pop()
            return pos
        if tag != ITEM:
            raise Inconsistent(_FOREIGN)
        if length != UNDEFINED and pos + length > frame.end:
            raise Truncated(_TRUNCATED)
        if frame.fragments:
            return pos + (0 if length == UNDEFINED else length)
        elements: Elements = {}
        items.append(elements)
        self.stack.append(_Frame(frame.end if length == UNDEFINED else pos + length, length != UNDEFINED, frame.explicit, elements))
        return pos

    def _element(self, frame: _Frame, tag: int, pos: int) -> int:
        if tag == ITEM_END:
            if len(self.stack) == 1:
                raise Inconsistent(_FOREIGN)
            self.stack.pop()
            return pos + 8
        vr, length, pos, known = self._head(frame, tag, pos)
        if len(self.stack) == 1 and tag in PIXELS:
            return self._pixels(tag, vr, length, pos)
        if length != UNDEFINED and pos + length > frame.end:
            raise Truncated(_TRUNCATED)
        sequence = vr == "SQ" or length == UNDEFINED
        value = self.data[pos:pos] if sequence else self.data[pos : pos + length]
        element = Element(vr, value)
        if not known:
            self.result.dropped += 1
        elif tag & 0xFFFF == 0:
            self._group_length(value)
        else:
            frame.elements[tag] = element
        if not sequence:
            return pos + length
        self._descend(frame, element, length, pos)
        return pos

    def _descend(self, frame: _Frame, element: Element, length: int, pos: int) -> None:
        if len(self.stack) > 2 * NESTING:
            raise TooLarge(f"The file's header is nested more than {NESTING} levels deep.")
        end = frame.end if length == UNDEFINED else pos + length
        explicit = frame.explicit and element.vr != "UN"  # PS3.5 6.2.2 note: UN of undefined length is implicit
        fragments = element.vr in ("OB", "OW")
        self.stack.append(_Frame(end, length != UNDEFINED, explicit, {}, element.items, fragments))

    def _head(self, frame: _Frame, tag: int, pos: int) -> tuple[str, int, int, bool]:
        """VR, length, where the value starts, and whether the VR is one of the standard's."""
        if not frame.explicit:
            return ("SQ" if _is_sequence(tag) else ""), self.long(self.data, pos + 4)[0], pos + 8, True
        vr = bytes(self.data[pos + 4 : pos + 6])
        if vr in SHORT_VR:
            return vr.decode(), self.short(self.data, pos + 6)[0], pos + 8, True
        known = vr in LONG_VR
        if not known and not (vr.isalpha() and vr.isupper()):
            raise Inconsistent(_FOREIGN)
        if known or self._looks_long(frame, pos):
            if pos + 12 > frame.end:
                raise Truncated(_TRUNCATED)
            return vr.decode(), self.long(self.data, pos + 8)[0], pos + 12, known
        return vr.decode(), self.short(self.data, pos + 6)[0], pos + 8, known

    def _looks_long(self, frame: _Frame, pos: int) -> bool:
        """An unknown VR has the long form (PS3.5 6.2.2), but writers use the short one too: two zeros tell."""
        return pos + 12 <= frame.end and self.short(self.data, pos + 6)[0] == 0 and pos + 12 + self.long(self.data, pos + 8)[0] <= frame.end

    def _pixels(self, tag: int, vr: str, length: int, pos: int) -> int:
        self.result.pixel_tag, self.result.pixel_start, self.result.pixel_length = tag, pos, length
        self.result.pixel_vr, self.result.end = vr, pos
        return -1

    def _group_length(self, value: memoryview) -> None:
        """Group lengths are retired and not used; one that cannot be true is worth a warning."""
        if len(value) == 4 and self.long(value, 0)[0] > len(self.data):
            self.result.giant_groups += 1
