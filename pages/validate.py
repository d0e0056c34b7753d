"""Validate: measure a model on your own labelled images."""

import streamlit as st

from medcore.store import open_store
from medcore.ui import validating
from medcore.ui.text import t

store = open_store()
st.title(t("validate.title"))
st.caption(t("validate.lead"))
left, right = st.columns([10, 16], gap="medium")
with left:
    validating.ask(store)
with right:
    validating.listed(store)
