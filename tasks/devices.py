"""Which device a worker process owns."""

from __future__ import annotations

import torch


def choose_device(setting: str, *, slot: int) -> torch.device:
    """The device of the pool process in this slot (counted from 0).

    `auto` gives every CUDA device a process of its own, else takes MPS, else the CPU; any other
    setting is a torch device name. Raises ValueError for a device that is not there.
    """
    if setting != "auto":
        device = torch.device(setting)
        if device.type == "cuda" and not torch.cuda.is_available():
            raise ValueError(f"PINAKES_DEVICE is {setting}, but there is no CUDA device")
        return device
    if torch.cuda.is_available():
        return torch.device("cuda", slot % torch.cuda.device_count())
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")
