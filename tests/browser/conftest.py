"""The real server with the real worker, and a real Chromium. Where CI=true a missing browser fails, it never skips."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from medcore.settings import PROJECT

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Seen:
    """What a page did besides what it showed."""

    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the record of the server is."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[str]:
    """The address of `streamlit run app.py` on a fresh record."""
    port, log = _port(), tmp_path_factory.mktemp("log") / "server.log"
    environment = {
        **os.environ,
        "MEDCORE_DATA_DIR": str(folder),
        "MEDCORE_DATABASE_URL": "",
        "MEDCORE_LANGUAGE": "en",
    }
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=out, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        _await(address, process, log)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text("utf-8")
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the server did not answer: {log.read_text('utf-8')}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, headless."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no Chromium on this machine, and CI needs one")
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()


def settled(page: Page) -> None:
    """Wait until nothing on the worklist is queued or being read."""
    page.locator("tr[data-study]").first.wait_for()
    busy = page.locator("tr[data-study]").filter(has_text=re.compile(r"Queued|Reading"))
    expect(busy).to_have_count(0, timeout=90_000)


@pytest.fixture
def seen() -> Seen:
    """What the page of this test did."""
    return Seen()


@pytest.fixture
def page(browser: Browser, server: str, seen: Seen) -> Iterator[Page]:
    """A fresh session on the worklist. After the test: no error in the console, no request to another host."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)

    def heard(message: ConsoleMessage) -> None:
        # A deep link makes Streamlit look for a server below the page's own path first; it then finds the right one.
        if message.type == "error" and "/_stcore/" not in str(message.location.get("url", "")):
            seen.errors.append(message.text)

    def asked(request: Request) -> None:
        if not request.url.startswith((server, server.replace("http", "ws"), "data:", "blob:")):
            seen.elsewhere.append(request.url)

    opened.on("console", heard)
    opened.on("pageerror", lambda error: seen.errors.append(str(error)))
    opened.on("request", asked)
    opened.goto(server)
    opened.locator(".st-key-card-demo button").first.wait_for()
    yield opened
    context.close()
    assert seen.errors == []
    assert seen.elsewhere == []
