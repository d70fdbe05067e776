"""Documents brought by their address: fetched by the worker, through the guard of `outbound`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urldefrag, urlsplit

from django.conf import settings

from webapp.common import outbound
from webapp.knowledge.media import (
    FILE_ENDINGS,
    MEDIA_TYPES,
    UnableToReadDocument,
    is_known_type,
    plain_type,
    recognise,
)

TOTAL_SECONDS = 60.0
_HEADERS = {
    "User-Agent": "Pinakes (reads a document for a person)",
    "Accept": ", ".join((*MEDIA_TYPES, "application/xhtml+xml", "*/*;q=0.1")),
}
#: What servers send when they do not know the type; the bytes decide.
_VAGUE_TYPES = frozenset({"", "text/plain", "application/octet-stream", "binary/octet-stream"})


@dataclass(frozen=True)
class FetchedDocument:
    """The bytes behind an address, of a type that can be read."""

    content: bytes
    media_type: str
    file_name: str


def read_address(url: str) -> str:
    """An address as it is kept, if it is one that may be asked for at all.

    Its host is resolved and checked later, by the worker. Raises UnableToReadDocument.
    """
    if not settings.FETCH_DOCUMENTS:
        raise UnableToReadDocument(
            "fetching_is_off", "Here documents cannot be brought by their address."
        )
    address = urldefrag(url.strip()).url
    try:
        outbound.parse_destination(address)
    except outbound.Forbidden as error:
        raise UnableToReadDocument("forbidden_address", f"The address {error}.") from error
    return address


def fetch_document(url: str) -> FetchedDocument:
    """Fetch a document now. Raises UnableToReadDocument with the reason."""
    address = read_address(url)
    limit = settings.PINAKES_MAX_UPLOAD_BYTES
    try:
        answer = outbound.get(
            address, headers=_HEADERS, total_seconds=TOTAL_SECONDS, max_answer_bytes=limit
        )
    except outbound.Forbidden as error:
        raise UnableToReadDocument("forbidden_address", f"The address {error}.") from error
    except outbound.Unreachable as error:
        raise UnableToReadDocument(
            "unreachable", f"The address does not answer: {error}.", transient=True
        ) from error
    except outbound.AnswerTooLarge as error:
        raise UnableToReadDocument(
            "too_large", f"What lies there is larger than {limit / 1e6:g} MB."
        ) from error
    if answer.status != 200:
        raise UnableToReadDocument(
            "not_served",
            f"The server answers {answer.status} instead of the document.",
            transient=answer.status == 429 or answer.status >= 500,
        )
    claimed = answer.headers.get("content-type", "")
    name = _file_name(answer.url)
    if not is_known_type(claimed) and plain_type(claimed) not in _VAGUE_TYPES:
        raise UnableToReadDocument(
            "unsupported_type",
            f"What lies there is {plain_type(claimed)[:80]}, which is not read.",
        )
    media_type = recognise(
        content=answer.body,
        # What the server knows of a type is worth more than the end of an address.
        file_name="" if is_known_type(claimed) else name,
        claimed_type=claimed,
    )
    return FetchedDocument(content=answer.body, media_type=media_type, file_name=name)


def _file_name(url: str) -> str:
    """The end of an address, if it looks like the name of a file that can be read."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name[-200:]
    known = name.isprintable() and name.lower().endswith(FILE_ENDINGS)
    return name if known else ""
