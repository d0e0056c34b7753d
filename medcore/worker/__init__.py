"""The process that owns the models: claims a job, runs the pipeline, keeps the report.

`main` is that process; `supervise` keeps it alive from the web process. Neither imports torch: the handlers do, when warmed.
"""

from __future__ import annotations

from medcore.worker.loop import main
from medcore.worker.supervise import supervise

__all__ = ["main", "supervise"]
