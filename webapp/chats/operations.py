"""Writes on chats: beginning one, putting questions, renaming, and the trash."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from genmodels.embedding import Embedder
from webapp.accounts.models import User
from webapp.chats.models import Chat, Turn
from webapp.chats.queries import (
    exchanges_of,
    get_turn,
    list_talking_checkpoints,
    read_thread,
    turns_of,
)
from webapp.collections.queries import find_collections
from webapp.common.cleaning import clean_line
from webapp.common.ids import uuid7
from webapp.common.refusals import ChangedSinceRead, Conflict
from webapp.generations.operations import cancel_generation, submit_generation
from webapp.generations.requests import SubmitRequest
from webapp.grounding import operations as grounding
from webapp.grounding.answerers import ANSWERERS, CONNECTOR, QUOTES, Exchange
from webapp.grounding.chat_server import configured_server
from webapp.grounding.followups import rewrite_by_rules
from webapp.grounding.models import Answer
from webapp.grounding.operations import Scope, clean_question, read_scope, term_ids
from webapp.grounding.writing import cancel_answer, request_answer
from webapp.jobs.idempotency import made_before
from webapp.knowledge.models import Source

#: A chat is read in one piece, so it has an end; a new one can go on with the same documents.
MAX_TURNS = 500
MAX_SOURCES = 100
MAX_TITLE_LENGTH = 200
_TITLE_FROM_QUESTION = 80
#: What a checkpoint that goes on with a text is given of the conversation, at most.
_MAX_TRANSCRIPT = 2_000
_CHATS_ENDPOINT, _ENDPOINT = "chats", "turns"


class UnableToStartChat(Exception):
    """What was asked for does not go together, or is not there; `pointer` names the member."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.detail = detail


class UnableToTakeTurn(Conflict):
    """The chat takes no question at this place now; the message says why."""


@dataclass(frozen=True)
class NewChat:
    """A wish for a chat. `model` is the slug of a checkpoint, in place of an answerer."""

    title: str = ""
    grounded: bool = True
    answerer: str = QUOTES
    model: str = ""
    source_ids: tuple[uuid.UUID, ...] = ()
    include_generations: bool = False
    collection_ids: tuple[uuid.UUID, ...] = ()


def start_chat(
    *, owner: User, wish: NewChat, question: str = "", idempotency_key: str | None = None
) -> Chat:
    """Begin a chat, with its first question where there is one; both or nothing.

    A key that came before gives the chat of that time. Raises UnableToStartChat,
    UnableToReuseIdempotencyKey, and with a question all that `take_turn` raises.
    """
    checkpoint = None
    if wish.model:
        if wish.grounded:
            raise UnableToStartChat("/grounded", "a checkpoint that continues text reads nothing")
        offered = {row.slug: row for row in list_talking_checkpoints()}
        checkpoint = offered.get(wish.model)
        if checkpoint is None:
            raise UnableToStartChat("/model", "there is no such checkpoint that writes text")
    else:
        _check_answerer(wish)
    if wish.grounded:
        _check_collections(owner, wish.source_ids, wish.collection_ids)
    title = _clean_title(wish.title) or _title_from(question) or "New chat"
    chat_id = uuid7()
    with transaction.atomic():
        earlier_id = made_before(
            owner=owner,
            endpoint=_CHATS_ENDPOINT,
            key=idempotency_key,
            request=[asdict(wish), question],
            object_id=chat_id,
        )
        if earlier_id is not None:
            return Chat.objects.get(id=earlier_id)
        chat = Chat.objects.create(
            id=chat_id,
            owner=owner,
            title=title,
            title_terms=term_ids(title),
            grounded=wish.grounded,
            answerer="" if checkpoint else wish.answerer,
            checkpoint=checkpoint,
            include_generations=wish.include_generations and wish.grounded,
            collection_ids=list(wish.collection_ids) if wish.grounded else [],
        )
        chat.sources.set(_find_sources(owner, wish.source_ids if wish.grounded else ()))
        if question:
            take_turn(chat=chat, question=question, parent_id=None)
    return chat


def _check_answerer(wish: NewChat) -> None:
    if wish.answerer not in ANSWERERS:
        raise UnableToStartChat("/answerer", f"must be one of {', '.join(ANSWERERS)}")
    if wish.answerer == QUOTES and not wish.grounded:
        detail = "quotes come from documents: choose a model, or have it grounded"
        raise UnableToStartChat("/answerer", detail)
    if wish.answerer == CONNECTOR and configured_server() is None:
        detail = "no language model is configured on this site"
        raise UnableToStartChat("/answerer", detail)


def _find_sources(owner: User, source_ids: Sequence[uuid.UUID]) -> list[Source]:
    if len(source_ids) > MAX_SOURCES:
        raise UnableToStartChat("/source_ids", f"at most {MAX_SOURCES} documents")
    found = list(Source.objects.visible_to(owner).kept().filter(id__in=source_ids))
    if len(found) != len(set(source_ids)):
        raise UnableToStartChat("/source_ids", "one of the documents is not there")
    return found


def _check_collections(
    owner: User, source_ids: Sequence[uuid.UUID], collection_ids: Sequence[uuid.UUID]
) -> None:
    if collection_ids:
        scope = Scope(source_ids=tuple(source_ids) or None, collection_ids=tuple(collection_ids))
        grounding.check_collections(owner, scope)


def _clean_title(title: str) -> str:
    return clean_line(title)[:MAX_TITLE_LENGTH]


def _title_from(question: str) -> str:
    title = _clean_title(question)
    if len(title) <= _TITLE_FROM_QUESTION:
        return title
    return f"{title[:_TITLE_FROM_QUESTION].rsplit(' ', 1)[0]}…"


def change_chat(
    *,
    chat: Chat,
    title: str | None = None,
    source_ids: Sequence[uuid.UUID] | None = None,
    include_generations: bool | None = None,
    collection_ids: Sequence[uuid.UUID] | None = None,
    revision: int | None = None,
) -> None:
    """Rename a chat, or change what it looks through from now on; with `revision`, only at that.

    Raises UnableToStartChat, UnableToKeepToCollections or ChangedSinceRead.
    """
    if title is not None and not _clean_title(title):
        raise UnableToStartChat("/title", "must have a letter or two")
    if not chat.grounded and (source_ids or include_generations or collection_ids):
        raise UnableToStartChat("/source_ids", "this chat reads nothing")
    with transaction.atomic():
        chat = Chat.objects.select_for_update(of=("self",)).get(id=chat.id)
        if revision is not None and chat.revision != revision:
            raise ChangedSinceRead("The chat")
        if title is not None:
            chat.title = _clean_title(title)
            chat.title_terms = term_ids(chat.title)
        if include_generations is not None:
            chat.include_generations = include_generations
        if collection_ids is not None:
            chat.collection_ids = list(collection_ids)
        chat.revision += 1
        chat.save(
            update_fields=[
                "title",
                "title_terms",
                "include_generations",
                "collection_ids",
                "revision",
            ]
        )
        if source_ids is not None:
            chat.sources.set(_find_sources(chat.owner, source_ids))
        if source_ids is not None or collection_ids is not None:
            chosen = chat.sources.values_list("id", flat=True)
            _check_collections(chat.owner, list(chosen), chat.collection_ids)


def take_turn(
    *,
    chat: Chat,
    question: str,
    parent_id: uuid.UUID | None,
    idempotency_key: str | None = None,
    embedder: Embedder | None = None,
) -> Turn:
    """Put a question after the turn `parent_id`, or at the beginning, and have it replied to.

    A second question at the same place is a branch of it. The turn and what replies to it are
    stored together. A key that came before gives the turn of that time. Raises UnableToTakeTurn,
    UnableToFindChat for a parent that the chat does not have, and what asking or submitting
    raises; in each case nothing was stored.
    """
    question = clean_question(question)
    turn = Turn(id=uuid7(), chat=chat, question=question, terms=term_ids(question))
    with transaction.atomic():
        # One question of a chat at a time, so that its limit holds.
        Chat.objects.select_for_update(of=("self",)).get(id=chat.id)
        earlier = _earlier(chat, idempotency_key, turn, [question, parent_id])
        if earlier is not None:
            return earlier
        if chat.trashed_at is not None:
            raise UnableToTakeTurn("The chat is in the trash. Restore it first.")
        if Turn.objects.filter(chat=chat).count() >= MAX_TURNS:
            raise UnableToTakeTurn(
                f"A chat has at most {MAX_TURNS} questions. Begin a new one to go on."
            )
        history: list[Exchange] = []
        if parent_id is not None:
            turn.parent = get_turn(chat=chat, turn_id=parent_id)
            if not turn.parent.terminal:
                raise UnableToTakeTurn("The reply before it is still being written.")
            history = _history(chat, turn.parent)
        _have_replied(chat, turn, history, embedder)
        turn.save(force_insert=True)
    return turn


def go_on_from(*, answer: Answer, question: str, idempotency_key: str | None = None) -> Turn:
    """Ask something that builds on an answer, which becomes the first of a chat that looks there.

    An answer of a chat already is gone on from there. The caller has checked that it is the
    owner's. Raises what `take_turn` raises, and UnableToTakeTurn where the answer is still being
    written, in the trash, or was asked of documents that are all gone.
    """
    with transaction.atomic():
        answer = Answer.objects.select_for_update(of=("self",)).get(id=answer.id)
        first = Turn.objects.filter(answer=answer).select_related("chat").first()
        first = first or _begin_with(answer)
        return take_turn(
            chat=first.chat,
            question=question,
            parent_id=first.id,
            idempotency_key=idempotency_key,
        )


def _begin_with(answer: Answer) -> Turn:
    if answer.trashed_at is not None:
        raise UnableToTakeTurn("The answer is in the trash. Restore it first.")
    if not answer.terminal:
        raise UnableToTakeTurn("The answer before it is still being written.")
    scope = read_scope(answer.scope) if answer.scope else Scope()
    wanted = scope.source_ids or ()
    # In the trash too: a chat without documents would look through all of them.
    sources = list(Source.objects.visible_to(answer.owner).filter(id__in=wanted))
    if wanted and not sources:
        raise UnableToTakeTurn("What this was asked of is no longer there.")
    title = _title_from(answer.question)
    chat = Chat.objects.create(
        owner=answer.owner,
        title=title,
        title_terms=term_ids(title),
        grounded=answer.grounded,
        answerer=answer.answerer,
        include_generations=answer.include_generations,
        collection_ids=list(scope.collection_ids or ()),
    )
    chat.sources.set(sources)
    Answer.objects.filter(id=answer.id).update(in_conversation=True)
    terms = term_ids(answer.question)
    return Turn.objects.create(chat=chat, question=answer.question, terms=terms, answer=answer)


def _earlier(chat: Chat, key: str | None, turn: Turn, request: list[object]) -> Turn | None:
    earlier_id = made_before(
        owner=chat.owner,
        endpoint=_ENDPOINT,
        key=key,
        request=[chat.id, *request],
        object_id=turn.id,
    )
    return None if earlier_id is None else turns_of(chat).get(id=earlier_id)


def _history(chat: Chat, last: Turn) -> list[Exchange]:
    """What was said up to a turn, as its owner may see it now."""
    thread = read_thread(user=chat.owner, chat=chat, chosen=last.id)
    places = [each.turn.id for each in thread]
    return exchanges_of(thread[: places.index(last.id) + 1])


def _have_replied(
    chat: Chat, turn: Turn, history: list[Exchange], embedder: Embedder | None
) -> None:
    if chat.checkpoint is not None:
        request = SubmitRequest(model=chat.checkpoint.slug, prompt=_transcript(turn, history))
        turn.generation = submit_generation(owner=chat.owner, request=request).generation
    elif not chat.grounded:
        turn.answer = request_answer(
            user=chat.owner,
            question=turn.question,
            scope=None,
            history=history,
            in_conversation=True,
        )
    else:
        turn.answer = _ask(chat, turn.question, history, embedder)


def _ask(chat: Chat, question: str, history: list[Exchange], embedder: Embedder | None) -> Answer:
    chosen = tuple(chat.sources.values_list("id", flat=True)) or None
    collection_ids = None
    if chat.collection_ids:
        found = find_collections(user=chat.owner, collection_ids=chat.collection_ids)
        collection_ids = tuple(row.id for row in found)
    searched_for = rewrite_by_rules(question, history)
    if chat.answerer == QUOTES:
        return grounding.ask(
            user=chat.owner,
            question=question,
            source_ids=chosen,
            include_generations=chat.include_generations,
            collection_ids=collection_ids,
            searched_for=searched_for,
            in_conversation=True,
            embedder=embedder,
        )
    return request_answer(
        user=chat.owner,
        question=question,
        scope=Scope(
            source_ids=chosen,
            include_generations=chat.include_generations,
            collection_ids=collection_ids,
        ),
        history=history,
        searched_for=searched_for,
        in_conversation=True,
    )


def _transcript(turn: Turn, history: list[Exchange]) -> str:
    """The end of the conversation as one text, for a model that only goes on with what it gets."""
    told = [f"{exchange.question}{exchange.reply}\n\n" for exchange in history]
    assert turn.chat.checkpoint is not None
    room = min(_MAX_TRANSCRIPT, turn.chat.checkpoint.card.max_prompt_length)
    before = "".join(told)[-max(0, room - len(turn.question)) :] if told else ""
    return f"{before}{turn.question}" if len(turn.question) < room else turn.question


def ask_again(*, chat: Chat, turn: Turn, idempotency_key: str | None = None) -> Turn:
    """Put the question of a turn once more at its place; raises as `take_turn`."""
    return take_turn(
        chat=chat,
        question=turn.question,
        parent_id=turn.parent_id,
        idempotency_key=idempotency_key,
    )


def stop_turn(*, turn: Turn) -> None:
    """Stop the reply that is being written; one that is there stays."""
    if turn.answer is not None:
        cancel_answer(answer=turn.answer)
    elif turn.generation is not None:
        cancel_generation(generation=turn.generation)


def trash_chat(*, chat: Chat) -> None:
    """Put a chat in the trash and stop what is still being written in it."""
    with transaction.atomic():
        Chat.objects.filter(id=chat.id, trashed_at__isnull=True).update(
            trashed_at=timezone.now(), revision=F("revision") + 1
        )
        for turn in turns_of(chat):
            if not turn.terminal:
                stop_turn(turn=turn)


def restore_chat(*, chat: Chat) -> None:
    """Take a chat out of the trash."""
    Chat.objects.filter(id=chat.id, trashed_at__isnull=False).update(
        trashed_at=None, revision=F("revision") + 1
    )
