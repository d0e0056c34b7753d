"""What every page shares: the style sheet, the top bar, the line that is always there, and errors as one sentence."""

from __future__ import annotations

import logging
import traceback
from typing import NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from medcore.errors import MedcoreError
from medcore.export.wording import LANGUAGES
from medcore.settings import PROJECT
from medcore.ui import components, session
from medcore.ui.text import language, plain, sentence, t

log = logging.getLogger(__name__)
PAGES = PROJECT / "pages"
NAMES = ("worklist", "image", "ecg", "glucose", "models", "validate")
ICONS = {
    "worklist": ":material/list_alt:",
    "image": ":material/radiology:",
    "ecg": ":material/ecg_heart:",
    "glucose": ":material/glucose:",
    "models": ":material/fact_check:",
    "validate": ":material/analytics:",
}


def page(name: str) -> str:
    """The path of a page, for links and switches."""
    return str(PAGES / f"{name}.py")


def open_study(name: str, study_id: str) -> NoReturn:
    """Leave this page for the page `name`, with a study in its address."""
    _forget_fragments()
    st.switch_page(page(name), query_params={"study": study_id})


def _forget_fragments() -> None:
    """Let nothing of the page that is left run again.

    The browser's timers (`run_every`) ask until it hears of the new page. What they ask for while that page is made, Streamlit 1.67 runs
    after it and in the name of the old page; the browser then takes away all that the new page shows, and the next fragment's delta has
    no place in what is left. What is asked of a fragment that is not known is dropped as it comes in (`AppSession.request_rerun`).
    """
    context = get_script_run_ctx()
    if context is not None:
        context.fragment_storage.clear()


def run() -> None:
    """The whole frame around the page that the address names."""
    st.set_page_config(page_title=t("app.title"), page_icon=str(components.ASSETS / "icon.png"), layout="wide")
    st.html(components.ASSETS / "css" / "medcore.css")
    pages = [st.Page(page(name), title=t(f"nav.{name}"), url_path=name, default=name == NAMES[0]) for name in NAMES]
    chosen = st.navigation(pages, position="hidden")
    if st.session_state.get("page-shown") != chosen.url_path:  # by a link, or by the browser's own back and forward
        _forget_fragments()
        st.session_state["page-shown"] = chosen.url_path
    _top_bar()
    try:
        chosen.run()
    except MedcoreError as error:
        log.warning("page stopped: %s", error.code)
        components.notice("failed", sentence(error), "page-error")
        st.page_link(page(NAMES[0]), label=t("image.to_worklist"), icon=ICONS[NAMES[0]])


def _top_bar() -> None:
    with st.container(key="topbar", gap=None):
        with st.container(key="topbar-row", horizontal=True, vertical_alignment="center", gap="small"):
            with st.container(key="brand", width="content"):
                st.markdown(t("app.brand"))
            with st.container(key="nav", horizontal=True, width="stretch", gap="small", vertical_alignment="center"):
                for name in NAMES:
                    st.page_link(page(name), label=t(f"nav.{name}"), icon=ICONS[name])
            _who()
            other = next(name for name in LANGUAGES if name != language())
            st.button(t("app.other_language"), key="switch-language", help=t("app.switch_language"), on_click=_speak, args=(other,))
            components.show("theme", {"language": language(), "dark": t("app.dark"), "light": t("app.light")}, "theme")
        with st.container(key="research"):
            st.markdown(t("app.research"))


def _speak(name: str) -> None:
    st.session_state.language = name


def _who() -> None:
    person = session.actor()
    label = plain(person.name) if session.named() else t("who.nobody")
    with st.popover(label, icon=":material/badge:", key="who", help=t("who.help")):
        if session.oidc():
            _login(person.verified)
            return
        st.text_input(
            t("who.name"), key="signer-input", value=session.typed_name(), max_chars=80, on_change=_named, placeholder=t("who.placeholder")
        )
        st.caption(t("who.unverified"))


def _named() -> None:
    st.session_state.signer = st.session_state["signer-input"]


def _login(verified: bool) -> None:
    st.caption(t("who.verified") if verified else t("who.login_note"))
    if verified:
        st.button(t("who.logout"), on_click=st.logout)
    else:
        st.button(t("who.login"), on_click=st.login, type="primary")


def unexpected(error: Exception) -> bool:
    """For `on_script_error`: a crash becomes one sentence; the kind of error goes to the log, its text may hold patient data."""
    log.error("unexpected %s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
    components.notice("failed", t("app.unexpected"), "unexpected")
    return True
