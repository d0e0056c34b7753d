"""Who and what a DICOM file is of: patient, study and series facts (PS3.3 C.7.1 to C.7.3)."""

from __future__ import annotations

from datetime import date
from typing import TypedDict

from medcore.errors import InputRejected
from medcore.read.header import Header
from medcore.types import Patient

_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_OLDEST = 130.0
NAME_LIMIT = 64 * 3  # three component groups of 64 (PS3.5 6.2)


class Facts(TypedDict):
    """The fields of `Image` that say who and what."""

    patient: Patient
    modality: str | None
    study_uid: str | None
    series_uid: str | None
    instance_uid: str | None
    study_date: str | None
    study_description: str | None
    series_description: str | None
    body_part: str | None
    view_position: str | None
    instance_number: int | None
    stack: str


def facts(header: Header, notes: list[str]) -> Facts:
    """All of them; what is missing or malformed is None.

    Raises:
        Inconsistent: a UID with characters that mean something in a path.
    """
    return Facts(
        patient=patient(header),
        modality=header.code("Modality"),
        study_uid=header.uid("StudyInstanceUID"),
        series_uid=header.uid("SeriesInstanceUID"),
        instance_uid=header.uid("SOPInstanceUID"),
        study_date=iso_date(header.text("StudyDate")),
        study_description=header.text("StudyDescription"),
        series_description=header.text("SeriesDescription"),
        body_part=header.code("BodyPartExamined"),
        view_position=header.code("ViewPosition"),
        instance_number=_instance_number(header, notes),
        stack="|".join(header.text(keyword, 16) or "" for keyword in ("AcquisitionNumber", "EchoNumbers", "TemporalPositionIdentifier")),
    )


def patient(header: Header) -> Patient:
    """The patient as the header says."""
    born, studied = iso_date(header.text("PatientBirthDate")), iso_date(header.text("StudyDate"))
    return Patient(
        name=header.text("PatientName", NAME_LIMIT),
        patient_id=header.text("PatientID"),
        birth_date=born,
        sex=header.code("PatientSex"),
        age_years=age(header.text("PatientAge"), born, studied),
    )


def age(stated: str | None, born: str | None, studied: str | None) -> float | None:
    """Years of life on the day of the study: PatientAge (AS, PS3.5 6.2), else from the two dates, else unknown."""
    stated = (stated or "").strip().upper()
    if stated[:-1].isdecimal() and stated[-1:] in _YEARS:
        years = int(stated[:-1]) * _YEARS[stated[-1]]
        return years if years <= _OLDEST else None
    if born is None or studied is None:
        return None
    years = (date.fromisoformat(studied) - date.fromisoformat(born)).days / 365.25
    return years if 0 <= years <= _OLDEST else None


def iso_date(value: str | None) -> str | None:
    """DA (YYYYMMDD, or the old YYYY.MM.DD) as ISO 8601; None where it is not a date."""
    digits = (value or "").replace(".", "").replace("-", "").strip()
    if len(digits) != 8 or not digits.isdecimal() or not digits.isascii():
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).isoformat()
    except ValueError:
        return None


def _instance_number(header: Header, notes: list[str]) -> int | None:
    try:
        return header.integer("InstanceNumber")
    except InputRejected:
        notes.append("The header's instance number is not a number and is ignored.")
        return None
