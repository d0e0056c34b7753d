"""SCP-ECG's entropy code (EN 1064 / ISO 11073-91064, section 2): prefixes that stand for a value or say how many bits of it follow."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medcore.errors import Inconsistent, Truncated, Unsupported
from medcore.read.ecg.assemble import DAMAGED, TRUNCATED

DEFAULT = 19999  # stands for the number of tables where the standard's own is used
_PEEK = 16  # bits of the longest prefix that is read
_WINDOW = 32  # bits of the longest code with its value
_TABLES = 64
_ENTRY = struct.Struct("<BBBhI")  # prefix bits, all bits, mode, base value, prefix with its first bit lowest


@dataclass(frozen=True, slots=True)
class Code:
    """One prefix. `bits` is how it stands in the stream, first bit highest; `switch` names the table that follows (from 1), 0 for none."""

    prefix: int
    total: int
    bits: int
    value: int
    switch: int = 0


Table = tuple[Code, ...]


def default_table() -> Table:
    """Table C.1 of the standard: 0, +-1 to +-8, then eight and sixteen bits in full."""
    codes = [Code(1, 1, 0, 0)]
    for size in range(1, 9):
        ones = (1 << size) - 1 << 2
        codes += [Code(size + 2, size + 2, ones, size), Code(size + 2, size + 2, ones | 1, -size)]
    return (*codes, Code(10, 18, 0b1111111110, 0), Code(10, 26, 0b1111111111, 0))


def tables(section: memoryview) -> tuple[Table, ...]:
    """The tables of section 2.

    Raises:
        Truncated, Inconsistent, Unsupported: it is cut short, holds no table, or codes longer than 32 bits.
    """
    if len(section) < 2:
        raise Truncated(TRUNCATED)
    (count,) = struct.unpack_from("<H", section)
    if count == DEFAULT:
        return (default_table(),)
    if not 0 < count <= _TABLES:
        raise Inconsistent(DAMAGED)
    out: list[Table] = []
    at = 2
    for _ in range(count):
        if at + 2 > len(section):
            raise Truncated(TRUNCATED)
        (size,) = struct.unpack_from("<H", section, at)
        if at + 2 + size * _ENTRY.size > len(section):
            raise Truncated(TRUNCATED)
        out.append(tuple(_code(*_ENTRY.unpack_from(section, at + 2 + entry * _ENTRY.size)) for entry in range(size)))
        at += 2 + size * _ENTRY.size
    return tuple(out)


def _code(prefix: int, total: int, mode: int, value: int, stored: int) -> Code:
    if not 1 <= prefix <= _PEEK or not prefix <= total <= _WINDOW:
        raise Unsupported("The SCP-ECG file's own code table is not read.")
    bits = int(f"{stored & (1 << prefix) - 1:0{prefix}b}"[::-1], 2)
    return Code(prefix, total, bits, value, 0 if mode else value)


class Decoder:
    """All tables of one file, made ready to look codes up by the next sixteen bits."""

    def __init__(self, used: tuple[Table, ...]) -> None:
        self._codes: list[Code] = []
        self._rows: list[NDArray[np.int32]] = []
        for table in used:
            row = np.full(1 << _PEEK, -1, np.int32)
            for code in table:
                start = code.bits << _PEEK - code.prefix
                row[start : start + (1 << _PEEK - code.prefix)] = len(self._codes)
                self._codes.append(code)
            self._rows.append(row)
        self._total = np.array([code.total if not code.switch else code.prefix for code in self._codes] or [0], np.int64)
        self._extra = np.array([code.total - code.prefix if not code.switch else 0 for code in self._codes] or [0], np.int64)
        self._prefix = np.array([code.prefix for code in self._codes] or [0], np.int64)
        self._value = np.array([code.value for code in self._codes] or [0], np.int64)

    def decode(self, data: memoryview, count: int) -> NDArray[np.int64]:
        """The first `count` values of a stream, most significant bit first.

        Every bit is looked up as if a code began there, all at once; then the chain from code to code is followed.

        Raises:
            Truncated: it ends before.
            Inconsistent: a prefix that no table holds, or a switch to none.
        """
        bits = 8 * len(data)
        if count > bits:
            raise Truncated(TRUNCATED)  # no code is shorter than a bit
        window = _windows(data)
        entries = [row[window >> (_WINDOW - _PEEK)] for row in self._rows]
        places, chosen = self._followed(entries, bits, count)
        extra = self._extra[chosen]
        tail = window[places].astype(np.int64) << self._prefix[chosen] & (1 << _WINDOW) - 1
        raw = tail >> _WINDOW - extra
        signed = np.where((extra > 0) & (raw >= 1 << np.maximum(extra - 1, 0)), raw - (1 << extra), raw)
        return self._value[chosen] + np.where(extra > 0, signed, 0)

    def _followed(self, entries: list[NDArray[np.int32]], bits: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where each value's code begins, and which it is."""
        lists = [row.tolist() for row in entries]
        totals, switches = self._total.tolist(), [code.switch for code in self._codes]
        places, chosen = [0] * count, [0] * count
        at, done, table = 0, 0, lists[0]
        while done < count:
            if at >= bits:
                raise Truncated(TRUNCATED)
            code = table[at]
            if code < 0:
                raise Inconsistent(DAMAGED)
            if switches[code]:
                if not 1 <= switches[code] <= len(lists):
                    raise Inconsistent(DAMAGED)
                table = lists[switches[code] - 1]
            else:
                places[done], chosen[done] = at, code
                done += 1
            at += totals[code]
        if at > bits:
            raise Truncated(TRUNCATED)
        return np.array(places, np.int64), np.array(chosen, np.int64)


def _windows(data: memoryview) -> NDArray[np.uint64]:
    """The 32 bits that begin at every bit of `data`, zeros after its end."""
    padded = np.concatenate((np.frombuffer(data, np.uint8), np.zeros(4, np.uint8))).astype(np.uint64)
    five = sum((padded[at : at + len(data)] << np.uint64(8 * (4 - at)) for at in range(5)), np.zeros(len(data), np.uint64))
    shifts = np.uint64(8) - np.arange(8, dtype=np.uint64)
    return ((five[:, None] >> shifts) & np.uint64(0xFFFFFFFF)).reshape(-1)
