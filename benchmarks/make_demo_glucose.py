"""Makes assets/demo/glucose_*: sensor exports of virtual patients, no person among them, and what is true of them in glucose_truth.json.

Run where benchmarks/virtual_patients.py runs, in an environment of its own: `python benchmarks/make_demo_glucose.py`, about three minutes. The same
files come out each time. Each is written as another maker's export, so that the readers are exercised too. True glucose is plasma's of the simulator;
what the file holds is a sensor's, with its lag, its error and its gaps.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from virtual_patients import DAY, HIGHEST, LOWEST, STEP, Course, Meal, Plan, exercise, live, sensed, wandering

Floats = NDArray[np.float64]
FOLDER = Path(__file__).resolve().parent.parent / "assets" / "demo"
MMOL = 18.016  # mg/dL in one mmol/L: the molar mass of glucose, 180.156 g/mol
LOW, HIGH = 70.0, 180.0
WHO = "SYNTHETIC"
SETTLING = 1  # days lived before the file begins
ZIPPED_AT = (2030, 1, 1, 0, 0, 0)  # a file's own time would make every run another archive


@dataclass(frozen=True, slots=True, kw_only=True)
class Diary:
    """What a file is written from: `minute` (N,) of each reading since `start`, `glucose` (N,) mg/dL, and events as logged."""

    start: datetime
    minute: Floats
    glucose: Floats
    events: list[tuple[float, str, float]]
    plasma: Floats  # (minutes,) mg/dL, the truth

    def at(self, minute: float) -> datetime:
        """The wearer's clock."""
        return self.start + timedelta(minutes=float(minute))


def diary(course: Course, start: datetime, *, seed: int, every: int = STEP, gaps: Sequence[tuple[int, int]] = ()) -> Diary:
    """`course` without its days of settling in, as a sensor saw it every `every` minutes; nothing in `gaps` (minutes since `start`)."""
    first = SETTLING * DAY
    minute = np.arange(0, len(course.plasma) - first, every, dtype=np.float64)
    glucose = sensed(course, seed)[first // STEP :: every // STEP]
    kept = np.ones(len(minute), bool)
    for begin, end in gaps:
        kept &= (minute < begin) | (minute >= end)
    events = [(at - first, kind, float(value)) for at, kind, value in course.events if at >= first]
    running = [value for at, kind, value in course.events if kind == "basal_rate" and at < first][-1]
    events.insert(0, (0, "basal_rate", float(running)))  # what ran when the file begins
    return Diary(start=start, minute=minute[kept], glucose=glucose[kept], events=events, plasma=course.plasma[first:])


def meals(
    rng: np.random.Generator, days: int, at: Sequence[float], grams: Sequence[float], dose: Sequence[float], after: Sequence[int]
) -> list[Meal]:
    """Of each day: meals at hours `at` of about `grams`, `dose` of what they need injected `after` minutes later."""
    found = []
    for day in range(days):
        for hour, much, share, later in zip(at, grams, dose, after, strict=True):
            minute = day * DAY + int(60 * hour + 12 * rng.standard_normal())
            size = 5 * round(much * float(rng.uniform(0.85, 1.15)) / 5)
            found.append(Meal(minute=minute, grams=size, dose=share * float(np.exp(0.08 * rng.standard_normal())), after=later))
    return found


# Lives


def good() -> Diary:
    """An adult in good control: 14 days, a sensor changed on the tenth."""
    rng = np.random.default_rng(51)
    days = 14 + SETTLING
    eaten = meals(rng, days, (7.5, 12.5, 18.75), (45, 60, 65), (1.0, 0.95, 0.95), (-12, -10, -10))
    plan = Plan(meals=tuple(eaten), basal=np.full(days * DAY, 1.06), sensitivity=wandering(rng, days, 0.07, 0.06), asleep=0.5)
    return diary(live("adult#010", plan, rng), datetime(2030, 3, 4, 0, 2, 41), seed=511, gaps=[(9 * DAY + 610, 9 * DAY + 730)])


NIGHTS = (1, 2, 4, 5, 7, 8, 9, 11, 12, 13)  # of the diary, from 0: the early hours of that day


def nights() -> Diary:
    """An adolescent whose basal rate runs too high from 22:00 to 01:00 on ten of fourteen nights; nobody wakes."""
    rng = np.random.default_rng(52)
    days = 14 + SETTLING
    basal = np.full(days * DAY, 1.0)
    for night in NIGHTS:
        midnight = (night + SETTLING) * DAY
        basal[midnight - 120 : midnight + 60] = float(rng.uniform(1.75, 1.9))
    eaten = meals(rng, days, (7.25, 12.75, 18.0), (60, 70, 70), (0.95, 0.9, 1.0), (-10, -5, -10))
    plan = Plan(meals=tuple(eaten), basal=basal, sensitivity=wandering(rng, days, 0.06, 0.3), asleep=0.0)
    return diary(
        live("adolescent#003", plan, rng), datetime(2030, 2, 4, 0, 1, 12), seed=521, gaps=[(10 * DAY + 16 * 60, 10 * DAY + 18 * 60)]
    )


def breakfast() -> Diary:
    """A child whose breakfast is injected for too late and by half, every day."""
    rng = np.random.default_rng(53)
    days = 14 + SETTLING
    eaten = meals(rng, days, (7.25, 12.25, 17.75), (45, 35, 35), (0.5, 1.0, 1.0), (35, -12, -12))
    plan = Plan(meals=tuple(eaten), basal=np.full(days * DAY, 1.06), sensitivity=wandering(rng, days, 0.06, 0.05), asleep=0.5)
    return diary(live("child#006", plan, rng), datetime(2030, 5, 6, 0, 4, 3), seed=531)


def ninety() -> Diary:
    """An adult over 90 days: exercise on Tuesdays and Thursdays, larger dinners on Saturdays, a sensor changed every ten days."""
    rng = np.random.default_rng(54)
    days = 90 + SETTLING
    sensitivity = wandering(rng, days, 0.16, 0.15)
    for day in range(days):
        if (day - SETTLING) % 7 in (1, 3):
            exercise(sensitivity, day * DAY + 17 * 60 + int(rng.integers(60)), gain=2.2)
    eaten = meals(rng, days, (7.5, 12.5, 19.0), (45, 65, 70), (0.85, 0.9, 0.85), (-5, 0, 0))
    large = [
        meal if meal.minute // DAY % 7 != (5 + SETTLING) % 7 or meal.minute % DAY < 1000 else Meal(minute=meal.minute, grams=110, dose=0.6)
        for meal in eaten
    ]
    plan = Plan(meals=tuple(large), basal=np.full(days * DAY, 1.0), sensitivity=sensitivity, rescue=0.9, asleep=0.4)
    gaps = [(10 * DAY * k + 500, 10 * DAY * k + 620) for k in range(1, 9)]
    return diary(live("adult#009", plan, rng), datetime(2030, 7, 1, 0, 0, 30), seed=541, gaps=gaps)


def flash() -> Diary:
    """An adult with a sensor that keeps a reading every 15 minutes, and with meals often injected for late."""
    rng = np.random.default_rng(55)
    days = 14 + SETTLING
    eaten = meals(rng, days, (8.0, 13.0, 19.25), (50, 70, 80), (0.9, 0.7, 0.8), (10, 30, 20))
    plan = Plan(meals=tuple(eaten), basal=np.full(days * DAY, 0.97), sensitivity=wandering(rng, days, 0.12, 0.15), asleep=0.4)
    return diary(live("adult#004", plan, rng), datetime(2030, 9, 2, 0, 7, 0), seed=551, every=15, gaps=[(6 * DAY + 200, 6 * DAY + 560)])


LAIN_ON = ((1, 2.2, 45), (3, 3.6, 60), (5, 1.4, 50))  # (day, hour, minutes): when an arm lay on the sensor
UNTOLD = ((2, 16.0, 55), (4, 15.25, 60))  # (day, hour, g): eaten, and neither logged nor injected for


def wrong() -> Diary:
    """An adult over a week: three nights on which the arm lay on the sensor, two large meals that nothing in the file tells of."""
    rng = np.random.default_rng(56)
    days = 7 + SETTLING
    eaten = meals(rng, days, (7.5, 12.0, 19.0), (45, 55, 65), (0.95, 0.95, 0.95), (-10, -10, -10))
    eaten += [Meal(minute=(day + SETTLING) * DAY + int(60 * hour), grams=grams, dose=0.0) for day, hour, grams in UNTOLD]
    plan = Plan(meals=tuple(eaten), basal=np.full(days * DAY, 1.0), sensitivity=wandering(rng, days, 0.06, 0.06), asleep=0.5)
    told = diary(live("adult#003", plan, rng), datetime(2030, 10, 7, 0, 3, 20), seed=561)
    glucose = told.glucose.copy()
    for (
        day,
        hour,
        minutes,
    ) in LAIN_ON:  # perfusion is less there: down within 10 minutes, back within 10 (Mensh 2013, doi 10.1177/193229681300700408)
        after = told.minute - (day * DAY + 60 * hour)
        glucose -= 78 * np.clip(np.minimum(after / 10, (minutes - after) / 10), 0, 1)
    hidden = {day * DAY + int(60 * hour) for day, hour, _ in UNTOLD}
    events = [event for event in told.events if event[0] not in hidden]
    return Diary(
        start=told.start, minute=told.minute, glucose=np.clip(np.round(glucose), LOWEST, HIGHEST), events=events, plasma=told.plasma
    )


def heart() -> Diary:
    """The heart rate of a moment every 5 minutes over four days: asleep about 62, awake about 82 and at the mercy of each step. No glucose."""
    rng = np.random.default_rng(57)
    minute = np.arange(0, 4 * DAY, STEP, dtype=np.float64)
    awake = (minute % DAY > 7 * 60) & (minute % DAY < 23 * 60)
    rate = np.where(awake, 82.0, 62.0) + rng.standard_normal(len(minute)) * np.where(awake, 17.0, 5.0)
    return Diary(
        start=datetime(2030, 11, 4, 0, 0, 0), minute=minute, glucose=np.round(np.clip(rate, 48, 165)), events=[], plasma=np.zeros(0)
    )


def shuffled(told: Diary) -> Diary:
    """A week of `told`, its values in an order of chance."""
    week = told.minute < 7 * DAY
    values = np.random.default_rng(58).permutation(told.glucose[week])
    return Diary(start=datetime(2030, 12, 2, 0, 2, 41), minute=told.minute[week], glucose=values, events=[], plasma=np.zeros(0))


# Files


def clarity(told: Diary) -> bytes:
    """A Dexcom Clarity export in mg/dL: patient and alerts above, then readings and events in order of time."""
    head = "Index,Timestamp (YYYY-MM-DDThh:mm:ss),Event Type,Event Subtype,Patient Info,Device Info,Source Device ID,Glucose Value (mg/dL),"
    head += "Insulin Value (u),Carb Value (grams),Duration (hh:mm:ss),Glucose Rate of Change (mg/dL/min),Transmitter Time (Long Integer),Transmitter ID"
    rows = [f",FirstName,,{WHO},,,,,,,,,", ",LastName,,PATIENT,,,,,,,,,", ",PatientIdentifier,,SYNTHETIC-1,,,,,,,,,"]
    rows += [",Device,,,Dexcom G6 Mobile App,iPhone G6,,,,,,,", ",Alert,Low,,,iPhone G6,70,,,,,,", ",Alert,Urgent Low,,,iPhone G6,55,,,,,,"]
    rows += [",Alert,High,,,iPhone G6,250,,,,,,"]
    lines = []
    for minute, value in zip(told.minute, told.glucose, strict=True):
        shown = "Low" if value <= LOWEST else "High" if value >= HIGHEST else f"{value:.0f}"
        lines.append((minute, f"{told.at(minute).isoformat()},EGV,,,,iPhone G6,{shown},,,,,{int(5000 + 60 * minute)},8SYNTH"))
    for minute, kind, value in told.events:
        if kind == "carbs":
            lines.append((minute, f"{told.at(minute).isoformat()},Carbs,,,,iPhone G6,,,{value:.0f},,,,"))
        elif kind == "bolus":
            lines.append((minute, f"{told.at(minute).isoformat()},Insulin,Fast-Acting,,,iPhone G6,,{value:.2f},,,,,"))
    rows += [line for _, line in sorted(lines)]
    return ("\ufeff" + head + "\r\n" + "".join(f"{number},{row}\r\n" for number, row in enumerate(rows, 1))).encode()


def nightscout(told: Diary) -> bytes:
    """A Nightscout site's entries.json and treatments.json, newest first as it gives them, in a zip. The wearer's clock is two hours before UTC."""
    zone = timezone(timedelta(hours=2))

    def stamp(minute: float) -> dict[str, Any]:
        at = told.at(minute).replace(tzinfo=zone)
        return {"date": int(at.timestamp() * 1000), "dateString": at.isoformat(timespec="milliseconds"), "utcOffset": 120}

    entries = [
        {"_id": f"{number:024x}", "device": f"{WHO} xDrip-DexcomG5", **stamp(minute), "sgv": int(value), "type": "sgv"}
        for number, (minute, value) in enumerate(zip(told.minute, told.glucose, strict=True))
    ]
    treatments = []
    ends = [*[minute for minute, kind, _ in told.events if kind == "basal_rate"][1:], len(told.plasma)]
    rates = iter(ends)
    for number, (minute, kind, value) in enumerate(told.events):
        at = told.at(minute).replace(tzinfo=zone).astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")  # noqa: UP017
        row = {"_id": f"{number:024x}", "enteredBy": WHO, "created_at": at, "utcOffset": 120, "carbs": None, "insulin": None}
        if kind == "carbs":
            row |= {"eventType": "Carb Correction" if value < 20 else "Meal Bolus", "carbs": value}
        elif kind == "bolus":
            row |= {"eventType": "Bolus", "insulin": value}
        else:
            row |= {"eventType": "Temp Basal", "absolute": value, "rate": value, "duration": next(rates) - minute}
        treatments.append(row)
    parts = {"entries.json": entries[::-1], "treatments.json": treatments[::-1]}
    return zipped({name: json.dumps(rows, separators=(",", ":")).encode() for name, rows in parts.items()})


def ohio(told: Diary) -> bytes:
    """XML as the OhioT1DM data set is written, days first."""

    def day_first(minute: float) -> str:
        return told.at(minute).strftime("%d-%m-%Y %H:%M:%S")

    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<patient id="{WHO}" weight="99" insulin_type="Novalog">', "  <glucose_level>"]
    lines += [f'    <event ts="{day_first(minute)}" value="{value:.0f}"/>' for minute, value in zip(told.minute, told.glucose, strict=True)]
    lines += ["  </glucose_level>", "  <basal>"]
    lines += [f'    <event ts="{day_first(minute)}" value="{value:.2f}"/>' for minute, kind, value in told.events if kind == "basal_rate"]
    lines += ["  </basal>", "  <bolus>"]
    for minute, kind, value in told.events:
        if kind == "bolus":
            lines.append(
                f'    <event ts_begin="{day_first(minute)}" ts_end="{day_first(minute)}" type="normal" dose="{value:.2f}" bwz_carb_input="0"/>'
            )
    lines += ["  </bolus>", "  <meal>"]
    for minute, kind, value in told.events:
        if kind == "carbs":
            name = (
                "HypoCorrection"
                if value < 20
                else "Breakfast"
                if told.at(minute).hour < 10
                else "Lunch"
                if told.at(minute).hour < 15
                else "Dinner"
            )
            lines.append(f'    <event ts="{day_first(minute)}" type="{name}" carbs="{value:.0f}"/>')
    return "\n".join([*lines, "  </meal>", "</patient>", ""]).encode()


def libreview(told: Diary) -> bytes:
    """A LibreView export in mmol/L, days first: the history of a reading every 15 minutes, food and rapid insulin between."""
    names = (
        "Device,Serial Number,Device Timestamp,Record Type,Historic Glucose mmol/L,Scan Glucose mmol/L,Non-numeric Rapid-Acting Insulin,"
    )
    names += "Rapid-Acting Insulin (units),Non-numeric Food,Carbohydrates (grams),Carbohydrates (servings),Non-numeric Long-Acting Insulin,"
    names += "Long-Acting Insulin Value (units),Notes,Strip Glucose mmol/L,Ketone mmol/L,Meal Insulin (units),Correction Insulin (units),User Change Insulin (units)"
    lines = []
    for minute, value in zip(told.minute, told.glucose, strict=True):
        lines.append((minute, 0, f"{value / MMOL:.1f}" + "," * 14))
    for minute, kind, value in told.events:
        if kind == "carbs":
            lines.append((minute, 5, ",,,,," + f"{value:.0f}" + "," * 9))
        elif kind == "bolus":
            lines.append((minute, 4, ",,," + f"{value:.1f}" + "," * 11))
    device = "FreeStyle LibreLink,00000000-0000-0000-0000-000000000000"
    rows = [f"{device},{told.at(minute).strftime('%d-%m-%Y %H:%M')},{kind},{rest}" for minute, kind, rest in sorted(lines)]
    head = f"Glucose Data,Generated on,{told.at(len(told.plasma) + 600).strftime('%d-%m-%Y %H:%M')} UTC,Generated by,{WHO} PATIENT"
    return "\r\n".join([head, names, *rows, ""]).encode()


def xdrip(told: Diary) -> bytes:
    """xDrip+'s own CSV: semicolons, the day first."""
    lines = [(minute, f"{value:.0f};;;;") for minute, value in zip(told.minute, told.glucose, strict=True)]
    for minute, kind, value in told.events:
        if kind in ("carbs", "bolus"):
            lines.append((minute, f";;{value:.0f};;" if kind == "carbs" else f";;;{value:.2f};"))
    rows = [f"{told.at(minute).strftime('%d.%m.%Y;%H:%M')};{rest}" for minute, rest in sorted(lines)]
    rows[0] += f"{WHO}: no person"
    return "\r\n".join(["DAY;TIME;UDT_CGMS;BG_LEVEL;CH_GR;BOLUS;REMARK", *rows, ""]).encode()


def table(told: Diary) -> bytes:
    """Subject, time and glucose, as nobody's export in particular."""
    rows = [f"{WHO},{told.at(minute).isoformat(sep=' ')},{value:.0f}" for minute, value in zip(told.minute, told.glucose, strict=True)]
    return "\n".join(["subject,time,glucose_mg_dl", *rows, ""]).encode()


def zipped(members: dict[str, bytes]) -> bytes:
    """An archive that is the same each time."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, ZIPPED_AT), data, zipfile.ZIP_DEFLATED, 9)
    return held.getvalue()


# Truth


def stretches(which: NDArray[np.bool_], least: int) -> list[tuple[int, int]]:
    """(first, last) minutes of each run of True no shorter than `least`; runs parted by less than 15 minutes are one."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], which.astype(np.int8), [0]])))
    runs = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    joined: list[tuple[int, int]] = []
    for a, b in runs:
        if joined and a - joined[-1][1] < 15:
            joined[-1] = (joined[-1][0], b)
        else:
            joined.append((a, b))
    return [(a, b) for a, b in joined if b - a >= least]


def truth(told: Diary, kinds: Sequence[str]) -> dict[str, Any]:
    """What is known of the wearer and of the file; `kinds` are the events that its format holds."""
    minute = told.minute.astype(np.int64)
    facts: dict[str, Any] = {
        "readings": len(minute),
        "first": told.at(told.minute[0]).isoformat(),
        "last": told.at(told.minute[-1]).isoformat(),
        "events": {kind: sum(event[1] == kind for event in told.events) for kind in kinds},
    }
    if not len(told.plasma):
        return facts
    true = told.plasma[minute]
    lows = stretches(told.plasma < LOW, 15)
    return facts | {
        "tir": round(100 * float(np.mean((true >= LOW) & (true <= HIGH))), 1),
        "tbr": round(100 * float(np.mean(true < LOW)), 1),
        "tar": round(100 * float(np.mean(true > HIGH)), 1),
        "mean": round(float(true.mean()), 1),
        "lows": [[told.at(a).isoformat(), told.at(b).isoformat(), round(float(told.plasma[a:b].min()), 1)] for a, b in lows],
        "nights_low": sorted({told.at(a).date().isoformat() for a, b in lows if b % DAY > 60 and a % DAY < 6 * 60}),
        "mornings_high": sorted({told.at(a).date().isoformat() for a, _ in stretches(told.plasma > HIGH, 15) if 7 <= a % DAY / 60 < 11}),
        "meals": [[told.at(event[0]).isoformat(), event[2]] for event in told.events if event[1] == "carbs"],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One case: how it is lived, how it is written, what its format calls itself and what of the diary it holds."""

    file: str
    patient: str
    live: Callable[[], Diary]
    write: Callable[[Diary], bytes]
    kinds: tuple[str, ...]


CASES = {
    "glucose_good": Made(file="glucose_good.csv", patient="adult#010", live=good, write=clarity, kinds=("carbs", "bolus")),
    "glucose_nights": Made(
        file="glucose_nights.zip", patient="adolescent#003", live=nights, write=nightscout, kinds=("carbs", "bolus", "basal_rate")
    ),
    "glucose_breakfast": Made(
        file="glucose_breakfast.xml", patient="child#006", live=breakfast, write=ohio, kinds=("carbs", "bolus", "basal_rate")
    ),
    "glucose_ninety": Made(
        file="glucose_ninety.zip", patient="adult#009", live=ninety, write=lambda told: zipped({"glucose.csv": table(told)}), kinds=()
    ),
    "glucose_flash": Made(file="glucose_flash.csv", patient="adult#004", live=flash, write=libreview, kinds=("carbs", "bolus")),
    "glucose_wrong": Made(file="glucose_wrong.csv", patient="adult#003", live=wrong, write=xdrip, kinds=("carbs", "bolus")),
    "glucose_heart": Made(file="glucose_heart.csv", patient="", live=heart, write=table, kinds=()),
    "glucose_shuffled": Made(file="glucose_shuffled.csv", patient="adult#010", live=lambda: shuffled(good()), write=table, kinds=()),
}
KNOWN = {
    "glucose_nights": {"planted_nights": [(datetime(2030, 2, 4) + timedelta(days=night)).date().isoformat() for night in NIGHTS]},
    "glucose_wrong": {
        "lain_on": [[(datetime(2030, 10, 7) + timedelta(days=d, hours=h)).isoformat(), m] for d, h, m in LAIN_ON],
        "untold_meals": [[(datetime(2030, 10, 7) + timedelta(days=d, hours=h)).isoformat(), g] for d, h, g in UNTOLD],
    },
    "glucose_heart": {"gate": "shuffled"},
    "glucose_shuffled": {"gate": "shuffled"},
}


def make(name: str) -> dict[str, Any]:
    """Write the file of the case `name` and give what is true of it."""
    case = CASES[name]
    told = case.live()
    (FOLDER / case.file).write_bytes(case.write(told))
    return {"file": case.file, "patient": case.patient or None} | truth(told, case.kinds) | KNOWN.get(name, {})


def main() -> None:
    """Write every file, and the truth."""
    with Pool(2) as pool:
        made = pool.map(make, CASES, chunksize=1)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(facts)}" for name, facts in zip(CASES, made, strict=True))
    (FOLDER / "glucose_truth.json").write_text("{\n" + lines + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
