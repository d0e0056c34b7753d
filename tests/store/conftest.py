"""Fixtures of the store's tests; both databases, never skipped."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from store_rooms import folder, lite, place, store  # noqa: F401
