"""The ECG page in a real browser: the paper is drawn, scrolled, zoomed and measured; marks, average beat, influence, events."""

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
from medcore.types import Report, Study
from tests.browser.conftest import settled
from tests.pages import ecg_nouns

ME = Actor(name="Dr Seed", verified=False)
Seed = Callable[[Study, Report | None], str]


def t(key: str, **values: object) -> str:
    return say("en", key, **values)


@pytest.fixture
def seed(folder: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> Seed:
    """Keeps a study with a finished reading in the record of the running server, and gives its address.

    The reading is by the first installed task: what a card says is not looked at here.
    """
    monkeypatch.setenv("MEDCORE_DATA_DIR", str(folder))
    monkeypatch.setenv("MEDCORE_DATABASE_URL", "")
    task = next(iter(registry.cards()))

    def keep(study: Study, report: Report | None) -> str:
        store = open_store()
        study_id = store.save(study, ME).study_id
        for _ in range(20 if report else 0):  # the server's own worker may be faster
            job = store.enqueue("diagnose", study_id, task, {"override": False}, ME)
            mine = store.claim("seed")
            if mine is not None and mine.job_id == job and report is not None:
                store.finish(job, "seed", replace(report, task=task, also=()))
                break
        return f"{server}/ecg?study={study_id}"

    return keep


def paper(page: Page, address: str) -> Locator:
    page.goto(address)
    page.locator(".root[data-drawn=true]").wait_for()
    return page.locator(".root[data-drawn]")


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
  for (let i = 0; i < data.length; i += 4) if (data[i] < 90 && data[i + 1] < 90 && data[i + 2] < 90) dark += 1;
  return dark;
}"""


def test_the_paper_is_drawn_in_life_size_and_says_its_scale(page: Page, seed: Seed) -> None:
    root = paper(page, seed(ecg_nouns.study(ecg_nouns.recording(), patient_id="B1"), ecg_nouns.report()))
    expect(root).to_have_attribute("data-layout", "3x4")
    strip = page.locator(".strip")
    expect(strip).to_contain_text("25 mm/s · 10 mm/mV · Filters 0.05–150 Hz")
    expect(strip).to_contain_text(t("ecg_paper.life"))
    assert page.evaluate(INK) > 5000  # pixels as dark as trace, labels and pulse
    expect(page.get_by_text(t("ecg.overread"))).to_be_visible()
    assert page.locator(".stage").get_attribute("aria-label") is not None


PRESSED = (
    ("m", "marks", "false"), ("m", "marks", "true"),
    ("2", "layout", "6x2"), ("3", "layout", "rows"), ("4", "layout", "single"), ("1", "layout", "3x4"),
    ("g", "gain", "20"), ("g", "gain", "5"), ("g", "gain", "10"),
    ("s", "speed", "50"), ("ArrowRight", "from", re.compile(r"^0\.[4-6]")),
    ("s", "speed", "12.5"), ("+", "speed", "15.6"), (" ", "speed", "25"),
    ("a", "average", "true"), ("a", "average", "false"), ("c", "calipers", "true"),
)  # fmt: skip


def test_the_keyboard_does_everything(page: Page, seed: Seed) -> None:
    root = paper(page, seed(ecg_nouns.study(ecg_nouns.recording(seed=1), patient_id="B2"), ecg_nouns.report()))
    page.locator(".stage").focus()
    expect(root).to_have_attribute("data-marks", "true")
    for key, name, value in PRESSED:
        page.keyboard.press(key)
        expect(root, f"after {key}").to_have_attribute(f"data-{name}", value)
    expect(page.get_by_role("button", name=t("ecg_paper.calipers"), exact=True)).to_have_attribute("aria-pressed", "true")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(".readout")).to_contain_text(re.compile(r"1\d{3} ms · 5\d/min"))


def test_calipers_measure_a_second_by_the_mouse(page: Page, seed: Seed) -> None:
    paper(page, seed(ecg_nouns.study(ecg_nouns.recording(seed=2), patient_id="B3"), ecg_nouns.report()))
    page.get_by_role("button", name=t("ecg_paper.calipers"), exact=True).click()
    box = page.locator(".stage").bounding_box()
    assert box is not None
    y, second = box["y"] + box["height"] * 0.88, 25 * 96 / 25.4  # the rhythm strip
    page.mouse.move(box["x"] + 300, y)
    page.mouse.down()
    page.mouse.move(box["x"] + 300 + second, y - 10 * 96 / 25.4, steps=6)
    page.mouse.up()
    reading = page.locator(".readout").inner_text()
    found = re.fullmatch(r"(\d+) ms · (\d+)/min · ([\d.]+) mV", reading)
    assert found is not None, reading
    assert 990 <= int(found[1]) <= 1010 and int(found[2]) in (59, 60, 61) and 0.95 <= float(found[3]) <= 1.05


def test_marks_change_the_paper_and_come_off_again(page: Page, seed: Seed) -> None:
    root = paper(page, seed(ecg_nouns.study(ecg_nouns.recording(seed=3), patient_id="B4"), ecg_nouns.report()))
    expect(root).to_have_attribute("data-marks", "true")
    marked = page.locator(".stage").screenshot()
    page.get_by_role("button", name=t("ecg_paper.marks"), exact=True).click()
    expect(root).to_have_attribute("data-marks", "false")
    assert page.locator(".stage").screenshot() != marked


def test_influence_and_average_beat_are_named(page: Page, seed: Seed) -> None:
    paper(
        page, seed(ecg_nouns.study(ecg_nouns.recording(seed=4), patient_id="B5"), ecg_nouns.report(attributions=(ecg_nouns.influence(),)))
    )
    page.get_by_text(t("method.integrated_gradients"), exact=True).click()
    expect(page.locator(".colourbar em")).to_have_text(t("explain.stamp"))
    page.get_by_role("button", name=t("ecg_paper.average"), exact=True).click()
    expect(page.locator(".beats div")).to_have_text(re.compile(r"Median of 1\d beats"))


def test_a_long_recording_is_scrolled_by_its_overview_and_events(page: Page, seed: Seed) -> None:
    long = ecg_nouns.recording(3600.0, 125.0, ("MLII", "V1"), started_at="2024-01-31T08:00:00")
    peaks = ecg_nouns.beats(3600.0)
    reading = ecg_nouns.reading(
        quality=ecg_nouns.quality(("MLII", "V1")), marks=ecg_nouns.marks(peaks, 125.0, ventricular=(7,)), holter=ecg_nouns.holter(60)
    )
    root = paper(page, seed(ecg_nouns.study(long, patient_id="B6"), ecg_nouns.report(ecg=reading)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "level=" in request.url else None)
    page.locator("[data-event=pause]").click()
    expect(root).to_have_attribute("data-from", re.compile(r"^71\d\."))
    expect(page.locator(".strip")).to_contain_text("08:1")
    page.locator(".root[data-drawn=true]").wait_for()
    page.locator(".overview").click(position={"x": 400, "y": 20})
    expect(root).not_to_have_attribute("data-from", re.compile(r"^71\d\."))
    page.locator(".stage").hover()
    for _ in range(12):
        page.mouse.wheel(0, 400)
    page.locator(".root[data-drawn=true]").wait_for()
    page.wait_for_timeout(300)
    page.locator(".root[data-drawn=true]").wait_for()
    assert any(re.search(r"level=[1-9]", url) for url in asked)
    assert all("count=2048" in url for url in asked)
    assert float(str(root.get_attribute("data-speed"))) < 1


def test_a_reload_brings_the_same_reading(page: Page, seed: Seed) -> None:
    address = seed(ecg_nouns.study(ecg_nouns.recording(seed=5), patient_id="B7"), ecg_nouns.report())
    paper(page, address)
    words = page.locator(".decision .words").first.inner_text()
    page.reload()
    page.locator(".root[data-drawn=true]").wait_for()
    expect(page.locator(".decision .words").first).to_have_text(words)


def test_the_demo_ecg_opens_on_its_page(page: Page) -> None:
    page.get_by_role("button", name=t("demo.ecg_title")).click()
    settled(page)
    page.get_by_role("button", name=t("upload.open"), exact=True).click()
    page.wait_for_url(re.compile(r"/ecg\?study="))
    page.locator(".root[data-drawn=true]").wait_for()
    expect(page.locator(".strip")).to_contain_text("0.05-300 Hz")


SLOW = """{
  const socket = WebSocket.prototype, add = socket.addEventListener, later = (act) => (event) => setTimeout(() => act(event), 1200);
  const own = Object.getOwnPropertyDescriptor(socket, 'onmessage');
  socket.addEventListener = function (type, act, ...rest) { add.call(this, type, type === 'message' ? later(act) : act, ...rest); };
  Object.defineProperty(socket, 'onmessage', {...own, set(act) { own.set.call(this, act && later(act)); }});
}"""


def test_on_a_slow_line_the_page_that_was_opened_stays(page: Page, server: str) -> None:
    """What the worklist's timer asks before the browser knows of the new page must not clear that page: see `shell.open_study`."""
    page.add_init_script(SLOW)
    page.goto(server)
    page.get_by_role("button", name=t("demo.ecg_lbbb_title")).click()
    page.get_by_role("button", name=t("upload.open"), exact=True).click()  # while it is being read, and the worklist asks how far
    page.wait_for_url(re.compile(r"/ecg\?study="))
    page.locator(".root[data-drawn=true]").wait_for()
    page.wait_for_timeout(2500)
    expect(page.locator(".root[data-drawn=true]")).to_be_visible()


def test_a_table_without_a_rate_is_asked_about(page: Page) -> None:
    rows = "\n".join(f"{value:.4f}" for value in ecg_nouns.recording(leads=("I",)).signal[0])
    page.set_input_files(
        ".st-key-card-upload input[type=file]", {"name": "one.csv", "mimeType": "text/csv", "buffer": f"I\n{rows}\n".encode()}
    )
    dialog = page.get_by_role("dialog")
    dialog.locator("input[type=number]").fill("500")
    page.keyboard.press("Tab")
    dialog.get_by_role("combobox").click()
    page.get_by_role("option", name="mV", exact=True).click()
    dialog.get_by_role("button", name=t("ask_rate.confirm")).click()
    page.get_by_text(t("upload.added", count=1)).wait_for()
