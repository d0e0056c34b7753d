"""What may be taken along of a period of glucose, as links that are good for a quarter of an hour and are renewed."""

from __future__ import annotations

import streamlit as st

from medcore.store import ReportRow, StudyRow
from medcore.ui import session
from medcore.ui.glucose_asked import Asked
from medcore.ui.glucose_out import KINDS
from medcore.ui.text import language, t

_FRESH_S = 600


def exports(row: StudyRow, report: ReportRow | None, number: int, asked: Asked) -> None:
    """Links to each export of the period of trace `number`, unit and population on the page."""
    options = (
        report.report_id if report else "",
        str(number),
        asked.population,
        asked.unit,
        asked.first.isoformat(),
        asked.last.isoformat(),
    )

    @st.fragment(run_every=_FRESH_S)
    def fresh() -> None:
        with st.container(key="card-export"):
            st.markdown(f"#### {t('glucose.export')}")
            with st.container(key="export-links", horizontal=True, gap="small"):
                for kind, (_, _, icon) in KINDS.items():
                    url = session.grant(kind, row.study_id, 0, language(), options)
                    st.link_button(t(f"glucose_export.{kind.removeprefix('glucose-')}"), url, icon=icon)

    fresh()
