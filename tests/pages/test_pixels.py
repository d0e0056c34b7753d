"""What the browser is sent: bytes, orientation and tokens."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette

from medcore.types import Attribution, Series
from medcore.ui import pixels, routes
from medcore.ui.routes import BROWSER_COOKIE, granted_url
from medcore.ui.tokens import LIFETIME_S, TOKENS, Grant, Tokens
from tests.pages.conftest import READER, World, film


def series(array: np.ndarray, unit: str = "grey") -> Series:
    return Series(array=array, unit=unit, modality="CT")


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.arange(24, dtype=np.uint8).reshape(1, 2, 3, 4), "uint8"),
        (np.arange(-12, 12, dtype=np.int16).reshape(1, 2, 3, 4), "int16"),
        (np.arange(-12, 12, dtype=np.float32).reshape(1, 2, 3, 4), "int16"),
        (np.arange(24, dtype=np.int32).reshape(1, 2, 3, 4), "int16"),
        (np.linspace(0, 1, 24, dtype=np.float32).reshape(1, 2, 3, 4), "uint16"),
        (np.full((1, 1, 2, 2), 0.5, dtype=np.float32), "uint16"),
    ],
)
def test_values_survive_the_way_to_the_browser(array: np.ndarray, dtype: str) -> None:
    how = pixels.layout(series(array))
    assert how.dtype == dtype
    body = np.frombuffer(pixels.samples(series(array), how, 0, array.shape[1]), dtype=np.dtype(dtype).newbyteorder("<"))
    back = body.reshape(array.shape[1], array.shape[2], array.shape[3]) * how.slope + how.intercept
    np.testing.assert_allclose(back, array[0], atol=how.slope)


def test_colour_is_interleaved() -> None:
    array = np.arange(12, dtype=np.uint8).reshape(3, 1, 2, 2)
    shown = series(array, "RGB")
    assert pixels.samples(shown, pixels.layout(shown), 0, 1) == bytes([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11])


def test_orientation_letters_of_an_axial_slice() -> None:
    assert pixels.edges(np.eye(4)) == {"right": "L", "left": "R", "bottom": "P", "top": "A"}
    coronal = np.array([[-1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]], dtype=float)
    assert pixels.edges(coronal) == {"right": "R", "left": "L", "bottom": "F", "top": "H"}
    assert pixels.edges(None) is None


def test_influence_is_scaled_and_finite() -> None:
    values = np.array([[0.0, 0.5], [1.5, np.nan]], dtype=np.float32)
    assert pixels.influence(Attribution(method="gradcam", label="x", baseline="none", values=values)) == bytes([0, 128, 255, 0])


def wanted(subject: str = "s", browser: str = "b", session: str = "x", kind: str = "series") -> Grant:
    return Grant(kind=kind, subject=subject, browser=browser, session=session)


def test_a_token_is_for_one_browser_one_session_and_a_while() -> None:
    now, alive = [0.0], {"x"}
    tokens = Tokens(clock=lambda: now[0], alive=lambda session: session in alive)
    token = tokens.grant(wanted())
    assert len(token) >= 40
    assert tokens.grant(wanted()) == token
    assert tokens.grant(wanted(browser="c")) != token
    assert tokens.redeem(token, "b") is not None
    assert tokens.redeem(token, "c") is None
    assert tokens.redeem(token, "") is None
    assert tokens.redeem("guess", "b") is None
    alive.clear()
    assert tokens.redeem(token, "b") is None
    alive.add("x")
    now[0] = LIFETIME_S + 1
    assert tokens.redeem(token, "b") is None


APP = Starlette(routes=routes.ROUTES, middleware=routes.MIDDLEWARE)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def get(url: str, browser: str = "") -> Answer:
    """One GET to our routes through the ASGI interface."""
    path, _, query = url.partition("?")
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "scheme": "http",
        "headers": [(b"cookie", f"{BROWSER_COOKIE}={browser}".encode())] if browser else [],
        "server": ("127.0.0.1", 80),
        "http_version": "1.1",
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(APP(scope, receive, send))  # type: ignore[arg-type]
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


def test_the_route_serves_what_was_granted_and_nothing_is_cached(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TOKENS, "alive", lambda _session: True)
    study = world.add()
    url = granted_url(TOKENS.grant(wanted(study)))
    answer = get(url, "b")
    assert answer.status == 200
    assert len(answer.body) == 256 * 240 * 2
    assert answer.headers["cache-control"] == "no-store, private"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert study not in url
    for bad in ("?first=5", "?first=-1", "?count=0", "?first=x"):
        assert get(url + bad, "b").status == 404


def test_the_route_refuses_another_browser_and_a_deleted_study(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TOKENS, "alive", lambda _session: True)
    study = world.add(film(seed=3))
    url = granted_url(TOKENS.grant(wanted(study)))
    assert get(url).status == 404
    assert get(url, "stranger").status == 404
    assert get(url, "b").status == 200
    world.store.delete(study, READER)
    assert get(url, "b").status == 404
