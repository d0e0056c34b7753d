"""The Glucose page in a real browser: curves are drawn, units and populations switch, now is dragged through history, files are taken."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from medcore import registry
from medcore.export.wording import say
from medcore.store import Actor, open_store
from medcore.types import Attribution, Report, Study
from tests.browser.conftest import settled
from tests.pages import glucose_nouns as nouns

ME = Actor(name="Dr Seed", verified=False)
SLOW_MS = 90_000
Seed = Callable[..., str]


def t(key: str, **values: object) -> str:
    return say("en", key, **values)


@pytest.fixture
def seed(folder: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> Seed:
    """Keeps a study with a finished reading in the record of the running server, and gives its address.

    The reading is by the forecaster where it is installed, else by the first task: what a card says is not looked at here.
    """
    monkeypatch.setenv("MEDCORE_DATA_DIR", str(folder))
    monkeypatch.setenv("MEDCORE_DATABASE_URL", "")
    cards = registry.cards()
    task = "glucose_forecast" if "glucose_forecast" in cards else next(iter(cards))

    def keep(study: Study, report: Report | None = None, explained: tuple[Attribution, ...] = (), view: str = "agp") -> str:
        store = open_store()
        study_id = store.save(study, ME).study_id
        report_id = report and _done(store, study_id, "diagnose", task, {"override": False}, replace(report, task=task))
        for one in explained:
            _done(store, study_id, "explain", task, {"report_id": report_id, "method": one.method, "slice_index": one.index}, one)
        return f"{server}/glucose?study={study_id}&view={view}"

    return keep


def _done(store: object, study_id: str, kind: str, task: str, params: dict[str, object], outcome: object) -> str | None:
    """The job done by ourselves; the server's own worker may be faster, and then it is asked for again."""
    for _ in range(20):
        job = store.enqueue(kind, study_id, task, params, ME)  # type: ignore[attr-defined]
        mine = store.claim("seed")  # type: ignore[attr-defined]
        if mine is not None and mine.job_id == job:
            return str(store.finish(job, "seed", outcome))  # type: ignore[attr-defined]
    raise AssertionError("the worker took every job")


def plot(page: Page, key: str) -> Locator:
    found = page.locator(f".st-key-{key} .js-plotly-plot .main-svg").first
    found.wait_for(timeout=SLOW_MS)
    return found


def stage(page: Page, address: str) -> Locator:
    page.goto(address)
    root = page.locator(".root[data-drawn=true]")
    root.wait_for(timeout=SLOW_MS)
    return root


INK = """() => {
  const find = (root) => {
    for (const one of root.querySelectorAll('*')) {
      if (one.matches('.stage > canvas')) return one;
      const inner = one.shadowRoot && find(one.shadowRoot);
      if (inner) return inner;
    }
    return null;
  };
  const canvas = find(document), data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let dark = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i] < 60 && data[i + 1] < 60 && data[i + 2] < 70) dark += 1;
  return dark;
}"""


def test_the_report_is_drawn_and_switches_unit_population_and_part(page: Page, seed: Seed) -> None:
    page.goto(seed(nouns.study(nouns.trace(), patient_id="GB1"), nouns.report(nouns.trace())))
    plot(page, "glucose-agp")
    plot(page, "glucose-small-days")
    ranges = page.locator(".st-key-card-ranges")
    expect(ranges.locator("svg.bar text.range").nth(4)).to_have_text("70–180 mg/dL")
    expect(ranges.locator("tr[data-met]")).to_have_count(6)
    page.get_by_text("mmol/L", exact=True).click()
    expect(ranges.locator("svg.bar text.range").nth(4)).to_have_text("3.9–10.0 mmol/L", timeout=SLOW_MS)
    page.wait_for_url(re.compile(r"unit=mmol"))
    page.get_by_role("combobox").first.click()
    page.get_by_role("option", name=t("glucose_report.population_pregnancy")).click()
    expect(ranges).to_contain_text(t("glucose_note.pregnancy_type_1"), timeout=SLOW_MS)
    page.get_by_text(t("glucose_view.days"), exact=True).click()
    plot(page, "glucose-whole")
    assert page.locator(".st-key-glucose-whole .rangeslider-container").count() == 1
    page.reload()
    plot(page, "glucose-whole")
    expect(page.locator(".st-key-glucose-whole")).to_contain_text("mmol/L")


def test_a_patterns_day_leads_to_its_curve(page: Page, seed: Seed) -> None:
    page.goto(seed(nouns.study(nouns.trace(seed=1), patient_id="GB2"), view="patterns"))
    day = page.locator("[data-kind=low] [data-day='2024-03-09']")
    day.wait_for(timeout=SLOW_MS)
    day.click()
    plot(page, "glucose-overlay")
    expect(page.locator(".st-key-card-overlay input")).to_have_value(re.compile("2024-03-09"))
    expect(page).to_have_url(re.compile("view=days"))


def test_now_is_moved_by_keyboard_mouse_and_log(page: Page, seed: Seed) -> None:
    trace = nouns.trace(seed=2)
    last = len(trace.minutes) - 1
    root = stage(page, seed(nouns.study(trace, patient_id="GB3"), nouns.report(trace), view="forecast"))
    expect(root).to_have_attribute("data-now", str(last))
    assert page.evaluate(INK) > 800
    board = page.locator(".stage")
    board.focus()
    page.keyboard.press("ArrowLeft")
    expect(root).to_have_attribute("data-now", str(last - 1))
    page.keyboard.press("Shift+ArrowLeft")
    expect(root).to_have_attribute("data-now", str(last - 13))
    page.keyboard.press("Home")
    expect(root).to_have_attribute("data-now", "0")
    page.keyboard.press("n")
    expect(root).to_have_attribute("data-warned", "true")
    box = board.bounding_box()
    assert box is not None
    before = int(str(root.get_attribute("data-now")))
    page.mouse.move(box["x"] + 500, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 150, steps=5)
    page.mouse.up()
    assert int(str(root.get_attribute("data-now"))) > before
    row = page.locator("[data-warning]").last
    row.click()
    expect(root).to_have_attribute("data-now", str(row.get_attribute("data-warning")))
    moment = page.locator(".st-key-card-moment h4")
    expect(moment).to_contain_text("2024-03-06", timeout=SLOW_MS)  # the server is told once now rests
    expect(root).to_have_attribute("data-now", str(row.get_attribute("data-warning")))


def test_it_plays_and_pauses(page: Page, seed: Seed) -> None:
    trace = nouns.trace(2, seed=3)
    root = stage(page, seed(nouns.study(trace, patient_id="GB4"), nouns.report(trace), view="forecast"))
    page.locator(".stage").focus()
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    page.wait_for_function("Number(document.querySelector('.stage')?.getAttribute('aria-valuenow') ?? 9) >= 0")
    expect(root).to_have_attribute("data-moment", re.compile(r"^([5-9]|\d\d+)$"), timeout=SLOW_MS)
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name=t("glucose_replay.play"), exact=True)).to_be_visible()


def test_what_the_forecast_looked_at_lies_under_its_own_moment(page: Page, seed: Seed) -> None:
    trace = nouns.trace(seed=4)
    last = len(trace.minutes) - 1
    address = seed(nouns.study(trace, patient_id="GB5"), nouns.report(trace), (nouns.influence(last),), "forecast")
    root = stage(page, address)
    expect(root).to_have_attribute("data-influence", "true")
    expect(page.locator(".colourbar em")).to_have_text(t("glucose.influence_stamp"))
    page.locator(".stage").focus()
    page.keyboard.press("ArrowLeft")
    expect(root).to_have_attribute("data-influence", "false")
    page.keyboard.press("ArrowRight")
    expect(root).to_have_attribute("data-influence", "true")
    plot(page, "glucose-responses-carbs")
    expect(page.get_by_text(t("glucose.responses_note"))).to_be_visible()


def test_files_are_taken_along(page: Page, seed: Seed, server: str) -> None:
    trace = nouns.trace(seed=6)
    page.goto(seed(nouns.study(trace, patient_id="GB6"), nouns.report(trace)))
    plot(page, "glucose-agp")
    for kind, starts in (("pdf", b"%PDF"), ("fhir", b"{"), ("text", b""), ("csv", b"")):
        link = page.get_by_role("link", name=t(f"glucose_export.{kind}"))
        answer = page.request.get(server + str(link.get_attribute("href")))
        assert answer.ok and answer.body().startswith(starts) and len(answer.body()) > 200, kind
        assert answer.headers["cache-control"] == "no-store, private"


def test_a_trace_opens_on_its_page_from_the_worklist(page: Page, seed: Seed) -> None:
    seed(nouns.study(nouns.trace(3, seed=7), name="TRACE^OPEN", patient_id="GB7"))
    page.reload()
    settled(page)
    page.locator("tr", has_text="TRACE, OPEN").click()
    page.wait_for_url(re.compile(r"/glucose\?study="))
    plot(page, "glucose-small-days")
