"""What a page shows of a turn: a frozen value, so that templates decide nothing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.urls import reverse

from webapp.chats.models import Chat, Turn
from webapp.chats.queries import ReadTurn
from webapp.grounding.shown import ShownAnswer, show_answer


@dataclass(frozen=True)
class ShownTurn:
    """A question with its branches and its reply, which is `shown` or a generation's `text`."""

    turn: Turn
    place: int
    total: int
    previous_url: str
    next_url: str
    words_url: str
    stop_url: str
    shown: ShownAnswer | None
    text: str
    may_write: bool

    @property
    def parent_text(self) -> str:
        """The parent as a form sends it; empty at the beginning."""
        return str(self.turn.parent_id) if self.turn.parent_id else ""

    @property
    def may_stop(self) -> bool:
        """Whether there is something to stop, for somebody who may."""
        return self.may_write and not self.turn.terminal


def show_turn(chat: Chat, read: ReadTurn, *, may_write: bool) -> ShownTurn:
    """A turn with the addresses that it leads to."""
    turn, branching = read.turn, read.branching
    shown = None
    if turn.answer is not None and read.words is not None:
        shown = show_answer(turn.answer, read.words)
    return ShownTurn(
        turn=turn,
        place=branching.place,
        total=branching.total,
        previous_url=turn_url(chat.id, branching.previous_id),
        next_url=turn_url(chat.id, branching.next_id),
        words_url=reverse("chat-reply", args=[chat.id, turn.id]),
        stop_url=reverse("chat-stop", args=[chat.id, turn.id]),
        shown=shown,
        text=read.text,
        may_write=may_write,
    )


def turn_url(chat_id: uuid.UUID, turn_id: uuid.UUID | None) -> str:
    """The chat on the way by a turn, scrolled to it; empty without one."""
    if turn_id is None:
        return ""
    return f"{reverse('chat', args=[chat_id])}?turn={turn_id}#turn-{turn_id}"
