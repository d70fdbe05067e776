"""What a document says, as the confined child that read it tells (`webapp/knowledge/readers`)."""

from __future__ import annotations

import atexit
import json
import logging
import signal
from collections.abc import Callable
from pathlib import Path

from webapp.knowledge.fork_server import ForkServer, OutOfTime
from webapp.knowledge.media import UnableToReadDocument
from webapp.knowledge.readers.building import ReadText
from webapp.search.headings import Heading

logger = logging.getLogger(__name__)

_WALL_SECONDS = 120
#: How a child ends whose parser ran into what it was not written for.
_CRASHES = {-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGILL}
_MAX_TRACE = 4_000

_fork_server = ForkServer()
atexit.register(_fork_server.close)


def read_document(
    *, path: Path, media_type: str, look: Callable[[], None] = lambda: None
) -> ReadText:
    """Read a stored file in a child process. Raises UnableToReadDocument with the reason.

    `look()` is called now and then meanwhile; if it raises, the child is ended.
    """
    try:
        ended = _fork_server.read(
            path=path, media_type=media_type, wall_seconds=_WALL_SECONDS, look=look
        )
    except OutOfTime as error:
        raise UnableToReadDocument(
            "too_complex", f"Reading it took longer than {_WALL_SECONDS} s."
        ) from error
    if ended.status in _CRASHES or (ended.status == 1 and b"MemoryError" not in ended.trace):
        # Either is a fault of a reader, which an operator should hear about.
        trace = ended.trace[-_MAX_TRACE:].decode(errors="replace")
        logger.error("reader of %s: %s", media_type, trace)
        raise UnableToReadDocument("broken", "The file is damaged and cannot be read.")
    if ended.status != 0:
        raise UnableToReadDocument(
            "too_complex", "Reading it took more time or memory than a document may take."
        )
    answer = json.loads(ended.output)
    if "code" in answer:
        raise UnableToReadDocument(answer["code"], answer["detail"])
    return ReadText(
        text=answer["text"],
        page_starts=tuple(answer["page_starts"]),
        headings=tuple(Heading(**heading) for heading in answer["headings"]),
        pages_join=answer["pages_join"],
        title=answer["title"],
    )
