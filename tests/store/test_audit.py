"""The chain: it never forks, and no row of it changes, goes or comes unnoticed."""

import itertools
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_nouns import ME, study
from store_rooms import kept

from medcore.store import Actor, Broken, text


@pytest.fixture
def chain(store):
    """Ten lines, and the triggers gone as for somebody who owns the database."""
    for n in range(10):
        store.audit("test.done", f"id{n}", ME, {"n": n, "code": "ok", "none": None, "x": 0.5})
    with store.database.write() as connection:
        for name in ("audit_stay", "audit_last"):
            on = " ON audit" if store.database.postgres else ""
            connection.exec_driver_sql(f"DROP TRIGGER {name}{on}")
    assert store.verify_audit() is None
    return store


def tamper(store, command):
    with store.database.write() as connection:
        connection.exec_driver_sql(command)


@pytest.mark.parametrize(
    ("command", "seq", "reason"),
    [
        ("UPDATE audit SET actor = 'Mallory' WHERE seq = 4", 4, "changed"),
        ("UPDATE audit SET verified = (1 = 1) WHERE seq = 1", 1, "changed"),
        ("UPDATE audit SET detail = '{}' WHERE seq = 10", 10, "changed"),
        ("UPDATE audit SET at = '2020' WHERE seq = 5", 5, "changed"),
        ("UPDATE audit SET subject_id = 'x' WHERE seq = 6", 6, "changed"),
        ("UPDATE audit SET action = 'x' WHERE seq = 6", 6, "changed"),
        ("DELETE FROM audit WHERE seq = 1", 1, "missing"),
        ("DELETE FROM audit WHERE seq = 7", 7, "missing"),
        ("DELETE FROM audit WHERE seq = 10", 10, "missing"),
        ("DELETE FROM audit", 1, "missing"),
        (
            "INSERT INTO audit SELECT 0, at, actor, verified, action, subject_id, detail, previous, hash FROM audit WHERE seq = 1",
            0,
            "added",
        ),
        (
            "INSERT INTO audit SELECT 11, at, actor, verified, action, subject_id, detail, hash, hash FROM audit WHERE seq = 10",
            11,
            "changed",
        ),
        ("UPDATE audit_head SET hash = '0'", 10, "changed"),
    ],
)
def test_tampering_is_found_at_its_first_row(chain, command, seq, reason):
    tamper(chain, command)
    assert chain.verify_audit() == Broken(seq=seq, reason=reason)


def test_a_row_rewritten_with_its_hash_breaks_the_next_link(chain):
    row = next(row for row in chain.audit_log() if row.seq == 4)
    values = {"seq": 4, "at": row.at, "actor": "Mallory", "verified": False, "action": row.action, "subject_id": row.subject_id}
    forged = text.sha256(row.previous + text.canonical({**values, "detail": text.canonical(row.detail)}))
    tamper(chain, f"UPDATE audit SET actor = 'Mallory', hash = '{forged}' WHERE seq = 4")
    assert chain.verify_audit() == Broken(seq=5, reason="unlinked")


def test_a_well_made_row_behind_the_head_is_found(chain):
    row = chain.audit_log(1)[0]
    values = {"seq": 11, "at": row.at, "actor": "x", "verified": False, "action": "x", "subject_id": "", "detail": "{}"}
    forged = text.sha256(row.hash + text.canonical(values))
    falsehood = "1 = 0"
    tamper(chain, f"INSERT INTO audit VALUES (11, '{row.at}', 'x', {falsehood}, 'x', '', '{{}}', '{row.hash}', '{forged}')")
    assert chain.verify_audit() == Broken(seq=11, reason="added")


def test_concurrent_writers_never_fork_the_chain(store):
    def write(name):
        for n in range(15):
            store.audit("test.done", name, ME, {"n": n})

    threads = [threading.Thread(target=write, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    rows = store.audit_log(1000)
    assert store.verify_audit() is None and [row.seq for row in rows] == list(range(60, 0, -1))
    assert all(newer.previous == older.hash for newer, older in itertools.pairwise(rows))


def test_a_failed_transaction_leaves_no_line(store):
    with pytest.raises(ZeroDivisionError), store.database.write() as connection:
        from medcore.store.audit import append

        append(connection, "test.done", "", ME)
        raise ZeroDivisionError
    assert store.audit_log() == () and store.verify_audit() is None


def test_no_patient_data_enters(store):
    store.save(study(name="SECRET^NAME", patient_id="SECRETID", description="SECRETTEXT"), ME)
    study_id, report_id = kept(store)
    store.add_read(report_id, "agree", "SECRETNOTE", ME)
    store.delete(study_id, ME)
    assert "SECRET" not in str(store.audit_log()) and {row.actor.name for row in store.audit_log()} == {ME.name, "worker"}
    assert [row.action for row in store.audit_log()] == [
        "study.deleted",
        "report.read",
        "job.done",
        "job.enqueued",
        "study.saved",
        "study.saved",
    ]


@pytest.mark.parametrize(
    ("action", "subject", "detail"),
    [("a b", "", {}), ("a", "Doe^Jane", {}), ("a", "", {"name": "Jane Doe"}), ("a", "", {"file name": 1}), ("a", "x" * 81, {})],
)
def test_free_text_is_refused(lite, action, subject, detail):
    with pytest.raises(ValueError, match="ids and codes only"):
        lite.audit(action, subject, ME, detail)
    assert lite.audit_log() == ()


@given(name=st.text(max_size=300))
def test_any_actor_name_keeps_the_chain(lite_chain, name):
    lite_chain.audit("test.done", "", Actor(name=name))
    assert lite_chain.verify_audit() is None


@pytest.fixture(scope="module")
def lite_chain(tmp_path_factory):
    from medcore.store.blobs import Blobs
    from medcore.store.database import Database
    from medcore.store.migrate import migrate
    from medcore.store.record import Store

    folder = tmp_path_factory.mktemp("chain")
    database = Database(f"sqlite:///{folder / 'x.sqlite3'}")
    migrate(database)
    store = Store(database, Blobs(folder))
    yield store
    store.close()
