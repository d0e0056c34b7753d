"""What one file of an upload may bring, whichever parser it was for."""

from __future__ import annotations

from medcore.read.curve import Curve
from medcore.read.image import Image
from medcore.read.tracing import Tracing

Brought = Image | Tracing | Curve
