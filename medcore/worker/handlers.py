"""What the worker does for each kind of job. The only place in the worker that reaches torch, and only when called."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Protocol, cast

import numpy as np

from medcore import settings
from medcore.checks import reads_recordings, reads_traces
from medcore.errors import BadManifest, MedcoreError, NotFound, WorkerFailed
from medcore.store import Job, Store
from medcore.types import Attribution, ModelCard, Patient, Recording, Report, Series, Study, Trace

log = logging.getLogger(__name__)
Progress = Callable[[float], None]  # 0..1; raises Cancelled
Outcome = Report | Attribution | Mapping[str, object]


class Handlers(Protocol):
    """A module like this one; tests bring a light one."""

    def warm(self) -> None:
        """Load what the jobs need."""

    def handle(self, job: Job, store: Store, progress: Progress) -> Outcome:
        """Do the job."""


def load(name: str) -> Handlers:
    """The handlers module `name`."""
    return cast(Handlers, import_module(name))


def warm() -> None:
    """Import torch and load every model, so that the first job does not wait. A model that cannot be loaded is left out."""
    import torch

    from medcore import pipeline, registry

    torch.set_num_threads(settings.threads())
    for task, card in registry.cards().items():
        try:
            pipeline.diagnose(task, _noise(card), override=True)  # the whole way once: first calls are slow in torch
        except MedcoreError as error:
            log.error("%s is unavailable: %s", task, error)
        except Exception as error:  # noqa: BLE001  one bad task folder must not keep the others from their work
            log.error("%s could not be warmed: %s", task, type(error).__name__)


def handle(job: Job, store: Store, progress: Progress) -> Outcome:
    """Do one job.

    Raises:
        MedcoreError: it cannot be done. Cancelled: `progress` said so.
    """
    kind = KINDS.get(job.kind)
    if kind is None:
        raise WorkerFailed("This installation cannot do that kind of job.")
    return kind(job, store, progress)


def _diagnose(job: Job, store: Store, progress: Progress) -> Report:
    from medcore import pipeline

    study = _study(job, store)
    return pipeline.diagnose(
        job.task,
        study,
        series_index=_whole(job, "series_index"),
        slice_index=_whole(job, "slice_index"),
        override=bool(job.params.get("override")),
        progress=progress,
    )


def _explain(job: Job, store: Store, progress: Progress) -> Attribution:
    from medcore import pipeline

    study = _study(job, store)
    label = job.params.get("label")
    report = pipeline.diagnose(
        job.task or pipeline.choose(study),
        study,
        methods=(str(job.params["method"]),),
        label=None if label is None else str(label),
        series_index=_whole(job, "series_index"),
        slice_index=_whole(job, "slice_index"),
        override=bool(job.params.get("override")),
        progress=progress,
    )
    if not report.attributions:
        raise WorkerFailed(report.gate.reason or "This reading cannot be explained.")
    return report.attributions[0]


def _whole(job: Job, name: str) -> int | None:
    value = job.params.get(name)
    return value if isinstance(value, int) else None


def _validate(job: Job, store: Store, progress: Progress) -> Mapping[str, object]:
    from medcore import pipeline, registry
    from medcore.tables import safe_cell, write_csv
    from medcore.worker.archive import table_of

    if job.task is None:
        raise BadManifest("Please choose the task to be evaluated.")
    kind = registry.kind_module(job.task)
    table = table_of(store.blob(str(job.params["blob"])), kind.NEEDED, getattr(kind, "BESIDE", {}))
    columns, rows, summary = pipeline.evaluate(job.task, table, progress)
    shown = [{name: safe_cell(value) for name, value in row.items()} for row in rows]  # this copy is opened in a spreadsheet
    return {"summary": summary, "predictions": write_csv(columns, shown)}


def _noise(card: ModelCard) -> Study:
    """Something of the right form, so that the whole way of a job is gone once."""
    if reads_recordings(card):
        leads = card.leads or ("II",)
        signal = np.random.default_rng(0).normal(size=(len(leads), int(250 * (card.seconds or (10.0,))[0]) + 500)).astype(np.float32)
        recording = Recording(signal=signal, unit="mV", sampling_rate_hz=250.0, leads=leads)
        return Study(study_uid=None, patient=Patient(), series=(), sources=(), recordings=(recording,))
    if reads_traces(card):
        return Study(study_uid=None, patient=Patient(), series=(), sources=(), traces=(_walk(),))
    pixels = np.random.default_rng(0).integers(0, 255, (1, 1, 512, 512)).astype(np.float32)
    series = Series(array=pixels, unit="grey", modality=card.modality[0] if card.modality else None)
    return Study(study_uid=None, patient=Patient(), series=(series,), sources=())


def _walk() -> Trace:
    """Two days of something like glucose."""
    minutes = 5.0 * np.arange(0.0, 576)
    level = 140 + 40 * np.sin(minutes / 200) + np.random.default_rng(0).normal(size=576)
    none = np.zeros(0)
    return Trace(
        minutes=minutes, clock_s=60 * minutes, glucose=level.astype(np.float32), beyond=np.zeros(576, np.int16), event_minutes=none,
        event_kind=none.astype(np.uint8), event_value=none.astype(np.float32), interval_min=5.0, unit="mg/dL",
    )  # fmt: skip


def _study(job: Job, store: Store) -> Study:
    if job.study_id is None:
        raise NotFound("This job names no study.")
    return store.load(job.study_id)


KINDS: dict[str, Callable[[Job, Store, Progress], Outcome]] = {"diagnose": _diagnose, "explain": _explain, "validate": _validate}
