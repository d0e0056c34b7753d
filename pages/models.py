"""Models: the cards, what was measured, where each fails."""

import streamlit as st

from medcore.ui import models
from medcore.ui.text import t

st.title(t("models.title"))
st.caption(t("models.lead"))
models.show()
card = models.chosen()
if card:
    models.plots(card)
