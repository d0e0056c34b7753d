"""Annotation files of WFDB records: what a cardiologist marked, sample by sample. For training only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_SYMBOLS = dict(
    zip(
        (*range(1, 15), 16, *range(18, 42)),
        ["N", "L", "R", "a", "V", "F", "J", "A", "S", "E", "j", "/", "Q", "~", "|", "s", "T", "*", "D", '"', "=", "p", "B", "^", "t", "+",
         "u", "?", "!", "[", "]", "e", "n", "@", "x", "f", "(", ")", "r"],
        strict=True,
    )
)  # fmt: skip
_SKIP, _NUM, _SUB, _CHN, _AUX = 59, 60, 61, 62, 63


class Annotation(NamedTuple):
    """A mark: its sample, its symbol as ecgcodes.h names it, and which of several waves or signals it is of."""

    sample: int
    symbol: str
    number: int


def marks_of(data: bytes) -> list[Annotation]:
    """The marks of an annotation file in MIT format (WFDB Programmer's Guide, annot(5)).

    Raises:
        ValueError: it is not one.
    """
    words = np.frombuffer(data[: len(data) // 2 * 2], "<u2")
    found: list[Annotation] = []
    at, sample, number = 0, 0, 0
    while at < len(words):
        code, step = int(words[at]) >> 10, int(words[at]) & 1023
        at += 1
        if code == 0 and step == 0:
            return found
        if code == _SKIP:
            high, low = int(words[at]), int(words[at + 1])
            sample += int(np.int32(np.uint32((high << 16) | low).view(np.int32)))
            at += 2
        elif code == _NUM:
            number = step
            found[-1] = found[-1]._replace(number=number)
        elif code == _AUX:
            at += (step + 1) // 2
        elif code in _SYMBOLS:
            sample += step
            found.append(Annotation(sample, _SYMBOLS[code], number))
        elif code not in (_SUB, _CHN):
            raise ValueError(f"annotation code {code} is not known")
    raise ValueError("the annotations do not end")
