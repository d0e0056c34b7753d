"""Everything Medcore raises on purpose.

MedcoreError
├── InputRejected            the bytes are not a study we may read
│   ├── NotAnImage           empty, text, random, a format we do not open
│   ├── Truncated            the file ends before its data does
│   ├── BadGeometry          rows, columns, frames or bits that cannot be
│   ├── Inconsistent         header fields contradict each other or the pixels
│   ├── Unsupported          a transfer syntax or object we name but do not read
│   ├── TooLarge             over a stated limit of size, ratio, depth or count
│   ├── UnsafeArchive        a zip member that points outside, a link, encryption
│   ├── SamplingRateUnknown  an ECG that does not say how many samples a second has
│   ├── ColumnsUnknown       a table in which time and glucose cannot be told from the rest
│   ├── DateOrderUnknown     a glucose table whose day and month cannot be told apart
│   ├── GlucoseUnitUnknown   a glucose table of which nothing says mg/dL or mmol/L
│   ├── MixedPatients        two patients under one study: a hard stop
│   └── ReaderFailed         the sandboxed parser died or ran out of time
├── SeveralStudies           one study was asked for and more were found
├── TaskNotFound             no task of that name, or none that fits
├── AmbiguousTask            more than one task fits; names them
├── ModelUnavailable         weights missing, altered or of another shape
├── BadManifest              a table that cannot be evaluated, with its line
├── SettingInvalid           an environment variable with an impossible value
├── Cancelled                the user stopped the job
├── WorkerFailed             the worker stopped or met an error of its own
└── StoreError               the record could not be kept
    ├── NotFound             no such study, job or report
    ├── JobLost              the job was cancelled or given to another worker
    └── Signed               a signed report never changes

Each message is one sentence for the clinician and holds no patient data.
`code` is the key of the translated sentence in `assets/text/*.toml`.
"""

from __future__ import annotations

import re


class MedcoreError(Exception):
    """The root: its text is one sentence that may be shown to a clinician."""

    def __init__(self, message: str) -> None:
        super().__init__(message)

    @property
    def code(self) -> str:
        """The class name in snake_case, a key under `[error]` in the text files."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


class InputRejected(MedcoreError):
    """The bytes are not a study we may read."""


class NotAnImage(InputRejected):
    """Empty, text, random bytes, or a format we do not open."""


class Truncated(InputRejected):
    """The file ends before its data does."""


class BadGeometry(InputRejected):
    """Rows, columns, frames or bits that cannot be."""


class Inconsistent(InputRejected):
    """Header fields contradict each other or the pixels."""


class Unsupported(InputRejected):
    """A transfer syntax or object that is recognised but not read."""


class TooLarge(InputRejected):
    """Over a stated limit of size, ratio, depth or count."""


class UnsafeArchive(InputRejected):
    """A zip member that points outside, a link, or encryption."""


class SamplingRateUnknown(InputRejected):
    """An ECG that does not say how many samples a second has: the page asks, and reads it again with a note (`read.ecg.note`)."""


class ColumnsUnknown(InputRejected):
    """A table that may be of glucose: the page asks for its columns, and reads it again with a note (`read.glucose.note`)."""


class DateOrderUnknown(InputRejected):
    """A glucose table whose day and month cannot be told apart: the page asks, as for ColumnsUnknown."""


class GlucoseUnitUnknown(InputRejected):
    """A glucose table of which nothing says mg/dL or mmol/L: the page asks, as for ColumnsUnknown."""


class MixedPatients(InputRejected):
    """Two patients under one study: a hard stop. `patient_ids` are for the page to show, never for a log."""

    patient_ids: tuple[str, ...] = ()


class ReaderFailed(InputRejected):
    """The sandboxed parser died or ran out of time."""


class SeveralStudies(MedcoreError):
    """One study was asked for and more were found."""


class TaskNotFound(MedcoreError):
    """No task of that name, or none that fits the study."""


class AmbiguousTask(MedcoreError):
    """More than one task fits; the message names them."""


class ModelUnavailable(MedcoreError):
    """Weights are missing, altered or of another shape."""


class BadManifest(MedcoreError):
    """A table that cannot be evaluated, with its line."""


class SettingInvalid(MedcoreError):
    """An environment variable with an impossible value."""


class Cancelled(MedcoreError):
    """The user stopped the job."""


class WorkerFailed(MedcoreError):
    """The worker stopped, or met an error of its own."""


class StoreError(MedcoreError):
    """The record could not be kept."""


class NotFound(StoreError):
    """No such study, job or report."""


class JobLost(StoreError):
    """The job was cancelled or given to another worker."""


class Signed(StoreError):
    """A signed report never changes; an addendum follows it."""
