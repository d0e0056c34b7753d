"""The server's own routes and headers: pixels by token, nothing cached, nothing framed, nothing from elsewhere."""

from __future__ import annotations

import logging
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request, cookie_parser
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medcore import export, registry
from medcore.errors import MedcoreError
from medcore.store import open_store
from medcore.types import Study
from medcore.ui import ecg_beat, ecg_samples, glucose_out, glucose_packed, pixels
from medcore.ui.tokens import TOKENS, Grant

log = logging.getLogger(__name__)
BINARY = "application/octet-stream"
KEEP_OUT = {"Cache-Control": "no-store, private"}
BROWSER_COOKIE = "medcore_browser"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss: blob: data:; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
}
_KEPT_STUDIES = 4


@dataclass(slots=True)
class _Open:
    """A study in use, with what was made of it to draw from: layouts by series, far levels by recording."""

    study: Study
    layouts: dict[int, pixels.Layout] = field(default_factory=dict)
    far: dict[int, ecg_samples.Pyramid] = field(default_factory=dict)


_studies: OrderedDict[str, _Open] = OrderedDict()
_lock = Lock()


def granted_url(token: str) -> str:
    """Where the browser fetches what `token` opens. Nothing of the patient stands in it."""
    return f"/api/granted/{token}"


def granted(request: Request) -> Response:
    """What the token in the path opens, for the browser it was given to; 404 for everything else."""
    grant = TOKENS.redeem(request.path_params["token"], request.cookies.get(BROWSER_COOKIE, ""))
    if grant is None:
        return Response(b"", 404, KEEP_OUT)
    try:
        return _SERVED[grant.kind](grant, request)
    except (MedcoreError, ValueError, IndexError) as error:
        log.info("grant not served: %s", type(error).__name__)
        return Response(b"", 404, KEEP_OUT)


def _series(grant: Grant, request: Request) -> Response:
    """Slices of a series: ?first=0&count=n."""
    first, count = int(request.query_params.get("first", "0")), int(request.query_params.get("count", "1"))
    return Response(_slices(grant, first, count), 200, KEEP_OUT, media_type=BINARY)


def _recording(grant: Grant, request: Request) -> Response:
    """Part of a recording: ?first=0&count=n&level=k (see `ecg_samples`)."""
    first, count, level = (int(request.query_params.get(name, "0")) for name in ("first", "count", "level"))
    opened = _study(grant.subject)
    recording = opened.study.recordings[grant.index]
    if level > 2 and grant.index not in opened.far:
        opened.far[grant.index] = ecg_samples.pyramid(recording)
    body = ecg_samples.part(recording, opened.far.get(grant.index), first, count, level)
    return Response(body, 200, KEEP_OUT, media_type=BINARY)


def _marks(grant: Grant, _request: Request) -> Response:
    """The waves of a report's recording."""
    reading = open_store().report(grant.subject).report.ecg
    if reading is None or reading.marks is None:
        raise IndexError("no marks")
    return Response(ecg_samples.marks(reading.marks), 200, KEEP_OUT, media_type=BINARY)


def _beat(grant: Grant, _request: Request) -> Response:
    """The average beat of a report's recording."""
    row = open_store().report(grant.subject)
    reading = row.report.ecg
    recording = _study(row.study_id).study.recordings[grant.index]
    found = ecg_beat.average(recording, reading.marks) if reading and reading.marks is not None else None
    if found is None:
        raise IndexError("no beat")
    return Response(found.packed(), 200, KEEP_OUT, media_type=BINARY)


def _influence(grant: Grant, _request: Request) -> Response:
    row = open_store().report(grant.subject)
    return Response(pixels.influence((*row.report.attributions, *row.attachments)[grant.index]), 200, KEEP_OUT, media_type=BINARY)


def _pdf(grant: Grant, _request: Request) -> Response:
    store = open_store()
    row = store.report(grant.subject)
    study = _study(row.study_id).study
    attributions = (*row.report.attributions, *row.attachments)
    shown = attributions[grant.index - 1] if grant.index else None
    made = export.ecg_pdf if row.report.ecg is not None and study.recordings else export.pdf
    body = made(row, store.study(row.study_id), study, registry.card(row.task), store.reads(row.report_id), grant.language, shown)
    return _file(body, f"medcore-report-{row.report_id[:8]}.pdf", "application/pdf")


def _foreseen(grant: Grant, _request: Request) -> Response:
    """The forecasts of a report, with the readings around them (see `glucose_packed`)."""
    row = open_store().report(grant.subject)
    forecast = row.report.glucose.forecast if row.report.glucose is not None else None
    if forecast is None or not (row.report.gate.passed or row.report.overridden):
        raise IndexError("no forecast")
    return Response(
        glucose_packed.packed(_study(row.study_id).study.traces[row.report.series_index], forecast), 200, KEEP_OUT, media_type=BINARY
    )


def _glucose(grant: Grant, _request: Request) -> Response:
    """An export of glucose."""
    return _file(*glucose_out.made(grant.kind, open_store(), grant.subject, _study(grant.subject).study, grant.options, grant.language))


def _predictions(grant: Grant, _request: Request) -> Response:
    result = open_store().job(grant.subject).result or {}
    return _file(str(result.get("predictions", "")).encode("utf-8"), f"predictions-{grant.subject[:8]}.csv", "text/csv; charset=utf-8")


def _file(body: bytes, name: str, media_type: str) -> Response:
    return Response(body, 200, {**KEEP_OUT, "Content-Disposition": f'attachment; filename="{name}"'}, media_type=media_type)


_SERVED = {
    "series": _series, "recording": _recording, "marks": _marks, "beat": _beat, "influence": _influence, "pdf": _pdf,
    "predictions": _predictions, "foreseen": _foreseen, **dict.fromkeys(glucose_out.KINDS, _glucose),
}  # fmt: skip


def _slices(grant: Grant, first: int, count: int) -> bytes:
    opened = _study(grant.subject)
    series = opened.study.series[grant.index]
    if not (0 <= first < series.array.shape[1] and count > 0):
        raise IndexError("no such slice")
    if grant.index not in opened.layouts:
        opened.layouts[grant.index] = pixels.layout(series)
    return pixels.samples(series, opened.layouts[grant.index], first, count)


def _study(study_id: str) -> _Open:
    """The study from the store, the last few kept open: scrolling asks for many parts of one study."""
    open_store().study(study_id)  # raises NotFound once it is deleted, kept or not
    with _lock:
        if study_id in _studies:
            _studies.move_to_end(study_id)
            return _studies[study_id]
    opened = _Open(open_store().load(study_id))
    with _lock:
        _studies[study_id] = opened
        while len(_studies) > _KEPT_STUDIES:
            _studies.popitem(last=False)
    return opened


class SafeHeaders:
    """Adds the headers above to each answer, and to a page the cookie that says which browser this is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, its answer decorated."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        known = BROWSER_COOKIE in _cookies(scope)

        async def decorated(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if not known and headers.get("content-type", "").startswith("text/html"):
                    secure = "; Secure" if scope["scheme"] == "https" else ""
                    value = f"{BROWSER_COOKIE}={secrets.token_urlsafe(32)}; Path=/; HttpOnly; SameSite=Lax{secure}"
                    headers.append("Set-Cookie", value)
            await send(message)

        await self.app(scope, receive, decorated)


def _cookies(scope: Scope) -> dict[str, str]:
    raw = next((value for name, value in scope["headers"] if name == b"cookie"), b"")
    return cookie_parser(raw.decode("latin-1"))


ROUTES = [Route("/api/granted/{token}", granted)]
MIDDLEWARE = [Middleware(SafeHeaders)]
