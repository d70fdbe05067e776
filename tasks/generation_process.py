"""What a pool process of the families keeps between messages: its loaded checkpoints.

Apart from `tasks/generation.py`, which every Celery process imports, because this imports torch.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection

from genmodels.checkpoint import UnableToLoadCheckpoint
from tasks.bookkeeping import BackgroundThread
from tasks.devices import choose_device
from tasks.environment import describe_environment
from tasks.generation_loop import GenerationLoop
from tasks.generators import LoadedGenerators, generator_key, loader_for
from tasks.worker import this_process
from webapp.catalog.queries import list_checkpoints
from webapp.common.problems import DATABASE_OUTAGES

logger = logging.getLogger(__name__)

# A pass is hundreds of short operations, each of which gives up the interpreter's lock. Whoever
# has it then, which is the thread that keeps the books, would keep it for 5 ms by default.
sys.setswitchinterval(0.0002)


@lru_cache(maxsize=1)
def _generators() -> LoadedGenerators:
    return LoadedGenerators(loader_for(this_process().slot), tell=_tell_checkpoints)


@lru_cache(maxsize=1)
def _environment() -> dict[str, Any]:
    return describe_environment(choose_device(settings.PINAKES_DEVICE, slot=this_process().slot))


@lru_cache(maxsize=1)
def _background() -> BackgroundThread:
    return BackgroundThread("books")


def _tell_checkpoints(keys: Sequence[str]) -> None:
    """Let the next heartbeat name the loaded checkpoints; a key is `slug@revision`."""
    this_process().tell(checkpoints=sorted({key.partition("@")[0] for key in keys}))


def run_until_idle() -> None:
    """Run everything that waits in the queues of this process."""
    GenerationLoop(
        process=this_process(),
        generators=_generators(),
        background=_background(),
        environment=_environment(),
    ).run_until_idle()


def load_checkpoints(families: set[str]) -> None:
    """Load what this process may be asked for, so that the first prompt does not wait for it."""
    try:
        rows = list(list_checkpoints().filter(family__in=families, available=True))
    except DATABASE_OUTAGES as error:
        logger.warning("not warmed up: %s", error)
        return
    finally:
        connection.close()
    for row in rows:
        try:
            _generators().get(generator_key(row, revision=row.revision), row)
        except UnableToLoadCheckpoint as error:
            logger.warning("%s cannot be loaded: %s", row.slug, error)
    logger.info("warmed up %s checkpoints", len(rows))
