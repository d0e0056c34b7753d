"""The average QRS of a lead, as the criteria of bundle branch block look at it: which way it begins, ends and points, and when it peaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medcore.signals.ecg_intervals import Intervals
from medcore.types import Marks, Recording

Floats = NDArray[np.float64]

_LEVEL_S = 0.016  # before the onset, where zero is taken
_MOST_BEATS = 200
_SMALL = 0.05  # of the largest deflection: less is neither a q nor an s


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Of one lead's average QRS; heights are shares of its largest deflection, so that a normalised recording has them too."""

    up: float
    down: float  # at least 0
    starts_down: bool  # a q wave: the first deflection is negative
    peak_ms: float  # from the onset to the largest positive deflection (R peak time)
    last_up: float  # mean of the last 40 ms
    s_ms: float  # the longest negative deflection after R
    second_up: float  # the largest positive deflection of the second half, less that of the first

    @property
    def mainly_up(self) -> bool:
        """R outweighs Q and S."""
        return self.up > self.down


def shape(recording: Recording, lead: str, marks: Marks, found: Intervals) -> Shape | None:
    """The average QRS of `lead` over the normal beats between its fused bounds; None without the lead or with fewer than 2 such beats."""
    if lead not in recording.leads:
        return None
    rows = found.qrs[found.normal & np.isfinite(found.qrs_ms)]
    rate = recording.sampling_rate_hz
    if len(rows) < 2:
        return None
    x = np.asarray(recording.signal[recording.leads.index(lead)], np.float64)
    starts, stops = marks.onset.astype(np.int64)[rows], marks.offset.astype(np.int64)[rows]
    size, before = round(float(np.median(stops - starts))), max(1, round(_LEVEL_S * rate))
    starts = starts[(starts >= before) & (starts + size < len(x))][:_MOST_BEATS]
    if len(starts) < 2 or size < 4:
        return None
    beats = x[starts[:, None] + np.arange(size + 1)] - np.stack([x[start - before : start].mean(keepdims=True) for start in starts])
    beats = beats[np.isfinite(beats).all(axis=1)]
    return _describe(np.median(beats, axis=0), rate) if len(beats) > 1 else None


def _describe(beat: Floats, rate: float) -> Shape | None:
    height = float(np.abs(beat).max())
    if height == 0:
        return None
    beat = beat / height
    ms, half, tail = 1000 / rate, len(beat) // 2, max(2, round(0.04 * rate))
    clear = np.flatnonzero(np.abs(beat) > _SMALL)
    after = np.r_[False, beat[beat.argmax() :] < -_SMALL, False]
    edges = np.flatnonzero(np.diff(after))
    longest = int((edges[1::2] - edges[::2]).max(initial=0))
    return Shape(
        up=float(max(beat.max(), 0)),
        down=float(max(-beat.min(), 0)),
        starts_down=bool(beat[clear[0]] < 0),
        peak_ms=float(beat.argmax() * ms),
        last_up=float(beat[-tail:].mean()),
        s_ms=longest * ms,
        second_up=float(max(beat[half:].max(), 0) - max(beat[:half].max(), 0)),
    )
