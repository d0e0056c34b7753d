"""What an upload may be, as numbers; each is tested before anything is decoded."""

from __future__ import annotations

MIB = 2**20
FILE_BYTES = 1024 * MIB  # one file, also after inflating
FRAME_PIXELS = 100_000_000  # 10,000 x 10,000
DECODED_BYTES = 640 * MIB  # the pixels of one file; fits the sandbox with its input and one copy
FRAMES = 20_000
NESTING = 64  # DICOM sequences
ELEMENTS = 1_000_000  # of one DICOM file

ARCHIVE_FILES = 5_000
ARCHIVE_BYTES = 2048 * MIB  # real bytes that come out of one zip
ARCHIVE_RATIO = 100
RATIO_FREE_BYTES = MIB  # a blank slice packs better than 100:1 and harms nobody
DIRECTORY_BYTES = 4 * MIB  # the zip's own table of contents

ECG_TEXT_BYTES = 256 * MIB  # an ECG as XML or CSV

GLUCOSE_BYTES = 128 * MIB  # a sensor's export as CSV, JSON or XML
GLUCOSE_ROWS = 600_000  # readings and events of one file: over five years at five minutes

MESSAGE_BYTES = 4 * MIB  # one answer of the sandbox, without its arrays
