"""Image diagnosis: one study, named by ?study= in the address."""

import streamlit as st

from medcore.store import open_store
from medcore.ui import image

store = open_store()
study_id = st.query_params.get("study")
if study_id:
    image.show(store, study_id)
else:
    image.nothing_open(store)
