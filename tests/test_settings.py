"""Settings are read from the environment, and an impossible value is one sentence."""

import pytest

from medcore import settings
from medcore.errors import SettingInvalid


def test_defaults_and_values(monkeypatch):
    monkeypatch.delenv("MEDCORE_LEASE_SECONDS", raising=False)
    assert settings.number("MEDCORE_LEASE_SECONDS") == 30
    monkeypatch.setenv("MEDCORE_LEASE_SECONDS", "7")
    assert settings.number("MEDCORE_LEASE_SECONDS") == 7


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "²", " "])
def test_an_impossible_number(monkeypatch, value):
    monkeypatch.setenv("MEDCORE_LEASE_SECONDS", value)
    with pytest.raises(SettingInvalid, match="MEDCORE_LEASE_SECONDS must be a whole number of 1 or more"):
        settings.number("MEDCORE_LEASE_SECONDS")


def test_threads(monkeypatch):
    monkeypatch.setenv("MEDCORE_THREADS", "3")
    assert settings.threads() == 3
    monkeypatch.setenv("MEDCORE_THREADS", "0")
    assert settings.threads() >= 1
