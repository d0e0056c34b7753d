"""Dexcom Clarity exports: one row an event, the patient and the alerts in rows without a time.

Dexcom publishes no specification. The columns are those of exports of 2016 to 2025 in English, German and Spanish: time, kind of event
(EGV is a reading), glucose in mg/dL or mmol/L, insulin, carbohydrate, the sensor's own seconds and its number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from medcore.read.curve import Curve
from medcore.read.glucose import columns, dates
from medcore.read.glucose.note import Said
from medcore.read.glucose.rows import About, Rows, curve
from medcore.read.glucose.sheet import Sheet
from medcore.read.text import clean
from medcore.types import Patient

FORMAT = "Dexcom Clarity"
_TIME = re.compile(r"(timestamp|zeitstempel|marca temporal|horodatage|tijdstempel|data e ora|carimbo).*(hh mm|hh:mm).*|timestamp \(.*")
_NAMES: Mapping[str, re.Pattern[str]] = {
    "event": columns.any_of("event type", "ereignis(typ|art)", "tipo (de|di) evento", "type d'evenement", "soort gebeurtenis"),
    "subtype": columns.any_of("event subtype", "ereignisunter(typ|art)", "subtipo (de|di) evento", "sous type d'evenement"),
    "patient": columns.any_of(
        "patient info", "patienteninfo(rmation(en)?)?", "informacion del? paciente", "info(rmazioni)? (sul )?paziente", "infos? patient",
    ),
    "glucose": columns.any_of(
        "glucose value", "glukosewert", "(nivel|valor) de glucosa", "valore (del )?glucosio", "(valeur|taux) (de|du) glucose",
    ),
    "insulin": columns.any_of(
        "insulin value.*", "insulinwert.*", "(nivel|valor) de insulina.*", "valore (dell'?)?insulina.*", "valeur (de l')?insuline.*",
    ),
    "carbs": columns.any_of(
        "carb value.*", "kohlenhydratwert.*", "(nivel|valor) de carbohidratos.*", "valore carboidrati.*", "valeur (des )?glucides.*",
    ),
    "device": columns.any_of(
        "source device id", "quellgerate? ?id", "id del dispositivo de origen.*", "id dispositivo (di )?origine", "id de l'appareil source",
    ),
    "ticks": columns.any_of("transmitter time.*", "transmitterzeit.*", "hora del transmisor.*", "tiempo del transmisor.*"),
    "transmitter": columns.any_of("transmitter ?id", "id del transmisor"),
}  # fmt: skip
_LONG = re.compile(r"long|lang|larga|lente|lenta|basal", re.I)
_FACTS = {
    "first": re.compile(r"firstname|vorname|nombre|prenom|nome", re.I),
    "last": re.compile(r"lastname|nachname|apellidos?|nom|cognome", re.I),
    "born": re.compile(r"dateofbirth|geburtsdatum|fechadenacimiento|datedenaissance|datadinascita", re.I),
}


def header(names: Sequence[str]) -> bool:
    """Whether a row of column names, as `columns.bare` leaves them, is Clarity's."""
    return bool(_places(names)) and bool(columns.found(_NAMES["event"], list(names)))


def _places(names: Sequence[str]) -> dict[str, int]:
    listed = list(names)
    found = {what: places[0] for what, pattern in _NAMES.items() if (places := columns.found(pattern, listed))}
    when = columns.found(_TIME, listed)
    return {**found, "time": when[0]} if when and "glucose" in found else {}


def read(sheet: Sheet, line: int, cells: Sequence[str], said: Said | None) -> Curve:
    """The trace of a Clarity export whose column names `cells` stand on `line`.

    Raises:
        InputRejected: any of its kinds.
    """
    places = _places([columns.bare(cell) for cell in cells])
    rows, facts = Rows(), dict[str, str]()
    device = ""
    for number, row in sheet.rows(line):
        own = {what: row[place] if place < len(row) else "" for what, place in places.items()}
        if not own["time"].strip():
            _take_fact(own, facts)
            continue
        event = own.get("event", "").strip().casefold()
        if own["glucose"].strip() and not event.startswith(("calib", "kalib")):
            rows.read(number, own["time"], own["glucose"], own.get("transmitter", ""), own.get("ticks", "").strip())
            device = device or own.get("device", "").strip()
        rows.dose(number, own["time"], "carbs", own.get("carbs", ""))
        rows.dose(number, own["time"], "basal" if _LONG.search(own.get("subtype", "")) else "bolus", own.get("insulin", ""))
    about = About(
        file_format=FORMAT, unit=columns.unit(cells[places["glucose"]]), patient=_patient(facts),
        device=clean(f"Dexcom {device}") if device else "Dexcom",
    )  # fmt: skip
    return curve(rows, about, said)


def _take_fact(own: Mapping[str, str], facts: dict[str, str]) -> None:
    """A row without a time may state who wears the sensor; the rest are alerts and devices."""
    name = own.get("event", "").replace(" ", "")
    for fact, pattern in _FACTS.items():
        if pattern.fullmatch(columns.bare(name).replace(" ", "")) and own.get("patient", "").strip():
            facts.setdefault(fact, own["patient"].strip())


def _patient(facts: Mapping[str, str]) -> Patient:
    name = clean(" ".join(facts[part] for part in ("first", "last") if part in facts))
    return Patient(name=name, birth_date=dates.iso(facts.get("born", "")))
