"""The forecast through history: "now" is dragged over the trace, and what was foreseen stands beside what came. Review, never advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from medcore import registry
from medcore.export import glucose_warnings
from medcore.export import glucose_words as words
from medcore.export.glucose_facts import Facts
from medcore.export.glucose_warnings import HORIZONS_MIN, LABELS, Warned
from medcore.signals import glucose_warning
from medcore.signals.glucose_time import event_clock
from medcore.store import ReportRow, Store, StudyRow
from medcore.tasks.windows import STEP
from medcore.types import EVENTS, Attribution, Forecast, ModelCard, Report, Response, Trace
from medcore.ui import components, glucose_figures, glucose_packed, glucose_panels, jobs, reading, session
from medcore.ui.text import coded, t, texts
from medcore.ui.viewing import attributions
from medcore.ui.worklist import class_title

METHODS = ("integrated_gradients", "span_occlusion")
POINTS = ("half_a_day", "one_a_day", "two_a_day")
ROWS = ("glucose", "insulin", "carbs")  # of an attribution's channels
_RENEW_S = 600  # a grant lives a quarter of an hour
_ASKED = ("carbs", "bolus")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Which warning is looked at: its label, the operating point's name, and the threshold that this gives."""

    label: str
    point: str
    threshold: float

    @property
    def horizon(self) -> float:
        """Minutes that a warning stands for."""
        return HORIZONS_MIN[LABELS.index(self.label)]


def show(store: Store, row: StudyRow, facts: Facts, report: ReportRow | None, unit: str) -> None:
    """The replay with its warnings, what the forecast looked at, and the model's response; or why there is none."""
    if facts.population == "pregnancy":
        components.notice("refused", t("glucose_report.not_pregnancy"), "not-pregnancy")
    if report is None:
        components.notice("info", t("glucose.no_report"), "no-forecast")
        return
    if not reading.speaks(report.report):
        components.notice("refused", t("glucose.no_forecast"), "no-forecast", [("", reading.gate_sentence(report.report.gate))])
        return
    forecast = report.report.glucose.forecast if report.report.glucose is not None else None
    if forecast is None or not len(forecast.origins):
        components.notice("refused", t("glucose.no_forecast"), "no-forecast")
        return
    watch = _watch(registry.card(report.task), report.report)
    _stage(store, row, facts, report, forecast, watch, unit)


def _watch(card: ModelCard, report: Report) -> Watch | None:
    """The warning and the operating point that the reader chose among those of the card."""
    own = {one.label.name: one.label for one in report.findings if one.label.name in LABELS}
    if not own:
        return None
    with st.container(horizontal=True, key="forecast-controls", vertical_alignment="bottom"):
        label = st.segmented_control(
            t("glucose.warning"),
            tuple(own),
            default=tuple(own)[-1],
            required=True,
            key="warning",
            format_func={name: t(f"glucose.within_{name}") for name in own}.__getitem__,
        )
        chosen = own[str(label)]
        points = {one.name: one for one in card.operating_points if one.label == label}
        names = [name for name in POINTS if name in points] or [chosen.operating_point]
        first = chosen.operating_point if chosen.operating_point in names else names[0]
        point = st.segmented_control(
            t("glucose.point"),
            names,
            default=first,
            required=True,
            key=f"point-{label}",
            format_func={name: coded("operating_point", name) for name in names}.__getitem__,
        )
        held = points.get(str(point))
    if held is not None:
        st.caption(t("glucose.point_measured", sensitivity=f"{held.sensitivity:.0%}", threshold=f"{held.threshold:.2f}"))
    return Watch(label=str(label), point=str(point), threshold=held.threshold if held is not None else chosen.threshold)


def _stage(
    store: Store, row: StudyRow, facts: Facts, report: ReportRow, forecast: Forecast, watch: Watch | None, unit: str
) -> None:  # fmt: skip
    trace = facts.whole
    raised = () if watch is None else glucose_warnings.raised(trace, forecast, watch.label, watch.threshold)
    key = f"glucose-now-{report.report_id}"

    @st.fragment(run_every=_RENEW_S)
    def stage() -> None:
        """Only this runs again while "now" moves; the moving itself happens in the browser."""
        now = int(st.session_state.get(key, report.report.slice_index))
        with st.container(key="viewer"):
            said = components.show("replay", _data(facts, report, forecast, watch, raised, now, unit), "glucose-replay", now=None)
        if said.now is not None and int(said.now) != now:
            now = st.session_state[key] = int(said.now)
        _moment(store, row, trace, report, now)
        if report.report.glucose is not None:
            _responses(store, row, facts, report, forecast, now, unit)

    stage()
    if watch is not None:
        _tally(trace, forecast, watch)


def _tally(trace: Trace, forecast: Forecast, watch: Watch) -> None:
    """What the warnings at this operating point were worth on this very trace."""
    _, last = glucose_packed.part(trace, forecast)
    rows = np.arange(int(forecast.origins[0]), last)  # what came after the last moment tells whether its warning was right
    chance = np.zeros(len(rows))
    chance[forecast.origins - rows[0]] = forecast.p_low[:, LABELS.index(watch.label)]
    minutes, level = trace.minutes[rows].astype(np.float64), trace.glucose[rows].astype(np.float64)
    found = glucose_warning.tally(minutes, level, chance, watch.threshold, watch.horizon)
    lead = f"{np.median(found.lead_min):.0f}" if found.lead_min else words.DASH
    facts = [
        [t("glucose.lows"), t("glucose.of", count=found.foreseen, of=found.lows), "num"],
        [t("glucose.lead"), t("glucose_report.minutes", minutes=lead), "num"],
        [t("glucose.raised"), str(found.warnings), "num"],
        [t("glucose.false_a_day"), f"{found.false_a_day:.1f}" if found.days >= 1 else words.DASH, "num"],
    ]
    with st.container(key="card-tally"):
        st.markdown(f"#### {t('glucose.tally')}")
        components.facts("glucose-tally", facts=facts, dense=True)
        st.caption(t("glucose.tally_note"))


def _data(
    facts: Facts, report: ReportRow, forecast: Forecast, watch: Watch | None, raised: Sequence[Warned], now: int, unit: str
) -> dict[str, Any]:
    trace = facts.whole
    first, last = glucose_packed.part(trace, forecast)
    limit = {"low": glucose_warning.LOW, "target": list(facts.limits)}
    shown = newest(report, now)
    return {
        "identity": f"{report.report_id}/{report.report.series_index}",
        "url": session.grant("foreseen", report.report_id),
        "first": first,
        "now": now,
        "factor": words.converted(1.0, unit),
        "unit": unit,
        "digits": 0 if unit == words.UNITS[0] else 1,
        "limits": limit,
        "gap": max(2.5 * trace.interval_min, 16.0),
        "watch": None
        if watch is None
        else {
            "column": LABELS.index(watch.label),
            "threshold": watch.threshold,
            "horizon": watch.horizon,
            "name": t(f"glucose.within_{watch.label}"),
        },
        "warnings": [_warned(one, first, unit) for one in raised],
        "events": _events(trace, first, last),
        "influence": None if shown is None else _influence(shown, report.task, first),
        "alt": t("glucose_replay.alt", count=len(forecast.origins)),
        "texts": texts("glucose_replay"),
    }


def _warned(one: Warned, first: int, unit: str) -> dict[str, Any]:
    """A row of the log: when, how sure, what came of it."""
    if one.lead_min is not None:
        limit = f"{words.level(glucose_warning.LOW, unit)} {unit}"
        came, icon = t("glucose_report.came_after", limit=limit, minutes=f"{one.lead_min:.0f}"), "absent"
    else:
        came, icon = (t("glucose_report.came_none"), "refused") if one.known else (t("glucose_report.came_unknown"), "indeterminate")
    return {"at": one.origin - first, "time": f"{one.moment:%m-%d %H:%M}", "p": f"{one.probability:.2f}", "icon": icon, "came": came}


def _events(trace: Trace, first: int, last: int) -> list[list[Any]]:
    """(minutes, kind, words) of meals and insulin in the part that is shown."""
    minutes = trace.event_minutes.astype(np.float64)
    inside = (minutes >= float(trace.minutes[first])) & (minutes <= float(trace.minutes[last - 1]))
    rows = np.flatnonzero(inside & (trace.event_kind != EVENTS.index("basal_rate")))
    clock = event_clock(trace)
    return [
        [
            float(minutes[at]),
            EVENTS[int(trace.event_kind[at])],
            _amount(EVENTS[int(trace.event_kind[at])], float(trace.event_value[at])),
            f"{words.clock(float(clock[at])):%H:%M}",
        ]
        for at in rows
    ]


def _amount(kind: str, value: float) -> str:
    return f"{value:g} {t(f'event_unit.{kind}')}"


def newest(report: ReportRow, now: int) -> Attribution | None:
    """The last explanation of the moment `now`, if one was asked for."""
    held = [one for one in attributions(report) if one.index == now and one.values.ndim == 2 and one.values.shape[0] == len(ROWS)]
    return held[-1] if held else None


def _influence(one: Attribution, task: str, first: int) -> dict[str, Any]:
    values = np.nan_to_num(one.values.astype(np.float64))
    return {
        "at": one.index - first, "step": STEP, "rows": [t(f"glucose.channel_{name}") for name in ROWS],
        "values": [[round(float(value), 3) for value in row] for row in values],
        "label": t("explain.bar", method=t(f"method.{one.method}"), name=class_title(task, one.label)),
        "stamp": t("glucose.influence_stamp"), "low": t("explain.low"), "high": t("explain.high"),
    }  # fmt: skip


def _moment(store: Store, row: StudyRow, trace: Trace, report: ReportRow, now: int) -> None:
    """What may be asked of the moment on the screen: an explanation, or a reading of its own."""
    clock = f"{words.clock(float(trace.clock_s[now])):%Y-%m-%d %H:%M}"
    with st.container(key="card-moment"):
        st.markdown(f"#### {t('glucose.moment', time=clock)}")
        with st.container(horizontal=True, vertical_alignment="bottom", key="moment-controls"):
            method = st.segmented_control(
                t("explain.method"),
                METHODS,
                default=METHODS[0],
                required=True,
                key="glucose-method",
                format_func={name: t(f"method.{name}") for name in METHODS}.__getitem__,
            )
            pending = _pending(store, report, now)
            asked = st.button(t("glucose.explain"), key="explain-now", icon=":material/query_stats:", disabled=pending is not None)
        if asked:
            _ask(store, row, report, now, str(method))
            pending = _pending(store, report, now)
        st.caption(t("glucose.influence"))
        if pending is not None:
            jobs.watch(store, store.job(pending))
        _failed(store, report, now)


def _ask(store: Store, row: StudyRow, report: ReportRow, now: int, method: str) -> None:
    made = report.report
    names = [one.label.name for one in made.findings]
    label = st.session_state.get("warning")
    params = {
        "report_id": report.report_id, "method": method, "label": label if label in names else made.findings[-1].label.name,
        "override": made.overridden, "series_index": made.series_index, "slice_index": now,
    }  # fmt: skip
    st.session_state[f"explain-{report.report_id}-{now}"] = store.enqueue("explain", row.study_id, report.task, params, session.actor())


def _pending(store: Store, report: ReportRow, now: int) -> str | None:
    """The job of an explanation of this moment that is still under way."""
    job_id = st.session_state.get(f"explain-{report.report_id}-{now}")
    return job_id if job_id and not store.job(job_id).finished else None


def _failed(store: Store, report: ReportRow, now: int) -> None:
    job_id = st.session_state.get(f"explain-{report.report_id}-{now}")
    job = store.job(job_id) if job_id else None
    if job is not None and job.finished and job.state != "done":
        jobs.failure(job, "explain-failed")


def _responses(store: Store, row: StudyRow, facts: Facts, report: ReportRow, forecast: Forecast, now: int, unit: str) -> None:
    """What the model would have foreseen with carbohydrate or insulin at its own "now": its response, never advice."""
    made = report.report
    held = made.glucose.responses if made.glucose is not None else ()
    with st.container(key="card-responses"):
        st.markdown(f"#### {t('glucose.responses')}")
        components.notice("refused", t("glucose.responses_note"), "responses-note")
        at = np.flatnonzero(forecast.origins == made.slice_index)
        if now == made.slice_index and held and at.size:
            plain = forecast.quantiles[int(at[0])].astype(np.float64)
            for kind in _ASKED:
                own = [one for one in held if one.kind == kind]
                if own:
                    _drawn(kind, own, plain, forecast, facts, unit)
            return
        st.caption(t("glucose.responses_elsewhere"))
        if st.button(t("glucose.read_here"), key="read-here", icon=":material/my_location:"):
            params = {"override": made.overridden, "series_index": made.series_index, "slice_index": now}
            store.enqueue("diagnose", row.study_id, report.task, params, session.actor())
            st.rerun(scope="app")


def _drawn(kind: str, own: Sequence[Response], plain: Any, forecast: Forecast, facts: Facts, unit: str) -> None:
    titles = [t(f"glucose.with_{kind}", amount=_amount(kind, one.value)) for one in own]
    figure = glucose_panels.responses(plain, own, forecast.horizons_min, facts.limits, unit, titles)
    glucose_figures.draw(figure, f"glucose-responses-{kind}", t("glucose.responses_alt", names=", ".join(titles)))
