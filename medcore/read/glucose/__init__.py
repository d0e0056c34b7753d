"""Files of glucose sensors to `Curve`s, by content. One module a format.

What the other side of the sandbox may need is named here and imports no parser:

note(...)          the file that goes with a table whose columns, unit or order of dates a person stated
preview(data)      first rows of such a table, to show to that person
assemble(...)      readings and doses as arrays to a `Trace`: sorted, each once, from one sensor
Samples, doses     what `assemble` takes
interval(minutes)  a sensor's usual step
"""

from __future__ import annotations

from medcore.read.glucose.assembly import Samples, assemble, doses, interval
from medcore.read.glucose.note import note
from medcore.read.glucose.preview import preview

__all__ = ["Samples", "assemble", "doses", "interval", "note", "preview"]
