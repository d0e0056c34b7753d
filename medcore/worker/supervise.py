"""Keeps a worker alive beside the web process, which never imports what the worker does.

The worker holds the reading end of a pipe as stdin: when this process dies, in whatever way, the pipe ends and so does the
worker. When the worker dies, its leases are ended at once and another is started, after a pause that doubles.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from medcore import settings
from medcore.errors import MedcoreError
from medcore.store import open_store
from medcore.worker.loop import name_of

log = logging.getLogger(__name__)
COMMAND = (sys.executable, "-m", "medcore", "worker")
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds
STEADY_SECONDS = 60.0  # who lived so long starts again with the first pause
STOP_SECONDS = 5.0


@contextmanager
def supervise(*, workers: int = 1, command: Sequence[str] = COMMAND) -> Iterator[None]:
    """Run `workers` worker processes as long as the block lasts; enter it in the server's lifespan."""
    keepers = [_Keeper(command) for _ in range(workers)]
    for keeper in keepers:
        keeper.start()
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.stop()
        for keeper in keepers:
            keeper.join()


class _Keeper(threading.Thread):
    """Starts one worker after another until stopped."""

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__(name="worker keeper", daemon=True)
        self._command = command
        self._stopping = threading.Event()
        self._guard = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Start, wait, clean up, pause; again."""
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            began = time.monotonic()
            code = self._live()
            if self._stopping.is_set():
                return
            log.error("the worker ended with %s; another starts in %.1f s", code, pause)
            self._stopping.wait(pause)
            steady = time.monotonic() - began > STEADY_SECONDS
            pause = FIRST_PAUSE if steady else min(pause * 2, LONGEST_PAUSE)

    def stop(self) -> None:
        """Tell the worker to end, by closing its stdin."""
        with self._guard:
            self._stopping.set()
            child = self._child
        if child and child.stdin:
            child.stdin.close()

    def _live(self) -> int | None:
        try:
            with self._guard:
                if self._stopping.is_set():
                    return None
                child = self._child = subprocess.Popen(self._command, stdin=subprocess.PIPE, env=_environment(), start_new_session=True)  # noqa: S603  our own command
        except OSError as error:
            log.error("no worker could be started: %s", type(error).__name__)
            return None
        return self._ended(child)

    def _ended(self, child: subprocess.Popen[bytes]) -> int:
        while child.poll() is None:
            if self._stopping.wait(0.2):
                _stopped(child)
        with self._guard:
            if child.stdin:
                child.stdin.close()
        _bury(name_of(child.pid))
        return child.returncode


def _stopped(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _environment() -> dict[str, str]:
    """Ours, with this project importable and the data folder absolute."""
    paths = [str(settings.PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    # torch's idle threads sleep instead of spinning: on a busy machine they would take the cores from whoever they wait for
    return {"OMP_WAIT_POLICY": "passive", **os.environ, "MEDCORE_DATA_DIR": str(settings.data_dir()), "PYTHONPATH": os.pathsep.join(paths)}


def _bury(name: str) -> None:
    try:
        open_store().abandon(name)
    except MedcoreError as error:
        log.error("the leases of worker %s run out by themselves: %s", name, error)
