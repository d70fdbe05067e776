"""Gets the text out of files, each in a child of its own: `python -m webapp.knowledge.readers`.

A parser of strangers' files is where a server gets hurt, so a child gives up memory, time,
network, writing and children before it looks at its file. What it has to say is one JSON object;
any other end means that a limit was hit.

This process is the children's parent (a fork server, as Python's multiprocessing calls it): it has
imported the parsers, which takes longer than most files do, and never looks at a file itself.
`webapp/knowledge/fork_server.py` is the other side of its socket.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import struct
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn, Protocol, cast

from webapp.knowledge.fork_server import MAX_ORDER_BYTES, STATUS
from webapp.knowledge.media import (
    CSV,
    DOCX,
    EML,
    EPUB,
    HTML,
    JSONL,
    MARKDOWN,
    PDF,
    PLAIN_TEXT,
    PPTX,
    UnableToReadDocument,
)
from webapp.knowledge.readers.building import ReadText
from webapp.knowledge.readers.confinement import confine


class Reader(Protocol):
    """A module of this package that reads one kind of file."""

    def read(self, content: bytes, /) -> ReadText:
        """Raises UnableToReadDocument with the reason."""


_READERS = {
    PDF: "pdf",
    MARKDOWN: "markdown",
    PLAIN_TEXT: "plain",
    HTML: "web_page",
    CSV: "table",
    JSONL: "records",
    EML: "mail",
    EPUB: "book",
    DOCX: "word",
    PPTX: "slides",
}


def main() -> None:
    """Fork a child for each order on the socket that is standard input, until it is hung up."""
    with socket.socket(fileno=sys.stdin.fileno()) as orders:
        while True:
            order, pipes, _, _ = socket.recv_fds(orders, MAX_ORDER_BYTES, 2)
            if not order:
                return
            path, media_type = json.loads(order)
            # Before the fork, so that the next one of its kind finds it there.
            module = importlib.import_module(f"webapp.knowledge.readers.{_READERS[media_type]}")
            child = os.fork()
            if child == 0:
                _be_child(cast("Reader", module), Path(path), pipes)
            for pipe in pipes:
                os.close(pipe)
            _, status = os.waitpid(child, 0)
            orders.sendall(struct.pack(STATUS, os.waitstatus_to_exitcode(status)))


def _be_child(reader: Reader, path: Path, pipes: list[int]) -> NoReturn:
    """Read one file; what it says and its traces go to the two pipes."""
    status = 1
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        for stream, own in enumerate([nothing, *pipes]):
            os.dup2(own, stream)
        os.closerange(3, max([nothing, *pipes]) + 1)
        confine()
        sys.stdout.write(json.dumps(_answer(reader, path)))
        sys.stdout.flush()
        status = 0
    except BaseException:  # noqa: BLE001 -- the end of the process, where it is told
        # Whatever it is must not unwind into the loop of the parent, whose copy this is.
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _answer(reader: Reader, path: Path) -> dict[str, Any]:
    try:
        return asdict(reader.read(path.read_bytes()))
    except UnableToReadDocument as error:
        return {"code": error.code, "detail": error.detail}
    except RecursionError:
        return {"code": "too_complex", "detail": "It is nested too deeply to be read."}
    except MemoryError:
        return {"code": "too_complex", "detail": "Reading it takes more memory than it may."}


if __name__ == "__main__":
    main()
