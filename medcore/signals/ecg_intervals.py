"""Intervals of every beat from fused marks, before anything is averaged: what measurements and rules both stand on.

Definitions: CSE Working Party 1985 (Eur Heart J 6:815). PR is from the onset of P to the onset of the QRS, QT from the onset of the QRS to
the end of T.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medcore.types import BEATS, FUSED, WAVES, Marks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_P_WITHIN_S = 0.5  # a P wave that begins earlier before its QRS belongs to it no more
_T_WITHIN_S = 1.0  # the end of T after the onset of the QRS: beyond the longest QT survived; the next QRS bounds it anyway
_TRUSTED = 0.5  # share of the sinus beats that must have an interval before its median is given
_LONGEST_RR_S = 6.0  # beyond it the beats between are not known, whatever the reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Per QRS (B,) in ms, NaN unknown; `rr_ms` is to the beat before. Rows of marks are kept in `p`, `qrs`, `t` (-1: none)."""

    rr_ms: Floats
    p_ms: Floats
    pr_ms: Floats
    qrs_ms: Floats
    qt_ms: Floats
    normal: NDArray[np.bool_]  # not called ventricular or unknown
    kind: Ints  # of BEATS, -1 where nobody said
    p: Ints
    qrs: Ints
    t: Ints

    @property
    def rr_between_normal(self) -> Floats:
        """RR in ms between two successive normal beats, those of known length (NN of the Task Force 1996)."""
        good = self.normal & np.r_[False, self.normal[:-1]] & np.isfinite(self.rr_ms)
        out: Floats = self.rr_ms[good]
        return out

    @property
    def p_share(self) -> float:
        """Share of the normal beats with a P wave before them; NaN without beats."""
        return float((self.p[self.normal] >= 0).mean()) if self.normal.any() else float("nan")

    def median(self, name: str) -> float:
        """The median of one interval over the normal beats, NaN where fewer than half of them have it."""
        values: Floats = getattr(self, name)[self.normal]
        known = values[np.isfinite(values)]
        return float(np.median(known)) if known.size and known.size >= _TRUSTED * values.size else float("nan")


def intervals(marks: Marks, sampling_rate_hz: float) -> Intervals:
    """All intervals of the fused marks among `marks`."""
    rows = [np.flatnonzero((marks.lead == FUSED) & (marks.wave == wave)) for wave in range(len(WAVES))]
    p, qrs, t = (row[np.argsort(marks.peak[row], kind="stable")] for row in rows)
    peak = marks.peak[qrs].astype(np.int64)
    before, after = np.r_[-1, peak[:-1]], np.r_[peak[1:], np.iinfo(np.int64).max]
    last_p = _partner(marks.peak[p], peak, before, side="before")
    first_t = _partner(marks.peak[t], peak, after, side="after")
    of_p, of_t = np.where(last_p >= 0, p[last_p] if p.size else -1, -1), np.where(first_t >= 0, t[first_t] if t.size else -1, -1)
    ms = 1000.0 / sampling_rate_hz
    onset, offset = marks.onset[qrs], marks.offset[qrs]
    pr = _span(_at(marks.onset, of_p), onset) * ms
    of_p = np.where(pr <= _P_WITHIN_S * 1000, of_p, np.where(np.isnan(pr), of_p, -1))
    rr = np.r_[np.nan, np.diff(peak) * ms]
    rr[rr > _LONGEST_RR_S * 1000] = np.nan
    qt = _span(onset, _at(marks.offset, of_t)) * ms
    kind = marks.beat[qrs].astype(np.int64)
    return Intervals(
        rr_ms=rr[: len(peak)],
        p_ms=_span(_at(marks.onset, of_p), _at(marks.offset, of_p)) * ms,
        pr_ms=np.where(of_p >= 0, pr, np.nan),
        qrs_ms=_span(onset, offset) * ms,
        qt_ms=np.where(qt <= _T_WITHIN_S * 1000, qt, np.nan),
        normal=(kind != BEATS.index("V")) & (kind != BEATS.index("?")),
        kind=kind,
        p=of_p,
        qrs=qrs,
        t=of_t,
    )


def _partner(wave_peaks: NDArray[np.generic], qrs_peaks: Ints, bound: Ints, side: str) -> Ints:
    """For each QRS the nearest wave on one side of it that is not beyond `bound`, its neighbour on that side; -1 where there is none."""
    if not wave_peaks.size:
        return np.full(len(qrs_peaks), -1)
    peaks = wave_peaks.astype(np.int64)
    index = np.searchsorted(peaks, qrs_peaks) - (side == "before")
    inside = (index >= 0) & (index < len(peaks))
    at = peaks[np.clip(index, 0, len(peaks) - 1)]
    return np.where(inside & ((at > bound) if side == "before" else (at < bound)), index, -1)


def _at(column: NDArray[np.generic], rows: Ints) -> Ints:
    """`column` at `rows`, -1 where the row or the value is unknown."""
    if not column.size:
        return np.full(len(rows), -1)
    return np.where(rows >= 0, column[np.maximum(rows, 0)].astype(np.int64), -1)


def _span(start: NDArray[np.generic], stop: NDArray[np.generic]) -> Floats:
    """Samples from `start` to `stop`, NaN where one of them is unknown or they are in the wrong order."""
    first, last = start.astype(np.float64), stop.astype(np.float64)
    return np.where((first >= 0) & (last > first), last - first, np.nan)
