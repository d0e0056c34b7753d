"""Readings and doses to a `Trace`: in order of time, once each, from one sensor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medcore.errors import Inconsistent, NotAnImage
from medcore.read.glucose import clock
from medcore.types import EVENTS, Trace

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_ALIKE = 0.1  # two readings at one time within this share are one sensor's
_MIXED = 0.5  # of a device's readings lie beside another's: two sensors at once, not one after the other
_FAR = 60  # minutes: a longer step says nothing of the sensor's interval
_DEFAULT_MIN = 5.0
_ROUGH = 15.0  # mg/dL: sensors change by 3 to 6 in five minutes on the average, two mixed ones by far more
_SMOOTH_STEPS = 50
NO_READINGS = "This file holds no reading of a glucose sensor."


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Readings in the order of their file, (N,): the wearer's clock as in `Trace`, mg/dL, `beyond` as in `Trace`, each one's device.

    `elapsed_s`: instants, or any clock that nobody changes; None where only the wearer's clock is known.
    """

    clock_s: Floats
    glucose: Floats
    beyond: NDArray[np.int16]
    elapsed_s: Floats | None = None
    devices: Sequence[str] = ()

    def only(self, kept: NDArray[np.bool_] | Ints) -> Samples:
        """Those of `kept`, a mask or places."""
        places = np.flatnonzero(kept) if kept.dtype == np.bool_ else kept
        return Samples(
            clock_s=self.clock_s[places], glucose=self.glucose[places], beyond=self.beyond[places],
            elapsed_s=None if self.elapsed_s is None else self.elapsed_s[places],
            devices=[self.devices[place] for place in places] if self.devices else (),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Doses in any order, (E,): clock and instants as in `Samples`, `kind` numbers EVENTS, `value` in its unit."""

    clock_s: Floats = field(default_factory=lambda: np.empty(0))
    kind: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    value: Floats = field(default_factory=lambda: np.empty(0))
    elapsed_s: Floats | None = None

    def only(self, kept: NDArray[np.bool_]) -> Taken:
        """Those of the mask."""
        return Taken(
            clock_s=self.clock_s[kept], kind=self.kind[kept], value=self.value[kept],
            elapsed_s=None if self.elapsed_s is None else self.elapsed_s[kept],
        )  # fmt: skip


def assemble(
    samples: Samples,
    taken: Taken | None = None,
    *,
    warnings: Sequence[str] = (),
    unit: str = "mg/dL",
    file_format: str = "",
    date_order: str = "",
    time_zone: str | None = None,
    device: str | None = None,
) -> Trace:
    """A trace of `samples` and `taken`: sorted, clock changes undone in `minutes`, doubles joined, one device's readings only.

    The facts are those of `Trace`. What was left out or joined is told in the trace's warnings.

    Raises:
        NotAnImage: there is no reading.
    """
    if not len(samples.clock_s):
        raise NotAnImage(NO_READINGS)
    notes = list(warnings)
    if samples.elapsed_s is None:
        when, changes = clock.elapsed(samples.clock_s, samples.glucose)
        if changes:
            notes.append("The clock was put back an hour within this file; times since the start go on through the repeated hour.")
    else:
        when = samples.elapsed_s
    order = np.argsort(when, kind="stable")
    samples, when = samples.only(order), when[order]
    kept = _of_one_device(when, samples.devices, notes)
    samples, when = _once(samples.only(kept), when[kept], notes)
    minutes = (when - when[0]) / 60.0
    event_minutes, event_kind, event_value = _events(samples, when, taken or Taken())
    if _rough(minutes, samples.glucose):
        notes.append("Neighbouring readings differ more than one sensor's do; two sources may be mixed in this file.")
    return Trace(
        minutes=minutes, clock_s=samples.clock_s, glucose=samples.glucose.astype(np.float32), beyond=samples.beyond.astype(np.int16),
        event_minutes=event_minutes, event_kind=event_kind, event_value=event_value, interval_min=interval(minutes),
        unit=unit, file_format=file_format, date_order=date_order, time_zone=time_zone, device=device,
        warnings=tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def interval(minutes: Floats) -> float:
    """The sensor's usual step: the commonest whole minute between readings, 5 or 15 where it is within one of these."""
    steps = np.rint(np.diff(minutes)).astype(np.int64)
    steps = steps[(steps >= 1) & (steps < _FAR)]
    if not len(steps):
        return _DEFAULT_MIN
    usual = int(np.bincount(steps).argmax())
    return next((near for near in (5.0, 15.0) if abs(usual - near) <= 1), float(usual))


def _of_one_device(when: Floats, devices: Sequence[str], notes: list[str]) -> NDArray[np.bool_]:
    """Which readings, sorted by time, are of the device that has the most, or of others where that one is silent."""
    names = [name for name, _ in Counter(devices).most_common()]
    if len(names) < 2:
        return np.ones(len(when), np.bool_)
    own = np.array(devices)
    kept: NDArray[np.bool_] = own == names[0]
    near = 60.0 * interval(np.diff(when[kept], prepend=when[kept][0]).cumsum() / 60.0)
    dropped = 0
    for name in names[1:]:
        mine = own == name
        beside = mine & (distance(when, when[kept]) < near)
        if beside.sum() > _MIXED * mine.sum():
            beside = mine
        kept |= mine & ~beside
        dropped += int(beside.sum())
    if dropped:
        notes.append(f"The file mixes {len(names)} devices; {dropped} readings beside those of the one with the most were left out.")
    return kept


def distance(when: Floats, to: Floats) -> Floats:
    """Seconds from each time to the nearest of `to`, which is sorted."""
    right = np.clip(np.searchsorted(to, when), 0, len(to) - 1)
    left = np.clip(right - 1, 0, len(to) - 1)
    return np.minimum(np.abs(when - to[left]), np.abs(when - to[right]))


def _once(samples: Samples, when: Floats, notes: list[str]) -> tuple[Samples, Floats]:
    """One reading a time: equal ones once, near ones by their mean, of others the first."""
    first = np.flatnonzero(np.diff(when, prepend=-np.inf) > 0)
    if len(first) == len(when):
        return samples, when
    group = np.searchsorted(first, np.arange(len(when)), side="right") - 1
    low = np.minimum.reduceat(samples.glucose, first)
    high = np.maximum.reduceat(samples.glucose, first)
    equal, near = high == low, high - low <= _ALIKE * low
    mean = np.bincount(group, samples.glucose) / np.bincount(group)
    glucose = np.where(near & ~equal, mean, samples.glucose[first])
    joined, doubtful = int((near & ~equal).sum()), int((~near).sum())
    if joined:
        notes.append(f"At {joined} times two readings within 10 % of each other stand; their mean is shown.")
    if doubtful:
        notes.append(f"At {doubtful} times readings contradict each other; the first of each is shown.")
    only = samples.only(first)
    return Samples(clock_s=only.clock_s, glucose=glucose, beyond=only.beyond, elapsed_s=only.elapsed_s, devices=only.devices), when[first]


def _events(samples: Samples, when: Floats, taken: Taken) -> tuple[Floats, NDArray[np.uint8], NDArray[np.float32]]:
    """Minutes since the first reading, kinds and values of doses in order of time, the same one once."""
    if taken.elapsed_s is not None and samples.elapsed_s is not None:
        at = taken.elapsed_s
    else:  # as far ahead of the wearer's clock as the reading before it
        place = np.clip(np.searchsorted(np.maximum.accumulate(samples.clock_s), taken.clock_s, side="right") - 1, 0, len(when) - 1)
        at = taken.clock_s + (when - samples.clock_s)[place]
    rows = np.stack([(at - when[0]) / 60.0, taken.kind.astype(np.float64), taken.value], axis=1)
    rows = np.unique(rows, axis=0)  # sorted by time
    return rows[:, 0], rows[:, 1].astype(np.uint8), rows[:, 2].astype(np.float32)


def _rough(minutes: Floats, glucose: Floats) -> bool:
    """Whether steps of five minutes are larger than one sensor's."""
    short = np.diff(minutes) <= 6.0
    steps = np.abs(np.diff(glucose))[short]
    return len(steps) >= _SMOOTH_STEPS and float(steps.mean()) > _ROUGH


def doses(times: Sequence[float], kinds: Sequence[str], amounts: Sequence[float], elapsed_s: Sequence[float] | None = None) -> Taken:
    """`Taken` of parallel rows; amounts of nothing are left out, a rate of nothing is kept.

    Raises:
        Inconsistent: a kind that is none of EVENTS.
    """
    if set(kinds) - set(EVENTS):
        raise Inconsistent("An event of this file is neither carbohydrate nor insulin.")
    fine = [k for k, kind in enumerate(kinds) if np.isfinite(times[k]) and (amounts[k] > 0 or (kind == "basal_rate" and amounts[k] == 0))]
    return Taken(
        clock_s=np.array([times[k] for k in fine]), kind=np.array([EVENTS.index(kinds[k]) for k in fine], np.uint8),
        value=np.array([amounts[k] for k in fine]), elapsed_s=None if elapsed_s is None else np.array([elapsed_s[k] for k in fine]),
    )  # fmt: skip
