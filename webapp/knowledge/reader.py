"""Starts the confined child that reads a document (`webapp/knowledge/readers`), and listens."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from webapp.knowledge.media import UnableToReadDocument
from webapp.knowledge.readers.building import ReadText
from webapp.search.headings import Heading

logger = logging.getLogger(__name__)

_WALL_SECONDS = 120
#: Seconds between looks at whether anybody still wants the text.
_LOOK_SECONDS = 0.5
_REPOSITORY_ROOT = Path(__file__).resolve().parents[2]
#: How a child ends whose parser ran into what it was not written for.
_CRASHES = {-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGILL}
_MAX_TRACE = 4_000


def read_document(
    *, path: Path, media_type: str, look: Callable[[], None] = lambda: None
) -> ReadText:
    """Read a stored file in a child process. Raises UnableToReadDocument with the reason.

    `look()` is called now and then meanwhile; if it raises, the child is ended.
    """
    child = subprocess.Popen(
        # Without `site`, whose hooks would double the start of the child.
        [sys.executable, "-S", "-m", "webapp.knowledge.readers", str(path), media_type],
        cwd=_REPOSITORY_ROOT,
        # Nothing of the server's environment: it holds addresses and secrets.
        env={"PYTHONPATH": _module_path(), "PATH": os.defpath, "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with child:
        try:
            output, trace = _hear_out(child, look)
        finally:
            child.kill()
    if child.returncode in _CRASHES or (child.returncode == 1 and b"MemoryError" not in trace):
        # Either is a fault of a reader, which an operator should hear about.
        logger.error("reader of %s: %s", media_type, trace[-_MAX_TRACE:].decode(errors="replace"))
        raise UnableToReadDocument("broken", "The file is damaged and cannot be read.")
    if child.returncode != 0:
        raise UnableToReadDocument(
            "too_complex", "Reading it took more time or memory than a document may take."
        )
    answer = json.loads(output)
    if "code" in answer:
        raise UnableToReadDocument(answer["code"], answer["detail"])
    return ReadText(
        text=answer["text"],
        page_starts=tuple(answer["page_starts"]),
        headings=tuple(Heading(**heading) for heading in answer["headings"]),
        pages_join=answer["pages_join"],
        title=answer["title"],
    )


def _module_path() -> str:
    """Where this process finds its modules, so that the child finds the same ones."""
    folders = [str(_REPOSITORY_ROOT), *(folder for folder in sys.path if Path(folder).is_dir())]
    return os.pathsep.join(dict.fromkeys(folder for folder in folders if folder))


def _hear_out(child: subprocess.Popen[bytes], look: Callable[[], None]) -> tuple[bytes, bytes]:
    until = time.monotonic() + _WALL_SECONDS
    while True:
        try:
            return child.communicate(timeout=_LOOK_SECONDS)
        except subprocess.TimeoutExpired as error:
            look()
            if time.monotonic() > until:
                raise UnableToReadDocument(
                    "too_complex", f"Reading it took longer than {_WALL_SECONDS} s."
                ) from error
