"""Curves of one upload put together: a sensor's trace with the doses that another file of the same upload or zip holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medcore.errors import InputRejected, NotAnImage
from medcore.read.curve import Curve, Doses
from medcore.read.sandbox import Read
from medcore.types import Source, Study, Trace

_ALONE = "This file holds meals or insulin without the readings of a sensor; upload the readings together with it."
_WHOSE = "This file holds meals or insulin, and whose readings they belong to cannot be told; upload each person's files apart."
_AROUND_MIN = 1440.0


@dataclass(frozen=True, slots=True)
class Sensed:
    """One curve with the files it came from, its own first; `place` is the zip it lay in, None for files by themselves."""

    curve: Curve
    source: Source
    more: tuple[Source, ...]
    place: int | None = None
    order: int = 0

    @property
    def sources(self) -> tuple[Source, ...]:
        """All its files."""
        return (self.source, *self.more)


def sensed(reads: Sequence[Read]) -> list[Sensed]:
    """The curves among the reads."""
    files = Counter(read.index for read in reads)
    return [
        Sensed(read.curve, read.source, read.more, read.index if files[read.index] > 1 else None, order)
        for order, read in enumerate(reads)
        if read.curve is not None and read.source is not None
    ]


def together(curves: Iterable[Sensed]) -> tuple[list[Sensed], list[tuple[InputRejected, str]]]:
    """Traces with their doses, and for doses that belong to none why they are refused, with the name of their file."""
    known = list({one.source.sha256: one for one in reversed(list(curves))}.values())[::-1]
    traces = {one.source.sha256: one for one in known if one.curve.trace is not None}
    refused: list[tuple[InputRejected, str]] = []
    for one in known:
        if one.curve.doses is None:
            continue
        near = [key for key, other in traces.items() if _belong(one, other)]
        if len(near) == 1:
            traces[near[0]] = _with(traces[near[0]], one)
        else:
            refused.append((NotAnImage(_WHOSE if near else _ALONE), one.source.name))
    return list(traces.values()), refused


def _belong(doses: Sensed, trace: Sensed) -> bool:
    """Whether they may be of one person: of one format and place, and of the same patient where both say so."""
    mine, theirs = doses.curve.patient.patient_id, trace.curve.patient.patient_id
    return doses.place == trace.place and doses.curve.file_format == trace.curve.file_format and (mine == theirs or None in (mine, theirs))


def _with(trace: Sensed, own: Sensed) -> Sensed:
    """The trace with the doses of `own`; its start stays its first reading."""
    curve, doses = trace.curve, own.curve.doses
    if curve.trace is None or doses is None:
        raise ValueError("a trace and doses are put together, and nothing else")
    minutes = _minutes(curve.trace, curve.start_utc_s, doses)
    kept = (minutes >= -_AROUND_MIN) & (minutes <= float(curve.trace.minutes[-1]) + _AROUND_MIN)
    rows = np.concatenate(
        [
            np.stack([curve.trace.event_minutes, curve.trace.event_kind.astype(np.float64), curve.trace.event_value], axis=1),
            np.stack([minutes, doses.kind.astype(np.float64), doses.value], axis=1)[kept],
        ]
    )
    rows = np.unique(rows, axis=0)  # in order of time, the same dose once
    whole = replace(
        curve.trace, event_minutes=rows[:, 0].copy(), event_kind=rows[:, 1].astype(np.uint8), event_value=rows[:, 2].astype(np.float32),
    )  # fmt: skip
    return replace(trace, curve=replace(curve, trace=whole), more=(*trace.more, *own.sources))


def _minutes(trace: Trace, start_utc_s: float | None, doses: Doses) -> NDArray[np.float64]:
    """(E,) minutes since the first reading: by instants where both state them, else by the wearer's clock."""
    utc = doses.utc_s.astype(np.float64)
    if start_utc_s is not None and not np.isnan(utc).any():
        return (utc - start_utc_s) / 60.0
    clock, elapsed = trace.clock_s.astype(np.float64), trace.minutes.astype(np.float64) * 60.0
    when = doses.clock_s.astype(np.float64)
    place = np.clip(np.searchsorted(np.maximum.accumulate(clock), when, side="right") - 1, 0, len(clock) - 1)
    return (when + (elapsed - clock)[place]) / 60.0


def study(one: Sensed) -> Study:
    """The study of one trace."""
    curve, sources = one.curve, {source.sha256: source for source in one.sources}
    if curve.trace is None:
        raise ValueError("a study needs readings")
    return Study(
        study_uid=curve.study_uid, patient=curve.patient, series=(), sources=tuple(sources.values()),
        traces=(replace(curve.trace, source_sha256=tuple(sources)),), study_date=curve.study_date, description=curve.study_description,
    )  # fmt: skip
