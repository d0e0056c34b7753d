"""Where beats are, as cardiologists marked them, or as two detectors that know nothing of each other agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medcore.signals.beat_shape import rr_features, shape_features
from medcore.signals.qrs import r_peaks
from medcore.tasks.beat_finding import bounds_of, local_peaks
from medcore.training.annotations import Annotation
from medcore.training.ectopy import UNKNOWN, Beats

KINDS = {**dict.fromkeys("NLReAajJS", 0), **dict.fromkeys("VE", 1), **dict.fromkeys("/fFQ", 2)}  # of PhysioBank's symbols, in types.BEATS
SEEN, PERHAPS = 0.5, 0.12  # of the teacher's peak score: a beat, and a sample that may be one
AGREE_S = 0.08  # two detectors mean one beat
UNCLEAR_S = 0.25  # around what only one of them saw, nothing is taught
QUORUM = 1 / 3  # of the leads of a recording have to show a beat to the second detector
_EDGE_S = 0.15  # of a record, where a detector without context errs


def of_record(marks: Sequence[Annotation], factor: float) -> Beats:
    """The beats of a recording's annotations, bounds unknown; `factor` samples of ours for one of the recording."""
    own = [mark for mark in marks if mark.symbol in KINDS]
    peak = np.array([mark.sample * factor for mark in own])
    unknown = np.full(len(own), np.nan)
    return Beats(peak=peak, onset=unknown, offset=unknown, kind=np.array([KINDS[mark.symbol] for mark in own]), unclear=np.empty((0, 2)))


def of_lead(marks: Sequence[Annotation], factor: float, length: int) -> Beats:
    """The complexes of one hand-marked lead (symbols `(`, `N`, `)`), kinds unknown; outside its first and last mark all is unclear."""
    rows = []
    for place, mark in enumerate(marks):
        if mark.symbol == "N":
            before, after = marks[max(place - 1, 0)], marks[min(place + 1, len(marks) - 1)]
            begin = before.sample * factor if before.symbol == "(" else np.nan
            rows.append((begin, mark.sample * factor, after.sample * factor if after.symbol == ")" else np.nan))
    onset, peak, offset = np.array(rows, float).reshape(-1, 3).T
    ends = [marks[0].sample * factor, marks[-1].sample * factor] if marks else [length, 0.0]
    return Beats(
        peak=peak, onset=onset, offset=offset, kind=np.full(len(peak), UNKNOWN), unclear=np.array([[0.0, ends[0]], [ends[1] + 1, length]])
    )


def agreed(leads: NDArray[np.float32], peak: NDArray[np.float32], share: NDArray[np.float32], rate_hz: float) -> Beats:
    """The beats that the teacher and the formula of `signals.qrs` both see in (L, N) leads; what one sees alone is unclear.

    Args:
        peak, share: (N,) the teacher's scores, the mean over the leads.
    """
    near = AGREE_S * rate_hz
    likely = local_peaks(peak, PERHAPS, round(0.2 * rate_hz))
    formula = [r_peaks(lead, rate_hz) for lead in leads]
    votes = np.array([sum(bool(at.size and np.abs(at - k).min() <= near) for at in formula) for k in likely])
    sure = (peak[likely] >= SEEN) & (votes >= max(1.0, QUORUM * len(leads))) if likely.size else np.zeros(0, bool)
    unclear = [(k - UNCLEAR_S * rate_hz, k + UNCLEAR_S * rate_hz) for k in likely[~sure]]
    if len(leads) == 1:
        lonely = [k for k in formula[0] if not likely.size or np.abs(likely - k).min() > near]
        unclear += [(k - UNCLEAR_S * rate_hz, k + UNCLEAR_S * rate_hz) for k in lonely]
    unclear += [(0, _EDGE_S * rate_hz), (len(peak) - _EDGE_S * rate_hz, len(peak))]
    own = likely[sure]
    bounds = bounds_of(share, own, rate_hz)
    return Beats(
        peak=own.astype(float), onset=bounds[:, 0], offset=bounds[:, 1], kind=np.full(len(own), UNKNOWN), unclear=np.array(unclear, float)
    )


def named(leads: NDArray[np.floating], beats: Beats, rate_hz: float) -> NDArray[np.int64]:
    """Kinds by formula where it leaves no doubt: 0 for beats like the dominant one, 1 for early, broad and unlike ones; else UNKNOWN."""
    kind = np.full(len(beats.peak), UNKNOWN)
    if len(kind) < 4:
        return kind
    at = beats.peak.round().astype(np.int64)
    early = rr_features(at)[:, 0]
    alike, _, _, broad = np.mean([shape_features(lead, at, early, rate_hz) for lead in leads], axis=0).T
    kind[(alike > 0.9) & (np.abs(broad) < 0.3)] = 0
    kind[(early < 0.85) & (alike < 0.6) & (broad > 0.25)] = 1
    return kind
