"""A table of glucose that does not say all is asked about on the page, and read with the answer."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from medcore.read.glucose import preview
from medcore.ui import intake
from tests.pages.conftest import READER, World
from tests.read.glucose import build


def page() -> None:
    import streamlit as st

    from medcore.store import open_store
    from medcore.ui import worklist

    st.session_state.setdefault("language", "en")
    worklist.told(open_store())


def asked(world: World, data: bytes) -> tuple[AppTest, intake.Outcome]:
    told = intake.admit(world.store, [("one.csv", data)], READER)
    app = AppTest.from_function(page, default_timeout=20)
    app.session_state["outcome"] = told
    return app.run(), told


TIMES = build.clock(40)
VALUES = build.glucose(40).tolist()


def test_columns_are_asked_about(world: World) -> None:
    rows = [
        f"{place},{when:%Y-%m-%d %H:%M},{value:g},{70 + place % 3}" for place, (when, value) in enumerate(zip(TIMES, VALUES, strict=True))
    ]
    app, told = asked(world, "\n".join(["a,b,c,d", *rows]).encode())
    assert [code for _, _, code in told.asking] == ["columns_unknown"] and app.button(key="ask-confirm").disabled
    app.selectbox(key="time_column-1").set_value(2)
    app.selectbox(key="glucose_column-1").set_value(2)
    app.selectbox(key="glucose-unit-1").set_value("mg/dL")
    app.selectbox(key="date-order-1").set_value("ymd").run()
    assert app.button(key="ask-confirm").disabled  # one column is not both
    app.selectbox(key="glucose_column-1").set_value(3).run()
    app.button(key="ask-confirm").click().run()
    assert not app.exception
    kept = world.store.load(world.store.studies()[0].study_id)
    assert kept.traces[0].glucose.tolist() == VALUES and [source.name for source in kept.sources] == ["one.csv", "one.csv.note.txt"]
    assert app.session_state["outcome"].asking == () and app.session_state["outcome"].refused == ()


@pytest.mark.parametrize(
    ("data", "key", "answer", "code"),
    [
        (build.table(TIMES, VALUES, "time,glucose", "03/04/2024 %H:%M"), "date-order-1", "mdy", "date_order_unknown"),
        (build.table(TIMES, [30.0 + place % 5 for place in range(40)], "time,glucose"), "glucose-unit-1", "mg/dL", "glucose_unit_unknown"),
    ],
)
def test_order_of_dates_and_unit_are_asked_about(world: World, data: bytes, key: str, answer: str, code: str) -> None:
    app, told = asked(world, data)
    assert [one for _, _, one in told.asking] == [code]
    app.selectbox(key=key).set_value(answer).run()
    app.button(key="ask-confirm").click().run()
    assert not app.exception and app.session_state["outcome"].refused == ()
    trace = world.store.load(world.store.studies()[0].study_id).traces[0]
    assert (trace.date_order or trace.unit) == answer


def test_who_does_not_know_leaves_the_table_out(world: World) -> None:
    app, _ = asked(world, build.table(TIMES, VALUES, "time,glucose", "03/04/2024 %H:%M"))
    app.button(key="ask-skip").click().run()
    assert app.session_state["outcome"].asking == () and len(app.session_state["outcome"].refused) == 1 and not world.store.studies()


def test_the_first_rows_are_shown_as_they_stand() -> None:
    assert preview(b"a;b\n1;2;3\n", 2) == (("a", "b", ""), ("1", "2", "3"))
    assert preview("a,b\n\u202ex,1\n".encode("utf-16"), 2) == (("a", "b"), ("x", "1"))
    assert preview(b"\0\1\2" * 50) == () and preview(b"") == ()
