"""Our Components-v2 elements. Each takes plain data and shows it with textContent; none is given HTML."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import streamlit as st

from medcore.settings import PROJECT

ASSETS = PROJECT / "assets"
Data = dict[str, Any]
_SCRIPTS = {"ecg": ("ecg_signal", "ecg_paper", "ecg")}  # those made of more than one file


@cache
def _made(name: str) -> Any:
    js = "\n".join((ASSETS / "js" / f"{part}.js").read_text("utf-8") for part in ("common", *_SCRIPTS.get(name, (name,))))
    css = "\n".join((ASSETS / "css" / f"{part}.css").read_text("utf-8") for part in ("common", name))
    return st.components.v2.component(f"medcore_{name}", html='<div class="root"></div>', js=js, css=css)


def _ignore() -> None:
    """A trigger without a callback of its own still reaches the result."""


def show(name: str, data: Data, key: str, **triggers: Callable[[], None] | None) -> Any:
    """Mount component `name` with `data`; the result holds its triggers by name."""
    callbacks = {f"on_{trigger}_change": act or _ignore for trigger, act in triggers.items()}
    return _made(name)(data=data, key=key, **callbacks)


def facts(key: str, **parts: Any) -> None:
    """Labelled facts, chips, a notice or a history (see assets/js/facts.js), shown literally."""
    show("facts", parts, key)


def notice(kind: str, text: str, key: str, lines: list[tuple[str, str]] | None = None) -> None:
    """One sentence with its icon: `kind` is failed, refused, info or absent; `lines` are shown literally below it."""
    show("facts", {"notice": {"kind": kind, "text": text, "lines": lines or []}}, key)


def cells(key: str, columns: list[str], rows: list[list[Any]], **more: Any) -> None:
    """A table whose cells are texts or chips {icon, words, note} (see assets/js/cells.js), shown literally."""
    show("cells", {"columns": columns, "rows": rows, **more}, key)
