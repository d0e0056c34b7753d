"""Short-lived, unguessable grants by which one browser session may fetch pixels and files.

A URL holds a random token and nothing else; which study it means is known here alone, to the process that granted it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock

LIFETIME_S = 15 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token opens, and for whom."""

    kind: str  # "series", "recording", "marks", "beat", "influence", "foreseen", "pdf", "glucose-…" or "predictions"
    subject: str  # the id of the study (series, recording), of the report, or of the job (predictions)
    index: int = 0  # of the series, of the recording, or of the attribution; of a PDF: of the attribution it shows, from 1, 0 for none
    language: str = ""  # of the PDF
    options: tuple[str, ...] = ()  # of an export of glucose: see `glucose_out`
    browser: str  # the HttpOnly cookie of the browser it was granted to
    session: str  # the Streamlit session; when that ends, so does the grant
    expires: float = 0.0


class Tokens:
    """The grants of this process. `clock` and `alive` are replaced in tests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, alive: Callable[[str], bool] = lambda _session: True) -> None:
        self._grants: dict[str, Grant] = {}
        self._lock = Lock()
        self.clock = clock
        self.alive = alive

    def grant(self, wanted: Grant) -> str:
        """A token for `wanted`; the one already given to the same session is prolonged, so that a rerun fetches nothing anew."""
        now = self.clock()
        with self._lock:
            self._grants = {token: held for token, held in self._grants.items() if held.expires > now}
            known = next((token for token, held in self._grants.items() if replace(held, expires=0.0) == wanted), None)
            token = known or secrets.token_urlsafe(32)
            self._grants[token] = replace(wanted, expires=now + LIFETIME_S)
            return token

    def redeem(self, token: str, browser: str) -> Grant | None:
        """What `token` opens for `browser`, or None: unknown, expired, of another browser, or of a session that has ended."""
        with self._lock:
            held = self._grants.get(token)
        if held is None or held.expires <= self.clock() or not self.alive(held.session):
            return None
        return held if secrets.compare_digest(held.browser, browser) else None


TOKENS = Tokens()
