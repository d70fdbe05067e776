"""Chats in the browser: the list, a conversation, and everything that is done in it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST

from genmodels.contract import InvalidRequest
from webapp.accounts.models import User
from webapp.catalog.queries import UnableToFindCheckpoint, UnableToUseCheckpoint
from webapp.chats import operations, queries
from webapp.chats.models import Chat, Turn
from webapp.chats.operations import NewChat, UnableToStartChat, UnableToTakeTurn
from webapp.chats.queries import ReadTurn, UnableToFindChat
from webapp.chats.shown import show_turn, turn_url
from webapp.chats.threads import UnknownTurn
from webapp.collections.queries import find_collections
from webapp.common.pagination import page_of
from webapp.generations.pages import is_fragment, signed_in_user
from webapp.grounding.answerers import CONNECTOR, QUOTES
from webapp.grounding.chat_server import configured_server
from webapp.grounding.keeping_to import offer_knowledge
from webapp.grounding.operations import (
    MAX_QUESTION_CHARACTERS,
    UnableToAsk,
    UnableToKeepToCollections,
)
from webapp.grounding.queries import UnableToFindAnswer, get_answer
from webapp.grounding.suggesting import suggest_next
from webapp.grounding.writing import UnableToUseConnector
from webapp.jobs.admission import Refused

PAGE_SIZE = 30
#: How the form names who answers: an answerer with its grounding, or a checkpoint.
_CHECKPOINT = "checkpoint:"
_FREE = "free"

#: What asking may raise that the person can do something about.
_REFUSALS = (
    UnableToAsk,
    UnableToKeepToCollections,
    UnableToStartChat,
    UnableToTakeTurn,
    UnableToUseConnector,
    UnableToUseCheckpoint,
    UnableToFindCheckpoint,
    InvalidRequest,
    Refused,
)


@login_required
@require_GET
def chats(request: HttpRequest) -> HttpResponse:
    """The list, searched if words are given, below the first question of a new chat."""
    return _render_list(request)


def _render_list(request: HttpRequest, *, fault: str = "") -> HttpResponse:
    user = signed_in_user(request)
    page = page_of(request, size=PAGE_SIZE)
    words = request.GET.get("q", "")[:200].replace("\x00", " ")
    trashed = request.GET.get("trash") == "1"
    found = queries.list_chats(user=user, page=page, trashed=trashed, words=words)
    matches = queries.matching_turns(chats=found.rows, words=words)
    posted = request.POST
    context = {
        "rows": [(chat, matches.get(chat.id)) for chat in found.rows],
        "next_cursor": found.next_cursor,
        "words": words,
        "trashed": trashed,
        "server": configured_server(),
        "checkpoints": queries.list_talking_checkpoints(),
        "keep_to": offer_knowledge(
            user=user,
            collections=posted.getlist("collection"),
            sources=posted.getlist("source"),
        ),
        "question": posted.get("question", ""),
        "answered_by": posted.get("answered_by", QUOTES),
        "include_generations": posted.get("include_generations") == "on",
        "fault": fault,
        "form_key": uuid.uuid4().hex,
        "max_characters": MAX_QUESTION_CHARACTERS,
    }
    return render(request, "chats/chats.html", context, status=422 if fault else 200)


@login_required
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Begin a chat with its first question."""
    user = signed_in_user(request)
    if not user.may_submit:
        raise PermissionDenied
    question = request.POST.get("question", "")
    if not question.strip():
        return _render_list(request, fault="The question is empty.")
    try:
        chat = operations.start_chat(
            owner=user,
            wish=_read_wish(request),
            question=question,
            idempotency_key=_form_key(request),
        )
    except _REFUSALS as error:
        return _render_list(request, fault=_say(error))
    return redirect("chat", chat_id=chat.id)


def _form_key(request: HttpRequest) -> str | None:
    """One key for one press of a button: the form's own number and what it held.

    So a double click asks once, and a form that was changed after going back asks anew.
    """
    if not request.POST.get("key"):
        return None
    held = json.dumps(sorted(request.POST.lists()))
    return f"page:{hashlib.sha256(held.encode()).hexdigest()}"


def _read_wish(request: HttpRequest) -> NewChat:
    who = request.POST.get("answered_by", QUOTES)
    try:
        source_ids = tuple(uuid.UUID(raw) for raw in request.POST.getlist("source"))
        collection_ids = tuple(uuid.UUID(raw) for raw in request.POST.getlist("collection"))
    except ValueError as error:
        raise Http404 from error
    if who.startswith(_CHECKPOINT):
        return NewChat(grounded=False, model=who.removeprefix(_CHECKPOINT))
    if who == _FREE:
        return NewChat(grounded=False, answerer=CONNECTOR)
    return NewChat(
        answerer=who,
        source_ids=source_ids,
        include_generations=request.POST.get("include_generations") == "on",
        collection_ids=collection_ids,
    )


def _say(error: Exception) -> str:
    """A refusal as a sentence."""
    if isinstance(error, InvalidRequest):
        return "; ".join(f"The question {fault.detail}" for fault in error.faults) + "."
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _find_or_404(request: HttpRequest, chat_id: uuid.UUID) -> Chat:
    try:
        return queries.get_chat(user=signed_in_user(request), chat_id=chat_id)
    except UnableToFindChat as error:
        raise Http404 from error


def _find_own(request: HttpRequest, chat_id: uuid.UUID) -> Chat:
    """A chat that the reader may write in."""
    chat = _find_or_404(request, chat_id)
    if not _may_write(signed_in_user(request), chat):
        raise PermissionDenied
    return chat


def _may_write(user: User, chat: Chat) -> bool:
    return chat.owner_id == user.id and user.may_submit


def _thread(request: HttpRequest, chat: Chat, chosen: uuid.UUID | None = None) -> list[ReadTurn]:
    try:
        return queries.read_thread(user=signed_in_user(request), chat=chat, chosen=chosen)
    except UnknownTurn as error:
        raise Http404 from error


def _one(request: HttpRequest, chat: Chat, turn_id: uuid.UUID) -> ReadTurn:
    thread = _thread(request, chat, turn_id)
    return next(read for read in thread if read.turn.id == turn_id)


@login_required
@require_GET
def show_chat(request: HttpRequest, chat_id: uuid.UUID) -> HttpResponse:
    """A conversation, on the way by the turn that the address names."""
    chat = _find_or_404(request, chat_id)
    return _render_chat(request, chat, chosen=_identity(request.GET.get("turn", "")))


def _identity(raw: str) -> uuid.UUID | None:
    if not raw:
        return None
    try:
        return uuid.UUID(raw)
    except ValueError as error:
        raise Http404 from error


def _render_chat(
    request: HttpRequest,
    chat: Chat,
    *,
    chosen: uuid.UUID | None = None,
    question: str = "",
    fault: str = "",
) -> HttpResponse:
    user = signed_in_user(request)
    thread = _thread(request, chat, chosen)
    may_write = _may_write(user, chat) and chat.trashed_at is None
    context: dict[str, Any] = {
        "chat": chat,
        "turns": [show_turn(chat, read, may_write=may_write) for read in thread],
        "last": thread[-1].turn if thread else None,
        "waiting": any(not read.turn.terminal for read in thread),
        "owns": _may_write(user, chat),
        "may_write": may_write,
        "question": question,
        "fault": fault,
        "form_key": uuid.uuid4().hex,
        "suggestions": _suggestions(user, thread[-1]) if thread and may_write else (),
        "next_url": reverse("chat-ask", args=[chat.id]),
        "next_parent": thread[-1].turn.id if thread else "",
        "sources": list(chat.sources.all()),
        "collections": find_collections(
            user=signed_in_user(request), collection_ids=chat.collection_ids
        ),
        "server": configured_server(),
        "max_characters": MAX_QUESTION_CHARACTERS,
    }
    return render(request, "chats/chat.html", context, status=422 if fault else 200)


def _suggestions(user: User, last: ReadTurn) -> tuple[str, ...]:
    """What one could ask next; nothing where the last reply is no answer from passages."""
    if last.turn.answer is None or last.words is None:
        return ()
    return suggest_next(user=user, answer=last.turn.answer, read=last.words)


@login_required
@require_POST
def ask(request: HttpRequest, chat_id: uuid.UUID) -> HttpResponse:
    """Put a question after a turn, or in place of one: then as another branch."""
    chat = _find_own(request, chat_id)
    parent_id = _identity(request.POST.get("parent", ""))
    question = request.POST.get("question", "")
    return _take(
        request,
        chat,
        lambda: operations.take_turn(
            chat=chat,
            question=question,
            parent_id=parent_id,
            idempotency_key=_form_key(request),
        ),
        shown_at=parent_id,
        question=question,
    )


@login_required
@require_POST
def go_on(request: HttpRequest, answer_id: uuid.UUID) -> HttpResponse:
    """Ask something that builds on an answer, and show the chat that this makes of both."""
    user = signed_in_user(request)
    try:
        answer = get_answer(user=user, answer_id=answer_id)
    except UnableToFindAnswer as error:
        raise Http404 from error
    if answer.owner_id != user.id or not user.may_submit:
        raise PermissionDenied
    question, key = request.POST.get("question", ""), _form_key(request)
    try:
        turn = operations.go_on_from(answer=answer, question=question, idempotency_key=key)
    except _REFUSALS as error:
        messages.error(request, _say(error))
        return redirect("answer", answer_id=answer.id)
    return redirect(turn_url(turn.chat_id, turn.id))


@login_required
@require_POST
def again(request: HttpRequest, chat_id: uuid.UUID, turn_id: uuid.UUID) -> HttpResponse:
    """Ask the same once more."""
    chat = _find_own(request, chat_id)
    turn = _one(request, chat, turn_id).turn
    return _take(
        request,
        chat,
        lambda: operations.ask_again(chat=chat, turn=turn, idempotency_key=_form_key(request)),
        shown_at=turn.id,
    )


def _take(
    request: HttpRequest,
    chat: Chat,
    act: Callable[[], Turn],
    *,
    shown_at: uuid.UUID | None,
    question: str = "",
) -> HttpResponse:
    """Take a turn and show the chat by way of it; what is refused stays in the form."""
    try:
        turn = act()
    except UnableToFindChat as error:
        raise Http404 from error
    except _REFUSALS as error:
        return _render_chat(request, chat, chosen=shown_at, question=question, fault=_say(error))
    address = turn_url(chat.id, turn.id)
    if not is_fragment(request):
        return redirect(address)
    response = _render_chat(request, chat, chosen=turn.id)
    response["HX-Push-Url"] = address.partition("#")[0]
    response["HX-Trigger"] = "pinakes:queue"
    return response


@login_required
@require_GET
def reply(request: HttpRequest, chat_id: uuid.UUID, turn_id: uuid.UUID) -> HttpResponse:
    """The reply of a turn once it is there, asked for again and again until then."""
    chat = _find_or_404(request, chat_id)
    read = _one(request, chat, turn_id)
    if not read.turn.terminal:
        return HttpResponse(status=204)
    shown = show_turn(chat, read, may_write=_may_write(signed_in_user(request), chat))
    return render(request, "chats/parts/reply.html", {"turn": shown, "chat": chat})


@login_required
@require_POST
def stop(request: HttpRequest, chat_id: uuid.UUID, turn_id: uuid.UUID) -> HttpResponse:
    """Stop the reply that is being written."""
    chat = _find_own(request, chat_id)
    operations.stop_turn(turn=_one(request, chat, turn_id).turn)
    return redirect(turn_url(chat.id, turn_id))


@login_required
@require_POST
def rename(request: HttpRequest, chat_id: uuid.UUID) -> HttpResponse:
    """Give it another title."""
    chat = _find_own(request, chat_id)
    try:
        operations.change_chat(chat=chat, title=request.POST.get("title", ""))
    except UnableToStartChat as error:
        return _render_chat(
            request, _find_own(request, chat_id), fault=f"The title {error.detail}."
        )
    return redirect("chat", chat_id=chat.id)


@login_required
@require_POST
def trash(request: HttpRequest, chat_id: uuid.UUID) -> HttpResponse:
    """Put it in the trash, from where it can come back."""
    chat = _find_own(request, chat_id)
    operations.trash_chat(chat=chat)
    messages.info(request, f"“{chat.title}” is in the trash.")
    return redirect("chats")


@login_required
@require_POST
def restore(request: HttpRequest, chat_id: uuid.UUID) -> HttpResponse:
    """Take it out of the trash."""
    chat = _find_own(request, chat_id)
    operations.restore_chat(chat=chat)
    messages.info(request, f"“{chat.title}” is back.")
    return redirect("chat", chat_id=chat.id)


urlpatterns: list[URLPattern] = [
    path("chats", chats, name="chats"),
    path("chats/start", start, name="chat-start"),
    path("chats/from/<uuid:answer_id>", go_on, name="chat-from"),
    path("chats/<uuid:chat_id>", show_chat, name="chat"),
    path("chats/<uuid:chat_id>/ask", ask, name="chat-ask"),
    path("chats/<uuid:chat_id>/rename", rename, name="chat-rename"),
    path("chats/<uuid:chat_id>/trash", trash, name="chat-trash"),
    path("chats/<uuid:chat_id>/restore", restore, name="chat-restore"),
    path("chats/<uuid:chat_id>/turns/<uuid:turn_id>/reply", reply, name="chat-reply"),
    path("chats/<uuid:chat_id>/turns/<uuid:turn_id>/again", again, name="chat-again"),
    path("chats/<uuid:chat_id>/turns/<uuid:turn_id>/stop", stop, name="chat-stop"),
]
