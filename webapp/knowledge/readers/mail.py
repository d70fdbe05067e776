"""EML: who wrote to whom and when, and the letter; what is attached is named, not read."""

from __future__ import annotations

import email
import email.policy
from email.errors import MessageError
from email.message import EmailMessage

from webapp.knowledge.media import UnableToReadDocument
from webapp.knowledge.readers.building import ReadText, TextBuilder, unfold
from webapp.knowledge.readers.web_page import read_body

_FIELDS = ("From", "To", "Cc", "Date")
#: Letters that are forwarded within letters are read this deep.
_MAX_DEPTH = 4


def read(content: bytes) -> ReadText:
    """A letter with its subject as heading. Raises UnableToReadDocument."""
    letter = email.message_from_bytes(content, policy=email.policy.default)
    if not any(name in letter for name in _FIELDS):
        raise UnableToReadDocument("broken", "It is not a letter: it has neither From nor To.")
    builder = TextBuilder()
    _add_letter(builder, letter, 1)
    return builder.finish(title=_field(letter, "Subject"))


def _field(letter: EmailMessage, name: str) -> str:
    try:
        return unfold(str(letter.get(name, "")))
    except (MessageError, ValueError, IndexError, AttributeError, TypeError):
        # Broken fields reach the inner parts of the parser; the letter is worth more than one.
        return ""


def _add_letter(builder: TextBuilder, letter: EmailMessage, level: int) -> None:
    builder.add_heading(_field(letter, "Subject"), level)
    fields = [(name, _field(letter, name)) for name in _FIELDS]
    builder.add_paragraph("\n".join(f"{name}: {value}" for name, value in fields if value))
    body = letter.get_body(preferencelist=("plain", "html"))
    if isinstance(body, EmailMessage):
        _add_body(builder, body)
    for part in letter.iter_attachments():
        _add_attachment(builder, part, level)


def _add_body(builder: TextBuilder, body: EmailMessage) -> None:
    if body.get_content_type() == "text/html":
        payload = body.get_payload(decode=True)
        if isinstance(payload, bytes) and payload.strip():
            read_body(payload, builder)
        return
    try:
        text = str(body.get_content())
    except (LookupError, ValueError):
        # It names an encoding that does not exist.
        payload = body.get_payload(decode=True)
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    for paragraph in text.replace("\r\n", "\n").split("\n\n"):
        builder.add_paragraph(paragraph)


def _add_attachment(builder: TextBuilder, part: object, level: int) -> None:
    if not isinstance(part, EmailMessage):
        return
    if part.get_content_type() == "message/rfc822" and level < _MAX_DEPTH:
        inner = part.get_payload()
        if isinstance(inner, list) and inner and isinstance(inner[0], EmailMessage):
            _add_letter(builder, inner[0], level + 1)
        return
    name = part.get_filename()
    if name:
        builder.add_paragraph(f"Attached: {unfold(name)}")
