"""Settings: one table of name, default and help, read from MEDCORE_* variables.

Values are read when asked for, so a test or a service file can set them at any time.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from medcore.errors import SettingInvalid

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the table; `default` also fixes the type (str or int). `least` bounds a number from below."""

    name: str
    default: str | int
    help: str
    least: int = 0


TABLE: tuple[Setting, ...] = (
    Setting(name="MEDCORE_DATA_DIR", default=str(PROJECT / "var"), help="Folder of the blobs and of the default SQLite file."),
    Setting(name="MEDCORE_DATABASE_URL", default="", help="SQLAlchemy URL; empty means SQLite in the data folder."),
    Setting(name="MEDCORE_DEVICE", default="auto", help="auto, cpu, cuda or mps: where networks run and train."),
    Setting(name="MEDCORE_THREADS", default=0, help="Threads of one process; 0 means one per core."),
    Setting(name="MEDCORE_MAX_UPLOAD_MB", default=2048, help="Largest upload, in MB.", least=1),
    Setting(name="MEDCORE_READ_MEMORY_MB", default=1536, help="Address space of the sandboxed parser, in MiB.", least=256),
    Setting(name="MEDCORE_READ_SECONDS", default=60, help="Time limit of the sandboxed parser for one upload, in seconds.", least=1),
    Setting(name="MEDCORE_LEASE_SECONDS", default=30, help="A job whose worker is silent for this long is given to another.", least=1),
    Setting(name="MEDCORE_JOB_ATTEMPTS", default=3, help="How often a job is tried before it is marked failed.", least=1),
    Setting(name="MEDCORE_LANGUAGE", default="en", help="Language of a new session: en or zh."),
)
_BY_NAME = {setting.name: setting for setting in TABLE}


def text(name: str) -> str:
    """The value of a text setting. An unknown name is a KeyError: a mistake in our code."""
    return os.environ.get(name) or str(_BY_NAME[name].default)


def number(name: str) -> int:
    """The value of a whole-number setting, not below its least.

    Raises:
        SettingInvalid: the variable holds something else.
    """
    setting = _BY_NAME[name]
    raw = os.environ.get(name) or str(setting.default)
    if not (raw.isascii() and raw.isdecimal()) or int(raw) < setting.least:
        raise SettingInvalid(f"{name} must be a whole number of {setting.least} or more.")
    return int(raw)


def threads() -> int:
    """Threads of one process: the setting, or one for each core that this process may use."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return number("MEDCORE_THREADS") or cores


def data_dir() -> Path:
    """The data folder, created on first use with access for its owner alone."""
    path = Path(text("MEDCORE_DATA_DIR")).expanduser().resolve()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def database_url() -> str:
    """The SQLAlchemy URL of the record."""
    return text("MEDCORE_DATABASE_URL") or f"sqlite:///{data_dir() / 'medcore.sqlite3'}"
