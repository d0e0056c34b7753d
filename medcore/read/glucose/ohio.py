"""Glucose as XML the way the OhioT1DM data set has it: a patient with lists of events, days before months.

Marling and Bunescu, The OhioT1DM Dataset for Blood Glucose Level Prediction: Update 2020 (CEUR-WS 2675): `glucose_level` in mg/dL,
`bolus` in U with its begin, `basal` and `temp_basal` in U/h, `meal` with carbohydrates in g.
"""

from __future__ import annotations

from medcore.errors import Unsupported
from medcore.read.curve import Curve
from medcore.read.ecg.markup import Node, parsed, root_name
from medcore.read.glucose.note import Said
from medcore.read.glucose.rows import About, Rows, curve
from medcore.read.text import clean
from medcore.types import Patient

FORMAT = "OhioT1DM"
_ORDER = Said(date_order="dmy")


def is_ohio(data: memoryview) -> bool:
    """Whether the first element is a patient with glucose levels in it."""
    return root_name(data) == "patient" and b"glucose_level" in bytes(data[: 1 << 16])


def parse_ohio(data: memoryview) -> Curve:
    """The trace of the file.

    Raises:
        InputRejected: any of its kinds.
    """
    root = parsed(data)
    if root.one("glucose_level") is None:
        raise Unsupported("This XML file holds no glucose levels.")
    rows = Rows()
    for place, event in enumerate(root.all("glucose_level/event"), 1):
        rows.read(place, _when(event), event.attributes.get("value", ""))
    for name, kind, amount in (("bolus", "bolus", "dose"), ("meal", "carbs", "carbs"), ("basal", "basal_rate", "value")):
        for place, event in enumerate(root.all(f"{name}/event"), 1):
            rows.dose(place, _when(event), kind, event.attributes.get(amount, ""))
    _temporary(root, rows)
    patient = Patient(patient_id=clean(root.attributes.get("id", "")))
    return curve(rows, About(file_format=FORMAT, unit="mg/dL", patient=patient, device="Medtronic Enlite"), _ORDER)


def _when(event: Node) -> str:
    return event.attributes.get("ts") or event.attributes.get("ts_begin") or event.attributes.get("tbegin") or ""


def _temporary(root: Node, rows: Rows) -> None:
    """Temporary rates, and after each the rate of the plan that it stood in for."""
    plan = [(_when(event), event.attributes.get("value", "")) for event in root.all("basal/event")]
    for place, event in enumerate(root.all("temp_basal/event"), 1):
        begin, end = _when(event), event.attributes.get("ts_end") or event.attributes.get("tend") or ""
        rows.dose(place, begin, "basal_rate", event.attributes.get("value", ""))
        before = [(_sorted(when), value) for when, value in plan if when and _sorted(when) <= _sorted(end)]
        if end and before:
            rows.dose(place, end, "basal_rate", max(before)[1])


def _sorted(when: str) -> str:
    """dd-mm-yyyy hh:mm:ss with the year first, so that texts sort as times do."""
    day, _, hour = when.partition(" ")
    return "-".join(reversed(day.split("-"))) + f" {hour}"
