"""The server: Streamlit, our own routes and headers, and the worker beside it. Start it with `streamlit run app.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st

from medcore import read, worker
from medcore.settings import PROJECT
from medcore.ui import routes, shell


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, Any]]:
    """The worker lives exactly as long as the server."""
    with worker.supervise():
        read.warm()
        yield {}


app = st.App(
    PROJECT / "medcore" / "ui" / "main.py",
    lifespan=lifespan,
    routes=routes.ROUTES,
    middleware=routes.MIDDLEWARE,
    on_script_error=shell.unexpected,
)
