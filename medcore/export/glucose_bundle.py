"""A period of glucose as a FHIR R4 Bundle: the CGM summary of HL7's implementation guide, and the forecast as a RiskAssessment.

Profiles and LOINC codes are those of hl7.fhir.uv.cgm 1.0.0 (STU 1, http://hl7.org/fhir/uv/cgm), read from its published examples;
what has no code there (GRI, LBGI, MAGE, episodes, patterns) is left out: the CSV and the PDF hold it. Units are UCUM.
The five ranges are always those of the guide (54, 70, 180, 250 mg/dL), whatever the population's goals.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import medcore
from medcore.export import glucose_words as words
from medcore.export.glucose_facts import Facts, gathered
from medcore.export.wording import say
from medcore.store import ReportRow, ReportState
from medcore.types import Finding, Measurement, Patient, Report, Study

Resource = dict[str, Any]

GUIDE = "http://hl7.org/fhir/uv/cgm/StructureDefinition/"
LOINC, UCUM, SNOMED = "http://loinc.org", "http://unitsofmeasure.org", "http://snomed.info/sct"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_SUMMARY = "107931-8"
_RANGES = ("106793-3", (("tbr2", "104642-4"), ("tbr1", "104641-6"), ("tir", "97510-2"), ("tar1", "104640-8"), ("tar2", "104639-0")))
_SINGLE = (  # our name, the guide's profile, LOINC, UCUM code, unit as the guide prints it
    ("gmi", "cgm-summary-gmi", "97506-0", "%", "%"),
    ("cv", "cgm-summary-coefficient-of-variation", "104638-2", "%", "%"),
    ("days", "cgm-summary-days-of-wear", "104636-6", "d", "days"),
    ("active", "cgm-summary-sensor-active-percentage", "104637-4", "%", "%"),
)
_MEAN = {
    "mg/dL": ("cgm-summary-mean-glucose-mass-per-volume", "97507-8", "mg/dL", "mg/dl"),
    "mmol/L": ("cgm-summary-mean-glucose-moles-per-volume", "105273-7", "mmol/L", "mmol/l"),
}
_GENDER = {"M": "male", "F": "female", "O": "other"}
_DIGITS = 2  # at least two decimals of a share, as the guide asks
_HORIZONS = {"low_30": 30, "low_60": 60}


def glucose_fhir(
    study: Study, report: Report | None, *, population: str, unit: str, first: date, last: date, language: str, trace: int | None = None,
    row: ReportRow | None = None, now: datetime | None = None,
) -> bytes:  # fmt: skip
    """The days `first` to `last` as a Bundle of type collection, UTF-8 JSON.

    Args:
        report: the reading by a task, whose forecast becomes a RiskAssessment; None where none was made.
        population: its goals do not change what is exported; it is checked as in the other exports.
        unit: "mg/dL" or "mmol/L", of the mean.
        row: the kept report: signed makes the resources final; else they are preliminary.
        now: when the bundle was made; None is this moment.

    Raises:
        InputRejected: no sensor's trace, or no reading in the period.
    """
    facts = gathered(study, report, population=population, unit=unit, first=first, last=last, trace=trace)
    writer = _Writer(facts, row, language, now or datetime.now(UTC))
    return json.dumps(writer.bundle(), ensure_ascii=False, indent=1, allow_nan=False).encode("utf-8")


class _Writer:
    """Builds the resources one after another; each is named by a UUID that the input and the period give, so that it stays the same."""

    def __init__(self, facts: Facts, row: ReportRow | None, language: str, now: datetime) -> None:
        self.facts, self.language, self.now = facts, language, now
        self.status = "final" if row is not None and row.state == ReportState.SIGNED else "preliminary"
        self.entries: list[Resource] = []
        trace = facts.trace
        part = (facts.first, facts.last, float(trace.clock_s[0]), len(trace.glucose), facts.unit)
        self.key = "|".join((*trace.source_sha256, *map(str, part)))

    def bundle(self) -> Resource:
        who = self._add("patient", _patient(self.facts.study.patient))
        self.subject = {"reference": who}
        sensor = self._sensor()
        self.device = {"reference": sensor} if sensor else None
        maker = self._add("software", _software(self.facts.report))
        made = self._observations()
        risk = self._risk(maker)
        targets = [*made, *([risk] if risk else [])]
        if targets:
            self._add("provenance", self._provenance(targets, maker))
        return {
            "resourceType": "Bundle", "type": "collection", "timestamp": _instant(self.now),
            "meta": {"tag": [{"display": say(self.language, "app.research")}]}, "entry": self.entries,
        }  # fmt: skip

    def _add(self, name: str, resource: Resource) -> str:
        identity = uuid5(NAMESPACE_URL, f"{self.key}|{name}")
        url = f"urn:uuid:{identity}"
        self.entries.append({"fullUrl": url, "resource": {"resourceType": resource.pop("resourceType"), "id": str(identity), **resource}})
        return url

    def _sensor(self) -> str | None:
        """The sensor, where the file names it; the guide's own profile asks for an identifier that no export states."""
        name = self.facts.trace.device
        if not name:
            return None
        return self._add("sensor", {"resourceType": "Device", "deviceName": [{"name": name, "type": "user-friendly-name"}]})

    def _observation(self, profile: str, code: str) -> Resource:
        made: Resource = {
            "resourceType": "Observation",
            "meta": {"profile": [GUIDE + profile]},
            "status": self.status,
            "category": [{"coding": [{"system": _CATEGORY, "code": "laboratory"}]}],
            "code": _loinc(code),
            "subject": self.subject,
            "effectivePeriod": {"start": self.facts.first.isoformat(), "end": self.facts.last.isoformat()},
        }
        if self.device:
            made["device"] = self.device
        return made

    def _observations(self) -> list[str]:
        made = [url for url in (self._mean(), self._ranges(), *(self._single(*row) for row in _SINGLE)) if url]
        if not made:
            return []
        summary = self._observation("cgm-summary", _SUMMARY)
        if len(made) < 2 + len(_SINGLE):
            del summary["meta"]  # the guide's summary asks for all six; one that is not there is not made up
        summary["hasMember"] = [{"reference": url} for url in made]
        summary["note"] = [{"text": say(self.language, "app.research")}]
        return [self._add("summary", summary), *made]

    def _mean(self) -> str | None:
        one = self.facts.measurement("mean")
        if one is None:
            return None
        profile, code, ucum, unit = _MEAN[self.facts.unit]
        made = self._observation(profile, code)
        made["valueQuantity"] = _quantity(words.converted(one.value, self.facts.unit), unit, ucum)
        return self._add("mean", made)

    def _ranges(self) -> str | None:
        code, parts = _RANGES
        known = [(self.facts.measurement(name), loinc) for name, loinc in parts]
        if any(one is None for one, _ in known):
            return None
        made = self._observation("cgm-summary-times-in-ranges", code)
        made["component"] = [
            {"code": _loinc(loinc), "valueQuantity": _quantity(one.value, "%", "%")} for one, loinc in known if one is not None
        ]
        return self._add("ranges", made)

    def _single(self, name: str, profile: str, code: str, ucum: str, unit: str) -> str | None:
        one = self.facts.measurement(name)
        if one is None:
            return None
        made = self._observation(profile, code)
        made["valueQuantity"] = _quantity(one.value, unit, ucum)
        limits = _reference(one, ucum, unit)
        if limits:
            made["referenceRange"] = [limits]
        return self._add(name, made)

    def _risk(self, maker: str) -> str | None:
        """The forecast's probabilities of a low reading; nothing where the gate refused. The note holds the time, which has no zone."""
        report, moment = self.facts.report, self.facts.moment
        told = [] if report is None or not self.facts.speaks else [one for one in report.findings if one.label.name in _HORIZONS]
        if report is None or moment is None or not told:
            return None
        note = say(self.language, "glucose_report.fhir_moment", time=f"{moment:%Y-%m-%dT%H:%M:%S}")
        made: Resource = {
            "resourceType": "RiskAssessment", "status": self.status, "subject": self.subject, "occurrenceDateTime": f"{moment:%Y-%m-%d}",
            "performer": {"reference": maker}, "method": {"text": f"{report.task} {report.provenance.model_version}"},
            "prediction": [self._prediction(one) for one in told],
            "note": [{"text": note}, {"text": say(self.language, "app.research")}],
        }  # fmt: skip
        return self._add("risk", made)

    def _prediction(self, one: Finding) -> Resource:
        outcome: Resource = {"text": self.facts.label_name(one.label.name, self.language)}
        scheme, _, code = one.label.code.partition(" ")
        if scheme == "SCT" and code:
            outcome["coding"] = [{"system": SNOMED, "code": code}]
        ahead = _quantity(_HORIZONS[one.label.name], "min", "min")
        return {
            "outcome": outcome,
            "probabilityDecimal": round(one.probability, 4),
            "whenRange": {"low": _quantity(0, "min", "min"), "high": ahead},
        }

    def _provenance(self, targets: Sequence[str], maker: str) -> Resource:
        report = self.facts.report
        hashes = self.facts.trace.source_sha256 or ((report.provenance.input_sha256,) if report is not None else ())
        made: Resource = {
            "resourceType": "Provenance", "target": [{"reference": url} for url in targets], "recorded": _instant(self.now),
            "agent": [{"type": {"coding": [{"system": _AGENT, "code": "assembler"}]}, "who": {"reference": maker}}],
        }  # fmt: skip
        if hashes:
            made["entity"] = [{"role": "source", "what": {"identifier": {"system": "urn:medcore:sha256", "value": one}}} for one in hashes]
        return made


def _patient(person: Patient) -> Resource:
    made: Resource = {"resourceType": "Patient"}
    if person.patient_id:
        made["identifier"] = [{"value": person.patient_id}]
    if person.name:
        made["name"] = [{"text": person.name}]
    if person.sex in _GENDER:
        made["gender"] = _GENDER[person.sex]
    if person.birth_date:
        made["birthDate"] = person.birth_date
    return made


def _software(report: Report | None) -> Resource:
    """Medcore, and the model where one read the trace: version and weights' SHA-256."""
    version: list[Resource] = [{"value": medcore.__version__ if report is None else report.provenance.code_version}]
    made: Resource = {"resourceType": "Device", "deviceName": [{"name": "Medcore", "type": "model-name"}], "version": version}
    if report is not None:
        source = report.provenance
        made["deviceName"].append({"name": source.task, "type": "other"})
        version.append({"type": {"text": source.task}, "value": source.model_version})
        made["identifier"] = [{"system": "urn:medcore:weights-sha256", "value": source.weights_sha256}]
    return made


def _loinc(code: str) -> Resource:
    return {"coding": [{"system": LOINC, "code": code}]}


def _quantity(value: float, unit: str, code: str) -> Resource:
    rounded = round(float(value), _DIGITS)
    return {"value": int(rounded) if rounded.is_integer() else rounded, "unit": unit, "system": UCUM, "code": code}


def _reference(one: Measurement, code: str, unit: str) -> Resource:
    """The cited range; the open end is left out."""
    if one.reference is None:
        return {}
    ends = {name: end for name, end in zip(("low", "high"), one.reference, strict=True) if abs(end) != float("inf")}
    made: Resource = {name: _quantity(end, unit, code) for name, end in ends.items()}
    if one.citation:
        made["text"] = one.citation
    return made


def _instant(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
