"""The store as a whole, and how it is opened."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from medcore import settings
from medcore.errors import StoreError
from medcore.store.audit import Audit
from medcore.store.blobs import Blobs
from medcore.store.database import Database
from medcore.store.jobs import Jobs
from medcore.store.ledger import Ledger
from medcore.store.migrate import migrate
from medcore.store.reports import Reports
from medcore.store.studies import Studies
from medcore.store.worklist import Worklist

_open: dict[tuple[str, str, int], Store] = {}
_opening = threading.Lock()


class Store(Studies, Worklist, Jobs, Ledger, Reports, Audit):
    """The record of one installation. Safe for threads; every process opens its own."""

    def close(self) -> None:
        """Give the connections back; the store may be opened again."""
        with _opening:
            for key in [key for key, store in _open.items() if store is self]:
                del _open[key]
        self.database.close()


def open_store() -> Store:
    """The store that the settings name, migrated to this code's revision; one for each process and database.

    Raises:
        StoreError: it cannot be reached, or was written by newer code. SettingInvalid: the address is no address.
    """
    folder = settings.data_dir()
    url = settings.database_url()
    key = (url, str(folder), os.getpid())
    with _opening:
        if key not in _open:
            _open[key] = _opened(url, folder)
        return _open[key]


def _opened(url: str, folder: Path) -> Store:
    database = Database(url)
    try:
        migrate(database)
        return Store(database, Blobs(folder))
    except StoreError:
        database.close()
        raise
