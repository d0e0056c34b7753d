"""Who sits at this browser, and what it may fetch."""

from __future__ import annotations

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from medcore.store import Actor
from medcore.ui.routes import BROWSER_COOKIE, granted_url
from medcore.ui.tokens import TOKENS, Grant

UNNAMED = "unnamed"
_NAME_LENGTH = 80


def oidc() -> bool:
    """Whether the deployment configured a login (`[auth]` in .streamlit/secrets.toml)."""
    return bool(st.secrets.load_if_toml_exists()) and "auth" in st.secrets


def actor() -> Actor:
    """Who acts: the name that OIDC vouches for, else the typed one, unverified."""
    if oidc() and st.user.is_logged_in:
        return Actor(name=str(st.user.get("name") or st.user.get("email") or UNNAMED)[:_NAME_LENGTH], verified=True)
    return Actor(name=typed_name() or UNNAMED, verified=False)


def typed_name() -> str:
    """The name typed into the top bar in this session, or nothing."""
    return " ".join(str(st.session_state.get("signer", "")).split())[:_NAME_LENGTH]


def named() -> bool:
    """Whether the record would know who acts."""
    return actor().name != UNNAMED


def grant(kind: str, subject: str, index: int = 0, language: str = "", options: tuple[str, ...] = ()) -> str:
    """A URL from which this browser, in this session, may fetch what it names for a while (see `tokens.Grant`)."""
    context = get_script_run_ctx()
    if runtime.exists():
        TOKENS.alive = runtime.get_instance().is_active_session
    wanted = Grant(
        kind=kind,
        subject=subject,
        index=index,
        language=language,
        options=options,
        browser=st.context.cookies.get(BROWSER_COOKIE, ""),
        session=context.session_id if context else "",
    )
    return granted_url(TOKENS.grant(wanted))
