"""Makes docs/screenshots/*.png from the demo files alone: python -m tests.browser.screenshots ADDRESS (of a server on a fresh record)."""

from __future__ import annotations

import io
import shutil
import sys

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from medcore.export.wording import say
from medcore.settings import PROJECT
from medcore.ui import demo
from tests.browser.conftest import ARGUMENTS

OUT = PROJECT / "docs" / "screenshots"


def t(key: str) -> str:
    return say("en", key)


def keep(page: Page, name: str) -> None:
    """A palette PNG, small enough for a repository."""
    page.wait_for_timeout(2500)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    OUT.mkdir(parents=True, exist_ok=True)
    shot = shot.resize((1200, 750), Image.Resampling.LANCZOS)
    shot.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(OUT / f"{name}.png", optimize=True)


def story(page: Page, address: str) -> None:
    page.goto(address)
    for number, case in enumerate(reversed(demo.cases())):
        page.get_by_role("button", name=t(f"demo.{case.name}_title")).click()
        page.locator("tr[data-study]").nth(number).wait_for()
    page.get_by_role("button", name=t("upload.dismiss")).click()
    page.locator("tr", has_text="RG1").click()
    page.get_by_role("button", name=t("override.button")).click(timeout=60_000)
    popover = page.locator("[data-testid=stPopoverBody]")
    popover.locator("input").fill("Dr Demo")
    popover.locator("textarea").fill("Shown for the screenshot")
    popover.get_by_role("button", name=t("override.confirm")).click()
    page.locator(".finding").first.wait_for(timeout=60_000)
    page.get_by_text(t("method.gradcam"), exact=True).click()
    page.locator(".colourbar b").wait_for(timeout=60_000)
    page.evaluate("document.querySelector('.stMain').scrollTo(0, 0)")
    keep(page, "image")
    page.get_by_role("link", name=t("nav.worklist")).click()
    page.locator("tr", has_text="642341").click()  # pydicom's twelve-lead ECG
    page.get_by_text(t("ecg.overread")).wait_for(timeout=120_000)
    keep(page, "ecg")
    glucose(page)
    page.get_by_role("link", name=t("nav.models")).click()
    page.get_by_text(t("models.figures")).wait_for()
    keep(page, "models")
    page.get_by_role("link", name=t("nav.worklist")).click()
    page.locator("tr[data-study]").first.wait_for()
    keep(page, "worklist")


def glucose(page: Page) -> None:
    """The profile of the adolescent who is low at night, and the forecast at the first warning."""
    page.get_by_role("link", name=t("nav.glucose")).click()
    page.get_by_role("button", name=t("demo.glucose_nights_title")).click()
    page.get_by_role("button", name=t("upload.open"), exact=True).click()
    page.locator(".st-key-glucose-agp .main-svg").first.wait_for(timeout=120_000)
    keep(page, "glucose")
    page.get_by_text(t("glucose_view.forecast"), exact=True).click()
    page.locator(".root[data-drawn=true]").wait_for(timeout=120_000)
    page.locator(".stage").focus()
    page.keyboard.press("Home")
    page.keyboard.press("n")
    keep(page, "forecast")


def main(address: str) -> None:
    """Run the story in Chromium at 1440 x 900."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light").new_page()
        story(page, address)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
