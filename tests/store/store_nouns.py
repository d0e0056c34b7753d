"""Small studies and reports to keep. Light: the worker processes of the tests import it too."""

import hashlib
from datetime import UTC, datetime

import numpy as np

from medcore.store import Actor
from medcore.types import Attribution, Finding, Gate, Label, Patient, Provenance, Report, Series, Source, Study

ME = Actor(name="Dr. Ada")
WEAK = Label(
    name="opacity",
    title="Opacity",
    title_zh="",
    code="SCT 1",
    is_finding=True,
    threshold=0.5,
    operating_point="b",
    margin=0.05,
    citation="c",
)


def study(content=None, *, uid="1.2.3", shared=(), **patient):
    """A study of one 2-slice series from one file of `content` (random by default) and files of `shared`."""
    own = content if content is not None else np.random.default_rng().bytes(64)
    files = [own, *shared]
    shas = tuple(hashlib.sha256(data).hexdigest() for data in files)
    pixels = np.arange(2 * 3 * 4, dtype=np.int16).reshape(1, 2, 3, 4) + own[0]
    series = Series(array=pixels, unit="HU", modality="CT", affine=np.eye(4), source_sha256=shas)
    patient = {"name": "DOE^JANE", "patient_id": "P1", **patient}
    description = patient.pop("description", "CT chest")
    day = patient.pop("study_date", None)
    sources = tuple(Source(name=f"{n}.dcm", sha256=sha, data=data) for n, (sha, data) in enumerate(zip(shas, files, strict=True)))
    return Study(study_uid=uid, patient=Patient(**patient), series=(series,), sources=sources, description=description, study_date=day)


def report(probability=0.9, *, task="chest", status="ok", gate="in", arrays=()):
    """A report with one finding, or a refused one with none."""
    finding = Finding(label=WEAK, probability=probability, low=probability - 0.1, high=probability + 0.1)
    made = Provenance(input_sha256="0", task=task, model_version="1", weights_sha256="0", code_version="1", created_at=datetime.now(UTC))
    return Report(
        task=task,
        status=status,
        decision=None if status == "refused" else "opacity",
        findings=() if status == "refused" else (finding,),
        gate=Gate(code=gate, reason="" if gate == "in" else "Too small."),
        provenance=made,
        attributions=tuple(attribution(array) for array in arrays),
    )


def attribution(array):
    """An explanation."""
    return Attribution(method="gradcam", label="opacity", baseline="zero", values=array)
