"""Glucose: one sensor's trace, named by ?study= in the address, as the consensus report, with its forecast."""

import streamlit as st

from medcore.store import open_store
from medcore.ui import glucose

store = open_store()
study_id = st.query_params.get("study")
if study_id:
    glucose.show(store, study_id)
else:
    glucose.nothing_open(store)
