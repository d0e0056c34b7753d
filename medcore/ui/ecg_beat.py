"""The average beat: the median over the beats that look alike, lead by lead, aligned on the R peak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.types import FUSED, WAVES, Marks, Recording

BEFORE_S, AFTER_S = 0.3, 0.55
MOST_BEATS = 200
_QRS = WAVES.index("QRS")
_NORMAL = 0


@dataclass(frozen=True, slots=True)
class AverageBeat:
    """`signal` (L, n) in the recording's unit; `waves` (3, 2): median onset and offset of P, QRS and T in seconds from R, NaN unknown."""

    signal: NDArray[np.float32]
    waves: NDArray[np.float32]
    beats: int

    def packed(self) -> bytes:
        """Little-endian float32: beats, samples a lead, the six waves, then the leads one after the other."""
        head = np.array([self.beats, self.signal.shape[1], *self.waves.ravel()], dtype="<f4")
        return head.tobytes() + self.signal.astype("<f4").tobytes()


def average(recording: Recording, marks: Marks) -> AverageBeat | None:
    """The median of at most 200 beats of the most frequent kind, taken evenly; None where no beat lies whole within the recording."""
    rate, total = recording.sampling_rate_hz, recording.signal.shape[1]
    before, after = round(BEFORE_S * rate), round(AFTER_S * rate)
    peaks = _peaks(marks)
    peaks = peaks[(peaks >= before) & (peaks + after <= total)]
    if not peaks.size:
        return None
    chosen = peaks[np.unique(np.linspace(0, peaks.size - 1, min(peaks.size, MOST_BEATS)).astype(int))]
    cut = np.stack([recording.signal[:, at - before : at + after] for at in chosen]).astype(np.float32)  # (beats, L, n)
    level = _median(cut[:, :, : max(1, before // 2)], axis=2)[:, :, None]  # each beat on its own baseline, so that wander does not blur
    return AverageBeat(_median(cut - level, axis=0), _waves(marks, peaks, rate), int(chosen.size))


def _wanted(marks: Marks) -> NDArray[np.bool_]:
    """Fused marks where there are any, else those of the first lead that has some."""
    lead = np.asarray(marks.lead, dtype=np.int64)
    fused = lead == FUSED
    return np.asarray(fused if fused.any() else lead == lead[:1], dtype=np.bool_)


def _peaks(marks: Marks) -> NDArray[np.int64]:
    """R peaks in order, of normal beats where there are any."""
    at = np.asarray(marks.peak, dtype=np.int64)
    beats = _wanted(marks) & (np.asarray(marks.wave) == _QRS) & (at >= 0)
    normal = beats & (np.asarray(marks.beat) == _NORMAL)
    return np.sort(at[normal if bool(normal.any()) else beats])


def _waves(marks: Marks, peaks: NDArray[np.int64], rate: float) -> NDArray[np.float32]:
    """(3, 2) median onset and offset of each wave, in seconds from the nearest of `peaks`."""
    found = np.full((len(WAVES), 2), np.nan, np.float32)
    borders = (peaks[1:] + peaks[:-1]) / 2
    for wave in range(len(WAVES)):
        for side, edge in enumerate((marks.onset, marks.offset)):
            at = np.asarray(edge, dtype=np.int64)
            at = at[_wanted(marks) & (np.asarray(marks.wave) == wave) & (at >= 0)]
            apart = (at - peaks[np.searchsorted(borders, at)]) / rate
            held = apart[(apart > -BEFORE_S) & (apart < AFTER_S)]
            if held.size:
                found[wave, side] = np.median(held)
    return found


def _median(values: NDArray[Any], axis: int) -> NDArray[np.float32]:
    """The median over what is there; NaN where nothing is."""
    held = np.isfinite(values)
    ordered = np.sort(np.where(held, values, np.inf), axis=axis)
    count = held.sum(axis=axis, keepdims=True)
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[axis] - 1)
    middle = (np.take_along_axis(ordered, low, axis) + np.take_along_axis(ordered, high, axis)) / 2
    return np.where(count > 0, middle, np.nan).squeeze(axis).astype(np.float32)
