"""From uploaded bytes to stored studies and queued readings: what is refused costs nobody else anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medcore import pipeline, read
from medcore.errors import ColumnsUnknown, DateOrderUnknown, GlucoseUnitUnknown, MedcoreError, SamplingRateUnknown, StoreError
from medcore.store import Actor, Store
from medcore.types import Study

ASKING = (SamplingRateUnknown, ColumnsUnknown, DateOrderUnknown, GlucoseUnitUnknown)  # refusals that a person's word settles


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an upload brought, for the page to tell."""

    added: tuple[str, ...] = ()  # study ids
    existed: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()  # stored, but no model could be chosen
    refused: tuple[tuple[str, MedcoreError], ...] = ()  # file name as uploaded, why
    asking: tuple[
        tuple[str, bytes, str], ...
    ] = ()  # files that do not say all: name, bytes and what is asked, to be read again with a note


def admit(store: Store, files: Sequence[tuple[str, bytes]], actor: Actor, *, demo: bool = False) -> Outcome:
    """Read, keep and queue `files`; each refusal leaves one audit line that holds its code alone."""
    taken = read.read_all(files)
    added: list[str] = []
    existed: list[str] = []
    unread: list[str] = []
    refused: list[tuple[str, MedcoreError]] = [(refusal.name, refusal.error) for refusal in taken.refused]
    for study in taken.studies:
        try:
            saved = store.save(study, actor, demo)
            (existed if saved.existed else added).append(saved.study_id)
            if not saved.existed and not _ask(store, saved.study_id, study, actor):
                unread.append(saved.study_id)
        except StoreError as error:  # what is kept stays kept, and the page says what is not
            refused.append((study.sources[0].name, error))
    for refusal in taken.refused:
        store.audit("upload_refused", "", actor, {"code": refusal.error.code})
    doubtful = {name: error.code for name, error in refused if isinstance(error, ASKING)}
    return Outcome(
        added=tuple(added), existed=tuple(existed), unread=tuple(unread), refused=tuple(refused),
        asking=tuple((name, data, doubtful[name]) for name, data in files if name in doubtful),
    )  # fmt: skip


def _ask(store: Store, study_id: str, study: Study, actor: Actor) -> bool:
    """Queue a reading by the task that fits; several leave the choice to the networks' gates, in the worker."""
    fitting = pipeline.candidates(study)
    if fitting:
        store.enqueue("diagnose", study_id, fitting[0] if len(fitting) == 1 else None, {"override": False}, actor)
    return bool(fitting)
