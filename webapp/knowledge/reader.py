"""Gets the text out of a document. Runs alone in a process that can do nothing else.

A parser of strangers' files is where a server gets hurt, so `read_document` starts this module as
a child with little memory and time; the child gives up the network, new processes and writing
before it looks at the file. It imports the standard library and pypdf only. What it has to say is
one JSON object.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webapp.knowledge.media import MARKDOWN, PDF, UnableToReadDocument, decode_text

if TYPE_CHECKING:
    from pypdf import PdfReader

MAX_CHARACTERS = 5_000_000
MAX_PAGES = 2_000
_MEMORY_BYTES = 1_024 * 1_024 * 1_024
_CPU_SECONDS = 60
_WALL_SECONDS = 120
_REPOSITORY_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class ReadText:
    """The text of a document; `page_starts` holds where each page begins, empty without pages."""

    text: str
    page_starts: tuple[int, ...]
    is_markdown: bool


def read_document(*, path: Path, media_type: str) -> ReadText:
    """Read a stored file in a child process. Raises UnableToReadDocument with the reason."""
    try:
        child = subprocess.run(
            [sys.executable, "-m", "webapp.knowledge.reader", str(path), media_type],
            cwd=_REPOSITORY_ROOT,
            # Nothing of the server's environment: it holds addresses and secrets.
            env={"PYTHONPATH": str(_REPOSITORY_ROOT), "PATH": os.defpath, "PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnableToReadDocument(
            "too_complex", f"Reading it took longer than {_WALL_SECONDS} s."
        ) from error
    if child.returncode != 0:
        raise UnableToReadDocument(
            "too_complex", "Reading it took more time or memory than a document may take."
        )
    answer = json.loads(child.stdout)
    if "code" in answer:
        raise UnableToReadDocument(answer["code"], answer["detail"])
    return ReadText(answer["text"], tuple(answer["page_starts"]), media_type == MARKDOWN)


_FORBIDDEN_EVENTS = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "shutil.",
    "ctypes.",
)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(_FORBIDDEN_EVENTS):
        raise PermissionError(event)
    if event == "open" and isinstance(arguments[2], int):
        writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        if arguments[2] & writing:
            raise PermissionError(event)


def _confine() -> None:
    """Give up memory, time, files, network and children; nothing gives them back."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.addaudithook(_refuse)


def _clean(text: str) -> str:
    """What Postgres cannot store becomes a blank or a mark; every character keeps its place."""
    return text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")


def _read_text(content: bytes) -> dict[str, Any]:
    text = decode_text(content).replace("\r\n", "\n").replace("\r", "\n")
    return {"text": _clean(text), "page_starts": []}


def _read_pdf(path: Path) -> dict[str, Any]:
    # pypdf takes 0.2 s to import, which a text file need not wait for.
    from pypdf import PdfReader  # noqa: PLC0415 -- see above
    from pypdf.errors import DependencyError, PyPdfError  # noqa: PLC0415 -- see above

    try:
        with path.open("rb") as file:
            reader = PdfReader(file, strict=False)
            if reader.is_encrypted and not _opens_without_password(reader):
                raise UnableToReadDocument("encrypted", "The PDF is protected by a password.")
            if len(reader.pages) > MAX_PAGES:
                raise UnableToReadDocument("too_long", f"The PDF has more than {MAX_PAGES} pages.")
            return _join_pages(reader)
    except DependencyError as error:
        raise UnableToReadDocument("encrypted", "The PDF is protected by a password.") from error
    except (
        PyPdfError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        AssertionError,
        OverflowError,
        NotImplementedError,
        OSError,
    ) as error:
        # Broken files reach pypdf's innermost code, which meets them with whatever it raises
        # there.
        raise UnableToReadDocument("broken", "The PDF is damaged and cannot be read.") from error


def _opens_without_password(reader: PdfReader) -> bool:
    """Many PDFs are encrypted against changes only and open with an empty password."""
    return bool(reader.decrypt(""))


def _join_pages(reader: PdfReader) -> dict[str, Any]:
    parts: list[str] = []
    page_starts: list[int] = []
    length = 0
    for page in reader.pages:
        page_starts.append(length)
        part = _clean(page.extract_text() or "").strip() + "\n\n"
        parts.append(part)
        length += len(part)
        if length > MAX_CHARACTERS:
            break
    return {"text": "".join(parts), "page_starts": page_starts}


def _read(path: Path, media_type: str) -> dict[str, Any]:
    answer = _read_pdf(path) if media_type == PDF else _read_text(path.read_bytes())
    if not answer["text"].strip():
        detail = "It holds no text."
        if media_type == PDF:
            detail += " A scanned page is a picture and cannot be read."
        raise UnableToReadDocument("empty", detail)
    if len(answer["text"]) > MAX_CHARACTERS:
        raise UnableToReadDocument(
            "too_long", f"It has more than {MAX_CHARACTERS:,} characters of text."
        )
    return answer


def main() -> int:
    """Write the text, or why there is none; any other end means that the limits were hit."""
    path, media_type = Path(sys.argv[1]), sys.argv[2]
    if media_type == PDF:
        # Imported before the doors close, for what it loads lazily from disk.
        import pypdf  # noqa: F401, PLC0415 -- for its effect
    _confine()
    try:
        answer = _read(path, media_type)
    except UnableToReadDocument as error:
        answer = {"code": error.code, "detail": error.detail}
    except RecursionError:
        answer = {"code": "broken", "detail": "The PDF refers to itself and cannot be read."}
    sys.stdout.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
