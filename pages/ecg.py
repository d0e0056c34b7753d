"""ECG: one study, named by ?study= in the address, on calibrated paper."""

import streamlit as st

from medcore.store import open_store
from medcore.ui import ecg

store = open_store()
study_id = st.query_params.get("study")
if study_id:
    ecg.show(store, study_id)
else:
    ecg.nothing_open(store)
