"""Studies: kept once however often they are uploaded, and deleted with all that is theirs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, update

from medcore import codec
from medcore.errors import MedcoreError, NotFound, StoreError
from medcore.store import schema, text
from medcore.store.audit import append
from medcore.store.base import Base, hold, inserted, let_go
from medcore.store.blobs import LOST, Stage
from medcore.store.nouns import Actor, Saved
from medcore.store.worklist import MISSING
from medcore.types import Array, Recording, Series, Source, Study, Trace

_s, _j, _r = schema.studies.c, schema.jobs.c, schema.reports.c


class Studies(Base):
    """The part of the store that keeps studies and their bytes."""

    def save(self, study: Study, actor: Actor, demo: bool = False) -> Saved:
        """Keep `study` with its bytes and decoded arrays, all or nothing; the same content keeps its first id.

        Raises:
            StoreError: the disk is full or the database cannot keep it; then nothing is half-stored.
        """
        fingerprint = _fingerprint(study)
        with self.database.read() as connection:
            known = _known(connection, fingerprint)
        if known:
            return Saved(study_id=known, existed=True)
        study_id = text.new_id()
        with self.blobs.stage() as stage:
            files, arrays, header = _staged(stage, study)
            with self.blobs.locked(alone=False):
                self.doubt(stage.names)
                stage.publish()
                with self.database.write() as connection:
                    if not inserted(connection, schema.studies, _columns(study_id, fingerprint, study, header, actor, demo)):
                        return Saved(study_id=_known(connection, fingerprint) or study_id, existed=True)
                    _add_files(connection, study_id, files, arrays)
                    hold(connection, study_id, stage.names)
                    append(connection, "study.saved", study_id, actor, {"files": len(files), "demo": demo})
        return Saved(study_id=study_id, existed=False)

    def sources(self, study_id: str) -> tuple[Source, ...]:
        """The files as they were uploaded, in order, with their bytes.

        Raises:
            NotFound: no such study. StoreError: a file is missing or altered.
        """
        listed = self._listed(study_id)
        return tuple(dataclasses.replace(source, data=self.blobs.read(source.sha256)) for source in listed)

    def load(self, study_id: str, *, with_bytes: bool = False) -> Study:
        """The study with its arrays memory-mapped read-only; decoded again from the uploaded files where the cache is gone.

        `Source.data` is b"" unless `with_bytes`.

        Raises:
            NotFound: no such study. StoreError: its files are missing, altered or no longer readable.
        """
        with self.database.read() as connection:
            header = connection.execute(select(_s.header).where(_s.study_id == text.clean(study_id))).scalar_one_or_none()
            names = _array_names(connection, study_id)
        if header is None:
            raise NotFound(MISSING)
        arrays = [self.blobs.array(name) for name in names]
        study = _unpacked(header, arrays) or self._rebuilt(study_id)
        return dataclasses.replace(study, sources=self.sources(study_id) if with_bytes else self._listed(study_id))

    def delete(self, study_id: str, actor: Actor) -> None:
        """Remove the study, its jobs, reports, reads and the files that no other study holds. The audit chain stays.

        Raises:
            NotFound: no such study.
        """
        study_id = text.clean(study_id)
        with self.database.write() as connection:
            for table, key in ((schema.jobs, _j.study_id), (schema.reports, _r.study_id), (schema.studies, _s.study_id)):
                connection.execute(select(table).where(key == study_id).with_for_update())  # the one order of all writers
            marked = update(schema.studies).where(_s.study_id == study_id).values(deleted_at=text.now())  # opens the triggers
            if connection.execute(marked).rowcount == 0:
                raise NotFound(MISSING)
            tables = (schema.attachments, schema.addenda, schema.reads, schema.reports, schema.jobs)
            for table in (*tables, schema.arrays, schema.sources, schema.studies):
                connection.execute(delete(table).where(table.c.study_id == study_id))
            let_go(connection, study_id)
            append(connection, "study.deleted", study_id, actor)
        self.settle()

    def _listed(self, study_id: str) -> tuple[Source, ...]:
        table = schema.sources
        query = select(table).where(table.c.study_id == text.clean(study_id)).order_by(table.c.position)
        with self.database.read() as connection:
            rows = connection.execute(query).all()
            if not rows and not connection.execute(select(_s.study_id).where(_s.study_id == text.clean(study_id))).first():
                raise NotFound(MISSING)
        return tuple(Source(name=row.name, sha256=row.sha256, data=b"") for row in rows)

    def _rebuilt(self, study_id: str) -> Study:
        from medcore.read import read_all  # the readers are heavy, and seldom needed here

        sources = self.sources(study_id)
        with self.database.read() as connection:
            fingerprint = connection.execute(select(_s.fingerprint).where(_s.study_id == study_id)).scalar_one_or_none()
        try:
            # by base names: those of one record lie in one folder, whatever of the folders' names was cut
            found = read_all([(source.name.rpartition("/")[2], source.data) for source in sources]).studies
        except MedcoreError:
            raise StoreError(LOST) from None
        same = [study for study in found if _fingerprint(study) == fingerprint]
        if not same:
            raise StoreError(LOST)
        with self.blobs.stage() as stage:
            _, arrays, header = _staged(stage, dataclasses.replace(same[0], sources=()))
            with self.blobs.locked(alone=False):
                self.doubt(stage.names)
                stage.publish()
                with self.database.write() as connection:
                    changed = connection.execute(update(schema.studies).where(_s.study_id == study_id).values(header=header))
                    if changed.rowcount == 0:
                        raise NotFound(MISSING)
                    connection.execute(delete(schema.arrays).where(schema.arrays.c.study_id == study_id))
                    _add_files(connection, study_id, (), arrays)
                    hold(connection, study_id, stage.names)
        return same[0]


def _fingerprint(study: Study) -> str:
    files = sorted({source.sha256 for source in study.sources} | {name for each in _held(study) for name in each.source_sha256})
    return text.sha256("\n".join([study.study_uid or "", *files]))


def _held(study: Study) -> list[Series | Recording | Trace]:
    return [*study.series, *study.recordings, *study.traces]


def _known(connection: Connection, fingerprint: str) -> str | None:
    return connection.execute(select(_s.study_id).where(_s.fingerprint == fingerprint)).scalar_one_or_none()


def _staged(stage: Stage, study: Study) -> tuple[list[tuple[str, str]], list[str], str]:
    """Files (name, SHA-256), arrays (SHA-256) and the header, with the bytes of both written aside."""
    files = [(source.name, stage.add(source.data)) for source in study.sources]
    header, buffers = codec.pack(dataclasses.replace(study, sources=()))
    return files, [stage.add_array(buffer) for buffer in buffers if not isinstance(buffer, bytes)], header


def _unpacked(header: str, arrays: Sequence[Array | None]) -> Study | None:
    """None when an array is gone, or when another version wrote the header."""
    present = [array for array in arrays if array is not None]
    if len(present) < len(arrays):
        return None
    try:
        return codec.unpack(Study, header, [*present])
    except (ValueError, TypeError, KeyError, IndexError):
        return None


def _columns(study_id: str, fingerprint: str, study: Study, header: str, actor: Actor, demo: bool) -> dict[str, object]:
    patient = study.patient
    codes = dict.fromkeys(each.modality for each in _held(study) if each.modality)
    return {
        "study_id": study_id,
        "fingerprint": fingerprint,
        "created_at": text.now(),
        "created_by": text.clean(actor.name),
        "created_verified": actor.verified,
        "patient_name": text.clean_or_none(patient.name),
        "patient_id": text.clean_or_none(patient.patient_id),
        "birth_date": text.clean_or_none(patient.birth_date),
        "sex": text.clean_or_none(patient.sex),
        "age_years": patient.age_years,
        "study_uid": text.clean_or_none(study.study_uid),
        "study_date": text.clean_or_none(study.study_date),
        "modality": text.clean("/".join(codes)) or None,
        "description": text.clean_or_none(study.description),
        "images": sum(series.array.shape[1] for series in study.series),
        "demo": demo,
        "search_text": text.search_text(patient.name, patient.patient_id, study.description),
        "header": header,
        "flag": False,
        "urgency": 1.0,  # nothing is known of it yet
        "indeterminate": False,
    }


def _add_files(connection: Connection, study_id: str, files: Sequence[tuple[str, str]], arrays: Sequence[str]) -> None:
    if files:
        rows = [
            {"study_id": study_id, "position": place, "name": text.clean(name), "sha256": sha256}
            for place, (name, sha256) in enumerate(files)
        ]
        connection.execute(schema.sources.insert(), rows)
    if arrays:
        connection.execute(
            schema.arrays.insert(), [{"study_id": study_id, "position": place, "sha256": sha256} for place, sha256 in enumerate(arrays)]
        )


def _array_names(connection: Connection, study_id: str) -> Sequence[str]:
    table = schema.arrays
    query = select(table.c.sha256).where(table.c.study_id == text.clean(study_id)).order_by(table.c.position)
    return connection.execute(query).scalars().all()
