"""How the record is opened, migrated, and what it says when it cannot."""

import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from store_nouns import ME, study
from store_rooms import kept, new_database

from medcore import settings
from medcore.errors import SettingInvalid, StoreError
from medcore.store import database as connecting
from medcore.store import migrate, open_store, schema
from medcore.store.database import Database


def test_the_migrations_make_the_tables_of_the_schema(store):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []


def test_the_newest_revision_is_the_one_this_code_expects():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


def test_down_and_up_again(store):
    from sqlalchemy import inspect

    kept(store)
    with store.database.write() as connection:
        migrate.move(connection, "base")
    with store.database.read() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    migrate.migrate(store.database)
    kept(store)
    assert store.count() == 1 and store.verify_audit() is None


def test_web_and_worker_may_start_together(place):
    code = "from medcore.store import open_store; print(open_store().count())"
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=settings.PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    ends = [child.communicate(timeout=60) for child in started]
    assert ends == [(b"0\n", b"")] * 3


def test_one_store_for_each_process_and_database(folder):
    store = open_store()
    assert open_store() is store
    store.close()
    again = open_store()
    assert again is not store
    again.close()


def test_sqlite_is_set_for_safety(lite):
    with lite.database.read() as connection:
        read = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")}
        wait = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
    assert read == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1} and wait == connecting.BUSY_SECONDS * 1000


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/x", "sqlite://", "sqlite:///:memory:", "postgresql+asyncpg://host/x"])
def test_an_address_that_is_none_is_said(folder, monkeypatch, url):
    monkeypatch.setenv("MEDCORE_DATABASE_URL", url)
    with pytest.raises(SettingInvalid, match="MEDCORE_DATABASE_URL"):
        open_store()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgres_by_any_of_its_names(scheme):
    database = Database(new_database().replace("postgresql", scheme, 1))
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    database.close()


def test_an_unreachable_server_is_one_sentence(folder, monkeypatch):
    monkeypatch.setenv("MEDCORE_DATABASE_URL", f"postgresql://u:secret@/x?host={folder}")
    with pytest.raises(StoreError, match=r"^The record cannot be reached at the moment.*\.$") as caught:
        open_store()
    assert caught.value.__cause__ is None and "secret" not in str(caught.value)


def test_a_locked_database_is_one_sentence(folder, monkeypatch):
    monkeypatch.setattr(connecting, "BUSY_SECONDS", 0.2)
    store = open_store()
    other = sqlite3.connect(settings.database_url().removeprefix("sqlite:///"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="The record is busy at the moment; please try again"):
        store.save(study(), ME)
    assert store.count() == 0  # readers are not in its way
    other.close()
    store.save(study(), ME)
    store.close()


def test_a_full_database_is_one_sentence(lite):
    with lite.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    with pytest.raises(StoreError, match="The disk is full"):
        for number in range(200):
            lite.audit("x" * 80, str(number) * 20, ME)
    assert lite.verify_audit() is None


def test_a_file_that_is_no_database_is_one_sentence(folder):
    (settings.data_dir() / "medcore.sqlite3").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match=r"^The record .*\.$"):
        open_store()


def test_a_folder_that_cannot_be_made_is_one_sentence(folder, monkeypatch):
    monkeypatch.setenv("MEDCORE_DATABASE_URL", "sqlite:////proc/none/x.sqlite3")
    with pytest.raises(StoreError, match="could not be read or kept"):
        open_store()


def test_a_newer_record_is_not_touched(store, monkeypatch):
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    with pytest.raises(StoreError, match="newer Medcore"):
        open_store()


def test_what_fails_is_logged_without_values(lite, caplog):
    with pytest.raises(StoreError), lite.database.write() as connection:
        connection.execute(schema.reads.insert().values(read_id="SECRET", note="SECRET"))
    assert "IntegrityError" in caplog.text and "SECRET" not in caplog.text


def test_readers_are_not_held_up_by_a_writer(lite):
    with lite.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM workers")
        seen = []
        thread = threading.Thread(target=lambda: seen.append(lite.count()))
        thread.start()
        thread.join(5)
        assert seen == [0]


def test_the_store_is_light():
    """Our share of the import: what NumPy and SQLAlchemy take (0.3 s together) is theirs, and doubles on a busy machine."""
    code = (
        "import sys, time, numpy, sqlalchemy; t = time.process_time(); import medcore.store; print(time.process_time() - t);"
        "import medcore.worker;"
        "print([name for name in ('torch', 'monai', 'captum', 'alembic', 'streamlit', 'pydicom') if name in sys.modules])"
    )
    seconds = []
    for _ in range(3):
        ran = subprocess.run([sys.executable, "-c", code], cwd=settings.PROJECT, capture_output=True, text=True, check=True)
        out = ran.stdout.splitlines()
        assert out[1] == "[]"
        seconds.append(float(out[0]))
    assert min(seconds) < 0.25


def test_a_study_of_thousands_of_files_is_kept_in_a_breath(lite):
    began = time.perf_counter()
    saved = lite.save(study(shared=tuple(n.to_bytes(4, "big") for n in range(1200))), ME)
    assert len(lite.sources(saved.study_id)) == 1201 and time.perf_counter() - began < 10
    lite.delete(saved.study_id, ME)
    assert not [path for path in (settings.data_dir() / "blobs").rglob("*") if path.is_file()]
