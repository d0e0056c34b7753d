"""The sandbox: what it costs, that it holds, and that nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

import medcore.read as reader
from medcore import settings
from medcore.errors import ReaderFailed, TooLarge
from medcore.read.sandbox import ZYGOTE
from medcore.types import Study
from tests.read.build import dicom, encapsulated, packaged, picture, pixels

PNG = picture((pixels() >> 4).astype(np.uint8))
SLOW = "color3d_jpeg_baseline.dcm"  # about a second of decoding


def children() -> list[psutil.Process]:
    """The processes that parse right now."""
    assert ZYGOTE.pid is not None
    return psutil.Process(ZYGOTE.pid).children()


def test_the_parent_loads_no_parser() -> None:
    names = ("pydicom", "PIL", "soundfile", "defusedxml", "torch", "streamlit", "pandas")
    code = f"import sys, medcore.read, medcore.read.ecg; print([m for m in {names} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=settings.PROJECT)
    assert done.stdout.strip() == "[]"


def test_the_cost_of_a_child_is_small() -> None:
    reader.read("warm.png", PNG)
    times = []
    for _ in range(15):
        began = time.perf_counter()
        reader.read("small.png", PNG)
        times.append(time.perf_counter() - began)
    assert sorted(times)[4] < 0.25  # measured: 6 to 12 ms on an idle machine


def test_a_large_film_is_read_at_once() -> None:
    stored = np.random.default_rng(1).integers(0, 4096, (2000, 2000)).astype(np.uint16)
    data = dicom(stored.tobytes(), Rows=2000, Columns=2000, PhotometricInterpretation="MONOCHROME1")
    times = []
    for _ in range(6):
        began = time.perf_counter()
        study = reader.read("film.dcm", data)
        times.append(time.perf_counter() - began)
    assert np.array_equal(study.series[0].array[0, 0], 4095 - stored)
    assert min(times) < 0.5  # measured: 26 to 35 ms on an idle machine


def test_a_killed_child_costs_its_own_file_only() -> None:
    """Each child that gets at the slow file is killed; the files around it are read all the same."""
    reader.read("warm.png", PNG)
    done = threading.Event()
    killed = []

    def kill() -> None:
        while not done.is_set():
            for child in children():
                try:
                    if child.cpu_times().user + child.cpu_times().system > 0.25:
                        child.kill()
                        killed.append(child.pid)
                except psutil.NoSuchProcess:
                    continue
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        answers = reader.read_each([("a.png", PNG), ("slow.dcm", packaged(SLOW)), ("b.dcm", dicom())])
    finally:
        done.set()
        killer.join()
    assert [type(answer) for answer in answers] == [Study, ReaderFailed, Study]
    assert len(set(killed)) == 2  # once among the others, once alone


def test_a_child_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medcore.read.sandbox.UNIT_SECONDS", 0.3)
    monkeypatch.setattr("medcore.read.sandbox.BYTES_PER_SECOND", 1e12)
    began = time.monotonic()
    answers = reader.read_each([("a.png", PNG), ("slow.dcm", packaged(SLOW)), ("b.dcm", dicom())])
    assert [type(answer) for answer in answers] == [Study, ReaderFailed, Study]
    assert "too long" in str(answers[1])
    assert time.monotonic() - began < 3


def test_the_time_of_an_upload_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDCORE_READ_SECONDS", "1")
    slow = packaged(SLOW)
    answers = reader.read_each([("a.png", PNG), *[(f"{number}.dcm", slow + bytes(number)) for number in range(4)]])
    assert isinstance(answers[0], Study) and isinstance(answers[-1], ReaderFailed) and len(answers) == 5


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDCORE_READ_MEMORY_MB", "300")
    rle = bytes([1]) + bytes(3) + (64).to_bytes(4, "little") + bytes(56) + b"\x81\0" * (9000 * 9000 // 128 + 1)
    large = encapsulated([rle], syntax="1.2.840.10008.1.2.5", Rows=9000, Columns=9000, BitsAllocated=8, BitsStored=8, HighBit=7)
    answers = reader.read_each([("large.dcm", large), ("a.png", PNG)])
    assert isinstance(answers[0], TooLarge | ReaderFailed) and isinstance(answers[1], Study)


def test_the_limits_of_a_child_are_the_kernels() -> None:
    seen: dict[str, list[str]] = {}
    while ZYGOTE.pid and children():  # of the test before, with limits of its own
        time.sleep(0.01)
    worker = threading.Thread(target=lambda: reader.read_each([("slow.dcm", packaged(SLOW))]))
    worker.start()
    while worker.is_alive() and not seen:
        for child in children() if ZYGOTE.pid else []:
            try:
                lines = Path(f"/proc/{child.pid}/limits").read_text().splitlines()[1:]
            except (FileNotFoundError, ProcessLookupError):
                continue
            found = {line[:26].strip(): line[26:].split() for line in lines}
            seen = found if found["Max processes"][0] == "0" else seen  # the last one that is set
    worker.join()
    assert seen["Max core file size"][:2] == ["0", "0"]
    assert int(seen["Max address space"][1]) == 1536 << 20
    assert int(seen["Max cpu time"][1]) == 61 and int(seen["Max open files"][1]) == 32
    assert int(seen["Max file size"][1]) == 4 << 30


def test_a_killed_zygote_is_started_again() -> None:
    reader.read("a.png", PNG)
    first = ZYGOTE.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert reader.read("a.png", PNG).series[0].array.shape == (1, 1, 16, 12)
    assert ZYGOTE.pid != first and not psutil.pid_exists(first)


def test_many_users_at_once() -> None:
    def one(number: int) -> bool:
        stored = (pixels() + number) % 4096
        return np.array_equal(reader.read("x", dicom(stored.astype("<u2").tobytes())).series[0].array[0, 0], stored)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(40)))


def test_nothing_is_left_behind() -> None:
    reader.read("a.png", PNG)
    before = len(os.listdir("/proc/self/fd"))
    for number in range(20):
        reader.read_each([("a.png", PNG), ("bad", b"bad" * number)])
    time.sleep(0.1)
    assert len(os.listdir("/proc/self/fd")) <= before
    assert not children()
    assert not [each for each in psutil.Process().children() if each.status() == psutil.STATUS_ZOMBIE]
    assert psutil.Process(ZYGOTE.pid).num_fds() < 10


def test_main_is_never_run_again_and_the_zygote_ends_with_its_parent(tmp_path: Path) -> None:
    """Under Streamlit `__main__` is app.py; multiprocessing would import it in the child."""
    script = tmp_path / "app.py"
    script.write_text(
        "import os, signal, sys\n"
        f"open({str(tmp_path / 'runs')!r}, 'a').write('ran\\n')\n"
        "import medcore.read as reader\n"
        "from medcore.read.sandbox import ZYGOTE\n"
        f"reader.read('a.png', open({str(tmp_path / 'a.png')!r}, 'rb').read())\n"
        "print(ZYGOTE.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (tmp_path / "a.png").write_bytes(PNG)
    environment = {**os.environ, "PYTHONPATH": str(settings.PROJECT)}
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    zygote = int(done.stdout)
    deadline = time.monotonic() + 5
    while psutil.pid_exists(zygote) and psutil.Process(zygote).status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(zygote) or psutil.Process(zygote).status() == psutil.STATUS_ZOMBIE
    assert (tmp_path / "runs").read_text() == "ran\n"


def test_a_fork_of_the_server_has_a_zygote_of_its_own() -> None:
    code = (
        "import os, sys, medcore.read as reader\nfrom medcore.read.sandbox import ZYGOTE\n"
        f"data = bytes.fromhex({PNG.hex()!r})\nreader.read('a', data)\nfirst = ZYGOTE.pid\npid = os.fork()\n"
        "if pid == 0:\n    reader.read('a', data)\n    same = ZYGOTE.pid == first\n    ZYGOTE.stop()\n    os._exit(int(same))\n"
        "status = os.waitpid(pid, 0)[1]\nreader.read('a', data)\nprint(status, ZYGOTE.pid == first)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=settings.PROJECT)
    assert done.stdout.split() == ["0", "True"]
