"""REST: chats and their turns."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import Fault, InvalidRequest
from webapp.accounts.authentication import member
from webapp.accounts.models import User
from webapp.accounts.permissions import check_may_submit
from webapp.catalog.queries import UnableToFindCheckpoint
from webapp.chats import operations, queries
from webapp.chats.models import Chat, Turn
from webapp.chats.queries import ReadTurn, UnableToFindChat
from webapp.chats.representation import (
    describe_chat,
    describe_turn,
    describe_whole_chat,
    export_markdown,
)
from webapp.chats.schema import (
    ChatChangeInput,
    ChatExportOutput,
    ChatInput,
    ChatOutput,
    ChatSummaryOutput,
    TurnInput,
    TurnOutput,
)
from webapp.common.conditions import (
    IF_MATCH,
    answer_with_tag,
    current_tag_if_changed,
    wanted_revision,
)
from webapp.common.interface import (
    KEY,
    PAGE,
    PREFER,
    idempotency_key,
    list_of,
    parse_body,
    parse_switch,
)
from webapp.common.pagination import parse_page
from webapp.common.problems import Problem, invalid
from webapp.grounding.api import refusals_as_problems

_FILTERS = ("q", "trashed")


def _find_own(user: User, chat_id: uuid.UUID) -> Chat:
    """A chat that the user may write in: reviewers read those of others, nobody else's go on."""
    chat = queries.get_chat(user=user, chat_id=chat_id)
    if chat.owner_id != user.id:
        raise PermissionDenied("Only its owner writes in a chat.")
    if not user.may_submit:
        raise Problem(403, "permission_denied", "Your account has no role that may submit.")
    return chat


def _find_turn(user: User, chat: Chat, turn_id: uuid.UUID) -> ReadTurn:
    thread = queries.read_thread(user=user, chat=chat, chosen=turn_id)
    return next(read for read in thread if read.turn.id == turn_id)


@contextmanager
def _refusals() -> Iterator[None]:
    """What asking in a chat may raise, as what is answered; nothing was stored then."""
    try:
        with refusals_as_problems():
            yield
    except operations.UnableToStartChat as error:
        raise invalid([Fault(error.pointer, "invalid", error.detail)]) from error
    except UnableToFindChat as error:
        raise invalid([Fault("/parent", "invalid", "is no turn of this chat")]) from error
    except UnableToFindCheckpoint as error:
        raise Problem(409, "model_unavailable", str(error)) from error
    except InvalidRequest as error:
        raise invalid([Fault("/question", f.code, f.detail) for f in error.faults]) from error


class ChatsApi(APIView):
    """`/api/v1/chats`."""

    @extend_schema(
        operation_id="chats_list",
        parameters=[
            *PAGE,
            OpenApiParameter("q", str, description="words that the chat holds, all of them"),
            OpenApiParameter("trashed", bool),
        ],
        responses={200: list_of(ChatSummaryOutput)},
    )
    def get(self, request: Request) -> Response:
        """The chats that one may see, newest first; with `q`, those that hold all its words."""
        query = request.query_params
        page = parse_page(query.dict(), filters=_FILTERS)
        trashed = parse_switch(query, "trashed")
        found = queries.list_chats(
            user=member(request), page=page, trashed=trashed, words=query.get("q", "")
        )
        return Response(found.to_dict([describe_chat(chat) for chat in found.rows]))

    @extend_schema(
        operation_id="chats_create",
        request=ChatInput,
        parameters=[KEY],
        responses={201: ChatOutput},
    )
    def post(self, request: Request) -> Response:
        """Begin a chat; its questions are its turns."""
        user = member(request)
        check_may_submit(user)
        body = parse_body(ChatInput, request)
        with _refusals():
            chat = operations.start_chat(
                owner=user,
                wish=operations.NewChat(
                    title=body.get("title", ""),
                    grounded=body["grounded"],
                    answerer=body["answerer"],
                    model=body.get("model") or "",
                    source_ids=tuple(body["source_ids"]),
                    include_generations=body["include_generations"],
                    collection_ids=tuple(body["collections"]),
                ),
                idempotency_key=idempotency_key(request),
            )
        chat = queries.get_chat(user=user, chat_id=chat.id)
        document = describe_whole_chat(chat, [])
        headers = {"Location": document["links"]["self"]}
        return answer_with_tag(document, revision=chat.revision, status=201, headers=headers)


class ChatApi(APIView):
    """`/api/v1/chats/{id}`."""

    @extend_schema(
        operation_id="chats_get",
        parameters=[OpenApiParameter("turn", str, description="read the way by this turn")],
        responses={200: ChatOutput},
    )
    def get(self, request: Request, chat_id: uuid.UUID) -> Response:
        """A chat with the way through its turns that ends at the newest, or goes by `turn`."""
        return self._respond(request, chat_id, chosen=_chosen(request))

    @extend_schema(
        operation_id="chats_change",
        request=ChatChangeInput,
        parameters=[IF_MATCH],
        responses={200: ChatOutput},
    )
    def patch(self, request: Request, chat_id: uuid.UUID) -> Response:
        """Rename it, or change what it looks through; with `If-Match`, only as it was read."""
        chat = _find_own(member(request), chat_id)
        body = parse_body(ChatChangeInput, request)
        with _refusals(), current_tag_if_changed(lambda: self._respond(request, chat_id)):
            operations.change_chat(
                chat=chat,
                title=body.get("title"),
                source_ids=body.get("source_ids"),
                include_generations=body.get("include_generations"),
                collection_ids=body.get("collections"),
                revision=wanted_revision(request),
            )
        return self._respond(request, chat_id)

    @extend_schema(operation_id="chats_trash", responses={204: None})
    def delete(self, request: Request, chat_id: uuid.UUID) -> Response:
        """Put it in the trash; what is being written in it stops."""
        operations.trash_chat(chat=_find_own(member(request), chat_id))
        return Response(status=204)

    @staticmethod
    def _respond(
        request: Request, chat_id: uuid.UUID, *, chosen: uuid.UUID | None = None
    ) -> Response:
        user = member(request)
        chat = queries.get_chat(user=user, chat_id=chat_id)
        thread = queries.read_thread(user=user, chat=chat, chosen=chosen)
        return answer_with_tag(describe_whole_chat(chat, thread), revision=chat.revision)


def _chosen(request: Request) -> uuid.UUID | None:
    raw = request.query_params.get("turn")
    if not raw:
        return None
    try:
        return uuid.UUID(raw)
    except ValueError as error:
        raise invalid([Fault("?turn", "invalid", "must be an id")]) from error


class ChatRestoreApi(APIView):
    """`/api/v1/chats/{id}/restore`."""

    @extend_schema(operation_id="chats_restore", request=None, responses={200: ChatSummaryOutput})
    def post(self, request: Request, chat_id: uuid.UUID) -> Response:
        """Take it out of the trash; again changes nothing."""
        user = member(request)
        operations.restore_chat(chat=_find_own(user, chat_id))
        return Response(describe_chat(queries.get_chat(user=user, chat_id=chat_id)))


class ChatExportApi(APIView):
    """`/api/v1/chats/{id}/export`."""

    @extend_schema(
        operation_id="chats_export",
        parameters=[
            OpenApiParameter("as", str, enum=["json", "markdown"]),
            OpenApiParameter("turn", str, description="the way by this turn"),
        ],
        responses={
            (200, "application/json"): ChatExportOutput,
            (200, "text/markdown"): OpenApiResponse(str, "One way through it."),
        },
    )
    def get(self, request: Request, chat_id: uuid.UUID) -> HttpResponse:
        """A file of it: JSON with every branch, or one way through it as Markdown."""
        user = member(request)
        chat = queries.get_chat(user=user, chat_id=chat_id)
        chosen, kind = _chosen(request), request.query_params.get("as", "json")
        if kind not in {"json", "markdown"}:
            raise invalid([Fault("?as", "invalid", "must be json or markdown")])
        thread = queries.read_thread(user=user, chat=chat, chosen=chosen)
        name = f"chat-{chat.id}.{'md' if kind == 'markdown' else 'json'}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        if kind == "markdown":
            return HttpResponse(
                export_markdown(chat, thread), content_type="text/markdown", headers=headers
            )
        turns = [describe_turn(read) for read in queries.read_all_turns(user=user, chat=chat)]
        document = {**describe_whole_chat(chat, thread), "turns": turns}
        return JsonResponse(document, headers=headers)


class TurnsApi(APIView):
    """`/api/v1/chats/{id}/turns`."""

    @extend_schema(
        operation_id="turns_create",
        request=TurnInput,
        parameters=[KEY, PREFER],
        responses={201: TurnOutput, 202: TurnOutput},
    )
    def post(self, request: Request, chat_id: uuid.UUID) -> Response:
        """Put a question: 201 with the reply, or 202 where it is still to be written."""
        user = member(request)
        chat = _find_own(user, chat_id)
        body = parse_body(TurnInput, request)
        with _refusals():
            if "parent" in body:
                parent_id = body["parent"]
            else:
                branchings = queries.list_branchings(chat)
                parent_id = branchings[-1].turn_id if branchings else None
            turn = operations.take_turn(
                chat=chat,
                question=body["question"],
                parent_id=parent_id,
                idempotency_key=idempotency_key(request),
            )
        return _created(user, chat, turn)


def _created(user: User, chat: Chat, turn: Turn) -> Response:
    read = _find_turn(user, chat, turn.id)
    document = describe_turn(read)
    return Response(
        document,
        status=201 if document["terminal"] else 202,
        headers={"Location": document["links"]["self"]},
    )


class TurnApi(APIView):
    """`/api/v1/chats/{id}/turns/{id}`."""

    @extend_schema(operation_id="turns_get", responses={200: TurnOutput})
    def get(self, request: Request, chat_id: uuid.UUID, turn_id: uuid.UUID) -> Response:
        """One question with its reply."""
        user = member(request)
        return Response(
            describe_turn(_find_turn(user, queries.get_chat(user=user, chat_id=chat_id), turn_id))
        )


class TurnAgainApi(APIView):
    """`/api/v1/chats/{id}/turns/{id}/again`."""

    @extend_schema(
        operation_id="turns_again",
        request=None,
        parameters=[KEY, PREFER],
        responses={201: TurnOutput, 202: TurnOutput},
    )
    def post(self, request: Request, chat_id: uuid.UUID, turn_id: uuid.UUID) -> Response:
        """Ask the same once more, as another branch."""
        user = member(request)
        chat = _find_own(user, chat_id)
        turn = _find_turn(user, chat, turn_id).turn
        with _refusals():
            again = operations.ask_again(
                chat=chat, turn=turn, idempotency_key=idempotency_key(request)
            )
        return _created(user, chat, again)


class TurnCancelApi(APIView):
    """`/api/v1/chats/{id}/turns/{id}/cancel`."""

    @extend_schema(
        operation_id="turns_cancel", request=None, responses={200: TurnOutput, 202: TurnOutput}
    )
    def post(self, request: Request, chat_id: uuid.UUID, turn_id: uuid.UUID) -> Response:
        """Stop the reply that is being written: 202 while it stops, 200 where it has ended."""
        user = member(request)
        chat = _find_own(user, chat_id)
        operations.stop_turn(turn=_find_turn(user, chat, turn_id).turn)
        document = describe_turn(_find_turn(user, chat, turn_id))
        return Response(document, status=200 if document["terminal"] else 202)
