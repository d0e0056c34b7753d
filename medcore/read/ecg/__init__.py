"""ECG files to `Tracing`s, by content. One module a format, each with `is_x(data) -> bool` and `parse_x(data) -> Tracing`.

What the other side of the sandbox may need is named here and imports no parser:

note(sampling_rate_hz, unit)   the file that goes with an ECG whose sampling rate a person stated
wfdb_files(header)             names of the signal files that a WFDB header refers to
"""

from __future__ import annotations

from medcore.read.ecg.note import note
from medcore.read.ecg.wfdb_header import wfdb_files

__all__ = ["note", "wfdb_files"]
