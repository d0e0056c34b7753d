"""The wording in the language of this session, and foreign strings made harmless."""

from __future__ import annotations

import re

import streamlit as st

from medcore import settings
from medcore.errors import MedcoreError
from medcore.export import wording
from medcore.export.wording import person_name

__all__ = ["COOKIE", "coded", "language", "person_name", "plain", "sentence", "t", "texts"]

COOKIE = "medcore_language"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")


def language() -> str:
    """The language of this session: the one chosen, else the browser's cookie, else MEDCORE_LANGUAGE."""
    if "language" not in st.session_state:
        remembered = st.context.cookies.get(COOKIE, "")
        default = settings.text("MEDCORE_LANGUAGE")
        st.session_state.language = next((name for name in (remembered, default) if name in wording.LANGUAGES), wording.LANGUAGES[0])
    return str(st.session_state.language)


def t(key: str, **values: object) -> str:
    """The text under `key` in the language of the session."""
    return wording.say(language(), key, **values)


def texts(prefix: str) -> dict[str, str]:
    """All texts under `prefix`, for a component."""
    return wording.group(language(), prefix)


def coded(section: str, code: str) -> str:
    """The text of a code that came from data; the code itself where none is known."""
    return wording.coded(language(), section, code)


def sentence(error: MedcoreError) -> str:
    """One sentence for the clinician. English keeps the detail of the error; other languages say its kind."""
    return str(error) if language() == "en" else coded("error", error.code)


def plain(text: str) -> str:
    """`text` for a place that reads Markdown: every sign that could mean something is escaped, line breaks become spaces."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
