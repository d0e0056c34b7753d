"""Streamlit: what the pages are made of. Nothing below imports it."""
