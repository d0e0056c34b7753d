"""What a header, and a glance at the data, say against a reading: no network is run, and nothing heavy is imported."""

from __future__ import annotations

import numpy as np

from medcore.types import CGM, Gate, ModelCard, Patient, Recording, Series, Study, Trace

Subject = Series | Recording | Trace

SMALLEST = 100  # pixels on the short side: below this a film holds less than its network was trained to see
FLATTEST = 4.0  # grey levels of 255, SD: below this there is no picture
COLOUR = 12.0  # mean difference between channels, of 255: a grey picture saved as RGB stays below
ECG = "ECG"
_IN = Gate(code="in", reason="")


def check(subject: Subject, card: ModelCard, patient: Patient) -> Gate:
    """What the header and a glance at the data say against reading `subject` by this card's task."""
    if isinstance(subject, Trace):
        found = _modality(subject, card)
    elif isinstance(subject, Recording):
        found = _modality(subject, card) or _leads(subject, card) or _length(subject, card)
    else:
        found = (
            _modality(subject, card) or _body_part(subject, card) or _size(subject, card) or _colour(subject, card) or _blank(subject, card)
        )
    return found or _age(patient, card) or _IN


def fits(subject: Subject, card: ModelCard) -> bool:
    """Whether the header alone lets the task read this."""
    if isinstance(subject, Trace):
        return _modality(subject, card) is None
    if isinstance(subject, Recording):
        return _modality(subject, card) is None and _leads(subject, card) is None and _length(subject, card) is None
    return _modality(subject, card) is None and _body_part(subject, card) is None


def reads_recordings(card: ModelCard) -> bool:
    """Whether the task reads recordings of an ECG."""
    return ECG in card.modality


def reads_traces(card: ModelCard) -> bool:
    """Whether the task reads traces of a glucose sensor."""
    return CGM in card.modality


def subjects(study: Study, card: ModelCard) -> tuple[Subject, ...]:
    """What of the study is of the kind that the task reads."""
    if reads_traces(card):
        return study.traces
    return study.recordings if reads_recordings(card) else study.series


def _refused(code: str, reason: str) -> Gate:
    return Gate(code=code, reason=reason)


def _modality(subject: Subject, card: ModelCard) -> Gate | None:
    noun = "traces" if reads_traces(card) else "recordings" if reads_recordings(card) else "images"
    right_kind = noun == ("traces" if isinstance(subject, Trace) else "recordings" if isinstance(subject, Recording) else "images")
    if right_kind and (subject.modality is None or subject.modality in card.modality):
        return None
    wanted = f"{' or '.join(card.modality)} {noun}"
    return _refused("modality", f"{card.title} reads {wanted}, and this is {subject.modality or 'something else'}.")


def _leads(recording: Recording, card: ModelCard) -> Gate | None:
    missing = [lead for lead in card.leads if lead not in recording.leads]
    if not missing:
        return None
    return _refused("leads", f"{card.title} needs {len(card.leads)} leads, and {len(missing)} of them are missing.")


def _length(recording: Recording, card: ModelCard) -> Gate | None:
    if card.seconds is None or card.seconds[0] <= recording.seconds < card.seconds[1]:
        return None
    return _refused("length", f"{card.title} reads recordings from {card.seconds[0]:g} to under {card.seconds[1]:g} seconds.")


def _body_part(series: Series, card: ModelCard) -> Gate | None:
    if not series.body_part or series.body_part.upper() in card.body_part:
        return None
    return _refused("body_part", f"{card.title} reads images of the {card.body_part[0].lower()}, and the header names another body part.")


def _size(series: Series, card: ModelCard) -> Gate | None:
    if min(series.array.shape[2:]) >= SMALLEST:
        return None
    return _refused("too_small", f"The image is smaller than {SMALLEST} pixels, too small to be read.")


def _colour(series: Series, card: ModelCard) -> Gate | None:
    if series.array.shape[0] == 1:
        return None
    sample = series.array[:, 0, ::8, ::8].astype(np.float32)
    if float((sample.max(axis=0) - sample.min(axis=0)).mean()) < COLOUR:
        return None
    return _refused("colour", f"{card.title} reads grey images, and this one is in colour.")


def _blank(series: Series, card: ModelCard) -> Gate | None:
    sample = series.array[:, series.array.shape[1] // 2, ::8, ::8].astype(np.float64)
    spread = float(sample.max() - sample.min())
    if spread > 0 and float(sample.std()) / spread * 255 >= FLATTEST:
        return None
    return _refused("blank", "The image is blank or nearly so.")


def _age(patient: Patient, card: ModelCard) -> Gate | None:
    if card.age_years is None or patient.age_years is None:
        return None
    low, high = card.age_years
    if low <= patient.age_years < high:
        return None
    return _refused(
        "age", f"The model was trained on patients from {low:g} to under {high:g} years of age, and this patient is not one of them."
    )
