"""A recording as bytes that the browser draws from: what a view needs, as samples or, from afar, least and greatest of each stretch.

Level k holds the least and the greatest of every 4**k samples; level 0 is the samples themselves. No extreme is lost at any distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.types import Marks, Recording

STEP = 4
MOST = 4096  # samples, or stretches, of each lead in one answer
GAP = -32768  # nothing was recorded here
_KEPT_LEVEL = 3  # nearer ones are made from the signal when asked for
_DEEPEST = 9
_BLOCK = 1 << 20

Pair = NDArray[np.float32]  # (L, stretches, 2): least, greatest


@dataclass(frozen=True, slots=True)
class Pyramid:
    """The far levels of one recording, nearest first; a 24 h lead at 250 Hz costs about 4 MB."""

    levels: tuple[Pair, ...]


def pyramid(recording: Recording) -> Pyramid:
    """Levels 3 and beyond, made in one pass over the signal in blocks."""
    stretch = STEP**_KEPT_LEVEL
    blocks = [extremes(recording.signal[:, at : at + _BLOCK], stretch) for at in range(0, recording.signal.shape[1], _BLOCK)]
    levels = [np.concatenate(blocks, axis=1) if blocks else np.empty((len(recording.leads), 0, 2), np.float32)]
    while len(levels) <= _DEEPEST - _KEPT_LEVEL:
        low, high = extremes(levels[-1][..., 0], STEP)[..., 0], extremes(levels[-1][..., 1], STEP)[..., 1]
        levels.append(np.stack([low, high], axis=-1))
    return Pyramid(tuple(levels))


def extremes(signal: NDArray[Any], stretch: int) -> Pair:
    """(L, N) -> (L, ceil(N / stretch), 2): least and greatest of each stretch, NaN where it holds nothing."""
    leads, count = signal.shape
    padded = np.full((leads, -(-count // stretch) * stretch), np.nan, np.float32)
    padded[:, :count] = signal
    cut = padded.reshape(leads, -1, stretch)
    return np.stack([np.fmin.reduce(cut, axis=2), np.fmax.reduce(cut, axis=2)], axis=-1)


def part(recording: Recording, far: Pyramid | None, first: int, count: int, level: int) -> bytes:
    """`count` samples or stretches of `level` from number `first` on.

    One little-endian float32 scale a lead, then int16 lead after lead (level 0: samples; else least and greatest in turn), times its scale.
    `far` is needed from level 3 on.

    Raises:
        IndexError: no such part, or more than MOST at once.
    """
    stretches = -(-recording.signal.shape[1] // STEP**level) if 0 <= level <= _DEEPEST else 0
    if not (0 <= first < stretches and 0 < count <= MOST):
        raise IndexError("no such part of the recording")
    return _coded(_values(recording, far, first, count, level))


def _values(recording: Recording, far: Pyramid | None, first: int, count: int, level: int) -> NDArray[Any]:
    if level >= _KEPT_LEVEL:
        if far is None:
            raise IndexError("the far levels were not made")
        return far.levels[level - _KEPT_LEVEL][:, first : first + count]
    stretch = STEP**level
    near = recording.signal[:, first * stretch : (first + count) * stretch]
    return near if level == 0 else extremes(near, stretch)


def _coded(values: NDArray[Any]) -> bytes:
    flat = np.asarray(values, dtype=np.float32).reshape(values.shape[0], -1)
    greatest = np.fmax.reduce(np.abs(flat), axis=1, initial=0.0)
    scale = np.where(greatest > 0, greatest / 32767, 1.0).astype("<f4")
    scaled = np.rint(np.clip(np.nan_to_num(flat / scale[:, None], nan=0.0), -32767, 32767))
    return scale.tobytes() + np.where(np.isnan(flat), GAP, scaled).astype("<i2").tobytes()


def marks(found: Marks) -> bytes:
    """Onset, peak, offset (int32 each, M of them), then lead, wave, beat (int8 each): 15 bytes a mark."""
    wide = [np.asarray(one, dtype="<i4").tobytes() for one in (found.onset, found.peak, found.offset)]
    return b"".join([*wide, *(np.asarray(one, dtype=np.int8).tobytes() for one in (found.lead, found.wave, found.beat))])


def levels_of_rest(recording: Recording) -> tuple[list[float], float]:
    """The resting level of each lead and how far the widest one swings: what the canvas centres each row on.

    The level is the median, the swing the distance from it that one sample in a hundred exceeds, over at most 64 short pieces.
    """
    total, length = recording.signal.shape[1], 512
    starts = np.linspace(0, max(0, total - length), 64 if total > 64 * length else max(1, total // length)).astype(int)
    seen = np.concatenate([recording.signal[:, at : at + length] for at in starts], axis=1).astype(np.float32)
    rest = [_percentile(lead, 50.0) for lead in seen]
    swing = [_percentile(np.abs(lead - level), 99.0) for lead, level in zip(seen, rest, strict=True)]
    return rest, max(swing, default=0.0)


def _percentile(lead: NDArray[Any], percent: float) -> float:
    held = lead[np.isfinite(lead)]
    return float(np.percentile(held, percent)) if held.size else 0.0
