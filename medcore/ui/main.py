"""The script that Streamlit runs for each session: the frame, then the page."""

from __future__ import annotations

from medcore.ui import shell

shell.run()
