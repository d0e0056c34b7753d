"""Tidepool: one record an event, glucose in mmol/L whatever the sensor showed.

The fields are those of Tidepool's data model: `cbg` readings, `bolus`, `wizard` and `food`, `basal` rates with their duration in
milliseconds, `insulin` injections; `time` in UTC, `timezoneOffset` in minutes, `deviceTime` the wearer's clock.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from medcore.errors import Inconsistent
from medcore.read.curve import Curve
from medcore.read.glucose import assembly, dates
from medcore.read.glucose.assembly import Samples
from medcore.read.glucose.events import Record, number, text
from medcore.read.glucose.rows import UTC_ONLY, About, made, time_zone
from medcore.read.text import clean

FORMAT = "Tidepool"
_FACTOR = 18.01559  # mg/dL in one mmol/L, by which Tidepool divided what the sensor gave
_TYPES = ("cbg", "smbg", "bolus", "wizard", "basal", "food", "upload", "insulin", "pumpSettings")
_MOST_MMOL, _MOST = 55.5, 1000.0


def is_tidepool(lists: Mapping[str, list[Record]]) -> bool:
    """Whether the first records are of Tidepool's types and carry its times."""
    return any(text(one, "type") in _TYPES and ("time" in one or "deviceTime" in one) for own in lists.values() for one in own[:50])


def read(lists: Mapping[str, list[Record]]) -> Curve:
    """The readings and doses of a Tidepool export.

    Raises:
        NotAnImage: it holds neither. Inconsistent: a reading that no glucose can be.
    """
    records = [one for own in lists.values() for one in own]
    about = About(file_format=FORMAT)
    samples, offsets, unit = _samples([one for one in records if text(one, "type") == "cbg"], about)
    kinds: list[str] = []
    amounts: list[float] = []
    when: list[tuple[float, float]] = []
    for one in records:
        for kind, amount in _doses(one):
            kinds.append(kind)
            amounts.append(amount)
            when.append(_when(one))
    taken = assembly.doses([own[0] + own[1] for own in when], kinds, amounts, [own[0] for own in when])
    return made(samples, taken, about, unit=unit, date_order="", zone=time_zone(offsets))


def _samples(readings: list[Record], about: About) -> tuple[Samples, dates.Floats, str]:
    """Readings, what the wearer's clock was ahead of UTC at each, and the unit of the file."""
    level, beyond, devices = list[float](), list[int](), list[str]()
    when: list[tuple[float, float]] = []
    units: set[str] = set()
    unread = 0
    for place, one in enumerate(readings, 1):
        value, own = number(one, "value"), _when(one)
        mmol = "mmol" in (text(one, "units") or "mmol").casefold()
        if math.isinf(value) or value < 0 or value > (_MOST_MMOL if mmol else _MOST):
            raise Inconsistent(f"Reading {place} holds a number that no glucose can be, so the file is not read.")
        if math.isnan(value) or math.isnan(own[0]) or not value:
            unread += 1
            continue
        units.add("mmol/L" if mmol else "mg/dL")
        level.append(value * (_FACTOR if mmol else 1.0))
        beyond.append(_beyond(one.get("annotations")))
        devices.append(text(one, "deviceId"))
        when.append(own)
    if len(units) > 1:
        raise Inconsistent("The file holds readings in mg/dL and in mmol/L; it is not read.")
    if unread:
        about.warnings.append(f"{unread} readings without a time or value were left out.")
    instants, ahead = np.array([own[0] for own in when]), np.array([own[1] for own in when])
    if len(ahead) and not ahead.any():
        about.warnings.append(UTC_ONLY)
    about.device = clean(devices[0]) if devices else None
    found = Samples(
        clock_s=instants + ahead, glucose=np.array(level), beyond=np.array(beyond, np.int16), elapsed_s=instants,
        devices=devices if len(set(devices)) > 1 else [],
    )  # fmt: skip
    return found, ahead, next(iter(units), "mg/dL")


def _when(record: Record) -> tuple[float, float]:
    """Instant in seconds since 1970 UTC, and seconds that the wearer's clock is ahead (0 where it is not stated)."""
    clock, ahead = dates.moment(text(record, "time"))
    instant = clock - (0.0 if math.isnan(ahead) else ahead)
    offset = number(record, "timezoneOffset") * 60
    device, _ = dates.moment(text(record, "deviceTime"))
    if math.isnan(offset):
        offset = round((device - instant) / 900) * 900.0 if not math.isnan(device - instant) else 0.0
    return (instant, offset) if abs(offset) <= dates.DAY_S else (math.nan, 0.0)


def _beyond(annotations: Any) -> int:
    """What the reading's remarks say of the sensor's limits; they come as a list, or as the text of one."""
    if isinstance(annotations, str):
        try:
            annotations = json.loads(annotations)
        except ValueError:
            return 0
    for one in annotations if isinstance(annotations, list) else ():
        if isinstance(one, dict) and one.get("code") == "bg/out-of-range":
            return {"low": -1, "high": 1}.get(str(one.get("value")), 0)
    return 0


def _doses(record: Record) -> list[tuple[str, float]]:
    """What one record gave, in the units of EVENTS."""
    kind = text(record, "type")
    found: list[tuple[str, float]] = []
    if kind == "bolus":
        found = [("bolus", number(record, "normal")), ("bolus", number(record, "extended"))]
    elif kind == "wizard":
        found = [("carbs", number(record, "carbInput"))] if text(record, "carbUnits") != "exchanges" else []
    elif kind == "food":
        found = [("carbs", number(_inside(record, "nutrition", "carbohydrate"), "net"))]
    elif kind == "insulin":
        acting = text(_inside(record, "formulation", "simple"), "actingType")
        found = [("bolus" if acting in ("rapid", "short") else "basal", number(_inside(record, "dose"), "total"))]
    elif kind == "basal":
        rate = number(record, "rate")
        found = [("basal_rate", 0.0 if math.isnan(rate) and text(record, "deliveryType") == "suspend" else rate)]
    return [(name, amount) for name, amount in found if math.isfinite(amount) and 0 <= amount <= _MOST]


def _inside(record: Record, *names: str) -> Record:
    for name in names:
        own = record.get(name)
        record = own if isinstance(own, dict) else {}
    return record
