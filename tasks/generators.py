"""The loaded checkpoints of one worker process."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from django.conf import settings

from genmodels.contract import Generator
from genmodels.registry import load_generator
from tasks.devices import choose_device

logger = logging.getLogger(__name__)

#: How many checkpoints stay loaded; the one that was used longest ago leaves first.
MAX_LOADED = 8

Load = Callable[[Path], Generator]
#: Hears the keys of what is loaded now, after each change.
Tell = Callable[[Sequence[str]], None]


class LoadedGenerators:
    """Loads a checkpoint at its first use and keeps it. Safe to use from several threads."""

    def __init__(
        self, load: Load, *, capacity: int = MAX_LOADED, tell: Tell = lambda _keys: None
    ) -> None:
        self._load = load
        self._tell = tell
        self._capacity = capacity
        self._loaded: OrderedDict[str, Generator] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, folder: Path) -> Generator:
        """The generator known as `key`; raises what loading raises."""
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = self._load(folder)
                while len(self._loaded) > self._capacity:
                    self._loaded.popitem(last=False)
                # Told rather than asked for: an asker would wait for the lock while one loads.
                self._tell(list(self._loaded))
            self._loaded.move_to_end(key)
            return self._loaded[key]


def loader_for(slot: int) -> Load:
    """Loads onto the device of this slot, with the threads that the settings allow."""
    torch.set_num_threads(settings.PINAKES_TORCH_THREADS)
    device = choose_device(settings.PINAKES_DEVICE, slot=slot)

    def load(folder: Path) -> Generator:
        logger.info("loading %s on %s", folder.name, device)
        return load_generator(folder, device=device)

    return load
