"""One mark for all leads from the marks of each: the earliest onset and the latest offset that other leads agree on.

Intervals of a twelve-lead ECG are global: from the earliest onset to the latest offset in any lead (CSE Working Party 1985, Eur Heart J
6:815; Kligfield 2007, doi 10.1016/j.jacc.2007.01.024). One lead's outlier must not stretch them, so an onset counts if three more leads
begin within a few milliseconds (the rule of Laguna 1994, Comput Biomed Res 27:45, doi 10.1006/cbmr.1994.1006). The widths below are
this module's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medcore.types import BEATS, FUSED, WAVES, Marks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_APART_S = (0.12, 0.10, 0.16)  # peaks of one P, QRS or T in different leads are not further apart, one after the other
_AGREE_S = (0.012, 0.010, 0.030)  # how close the neighbours' bounds must be: P, QRS, T
_NEIGHBOURS = 3
_QUORUM = 1 / 3  # of the leads with marks of that wave have to show it


def fuse(marks: Marks, sampling_rate_hz: float) -> Marks:
    """Marks over all leads (lead == FUSED), in order of time. Fused marks among `marks` are left out; one lead is taken as it is.

    A peak is the median of the leads' peaks; a beat's kind is what most leads say, "?" where they are divided.
    """
    columns: list[tuple[Any, ...]] = []
    for wave in range(len(WAVES)):
        rows = np.flatnonzero((marks.wave == wave) & (marks.lead != FUSED))
        if rows.size:
            columns.append(_fuse_wave(marks, rows[np.argsort(_place(marks, rows), kind="stable")], wave, sampling_rate_hz))
    if not columns:
        return _marks(*(np.empty(0) for _ in range(5)))
    kind, onset, peak, offset, beat = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    order = np.lexsort((kind, peak))
    return _marks(kind[order], onset[order], peak[order], offset[order], beat[order])


def _marks(wave: NDArray[Any], onset: NDArray[Any], peak: NDArray[Any], offset: NDArray[Any], beat: NDArray[Any]) -> Marks:
    """Fused marks with the types that `Marks` promises."""
    return Marks(
        lead=np.full(len(wave), FUSED, np.int16),
        wave=wave.astype(np.uint8),
        onset=onset.astype(np.int32),
        peak=peak.astype(np.int32),
        offset=offset.astype(np.int32),
        beat=beat.astype(np.int8),
    )


def _place(marks: Marks, rows: Ints) -> NDArray[Any]:
    """Where each mark stands: its peak, else a bound that is known."""
    peak, onset, offset = (column.astype(np.int64)[rows] for column in (marks.peak, marks.onset, marks.offset))
    return np.where(peak >= 0, peak, np.where(onset >= 0, onset, offset))


def _fuse_wave(marks: Marks, rows: Ints, wave: int, rate: float) -> tuple[NDArray[Any], ...]:
    """All marks `rows` of one kind of wave, sorted by place -> columns of its fused marks."""
    place = _place(marks, rows)
    leads = np.unique(marks.lead[rows])
    if len(leads) == 1:
        return np.full(len(rows), wave), marks.onset[rows], place, marks.offset[rows], marks.beat[rows]
    group = np.r_[0, np.cumsum(np.diff(place) > _APART_S[wave] * rate)]
    sizes = np.bincount(group)
    column = np.arange(len(rows)) - np.r_[0, np.cumsum(sizes)[:-1]][group]
    shape = (len(sizes), int(sizes.max()))

    def table(values: NDArray[Any]) -> Floats:  # (groups, leads), NaN where unknown
        out = np.full(shape, np.nan)
        out[group, column] = np.where(values >= 0, values, np.nan)
        return out

    keep = sizes >= max(1.0, _QUORUM * len(leads))
    agree = _AGREE_S[wave] * rate
    onset = _first_agreed(table(marks.onset[rows])[keep], agree)
    offset = -_first_agreed(-table(marks.offset[rows])[keep], agree)
    peak = np.rint(_median(table(place)[keep])[0])
    return np.full(int(keep.sum()), wave), _or_unknown(onset), peak, _or_unknown(offset), _votes(marks.beat[rows], group, len(sizes))[keep]


def _first_agreed(bounds: Floats, agree: float) -> Floats:
    """The earliest of each row (G, K) with its next neighbours within `agree` samples; else the lower quartile. NaN is unknown."""
    ordered = np.sort(bounds, axis=1)  # NaN last
    known = np.isfinite(ordered).sum(axis=1)
    ahead = np.minimum(_NEIGHBOURS, np.maximum(known - 1, 0))
    later = np.minimum(np.arange(bounds.shape[1])[None] + ahead[:, None], bounds.shape[1] - 1)
    fits = np.take_along_axis(ordered, later, axis=1) - ordered <= agree  # NaN compares false
    fits &= np.arange(bounds.shape[1])[None] + ahead[:, None] < known[:, None]
    agreed = np.take_along_axis(ordered, fits.argmax(axis=1)[:, None], axis=1)[:, 0]
    quartile = np.take_along_axis(ordered, (np.maximum(known - 1, 0) // 4)[:, None], axis=1)[:, 0]
    return np.where(fits.any(axis=1), agreed, quartile)


def _median(values: Floats) -> tuple[Floats, Ints]:
    """The (lower) median of each row without its NaN, and how many there were."""
    ordered = np.sort(values, axis=1)
    known = np.isfinite(ordered).sum(axis=1)
    return np.take_along_axis(ordered, (np.maximum(known - 1, 0) // 2)[:, None], axis=1)[:, 0], known


def _or_unknown(values: Floats) -> Ints:
    return np.where(np.isfinite(values), np.rint(np.nan_to_num(values)), -1).astype(np.int64)


def _votes(beat: NDArray[Any], group: Ints, groups: int) -> Ints:
    """What most leads call each beat; -1 where none says, "?" where the two first are even."""
    count = np.stack([np.bincount(group[beat == kind], minlength=groups) for kind in range(len(BEATS))], axis=1)
    best = np.sort(count, axis=1)
    said = np.where(best[:, -1] == best[:, -2], BEATS.index("?"), count.argmax(axis=1))
    return np.where(best[:, -1] == 0, -1, said).astype(np.int64)
