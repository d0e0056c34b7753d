"""Where networks run: MEDCORE_DEVICE and MEDCORE_THREADS."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TypeVar

import torch
from torch import nn

from medcore import settings
from medcore.errors import SettingInvalid

Net = TypeVar("Net", bound=nn.Module)


def device() -> torch.device:
    """The device that MEDCORE_DEVICE names; auto takes cuda, then mps, then cpu.

    Raises:
        SettingInvalid: the device is unknown or this machine has none.
    """
    wanted = settings.text("MEDCORE_DEVICE")
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, present in here.items() if present))
    if not here.get(wanted, False):
        raise SettingInvalid(f"MEDCORE_DEVICE names '{wanted}', which this machine does not have.")
    return torch.device(wanted)


def settle(net: Net) -> Net:
    """`net` on the device, its convolutions laid out channels last, which oneDNN runs faster."""
    net.to(device())
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack this form
    return net


def use_threads() -> int:
    """Give torch the threads of MEDCORE_THREADS (0: one per core) and return their number."""
    threads = settings.threads()
    torch.set_num_threads(threads)
    return threads


def autocast(where: torch.device) -> AbstractContextManager[None]:
    """bfloat16 where it pays: on CPUs with AVX-512 and on CUDA; float32 on mps."""
    return torch.autocast(where.type, dtype=torch.bfloat16, enabled=where.type != "mps")
