"""Rows of a table as text to a `Curve`: what every table of glucose has in common, whichever maker wrote it."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from medcore.errors import Inconsistent
from medcore.read.curve import Curve, Doses
from medcore.read.glucose import assembly, clock, dates, values
from medcore.read.glucose.assembly import Samples, Taken
from medcore.read.glucose.note import Said
from medcore.read.glucose.values import Limits
from medcore.types import Patient

Mask = NDArray[np.bool_]
MISSING = {"", "-", "--", "na", "n/a", "nan", "null", "none", "nil", "."}
MOST_BAD, MOST_BAD_SHARE = 20, 0.01  # unreadable rows that are left out with a warning; more, and the file is not what it seems
_NAMED = 3  # lines that a warning names
_MOST_DOSE = {"carbs": 1000.0, "bolus": 300.0, "basal": 300.0, "basal_rate": 100.0}  # beyond, an entry is a slip of the finger
_AROUND_S = dates.DAY_S  # doses further from the readings than this tell nothing of them
UTC_ONLY = "The file states times in UTC and not the wearer's own clock; days and times of day are UTC's."


@dataclass(slots=True)
class Rows:
    """What the rows hold, in their order: readings and doses, each with the line it came from. Cells without a value are not taken."""

    lines: list[int] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    readings: list[str] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    ticks: list[str] = field(default_factory=list)  # seconds on the sensor's own clock, where the file gives them
    dose_lines: list[int] = field(default_factory=list)
    dose_times: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    amounts: list[str] = field(default_factory=list)
    void: list[int] = field(default_factory=list)  # lines that write out that they hold no reading

    def read(self, line: int, time: str, reading: str, device: str = "", ticks: str = "") -> bool:
        """Take a reading; False where the cell holds none."""
        if reading.strip().casefold() in MISSING:
            return False
        self.lines.append(line)
        self.times.append(time)
        self.readings.append(reading)
        self.devices.append(device)
        self.ticks.append(ticks)
        return True

    def dose(self, line: int, time: str, kind: str, amount: str) -> None:
        """Take a dose of one of EVENTS, unless the cell holds none."""
        if amount.strip().casefold() in MISSING:
            return
        self.dose_lines.append(line)
        self.dose_times.append(time)
        self.kinds.append(kind)
        self.amounts.append(amount)


@dataclass(slots=True, kw_only=True)
class About:
    """What a file says beside its rows. `unit` is empty where it states none; `until`: a date that no reading comes after."""

    file_format: str
    unit: str = ""
    limits: Limits = field(default_factory=Limits)
    patient: Patient = field(default_factory=Patient)
    until: str = ""
    device: str | None = None
    warnings: list[str] = field(default_factory=list)


def curve(rows: Rows, about: About, said: Said | None) -> Curve:
    """The trace of the readings with the doses beside it.

    Raises:
        NotAnImage: there is no reading. DateOrderUnknown, GlucoseUnitUnknown: neither the file nor `said` tells.
        Inconsistent: a number that cannot be, of another unit, or too many unreadable rows; the line is named.
    """
    said = said or Said()
    count = len(rows.times)
    when = dates.times([*rows.times, *rows.dose_times], said.date_order, about.until)
    read = values.values(rows.readings, rows.lines)
    amounts = np.array([values.number(text) for text in rows.amounts])
    most = np.array([_MOST_DOSE[kind] for kind in rows.kinds])
    bad_reading = np.isnan(when.clock_s[:count]) | ~read.readable
    bad_dose = np.isnan(when.clock_s[count:]) | ~(amounts <= most)
    unit = about.unit or said.unit or (values.UNITS[0] if bad_reading.all() else values.unit_of(read))
    bad_reading |= values.too_low(read, unit)
    nothing = read.number == 0  # how some exports write that there was no reading
    void = {*rows.void, *(rows.lines[place] for place in np.flatnonzero(nothing & ~bad_reading))}
    void -= {rows.dose_lines[place] for place in np.flatnonzero(amounts > 0)}  # of these rows the dose is taken
    _tell_bad(np.concatenate([bad_reading, bad_dose]), [*rows.lines, *rows.dose_lines], void, about.warnings)
    kept = np.flatnonzero(~bad_reading & ~nothing)
    read = values.Values(read.number[kept], read.beyond[kept])
    lines = [rows.lines[place] for place in kept]
    glucose = values.in_mg_dl(read, unit, lines, about.limits)
    instants = when.instant_s
    samples = Samples(
        clock_s=when.clock_s[:count][kept], glucose=glucose, beyond=read.beyond,
        elapsed_s=instants[:count][kept] if instants is not None else None,
        devices=[rows.devices[place] for place in kept] if any(rows.devices) else (),
    )  # fmt: skip
    if instants is None and all(rows.ticks[place] for place in kept):
        samples = _by_ticks(samples, [rows.ticks[place] for place in kept])
    fine = np.flatnonzero(~bad_dose)
    taken = assembly.doses(
        when.clock_s[count:][fine].tolist(), [rows.kinds[place] for place in fine], amounts[fine].tolist(),
        instants[count:][fine].tolist() if instants is not None else None,
    )  # fmt: skip
    if when.utc:
        about.warnings.append(UTC_ONLY)
    noted = (said.date_order is not None and when.order != "") or (said.unit is not None and not about.unit)
    zone = time_zone(when.offset_s[:count][kept])
    return made(samples, taken, about, unit=unit, date_order=when.order, zone=zone, noted=noted)


def _by_ticks(samples: Samples, ticks: Sequence[str]) -> Samples:
    counted = np.array([values.number(text) for text in ticks])
    found = None if np.isnan(counted).any() else clock.by_ticks(samples.clock_s, counted, samples.devices)
    return Samples(
        clock_s=samples.clock_s, glucose=samples.glucose, beyond=samples.beyond, elapsed_s=found, devices=samples.devices,
    )  # fmt: skip


def _tell_bad(bad: Mask, lines: Sequence[int], void: Set[int], notes: list[str]) -> None:
    """A warning that names the first of the rows left out: unreadable ones and the lines `void`, which say that they hold nothing.

    Raises:
        Inconsistent: the unreadable ones are too many. Gaps that are written out may be as many as they like.
    """
    count = int(bad.sum())
    unread = [lines[place] for place in np.flatnonzero(bad).tolist()]
    if count and (count > MOST_BAD or count >= MOST_BAD_SHARE * len(bad)):
        raise Inconsistent(f"Line {unread[0]} cannot be read as a time with a value, and so {count} lines in all; the file is not read.")
    left = sorted({*unread, *void})
    if not left:
        return
    rows = "1 unreadable row was" if len(left) == 1 else f"{len(left)} unreadable rows were"
    more = " and others" if len(left) > _NAMED else ""
    notes.append(f"{rows} left out: line {', '.join(map(str, left[:_NAMED]))}{more}.")


def made(samples: Samples, taken: Taken, about: About, *, unit: str, date_order: str, zone: str | None, noted: bool = False) -> Curve:
    """The curve of arrays. Doses more than a day away from all readings are left out.

    Raises:
        NotAnImage: there is neither reading nor dose.
    """
    utc = samples.elapsed_s is not None and zone is not None
    if not len(samples.clock_s) and len(taken.clock_s):
        return Curve(file_format=about.file_format, patient=about.patient, doses=_alone(taken), noted=noted)
    if len(samples.clock_s) and len(taken.clock_s):
        first, last = float(samples.clock_s.min()), float(samples.clock_s.max())
        taken = taken.only((taken.clock_s >= first - _AROUND_S) & (taken.clock_s <= last + _AROUND_S))
    trace = assembly.assemble(
        samples, taken, warnings=about.warnings, unit=unit, file_format=about.file_format, date_order=date_order, time_zone=zone,
        device=about.device,
    )  # fmt: skip
    last_day = datetime.fromtimestamp(float(trace.clock_s.astype(np.float64).max()), UTC).date().isoformat()
    start = float(np.min(samples.elapsed_s)) if utc and samples.elapsed_s is not None else None
    return Curve(
        file_format=about.file_format, patient=about.patient, trace=trace, start_utc_s=start, study_date=last_day, noted=noted,
    )  # fmt: skip


def _alone(taken: Taken) -> Doses:
    order = np.argsort(taken.clock_s, kind="stable")
    utc = np.full(len(order), math.nan) if taken.elapsed_s is None else taken.elapsed_s
    return Doses(
        clock_s=taken.clock_s[order], utc_s=utc[order], kind=taken.kind[order], value=taken.value[order].astype(np.float32),
    )  # fmt: skip


def time_zone(offset_s: NDArray[np.float64]) -> str | None:
    """Offsets from UTC in words, the commonest first; None where none is stated."""
    known, counts = np.unique(offset_s[~np.isnan(offset_s)], return_counts=True)
    names = []
    for offset in known[np.argsort(-counts, kind="stable")][:4]:
        minutes = round(abs(float(offset)) / 60)
        names.append(f"UTC{'-' if offset < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}" if minutes else "UTC")
    return ", ".join(names) or None
