"""A page that is left asks for nothing more: its fragments are gone before the next page is made."""

from __future__ import annotations

import re
from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.testing.v1 import AppTest

from medcore.settings import PROJECT
from medcore.ui import shell
from tests.pages.conftest import World, opened


def _ticking() -> None:
    import streamlit as st

    from medcore.ui import shell

    @st.fragment(run_every=0.4)
    def tick() -> None:
        st.text("still here")

    tick()
    if st.button("open"):
        shell.open_study("ecg", "7")


def _known() -> list[str]:
    """The fragments that the session would still run."""
    context = get_script_run_ctx()
    assert context is not None
    return list(context.fragment_storage._fragments)  # type: ignore[attr-defined]


def test_fragments_are_forgotten_before_the_page_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[object, ...]] = []
    monkeypatch.setattr(st, "switch_page", lambda page, query_params: seen.append((page, query_params, _known())))
    app = AppTest.from_function(_ticking).run()
    assert seen == [] and [one.value for one in app.text] == ["still here"]
    app.button[0].click().run()
    assert seen == [(shell.page("ecg"), {"study": "7"}, [])]


def test_a_link_to_another_page_forgets_too_and_a_rerun_does_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[Any] = []
    monkeypatch.setattr(shell, "_forget_fragments", lambda: forgotten.append(None))
    app = opened("worklist")
    first = len(forgotten)
    app.run()
    assert len(forgotten) == first
    app.switch_page(str(PROJECT / "pages" / "models.py")).run()
    assert len(forgotten) == first + 1


def test_pages_change_through_the_shell_alone() -> None:
    for path in (*(PROJECT / "pages").glob("*.py"), *(PROJECT / "medcore" / "ui").glob("*.py")):
        assert path.name == "shell.py" or not re.search(r"st\.switch_page", path.read_text("utf-8")), path.name
