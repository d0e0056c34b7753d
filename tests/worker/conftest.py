"""Fixtures of the worker's tests: those of the store."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "store"))
from store_rooms import folder, lite, place, store  # noqa: F401
