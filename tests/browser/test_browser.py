"""What a clinician does, in a real browser against the real server and the real worker."""

from __future__ import annotations

import io
import re
import zipfile

from playwright.sync_api import Browser, Page, expect

from medcore.export.wording import say
from medcore.ui import demo
from tests.browser.conftest import PATIENCE_MS, settled
from tests.pages.conftest import HOSTILE, film

CASES = {case.name: case for case in demo.cases()}


def t(key: str, **values: object) -> str:
    return say("en", key, **values)


def drop(page: Page, *files: tuple[str, bytes]) -> None:
    given = [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in files]
    page.set_input_files(".st-key-card-upload input[type=file]", given)  # type: ignore[arg-type]


def drop_and_open(page: Page, *files: tuple[str, bytes]) -> None:
    drop(page, *files)
    settled(page)
    page.get_by_role("button", name=t("upload.open"), exact=True).click()
    page.locator(".stage").wait_for()


def home(page: Page) -> None:
    page.get_by_role("link", name=t("nav.worklist")).click()
    page.locator(".st-key-card-demo button").first.wait_for()


def test_a_chest_film_is_read_overridden_explained_and_still_there_after_a_reload(page: Page, browser: Browser) -> None:
    drop_and_open(page, ("film", demo.content(CASES["chest"])))
    decision = page.locator("[data-decision]")
    expect(decision).to_have_attribute("data-decision", "refused", timeout=60_000)  # the worker may still be warming
    expect(decision).to_contain_text("age")
    assert page.locator(".finding").count() == 0
    page.get_by_role("button", name=t("override.button")).click()
    popover = page.locator("[data-testid=stPopoverBody]")
    popover.locator("input").fill("Dr Browser")
    popover.locator("textarea").fill("A second look was asked for")
    popover.get_by_role("button", name=t("override.confirm")).click()
    page.locator(".finding").first.wait_for()
    page.get_by_text(t("method.gradcam"), exact=True).click()
    page.locator(".colourbar b").wait_for()
    page.wait_for_function("document.querySelector('.st-key-viewer') !== null")
    address = page.url
    assert re.fullmatch(r".*/image\?study=[\w-]+", address)
    page.reload()
    page.locator(".finding").first.wait_for()
    expect(page.get_by_text("Dr Browser (unverified)")).to_be_visible()
    expect(page.get_by_text("A second look was asked for")).to_be_visible()
    other = browser.new_context().new_page()
    other.goto(address)
    other.locator(".finding").first.wait_for(timeout=PATIENCE_MS)
    other.context.close()


def test_a_leg_film_and_a_brain_mr_get_no_finding(page: Page) -> None:
    drop_and_open(page, ("leg.dcm", demo.content(CASES["leg"])))
    expect(page.locator("[data-decision]")).to_have_attribute("data-decision", "refused", timeout=60_000)
    assert page.locator(".finding").count() == 0
    home(page)
    drop_and_open(page, ("shoulder.dcm", demo.content(CASES["shoulder"])))
    page.get_by_text(t("image.no_task")).wait_for()
    assert page.locator(".finding").count() == 0


def test_a_bad_file_is_one_clear_sentence_and_the_next_good_one_works(page: Page) -> None:
    drop(page, ("notes.txt", b"this is not an image"))
    alert = page.get_by_role("alert")
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text("notes.txt")
    assert "Traceback" not in page.content() and "Error" not in alert.inner_text()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("IM0001", film("GOOD^ONE", "G-1", seed=11))
        made.writestr("readme.txt", b"hello")
    drop(page, ("study.zip", archive.getvalue()))
    page.get_by_text(t("upload.added", count=1)).wait_for()
    expect(page.locator("tr", has_text="GOOD, ONE")).to_be_visible()


def test_a_hostile_name_is_shown_and_never_run(page: Page) -> None:
    drop_and_open(page, ("x.dcm", film(HOSTILE, "**b** [x](y)", seed=12)))
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    expect(page.get_by_text("**b** [x](y)").first).to_be_visible()
    assert page.locator("img[src=x]").count() == 0


def test_the_viewer_by_keyboard_and_mouse(page: Page) -> None:
    drop_and_open(page, ("ct.dcm", demo.content(CASES["ct"])))
    stage, corner = page.locator(".stage"), page.locator(".corner.se")
    page.locator(".root[data-drawn=true]").wait_for()
    stage.focus()
    page.keyboard.press("2")
    expect(corner).to_contain_text("W 1500 L -600 HU")
    page.keyboard.press("i")
    expect(page.get_by_role("button", name=t("viewer.invert"))).to_have_attribute("aria-pressed", "true")
    box = stage.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 260, box["y"] + 230, steps=4)
    page.mouse.up()
    expect(corner).not_to_contain_text("W 1500")
    before = corner.inner_text()
    page.mouse.wheel(0, -300)
    expect(corner).not_to_have_text(before)
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name=t("viewer.invert"))).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".letter.left")).to_have_text("R")
    expect(page.locator(".ruler span")).to_contain_text("mm")


def test_the_worklist_by_keyboard_language_and_theme(page: Page) -> None:
    drop(page, ("a.dcm", film("KEY^BOARD", "K-1", seed=13)))
    row = page.locator("tr", has_text="KEY, BOARD")
    row.wait_for()
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_text(say("zh", "app.research"))).to_be_visible()
    page.wait_for_function("document.cookie.includes('medcore_language=zh')")
    page.reload()
    expect(page.get_by_text(say("zh", "app.research"))).to_be_visible()
    page.locator("button.theme").click()
    page.wait_for_function("getComputedStyle(document.querySelector('.stApp')).colorScheme.includes('dark')")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_text(t("app.research"))).to_be_visible()
    row.focus()
    page.keyboard.press("Delete")
    page.get_by_role("button", name=t("delete.confirm"), exact=True).click()
    expect(row).to_have_count(0)


def test_sign_add_and_take_the_pdf(page: Page, server: str) -> None:
    page.get_by_role("button", name=t("demo.leg_title")).click()
    page.get_by_role("button", name=t("upload.open"), exact=True).click()
    page.locator("[data-decision]").wait_for(timeout=60_000)
    page.get_by_role("button", name=t("who.nobody")).click()
    page.get_by_label(t("who.name")).fill("Dr Signer")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Dr Signer").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name=t("sign.button")).click()
    page.get_by_role("dialog").get_by_role("button", name=t("sign.button")).click()
    page.get_by_text("Signed by Dr Signer (unverified)").wait_for()
    link = page.get_by_role("link", name=t("pdf.button"))
    answer = page.request.get(server + str(link.get_attribute("href")))
    assert answer.ok and answer.body().startswith(b"%PDF")
    assert answer.headers["cache-control"] == "no-store, private"


def test_pixels_are_for_the_browser_they_were_granted_to(page: Page, browser: Browser) -> None:
    with page.expect_response(re.compile("/api/granted/")) as caught:
        drop_and_open(page, ("b.dcm", film("TOKEN^TEST", "T-1", seed=14)))
    url = caught.value.url
    assert caught.value.ok
    stranger = browser.new_context()
    assert stranger.request.get(url).status == 404
    stranger.close()


def test_an_unknown_study_is_one_sentence(page: Page, server: str) -> None:
    page.goto(f"{server}/image?study=nonsense")
    page.get_by_role("alert").wait_for()
    expect(page.get_by_role("alert")).to_have_count(1)


def test_models_and_validation_pages(page: Page) -> None:
    page.get_by_role("link", name=t("nav.models")).click()
    page.get_by_text(t("models.figures")).wait_for()
    page.get_by_role("link", name=t("nav.validate")).click()
    page.get_by_text(t("validate.none")).wait_for()
    page.set_input_files(".st-key-card-validate input[type=file]", [{"name": "x.zip", "mimeType": "application/zip", "buffer": b"no zip"}])
    page.get_by_role("button", name=t("validate.start")).click()
    expect(page.get_by_role("alert")).to_have_count(1, timeout=60_000)
