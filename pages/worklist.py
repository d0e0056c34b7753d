"""The worklist: studies come in on the right and stand on the left, the most urgent first."""

import streamlit as st

from medcore.store import open_store
from medcore.ui import worklist
from medcore.ui.text import t

store = open_store()
main, rail = st.columns([33, 10], gap="medium")
with rail:
    worklist.rail(store)
with main:
    with st.container(key="filters", horizontal=True, vertical_alignment="center"):
        st.title(t("worklist.title"), width="stretch")
        chosen = st.segmented_control(
            t("worklist.filter"), worklist.FILTERS, default=worklist.FILTERS[0], required=True, key="filter", label_visibility="collapsed",
            format_func=lambda name: t(f"filter.{name}"),
        )  # fmt: skip
        search = st.text_input(
            t("worklist.search"), placeholder=t("worklist.search_placeholder"), key="search", label_visibility="collapsed", width=230
        )
    worklist.live(store, search, chosen or worklist.FILTERS[0])
