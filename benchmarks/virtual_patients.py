"""Virtual patients with type 1 diabetes, whose true glucose is known: the tables that the low-glucose warning is tried on.

Run in a virtual environment of its own, since simglucose wants an old setuptools: `pip install 'setuptools<81' simglucose==0.2.11`, then
`python benchmarks/virtual_patients.py FOLDER`. The same tables come out each time.

The thirty patients are those of the UVA/Padova simulator of 2008 (Dalla Man 2007, doi 10.1109/TBME.2007.893506) as simglucose has them, the sensor's
error that of its Dexcom (Breton and Kovatchev 2008, doi 10.1177/193229680800200517). simglucose's patients never change; here their sensitivity to
insulin does, from hour to hour, at dawn and after exercise, they miscount carbohydrate, forget a bolus or a meal, and eat when they feel low.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing import Pool
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import simglucose
from numpy.typing import NDArray
from simglucose.patient.t1dpatient import Action, T1DPatient
from simglucose.sensor.noise_gen import CGMNoise

Floats = NDArray[np.float64]
PARAMETERS = Path(simglucose.__file__).parent / "params"
DAY = 1440  # minutes
STEP = 5  # minutes between readings
LOWEST, HIGHEST = 40, 400  # mg/dL: beyond, the sensor says LOW or HIGH
START = datetime(2030, 1, 7)  # a Monday that no person's data is of
PEOPLE = ("adult", "adolescent", "child")
MEALS_G = {"adult": (50, 65, 75), "adolescent": (55, 70, 80), "child": (30, 35, 40)}
MEALS_AT = (7.5 * 60, 12.5 * 60, 18.5 * 60)
SCENARIOS = ("plain", "overdose", "skipped_meal", "missed_bolus", "exercise", "night_basal", "late_bolus")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meal:
    """What is eaten at `minute` and what is injected for it: `dose` times what ratio and correction ask for, `after` minutes later."""

    minute: int
    grams: float
    dose: float = 1.0
    after: int = 0
    eaten: bool = True  # False: injected for, then not eaten


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How somebody lives over the minutes simulated: meals, basal insulin and sensitivity as multiples of what they need at rest (minutes,)."""

    meals: tuple[Meal, ...]
    basal: Floats
    sensitivity: Floats
    rescue: float = 1.0  # the share of lows felt that are answered by eating
    asleep: float = 0.0  # the same between 23:00 and 07:00


@dataclass(slots=True, kw_only=True)
class Course:
    """What happened: `plasma` and `tissue` (minutes,) mg/dL, and events (minute, kind, value) as a person would have logged them."""

    plasma: Floats
    tissue: Floats
    events: list[tuple[int, str, float]] = field(default_factory=list)


def parameters(name: str) -> tuple[SimpleNamespace, Floats, float, float]:
    """(parameters by name, the state at rest, g of carbohydrate a unit, mg/dL a unit) of the patient `name`, as adult#001."""
    row = pd.read_csv(PARAMETERS / "vpatient_params.csv").set_index("Name").loc[name]
    quest = pd.read_csv(PARAMETERS / "Quest.csv").set_index("Name").loc[name]
    known = SimpleNamespace(Name=name, **{key: float(row[key]) for key in row.index if "x0" not in key})
    return known, row.iloc[1:14].to_numpy(np.float64), float(quest["CR"]), float(quest["CF"])


def live(name: str, plan: Plan, rng: np.random.Generator) -> Course:
    """`plan` lived by the patient `name` from midnight on, a minute at a time."""
    known, rest, ratio, correction = parameters(name)
    patient = T1DPatient(known, init_state=rest.copy(), t0=0)
    usual = known.u2ss * known.BW / 6000  # U/min that hold glucose at rest
    uptake, liver = known.Vmx, known.kp3
    course = Course(plasma=np.zeros(len(plan.basal)), tissue=np.zeros(len(plan.basal)))
    eat: dict[int, float] = {}
    inject: dict[int, Meal] = {meal.minute + meal.after: meal for meal in plan.meals}
    for meal in plan.meals:
        if meal.eaten:
            eat[meal.minute] = meal.grams
    basal, quiet_until = -1.0, 0
    for minute in range(len(plan.basal)):
        known.Vmx = uptake * plan.sensitivity[minute]
        known.kp3 = liver * np.sqrt(plan.sensitivity[minute])  # the liver answers half as much: it sets what rest is
        course.plasma[minute], course.tissue[minute] = patient.state[3] / known.Vg, patient.state[12] / known.Vg
        insulin = usual * plan.basal[minute]
        rate = round(60 * insulin, 2)
        if rate != basal:
            course.events.append((minute, "basal_rate", rate))
            basal = rate
        if minute in inject and inject[minute].dose > 0:
            meal = inject[minute]
            high = max(0.0, course.tissue[minute] - 140) / correction if course.tissue[minute] > 150 else 0.0
            units = max(0.05, round(meal.dose * (meal.grams / ratio + high) / 0.05) * 0.05)
            course.events.append((minute, "bolus", round(units, 2)))
            insulin += units
        hour = minute % DAY / 60
        if course.plasma[minute] < 62 and minute >= quiet_until:
            quiet_until = minute + 20
            if rng.random() < (plan.rescue if 7 <= hour < 23 else plan.asleep):
                eat[minute + 5] = eat.get(minute + 5, 0.0) + (16 if known.BW > 45 else 10)
        if minute in eat:
            course.events.append((minute, "carbs", round(eat[minute])))
        patient.step(Action(CHO=eat.get(minute, 0.0), insulin=insulin))
    return course


def sensed(course: Course, seed: int) -> Floats:
    """What a Dexcom would have shown every 5 minutes: tissue glucose and its error, whole mg/dL, within its limits."""
    table = pd.read_csv(PARAMETERS / "sensor_params.csv").set_index("Name").loc["Dexcom"]
    noise = CGMNoise(table.to_dict() | {"sample_time": float(STEP)}, seed=seed)
    tissue = course.tissue[::STEP]
    return np.clip(np.round(tissue + np.array([next(noise) for _ in tissue])), LOWEST, HIGHEST)


# How people live


def wandering(rng: np.random.Generator, days: int, spread: float = 0.12, dawn: float = 0.15) -> Floats:
    """(minutes,) sensitivity about 1 that drifts over hours (log SD `spread`) and is less at dawn."""
    knots = rng.standard_normal(days * 6 + 2)
    drift = np.interp(np.arange(days * DAY) / 240, np.arange(len(knots)), knots)
    hour = np.arange(days * DAY) % DAY / 60
    return np.asarray(np.exp(spread * drift) * (1 - dawn * np.exp(-(((hour - 6) / 1.5) ** 2))))


def exercise(sensitivity: Floats, start: int, gain: float = 1.9, minutes: int = 50) -> None:
    """Raise `sensitivity` in place from `start` on, for `minutes`, and by less over the following hours."""
    after = np.arange(len(sensitivity) - start)
    sensitivity[start:] *= 1 + (gain - 1) * np.minimum(1.0, np.minimum(after / 10, np.exp(-np.maximum(0, after - minutes) / 180)))


def day_of(scenario: str, person: str, day: int, rng: np.random.Generator, basal: Floats, sensitivity: Floats, habit: float) -> list[Meal]:
    """The meals of a day under `scenario`, injected for by `habit`; `basal` and `sensitivity` of all days are changed in place where it asks for it."""
    first = day * DAY
    meals = []
    for at, grams in zip(MEALS_AT, MEALS_G[person], strict=True):
        counted = habit * float(np.exp(0.18 * rng.standard_normal()))  # how carbohydrate is counted
        minute = first + int(at + 25 * rng.standard_normal())
        meals.append(Meal(minute=minute, grams=round(grams * float(rng.uniform(0.7, 1.3))), dose=counted, after=int(rng.integers(-15, 10))))
    which = int(rng.integers(3))
    changed = {"overdose": {"dose": 2.0}, "skipped_meal": {"eaten": False}, "missed_bolus": {"dose": 0.0}, "late_bolus": {"after": 60}}.get(
        scenario, {}
    )
    meal = meals[which]
    meals[which] = Meal(
        **{"minute": meal.minute, "grams": meal.grams, "dose": meal.dose, "after": meal.after, "eaten": meal.eaten} | changed
    )
    if scenario == "exercise":
        exercise(sensitivity, first + int(rng.integers(15 * 60, 20 * 60)))
    if scenario == "night_basal":
        basal[first : first + 6 * 60] *= float(rng.uniform(1.5, 2.2))
    if rng.random() < 0.5:
        meals.append(Meal(minute=first + int(rng.integers(15 * 60, 17 * 60)), grams=15, dose=float(rng.random() < 0.5)))
    return meals


def plan_of(person: str, days: int, rng: np.random.Generator) -> tuple[Plan, list[str]]:
    """A life of `days` days, each under a scenario of its own, and their names; the first is plain, to settle in."""
    basal = np.full(days * DAY, float(rng.uniform(0.85, 1.05)))
    sensitivity, habit = wandering(rng, days), float(rng.uniform(0.65, 1.0))
    others = [*rng.permutation(SCENARIOS), *rng.permutation(SCENARIOS)]
    names = ["plain", *(str(name) for name in others)][:days]
    meals = [meal for day, name in enumerate(names) for meal in day_of(name, person, day, rng, basal, sensitivity, habit)]
    return Plan(meals=tuple(meals), basal=basal, sensitivity=sensitivity, rescue=0.8, asleep=0.25), names


# Tables


def subject(job: tuple[str, int, int, int]) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of each table for (patient, its number, days, seed); the day of settling in is left out."""
    name, number, days, seed = job
    rng = np.random.default_rng([seed, number])
    plan, scenarios = plan_of(name.split("#")[0], days + 1, rng)
    course = live(name, plan, rng)
    shown = sensed(course, seed * 1000 + number)
    who = name.replace("#", "_")
    minutes = np.arange(DAY, (days + 1) * DAY, STEP)
    when = {int(minute): (START + timedelta(minutes=int(minute))).isoformat() for minute in minutes}
    readings = [(who, when[int(m)], int(shown[m // STEP])) for m in minutes]
    truth = [(who, when[int(m)], round(float(course.plasma[m]), 1), scenarios[m // DAY]) for m in minutes]
    unit = {"carbs": "g", "bolus": "U", "basal_rate": "U/h"}
    events = []
    rate = [(minute, kind, value) for minute, kind, value in course.events if kind == "basal_rate" and minute <= DAY][-1]
    for minute, kind, value in [(DAY, *rate[1:]), *(event for event in course.events if event[0] > DAY)]:
        events.append((who, (START + timedelta(minutes=minute)).isoformat(), kind, value, unit[kind]))
    return {"readings": readings, "readings_15min": readings[::3], "truth": truth, "events": events}


COLUMNS = {
    "readings": ("subject", "time", "glucose_mg_dl"),
    "readings_15min": ("subject", "time", "glucose_mg_dl"),
    "truth": ("subject", "time", "true_mg_dl", "scenario"),
    "events": ("subject", "time", "kind", "value", "unit"),
}


def tables(folder: Path, days: int, seed: int, processes: int) -> None:
    """Write the four tables of all thirty patients into `folder`."""
    names = [f"{person}#{number:03d}" for person in PEOPLE for number in range(1, 11)]
    with Pool(processes) as pool:
        made = pool.map(subject, [(name, number, days, seed) for number, name in enumerate(names)], chunksize=1)
    folder.mkdir(parents=True, exist_ok=True)
    for table, columns in COLUMNS.items():
        with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(row for one in made for row in one[table])


def main(arguments: Sequence[str]) -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args(arguments)
    tables(given.folder, given.days, given.seed, given.processes)


if __name__ == "__main__":
    main(sys.argv[1:])
