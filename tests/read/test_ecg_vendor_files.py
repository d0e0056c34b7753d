"""The formats of makers and of HL7, by content and through the sandbox, under any name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import medcore.read as reader
from tests.read.build import zipped
from tests.read.ecg_files import EIGHT, TWELVE, aecg, aecg_set, counts, ishne, muse, scp, sierra, standard_twelve

FILES: dict[str, Callable[[], bytes]] = {
    "HL7 aECG": lambda: aecg(aecg_set(counts(), EIGHT)),
    "SCP-ECG": lambda: scp(counts()),
    "MUSE XML": lambda: muse(counts()),
    "Philips XML": lambda: sierra(standard_twelve(counts()).round().astype(int), TWELVE),
    "ISHNE": lambda: ishne(counts(3)),
}


@pytest.mark.parametrize("kind", FILES)
def test_each_is_found_by_its_content(kind: str) -> None:
    data = FILES[kind]()
    study = reader.read("x.png", data)
    recording = study.recordings[0]
    assert recording.modality == "ECG" and recording.unit == "mV" and recording.signal.shape[1] >= 1000
    assert [source.data for source in study.sources] == [data] and not study.series


def test_they_read_together() -> None:
    names = list(FILES)
    answers = reader.read_all([("x.zip", zipped([(name, FILES[name]()) for name in names]))])
    assert not answers.refused and len(answers.studies) == len(names)
    formats = [study.recordings[0].file_format for study in answers.studies]
    assert len(set(formats)) == len(names)
