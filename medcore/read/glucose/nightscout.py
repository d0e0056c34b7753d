"""Nightscout: entries (readings) and treatments (what was eaten and injected), as its API and backups write them.

The fields are those of the server's own source (cgm-remote-monitor, API v1): `sgv` in mg/dL, `date` in milliseconds since 1970 UTC,
`utcOffset` in minutes; of treatments `created_at`, `carbs` in g, `insulin` in U, and `absolute` or `rate` in U/h of a temporary basal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from medcore.errors import Inconsistent, Unsupported
from medcore.read.curve import Curve
from medcore.read.glucose import assembly, dates, values
from medcore.read.glucose.assembly import Samples
from medcore.read.glucose.events import Record, number, text
from medcore.read.glucose.rows import UTC_ONLY, About, made, time_zone
from medcore.read.text import clean

FORMAT = "Nightscout"
_ERRORS = 13.0  # mg/dL: lower values of `sgv` are the sensor's codes for why it did not read
_LIMITS = values.Limits()
_BELOW, _ABOVE = 39.0, 401.0  # how a Dexcom's LOW and HIGH reach `sgv`
_MOST = 1000.0
_LONG = ("basal insulin", "long acting", "long-acting")
_PROFILE = "This is a Nightscout profile, which holds no readings; upload the entries, and the treatments beside them."


def is_nightscout(lists: Mapping[str, list[Record]]) -> bool:
    """Whether the first records are readings, treatments or a profile of Nightscout."""
    return any(_entry(one) or _treatment(one) or _profile(one) for own in lists.values() for one in own[:50])


def _entry(record: Record) -> bool:
    return "sgv" in record and ("date" in record or "dateString" in record or "mills" in record)


def _treatment(record: Record) -> bool:
    return "eventType" in record and ("created_at" in record or "mills" in record or "timestamp" in record)


def _profile(record: Record) -> bool:
    return "defaultProfile" in record and "store" in record


def read(lists: Mapping[str, list[Record]]) -> Curve:
    """The readings and doses of one file, which may hold either or both.

    Raises:
        Unsupported: it is a profile. NotAnImage: it holds neither readings nor doses.
    """
    records = [one for own in lists.values() for one in own]
    entries = [one for one in records if _entry(one)]
    treatments = [one for one in records if _treatment(one) and not _entry(one)]
    if not entries and not treatments and any(_profile(one) for one in records):
        raise Unsupported(_PROFILE)
    about = About(file_format=FORMAT)
    samples, offsets = _samples(entries, about)
    kinds: list[str] = []
    amounts: list[float] = []
    when: list[tuple[float, float]] = []
    for one in treatments:
        for kind, amount in _doses(one):
            kinds.append(kind)
            amounts.append(amount)
            when.append(_when(one, "mills", ("created_at", "timestamp")))
    instants = [instant for instant, _ in when]
    ahead = [offset if offset and not math.isnan(offset) else _offset_then(instant, samples, offsets) for instant, offset in when]
    clocks = [instant + own for instant, own in zip(instants, ahead, strict=True)]
    taken = assembly.doses(clocks, kinds, amounts, instants)
    return made(samples, taken, about, unit="mg/dL", date_order="", zone=time_zone(offsets))


def _samples(entries: Iterable[Record], about: About) -> tuple[Samples, values.Floats]:
    """Readings, and what the wearer's clock was ahead of UTC at each; codes of the sensor's errors left out."""
    instants, offsets, level, devices = list[float](), list[float](), list[float](), list[str]()
    unread = 0
    for place, one in enumerate(entries, 1):
        value = number(one, "sgv")
        instant, offset = _when(one, "date", ("dateString", "sysTime"))
        if math.isinf(value) or value < 0 or value > _MOST:
            raise Inconsistent(f"Entry {place} holds a number that no glucose can be, so the file is not read.")
        if math.isnan(value) or math.isnan(instant) or value < _ERRORS:
            unread += 1
            continue
        instants.append(instant)
        offsets.append(offset)
        level.append(value)
        devices.append(text(one, "device"))
    if unread:
        about.warnings.append(f"{unread} entries without a reading were left out.")
    ahead = np.array(offsets)
    if len(ahead) and not np.nan_to_num(ahead).any():
        about.warnings.append(UTC_ONLY)
    ahead = np.nan_to_num(ahead)
    found = np.array(level)
    beyond = (found >= _ABOVE).astype(np.int16) - (found <= _BELOW).astype(np.int16)
    found[beyond < 0], found[(beyond > 0) & (found == _ABOVE)] = _LIMITS.low, _LIMITS.high
    beyond[found > _ABOVE] = 0
    about.device = clean(devices[0]) if devices else None
    named = devices if len(set(devices)) > 1 else []
    when = np.array(instants)
    return Samples(clock_s=when + ahead, glucose=found, beyond=beyond, elapsed_s=when, devices=named), ahead


def _when(record: Record, count: str, texts: tuple[str, ...]) -> tuple[float, float]:
    """Instant in seconds since 1970 UTC and seconds that the wearer's clock is ahead; NaN where not stated."""
    offset = number(record, "utcOffset") * 60
    said = next((text(record, name) for name in texts if text(record, name)), "")
    clock, ahead = dates.moment(said)
    instant = number(record, count) / 1000
    if math.isnan(instant):
        instant = number(record, "mills") / 1000
    if math.isnan(instant):
        instant = clock - (0.0 if math.isnan(ahead) else ahead)
    if math.isnan(offset) or (offset == 0 and ahead):
        offset = ahead
    fine = dates.PLAUSIBLE_S[0] <= instant < dates.PLAUSIBLE_S[1]
    return (instant, offset) if fine else (math.nan, math.nan)


def _offset_then(instant: float, samples: Samples, offsets: values.Floats) -> float:
    """What the wearer's clock was ahead of UTC at the reading nearest to `instant`; 0 where there is none."""
    if not len(offsets) or samples.elapsed_s is None or math.isnan(instant):
        return 0.0
    return float(offsets[int(np.argmin(np.abs(samples.elapsed_s - instant)))])


def _doses(record: Record) -> list[tuple[str, float]]:
    """What one treatment gave, in the units of EVENTS."""
    event = text(record, "eventType").casefold()
    found = [("carbs", number(record, "carbs")), ("basal" if event.startswith(_LONG) else "bolus", number(record, "insulin"))]
    if event == "temp basal":
        rate = number(record, "absolute")
        found.append(("basal_rate", number(record, "rate") if math.isnan(rate) else rate))
    return [(kind, amount) for kind, amount in found if math.isfinite(amount) and 0 <= amount <= _MOST]
