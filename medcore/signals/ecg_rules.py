"""What textbook criteria say of the labels of `ecg_12lead`, beside the network and never mixed with it.

Bundle branch block: Surawicz 2009 (AHA/ACCF/HRS part III, doi 10.1016/j.jacc.2008.12.013). First-degree block and bradycardia: Kusumoto
2019 (doi 10.1161/CIR.0000000000000628). Fibrillation: January 2014 (doi 10.1161/CIR.0000000000000041), irregular and without P waves;
irregularity as in Dash 2009 (doi 10.1007/s10439-009-9740-z). Numbers: reference/ecg_rules.toml. None is said where the leads or waves that
a criterion needs are not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from medcore.signals import limits
from medcore.signals.ecg_fuse import fuse
from medcore.signals.ecg_intervals import Intervals, intervals
from medcore.signals.ecg_shape import Shape, shape
from medcore.types import FUSED, WAVES, Marks, Patient, Recording, Statement

Floats = NDArray[np.float64]

TWELVE = ("1AVB", "CRBBB", "CLBBB", "SBRAD", "AFIB", "STACH")
RHYTHM = ("atrial_fibrillation", "bradycardia", "tachycardia")
_limit = partial(limits.value, "ecg_rules")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What the rules are asked of: NaN or None where not known."""

    rate_bpm: float
    pr_ms: float
    qrs_ms: float
    p_share: float  # NaN where nobody looked for P: marks of beats alone
    rmssd: float  # of successive RR, over the mean RR
    change: float  # median of |RR - RR before| over the median RR: one ectopic beat does not move it
    v1: Shape | None
    one: Shape | None
    v6: Shape | None

    @property
    def irregular(self) -> bool | None:
        """Whether RR changes from beat to beat as in fibrillation; None with fewer than 5 intervals."""
        if np.isnan(self.rmssd):
            return None
        return self.rmssd > _limit("af_rmssd") and self.change > _limit("af_change")


def statements(marks: Marks, recording: Recording, patient: Patient) -> tuple[Statement, ...]:
    """One statement for each of the six labels of `ecg_12lead`, in their order. A single lead leaves the blocks untold.

    The limits are those of adults, which an unknown age is taken for: below 16 years (Surawicz 2009) only fibrillation is told.
    """
    facts = _facts(marks, recording)
    rules = (_first_degree_block, _right_block, _left_block, _bradycardia, _fibrillation, _tachycardia)
    return tuple(_state(label, *_of_age(rule(facts), patient)) for label, rule in zip(TWELVE, rules, strict=True))


def rhythm_statements(marks: Marks, recording: Recording, patient: Patient) -> tuple[Statement, ...]:
    """Fibrillation, and a rate that is slow or fast whatever its origin: what one lead lets say. Ages as in `statements`."""
    facts = _facts(marks, recording)
    slow, fast = _limit("bradycardia"), _limit("tachycardia")
    rate = None if np.isnan(facts.rate_bpm) else facts.rate_bpm
    said = (
        _fibrillation(facts),
        (None if rate is None else rate < slow, f"{facts.rate_bpm:.0f} bpm (< {slow:.0f})", "bradycardia"),
        (None if rate is None else rate > fast, f"{facts.rate_bpm:.0f} bpm (> {fast:.0f})", "tachycardia"),
    )
    return tuple(_state(label, *_of_age(row, patient)) for label, row in zip(RHYTHM, said, strict=True))


Said = tuple[bool | None, str, str]  # holds, because, the limit whose citation stands for the rule


def _of_age(said: Said, patient: Patient) -> Said:
    """`said`, its limit being an adult's, or nothing of a child."""
    child = patient.age_years is not None and patient.age_years < _limit("adult_age")
    return (None, "", said[2]) if child and said[2] != "af_rmssd" else said


def _state(label: str, holds: bool | None, because: str, limit: str) -> Statement:
    known = "" if "nan" in because else because
    return Statement(label=label, holds=holds, because=known, citation=limits.limits("ecg_rules")[limit].citation)


def _facts(marks: Marks, recording: Recording) -> _Facts:
    rate = recording.sampling_rate_hz
    if not (marks.lead == FUSED).any():
        marks = fuse(marks, rate)
    found = intervals(marks, rate)
    rr = found.rr_ms[np.isfinite(found.rr_ms)]
    rmssd, change = irregularity(found)
    v1, one, v6 = (shape(recording, lead, marks, found) for lead in ("V1", "I", "V6"))
    return _Facts(
        rate_bpm=60_000 / float(rr.mean()) if rr.size else float("nan"),
        pr_ms=found.median("pr_ms"),
        qrs_ms=found.median("qrs_ms"),
        p_share=found.p_share if (marks.wave != WAVES.index("QRS")).any() else float("nan"),
        rmssd=rmssd,
        change=change,
        v1=v1,
        one=one,
        v6=v6,
    )


def irregularity(found: Intervals) -> tuple[float, float]:
    """RMSSD over mean RR (Dash 2009) and the median change from beat to beat over the median RR, of normal beats; NaN below 5 intervals."""
    good = found.normal & np.r_[False, found.normal[:-1]] & np.isfinite(found.rr_ms)
    pairs = good & np.r_[False, good[:-1]]
    steps = np.diff(found.rr_ms, prepend=np.nan)[pairs]
    if steps.size < 4:
        return float("nan"), float("nan")
    rr = found.rr_ms[good]
    return float(np.sqrt(np.square(steps).mean()) / rr.mean()), float(np.median(np.abs(steps)) / np.median(rr))


def _first_degree_block(facts: _Facts) -> Said:
    limit = _limit("first_degree_pr")
    holds = None if np.isnan(facts.pr_ms) else facts.pr_ms > limit
    return holds, f"PR {facts.pr_ms:.0f} ms (> {limit:.0f})", "first_degree_pr"


def _right_block(facts: _Facts) -> Said:
    """QRS from 120 ms, V1 ends upwards (rsR' or R with a late peak), I or V6 end in a long S."""
    limit, because = _limit("block_qrs"), f"QRS {facts.qrs_ms:.0f} ms (>= {_limit('block_qrs'):.0f})"
    if np.isnan(facts.qrs_ms):
        return None, because, "block_qrs"
    if facts.qrs_ms < limit:
        return False, because, "block_qrs"
    if facts.v1 is None or (facts.one is None and facts.v6 is None):
        return None, because, "block_qrs"
    tall = facts.v1.up >= _limit("tall_r_v1") and facts.v1.last_up > 0
    late_r = tall and (facts.v1.second_up > 0 or facts.v1.peak_ms > _limit("late_peak_v1"))
    s_ms = max(side.s_ms for side in (facts.one, facts.v6) if side is not None)
    return late_r and s_ms >= _limit("long_s"), f"{because}; V1 R {facts.v1.peak_ms:.0f} ms; S {s_ms:.0f} ms", "block_qrs"


def _left_block(facts: _Facts) -> Said:
    """QRS from 120 ms, V1 points down (rS or QS), I and V6 point up without q, and their R peaks late."""
    limit, because = _limit("block_qrs"), f"QRS {facts.qrs_ms:.0f} ms (>= {_limit('block_qrs'):.0f})"
    if np.isnan(facts.qrs_ms):
        return None, because, "block_qrs"
    if facts.qrs_ms < limit:
        return False, because, "block_qrs"
    if facts.v1 is None or facts.one is None or facts.v6 is None:
        return None, because, "block_qrs"
    sides = facts.one.mainly_up and facts.v6.mainly_up and not (facts.one.starts_down or facts.v6.starts_down)
    late = min(facts.v6.peak_ms, facts.one.peak_ms)
    holds = not facts.v1.mainly_up and sides and late > _limit("late_peak_v6")
    return holds, f"{because}; R {late:.0f} ms (> {_limit('late_peak_v6'):.0f})", "block_qrs"


def _sinus(facts: _Facts, meets: bool) -> bool | None:
    """Whether a rate that meets its limit is of the sinus: P before most beats. Without P it cannot be told, except in fibrillation."""
    if not meets:
        return False
    if np.isnan(facts.p_share):
        return None
    if facts.p_share >= _limit("p_share"):
        return True
    return False if facts.irregular else None


def _bradycardia(facts: _Facts) -> Said:
    limit = _limit("bradycardia")
    holds = None if np.isnan(facts.rate_bpm) else _sinus(facts, facts.rate_bpm < limit)
    return holds, f"{facts.rate_bpm:.0f} bpm (< {limit:.0f}); P {100 * facts.p_share:.0f} %", "bradycardia"


def _tachycardia(facts: _Facts) -> Said:
    limit = _limit("tachycardia")
    holds = None if np.isnan(facts.rate_bpm) else _sinus(facts, facts.rate_bpm > limit)
    return holds, f"{facts.rate_bpm:.0f} bpm (> {limit:.0f}); P {100 * facts.p_share:.0f} %", "tachycardia"


def _fibrillation(facts: _Facts) -> Said:
    irregular = facts.irregular
    holds = None if irregular is None or (irregular and np.isnan(facts.p_share)) else irregular and facts.p_share < _limit("p_share")
    return holds, f"RMSSD/RR {facts.rmssd:.2f} (> {_limit('af_rmssd'):.2f}); P {100 * facts.p_share:.0f} %", "af_rmssd"
