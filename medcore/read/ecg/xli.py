"""Philips' XLI compression: LZW of 10-bit codes over the high and low bytes of second differences, one chunk a lead.

Not published by Philips; as described and decoded by the open project sierra-ecg-tools (C. A. Watford, MIT licence).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from medcore.errors import Inconsistent, TooLarge, Truncated
from medcore.read.ecg.assemble import DAMAGED, TRUNCATED

_BITS = 10
_LAST_CODE = (1 << _BITS) - 2
_HEADER = struct.Struct("<ihh")  # bytes that follow, not used here, the first difference
_BIAS = 64


def unpacked(data: bytes, leads: int, samples: int) -> list[NDArray[np.int64]]:
    """Up to `leads` leads of at most `samples` samples each, as the recorder's integers.

    Raises:
        Truncated: a chunk is longer than what is there, or holds less than three samples.
        TooLarge: a chunk unpacks to more than the header says.
        Inconsistent: codes or differences that no encoder writes.
    """
    out: list[NDArray[np.int64]] = []
    at = 0
    while at < len(data) and len(out) < leads:
        if at + _HEADER.size > len(data):
            raise Truncated(TRUNCATED)
        size, _, first = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        if size < 0 or at + size > len(data):
            raise Truncated(TRUNCATED)
        out.append(_integrated(_inflated(data[at : at + size], 2 * samples), first))
        at += size
    return out


def _codes(data: bytes) -> Iterator[int]:
    """10-bit codes, the most significant bit first."""
    held, bits = 0, 0
    for byte in data:
        held, bits = (held << 8 | byte) & 0x3FFFF, bits + 8
        if bits >= _BITS:
            bits -= _BITS
            yield held >> bits & 0x3FF


def _inflated(data: bytes, limit: int) -> bytes:
    """LZW with the table growing to 1,022 codes and staying so; ends with the data, or with a code past the table."""
    table: list[bytes] = [bytes([value]) for value in range(256)]
    out = bytearray()
    before = b""
    for code in _codes(data):
        if code > _LAST_CODE:
            break
        if code < len(table):
            entry = table[code]
        elif code == len(table) and before:
            entry = before + before[:1]
        else:
            raise Inconsistent(DAMAGED)
        if before and len(table) <= _LAST_CODE:
            table.append(before + entry[:1])
        before = entry
        out += entry
        if len(out) > limit + 1:
            raise TooLarge("The compressed ECG unpacks to more than its header says.")
    return bytes(out)


def _integrated(content: bytes, first: int) -> NDArray[np.int64]:
    """x[i] = 2 x[i-1] - x[i-2] - c[i], with c[2] in the chunk's header and c[i] = word[i-1] - 64 after that."""
    if len(content) % 2:
        content += b"\0"
    count = len(content) // 2
    if count < 3:
        raise Truncated(TRUNCATED)
    high, low = np.frombuffer(content, np.int8, count), np.frombuffer(content, np.uint8, count, count)
    words = high.astype(np.int64) * 256 + low
    bends = np.concatenate(([first], words[2:-1] - _BIAS))
    slopes = np.concatenate(([words[1] - words[0]], words[1] - words[0] - np.cumsum(bends)))
    samples: NDArray[np.int64] = words[0] + np.concatenate(([0], np.cumsum(slopes)))
    if int(np.abs(samples).max()) > 0x7FFF + 1:
        raise Inconsistent(DAMAGED)
    return samples
