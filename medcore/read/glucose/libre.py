"""Abbott FreeStyle Libre: LibreView exports (CSV) and the older ones of the reader's own software (tabs).

Abbott publishes no specification. A row's type says what it holds: 0 the sensor's history, 1 a scan, 2 a strip, 4 insulin, 5 food,
6 a note. Columns are known by their names in English, German, French, Spanish and Italian; in the older exports by their place too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from medcore.read.curve import Curve
from medcore.read.glucose import assembly, columns, dates
from medcore.read.glucose.note import Said
from medcore.read.glucose.rows import About, Rows, curve
from medcore.read.glucose.sheet import Sheet
from medcore.read.glucose.values import LIBRE
from medcore.read.text import clean
from medcore.types import Patient

FORMAT = "FreeStyle Libre"
_AMOUNT = r" ?(value )?\((units?|einheiten|unites?|unidades|unita)\)"
_NAMES: Mapping[str, re.Pattern[str]] = {
    "time": columns.any_of(
        "device timestamp", "geratezeitstempel", "horodatage de l.appareil", "(sello de tiempo|marca de hora) del dispositivo",
        "timestamp (del )?dispositivo", "tijdstempel apparaat", "timestamp", "time", "(uhr)?zeit", "heure", "hora", "ora",
    ),
    "kind": columns.any_of(
        "record type", "aufzeichnungstyp", "(typ|art) des eintrags", "type d.enregistrement", "tipo de registro",
        "tipo di (registrazione|record|dati)",
    ),
    "history": columns.any_of(
        "historic glucose", "glukosewert verlauf", r"histori\w* glu[ck]os\w*", "historique (de la )?(glycemie|glucose)",
        r"histori\w+ (de )?glucosa", "storico (del )?glucosio",
    ),
    "scan": columns.any_of(
        "scan glucose", "glukose scan", r"(scan|gescannt)\w* glukose", "(scan|numerisation) (de la |de )?(glycemie|glucose)",
        "glucose numerise", "(escaneo|escanear|lectura) (de )?glucosa", "glucosa leida", "scansione (del )?glucosio", "glucosio scansione",
    ),
    "device": columns.any_of("serial number", "seriennummer", "numero de serie", "numero de serial", "numero di serie"),
    "model": columns.any_of("device", "gerat", "appareil", "dispositivo"),
    "bolus": re.compile(
        "(rapid acting insulin|schnellwirkendes insulin|insuline a action rapide|insulina de accion rapida|insulina ad azione rapida)"
        + _AMOUNT
    ),
    "basal": re.compile(
        "(long acting insulin|depotinsulin|langwirkendes insulin|insuline a action (lente|prolongee|longue)"
        "|insulina de accion (larga|lenta|prolongada)|insulina ad (effetto prolungato|azione lenta|azione prolungata))" + _AMOUNT
    ),
    "carbs": re.compile(r"(carbohydrates|kohlenhydrate|glucides|carbohidratos|carboidrati) \(gram\w*\)"),
}  # fmt: skip
_BY_PLACE = {"time": 1, "kind": 2, "history": 3, "scan": 4, "bolus": 6, "carbs": 8, "basal": 10}  # older exports begin with an ID
_OWN = columns.any_of(
    "glucose data", "glukose ?(daten|werte)", "donnees (de|du) glucose", "donnees glycemiques", "datos de glucosa", "dati (del )?glucosio"
)
_SCANS_MIN = 15.0  # a scan is taken where no reading of the history is nearer than this


def header(names: Sequence[str]) -> bool:
    """Whether a row of column names, as `columns.bare` leaves them, is Libre's."""
    places = _places(names)
    return "kind" in places and "time" in places and ("history" in places or "scan" in places)


def _places(names: Sequence[str]) -> dict[str, int]:
    listed = list(names)
    found = {what: places[0] for what, pattern in _NAMES.items() if (places := columns.found(pattern, listed))}
    older = len(listed) > 4 and listed[0] in ("id", "identifiant", "identificador") and ("kind" in found or "time" in found)
    return {**{what: place for what, place in _BY_PLACE.items() if place < len(listed)}, **found} if older else found


def read(sheet: Sheet, line: int, cells: Sequence[str], said: Said | None) -> Curve:
    """The trace of a Libre export whose column names `cells` stand on `line`: the history, and scans where it is silent.

    Raises:
        InputRejected: any of its kinds.
    """
    places = _places([columns.bare(cell) for cell in cells])
    rows, scans, model = Rows(), Rows(), ""
    for number, row in sheet.rows(line):
        own = {what: row[place].strip() if place < len(row) else "" for what, place in places.items()}
        kind, when, device = own["kind"].removesuffix(".0"), own["time"], own.get("device", "")
        model = model or own.get("model", "")
        if kind == "0":
            rows.read(number, when, own.get("history", ""), device)
        elif kind == "1":
            scans.read(number, when, own.get("scan", ""), device)
        for dose in ("carbs", "bolus", "basal"):
            rows.dose(number, when, dose, own.get(dose, ""))
    before = [row for number, row in sheet.head if number < line]
    about = About(
        file_format=FORMAT, unit=columns.unit(cells[places.get("history", places.get("scan", 0))]), limits=LIBRE, patient=_patient(before),
        until=_written(before), device=clean(model) or "FreeStyle Libre",
    )  # fmt: skip
    _with_scans(rows, scans, about, said)
    return curve(rows, about, said)


def _with_scans(rows: Rows, scans: Rows, about: About, said: Said | None) -> None:
    """Add to the history the scans of times at which it holds nothing; the rest stay out, as the two are not equally calibrated."""
    if not scans.times:
        return
    order = said.date_order if said is not None else None
    both = dates.times([*rows.times, *scans.times, *rows.dose_times], order, about.until).clock_s[: len(rows.times) + len(scans.times)]
    history = np.sort(both[: len(rows.times)][~np.isnan(both[: len(rows.times)])])
    scanned = both[len(rows.times) :]
    far = np.isnan(scanned) | (assembly.distance(scanned, history) > _SCANS_MIN * 60 if len(history) else True)
    for place in np.flatnonzero(far):
        rows.read(scans.lines[place], scans.times[place], scans.readings[place], scans.devices[place])
    beside = int((~far).sum())
    if beside:
        about.warnings.append(f"{beside} scans beside the sensor's history were left out.")
    if far.any():
        about.warnings.append(f"{int(far.sum())} scans stand in for the sensor's history where it is missing.")


def _written(before: Iterable[Sequence[str]]) -> str:
    """When the file was written, out of its first line."""
    cells = [cell.strip() for row in before for cell in row]
    return next((cell for cell in cells if re.match(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4} ", cell)), "")


def _patient(before: Sequence[Sequence[str]]) -> Patient:
    """Who wears the sensor: of a personal export its owner, of a practice's the person whom the second line names."""
    rows = [[cell.strip() for cell in row if cell.strip()] for row in before]
    rows = [row for row in rows if row]
    if not rows:
        return Patient()
    if len(rows) > 1 and len(rows[1]) == 1:
        return Patient(name=clean(rows[1][0]))
    if _OWN.fullmatch(columns.bare(rows[0][0])) and len(rows[0]) >= 5:
        return Patient(name=clean(rows[0][4]))
    return Patient(name=clean(rows[0][0])) if len(rows[0]) == 1 and len(rows) == 1 else Patient()
