"""A world for page tests: a fresh record, a model card of our own, and studies generated here (all marked synthetic)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from streamlit.testing.v1 import AppTest

from medcore import read, registry
from medcore.settings import PROJECT
from medcore.store import Actor, Store, open_store
from medcore.types import Figure, Finding, Gate, Label, ModelCard, OperatingPoint, Provenance, Report

MAIN = PROJECT / "medcore" / "ui" / "main.py"
READER = Actor(name="Dr Test", verified=False)
HOSTILE = "<img src=x onerror=alert(1)>"


def film(
    name: str = "SYNTHETIC^FILM", patient_id: str = "SYN-1", *, body: str = "CHEST", modality: str = "CR", seed: int = 0, age: str = "004Y"
) -> bytes:
    """A DICOM film of noise over a gradient."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[name, patient_id, str(seed), modality])
    data = FileDataset("film.dcm", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID = generate_uid(entropy_srcs=["study", name, patient_id, str(seed), modality])
    data.SeriesInstanceUID = generate_uid(entropy_srcs=["series", name, patient_id, str(seed), modality])
    data.PatientName, data.PatientID, data.PatientSex, data.PatientAge = name, patient_id, "F", age
    data.Modality, data.BodyPartExamined, data.StudyDate, data.StudyDescription = modality, body, "20240131", "Synthetic film"
    data.Rows, data.Columns, data.SamplesPerPixel, data.BitsAllocated, data.BitsStored, data.HighBit = 256, 240, 1, 16, 12, 11
    data.PixelRepresentation, data.PhotometricInterpretation, data.PixelSpacing = 0, "MONOCHROME2", [0.5, 0.5]
    noise = np.random.default_rng(seed).integers(0, 900, (256, 240))
    data.PixelData = (noise + np.linspace(0, 3000, 256)[:, None]).astype("<u2").tobytes()
    out = BytesIO()
    pydicom.dcmwrite(out, data, enforce_file_format=True)
    return out.getvalue()


def card(task: str = "chest_xray_pneumonia", *, experimental: bool = False) -> ModelCard:
    """A complete card with invented figures."""

    def label(name: str, title: str, title_zh: str, finding: bool) -> Label:
        return Label(
            name=name,
            title=title,
            title_zh=title_zh,
            code="SCT 1",
            is_finding=finding,
            threshold=0.42,
            operating_point="balanced",
            margin=0.06,
            citation="Test 2024",
        )

    return ModelCard(
        task=task,
        title="Pneumonia on a child's chest film",
        title_zh="儿童胸片肺炎",
        kind="image_classifier",
        version="1.0.0",
        modality=("CR", "DX"),
        body_part=("CHEST",),
        intended_use="A second look.",
        not_for="Adults.",
        population="Children.",
        age_years=(1.0, 6.0),
        data="Invented.",
        licence="Apache-2.0",
        preprocessing="None.",
        known_failures="All of them.",
        experimental=experimental,
        labels=(label("normal", "No pneumonia", "未见肺炎", False), label("pneumonia", "Pneumonia", "肺炎", True)),
        operating_points=(OperatingPoint(label="pneumonia", name="screening", threshold=0.2, sensitivity=0.97, specificity=0.9),),
        figures=(Figure(name="auroc", value=0.99, low=0.98, high=0.995, baseline=0.5),),
        temperature=1.2,
        gate_limit=30.0,
        weights_sha256="ab" * 32,
        results="benchmarks/results/none.json",
    )


RESULTS: dict[str, Any] = {
    "task": "chest_xray_pneumonia",
    "n": 200,
    "groups": 120,
    "roc": {"pneumonia": {"fpr": [0, 0.1, 1], "tpr": [0, 0.9, 1]}},
    "reliability": [
        {"low": 0.0, "high": 0.5, "n": 100, "confidence": 0.2, "observed": 0.25},
        {"low": 0.5, "high": 1.0, "n": 0, "confidence": 0, "observed": 0},
    ],
    "confusion": {"labels": ["normal", "pneumonia"], "matrix": [[90, 10], [5, 95]]},
    "gate": {"inside": [10.0, 12.0, 20.0], "outside": {"CT": [60.0, 80.0]}, "limit": 30.0},
    "saliency": {
        "gradcam": {"randomisation_similarity": 0.2, "deletion": 0.4, "insertion": 0.7, "random_deletion": 0.6, "random_insertion": 0.5}
    },
    "command": "python -m medcore bench",
}


def report(probability: float = 0.91, *, gate: Gate | None = None, overridden: bool = False, status: str = "ok") -> Report:
    """A reading of the film above."""
    labels = card().labels
    passed = gate is None or overridden
    findings = tuple(
        Finding(label=label, probability=p, low=max(0.0, p - 0.05), high=min(1.0, p + 0.05))
        for label, p in zip(labels, (1 - probability, probability), strict=True)
    )
    return Report(
        task="chest_xray_pneumonia",
        status=status if passed else "refused",
        findings=findings if passed else (),
        overridden=overridden,
        decision=("pneumonia" if probability >= labels[1].threshold else "normal") if passed else None,
        gate=gate or Gate(code="in", reason=""),
        probabilities=(("normal", 1 - probability), ("pneumonia", probability)) if passed else (),
        provenance=Provenance(
            input_sha256="cd" * 32,
            task="chest_xray_pneumonia",
            model_version="1.0.0",
            weights_sha256="ab" * 32,
            code_version="0.1.0",
            created_at=datetime(2024, 1, 31, 12, tzinfo=UTC),
        ),
    )


@dataclass
class World:
    """The record, and short ways to fill it."""

    store: Store

    def add(self, data: bytes | None = None) -> str:
        """Keep one study, unread."""
        return self.store.save(read.read("film.dcm", data or film()), READER).study_id

    def job(self, study_id: str) -> str:
        return self.store.enqueue("diagnose", study_id, "chest_xray_pneumonia", {"override": False}, READER)

    def read(self, study_id: str, made: Report) -> str:
        """A finished reading of a study."""
        self.job(study_id)
        claimed = self.store.claim("test")
        assert claimed is not None
        done = self.store.finish(claimed.job_id, "test", made)
        assert done is not None
        return done


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A fresh record in a temporary folder, with one model of our own."""
    monkeypatch.setenv("MEDCORE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("MEDCORE_DATABASE_URL", raising=False)
    monkeypatch.delenv("MEDCORE_LANGUAGE", raising=False)
    cards = {"chest_xray_pneumonia": card()}
    monkeypatch.setattr(registry, "cards", lambda: cards)
    monkeypatch.setattr(registry, "results", lambda _task: RESULTS)
    yield World(open_store())


def opened(page: str = "worklist", *, study: str | None = None, language: str = "en", signer: str = "") -> AppTest:
    """The app on one page, run once."""
    app = AppTest.from_file(str(MAIN), default_timeout=20)
    app.session_state["language"] = language
    app.session_state["signer"] = signer
    if study:
        app.query_params["study"] = study
    app.run()
    return app.switch_page(str(PROJECT / "pages" / f"{page}.py")).run() if page != "worklist" else app


def words(app: AppTest) -> str:
    """All that the page says, components included, as one text."""
    parts = [str(getattr(element, "value", "") or getattr(element, "label", "") or "") for element in app.main]
    for element in app.main:
        proto = getattr(element, "proto", None)
        if element.type == "bidi_component" and proto is not None:
            parts.append(proto.json if hasattr(proto, "json") else str(proto))
    return "\n".join(parts)
