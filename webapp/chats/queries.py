"""Reads of chats: lists, one way through a chat, and the search for a chat by its words."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.catalog.queries import list_checkpoints
from webapp.chats.models import Chat, Turn
from webapp.chats.threads import Branching, branching_of, thread_through
from webapp.common.pagination import Page, PageRequest, paginate
from webapp.common.refusals import UnableToFind
from webapp.generations.models import Generation
from webapp.grounding.answerers import Exchange
from webapp.grounding.models import Citation, Statement
from webapp.grounding.queries import ReadAnswer, read_answers
from webapp.knowledge.models import Source
from webapp.search.analyser import analyse, term_id
from webapp.search.models import Passage

#: Words of a query that count; more make no search of one's own chats any better.
_MAX_TERMS = 8


class UnableToFindChat(UnableToFind):
    """There is no such chat or turn, or it is not the user's to see."""

    what = "chat or turn"


@dataclass(frozen=True)
class ReadTurn:
    """A turn of the way that is read, its place among its branches, and its reply.

    `words` is None where a checkpoint replies; `text` is the reply as plain text either way.
    """

    turn: Turn
    branching: Branching
    words: ReadAnswer | None
    text: str


def list_chats(
    *, user: User, page: PageRequest, trashed: bool = False, words: str = ""
) -> Page[Chat]:
    """The chats that the user may see, newest first; with `words`, those that hold all of them."""
    rows = Chat.objects.visible_to(user).filter(trashed_at__isnull=not trashed)
    terms = _terms(words)
    if words.strip() and not terms:
        rows = rows.none()
    for term in terms:
        rows = rows.filter(_holds(user, term))
    return paginate(rows.select_related("owner", "checkpoint"), page)


def _terms(words: str) -> list[int]:
    return [term_id(term) for term in dict.fromkeys(analyse(words))][:_MAX_TERMS]


def _holds(user: User, term: int) -> Q:
    """Chats with this term in the title, a question, or a reply that may still be seen.

    Each place is looked up by itself in the index of its terms, for all chats at once.
    """
    sources = Source.objects.visible_to(user).kept()
    generations = Generation.objects.visible_to(user).kept()
    turns = Turn.objects.filter(chat__in=Chat.objects.visible_to(user))
    holding = Q(terms__contains=[term])
    visible = Q(source__in=sources) | Q(generation__in=generations)
    hidden = Citation.objects.filter(statement=OuterRef("pk")).exclude(visible)
    quotes = Citation.objects.filter(holding).filter(visible)
    statements = Statement.objects.filter(holding).filter(~Exists(hidden))
    # Passage 0 of a generation is its prompt, which is made of the turns before it.
    continued = Passage.objects.filter(holding, generation__in=generations, ordinal__gt=0)
    return (
        Q(title_terms__contains=[term])
        | Q(id__in=turns.filter(holding).values("chat"))
        | Q(id__in=turns.filter(answer__in=quotes.values("answer")).values("chat"))
        | Q(id__in=turns.filter(answer__in=statements.values("answer")).values("chat"))
        | Q(id__in=turns.filter(generation__in=continued.values("generation")).values("chat"))
    )


def matching_turns(*, chats: Sequence[Chat], words: str) -> dict[uuid.UUID, Turn]:
    """Of each chat the newest turn whose question holds one of these words, if there is any."""
    terms = _terms(words)
    if not terms or not chats:
        return {}
    rows = (
        Turn.objects.filter(chat__in=[chat.id for chat in chats], terms__overlap=terms)
        .order_by("chat", "-id")
        .distinct("chat")
    )
    return {turn.chat_id: turn for turn in rows}


def get_chat(*, user: User, chat_id: uuid.UUID) -> Chat:
    """One chat, trashed or not; raises UnableToFindChat."""
    rows = Chat.objects.visible_to(user).select_related("owner", "checkpoint")
    chat = rows.prefetch_related("sources").filter(id=chat_id).first()
    if chat is None:
        raise UnableToFindChat(str(chat_id))
    return chat


def turns_of(chat: Chat) -> QuerySet[Turn]:
    """The turns of a chat with what replies to them; the caller has checked who reads."""
    return Turn.objects.filter(chat=chat).select_related(
        "answer__job", "answer__owner", "generation__job", "generation__response"
    )


def get_turn(*, chat: Chat, turn_id: uuid.UUID) -> Turn:
    """One turn of a chat that the caller may see; raises UnableToFindChat."""
    turn = turns_of(chat).filter(id=turn_id).first()
    if turn is None:
        raise UnableToFindChat(str(turn_id))
    return turn


def list_branchings(chat: Chat, chosen: uuid.UUID | None = None) -> list[Branching]:
    """The way through a chat by a turn, or by its newest; raises UnknownTurn."""
    ids = Turn.objects.filter(chat=chat).values_list("id", "parent_id")
    return thread_through(ids, chosen)


def read_thread(*, user: User, chat: Chat, chosen: uuid.UUID | None = None) -> list[ReadTurn]:
    """The turns of one way through a chat with their replies; raises UnknownTurn.

    A fixed number of queries, however long it is.
    """
    branchings = list_branchings(chat, chosen)
    rows = {
        turn.id: turn for turn in turns_of(chat).filter(id__in=[b.turn_id for b in branchings])
    }
    turns = [rows[branching.turn_id] for branching in branchings]
    return read_turns(user=user, turns=turns, branchings=branchings)


def read_all_turns(*, user: User, chat: Chat) -> list[ReadTurn]:
    """Every turn of a chat, in the order in which they were asked."""
    turns = list(turns_of(chat).order_by("id"))
    siblings: dict[uuid.UUID | None, list[uuid.UUID]] = defaultdict(list)
    for turn in turns:
        siblings[turn.parent_id].append(turn.id)
    branchings = [branching_of(turn.id, siblings[turn.parent_id]) for turn in turns]
    return read_turns(user=user, turns=turns, branchings=branchings)


def read_turns(
    *, user: User, turns: Sequence[Turn], branchings: Sequence[Branching]
) -> list[ReadTurn]:
    """Turns with the replies that the user may see."""
    words = read_answers(user=user, answers=[turn.answer for turn in turns if turn.answer])
    found = []
    for turn, branching in zip(turns, branchings, strict=True):
        own = words[turn.answer.id] if turn.answer is not None else None
        found.append(ReadTurn(turn, branching, own, own.text if own else _continued(turn)))
    return found


def _continued(turn: Turn) -> str:
    generation = turn.generation
    assert generation is not None
    if generation.trashed_at is not None:
        return ""
    response = getattr(generation, "response", None)
    return "" if response is None else response.text


def exchanges_of(thread: Sequence[ReadTurn]) -> list[Exchange]:
    """What was said on a way through a chat, as the next question may refer to it."""
    return [
        Exchange(
            question=each.turn.question,
            searched_for=each.turn.answer.searched_for if each.turn.answer else "",
            reply=each.text,
            topics=_topics(each),
        )
        for each in thread
    ]


def _topics(read: ReadTurn) -> tuple[str, ...]:
    citations = read.words.citations if read.words else []
    topics = [citation.heading for citation in citations]
    topics += [citation.source.title for citation in citations if citation.source is not None]
    return tuple(dict.fromkeys(topic for topic in topics if topic))


def list_talking_checkpoints() -> list[Checkpoint]:
    """The checkpoints that go on with a text."""
    return [row for row in list_checkpoints() if row.usable and row.modality == "text"]
