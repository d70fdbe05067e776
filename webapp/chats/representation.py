"""Chats as the REST interface shows them, and as they are taken away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from webapp.chats.models import Chat, Turn
from webapp.chats.queries import ReadTurn
from webapp.grounding.representation import describe_answer

#: What Markdown could take for more than letters; escaped, it is shown as it stands.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#|~!&$^=+@:-])")
_NUMBERED = re.compile(r"^(\s*\d+)([.)])", re.MULTILINE)
_WWW = re.compile(r"(www)\.", re.IGNORECASE)


def describe_chat(chat: Chat) -> dict[str, Any]:
    """A chat as a list shows it, without its turns."""
    address = f"/api/v1/chats/{chat.id}"
    return {
        "id": str(chat.id),
        "title": chat.title,
        "grounded": chat.grounded,
        "answerer": chat.answerer or None,
        "model": chat.checkpoint.slug if chat.checkpoint is not None else None,
        "include_generations": chat.include_generations,
        "owner": chat.owner.get_username(),
        "created_at": chat.created_at,
        "trashed_at": chat.trashed_at,
        "links": {
            "self": address,
            "turns": f"{address}/turns",
            "export": f"{address}/export",
            "page": f"/chats/{chat.id}",
        },
    }


def describe_whole_chat(chat: Chat, thread: Sequence[ReadTurn]) -> dict[str, Any]:
    """A chat with one way through its turns."""
    return {
        **describe_chat(chat),
        "source_ids": [str(source.id) for source in chat.sources.all()],
        "collections": [str(each) for each in chat.collection_ids],
        "thread": [describe_turn(read) for read in thread],
    }


def describe_turn(read: ReadTurn) -> dict[str, Any]:
    """A turn with its reply; `text` is null until there is one, and where none may be seen."""
    turn = read.turn
    address = f"/api/v1/chats/{turn.chat_id}/turns/{turn.id}"
    answer = None
    if turn.answer is not None and read.words is not None:
        answer = describe_answer(turn.answer, read.words)
    return {
        "id": str(turn.id),
        "chat": str(turn.chat_id),
        "parent": str(turn.parent_id) if turn.parent_id else None,
        "question": turn.question,
        "status": turn.status,
        "terminal": turn.terminal,
        "branch": {"place": read.branching.place, "total": read.branching.total},
        "text": read.text or None,
        "answer": answer,
        "generation": _describe_generation(turn),
        "created_at": turn.created_at,
        "links": {"self": address, "page": f"/chats/{turn.chat_id}?turn={turn.id}"},
    }


def _describe_generation(turn: Turn) -> dict[str, str] | None:
    if turn.generation is None:
        return None
    return {
        "id": str(turn.generation.id),
        "accession": turn.generation.accession,
        "link": f"/api/v1/generations/{turn.generation.id}",
    }


def export_markdown(chat: Chat, thread: Sequence[ReadTurn]) -> str:
    """One way through a chat as Markdown in which nothing but our own headings is markup."""
    lines = [f"# {escape_markdown(chat.title)}", ""]
    lines += [f"{chat.owner.get_username()}, {chat.created_at:%Y-%m-%d %H:%M} UTC", ""]
    for read in thread:
        branch = read.branching
        note = f" ({branch.place} of {branch.total})" if branch.total > 1 else ""
        lines += [f"## {escape_markdown(' '.join(read.turn.question.split()))}{note}", ""]
        if read.turn.answer is not None and read.turn.answer.searched_for:
            lines += [f"Searched for: {escape_markdown(read.turn.answer.searched_for)}", ""]
        lines += [_paragraphs(read.text) if read.text else f"({read.turn.status})", ""]
        lines += _footnotes(read)
    return "\n".join(lines)


def _footnotes(read: ReadTurn) -> list[str]:
    notes: list[str] = []
    for citation in read.words.citations if read.words else ():
        if citation.source is not None:
            origin = citation.source.title
        else:
            assert citation.generation is not None
            origin = citation.generation.accession
        page = f", page {citation.page}" if citation.page else ""
        quote = " ".join(citation.quote.split())
        note = f"[{citation.number}] {origin}{page}: “{quote}”"
        notes.append(f"- {escape_markdown(note)}")
    return [*dict.fromkeys(notes), ""] if notes else []


def _paragraphs(text: str) -> str:
    """The lines of a text, each as a line of its own that cannot begin a block."""
    lines = [escape_markdown(line.strip()) for line in text.splitlines()]
    return "\n".join(f"{line}  " if line else "" for line in lines)


def escape_markdown(text: str) -> str:
    """A text as Markdown that shows it letter by letter: no links, pictures, HTML or headings."""
    escaped = _SPECIAL.sub(r"\\\1", text)
    return _WWW.sub(r"\1\\.", _NUMBERED.sub(r"\1\\\2", escaped))
