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
from tasks.connected import load_connected
from tasks.devices import choose_device
from webapp.catalog.models import CONNECTED, Checkpoint, Connector

logger = logging.getLogger(__name__)

#: How many checkpoints stay loaded; the one that was used longest ago leaves first.
MAX_LOADED = 8

Load = Callable[[Checkpoint], Generator]
#: Hears the keys of what is loaded now, after each change.
Tell = Callable[[Sequence[str]], None]


def generator_key(checkpoint: Checkpoint, *, revision: str) -> str:
    """What a loaded checkpoint is known by; it is another one after each change."""
    key = f"{checkpoint.slug}@{revision}"
    if checkpoint.family != CONNECTED:
        return key
    connector: Connector | None = getattr(checkpoint, "connector", None)
    return key if connector is None else f"{key}.{connector.version}"


def checkpoint_folder(checkpoint: Checkpoint) -> Path:
    """Where this host keeps a checkpoint: where it was found, or below the host's own roots."""
    noted = Path(checkpoint.folder)
    candidates = [noted, *(root / checkpoint.slug for root in settings.PINAKES_CHECKPOINTS)]
    return next((folder for folder in candidates if folder.is_dir()), noted)


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

    def get(self, key: str, checkpoint: Checkpoint) -> Generator:
        """The generator known as `key`; raises what loading raises."""
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = self._load(checkpoint)
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

    def load(checkpoint: Checkpoint) -> Generator:
        logger.info("loading %s on %s", checkpoint.slug, device)
        if checkpoint.family == CONNECTED:
            return load_connected(checkpoint, device=device)
        return load_generator(checkpoint_folder(checkpoint), device=device)

    return load
