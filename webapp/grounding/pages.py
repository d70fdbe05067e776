"""Asking: the question, the answer with its citations, and what was asked before."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from webapp.accounts.models import User
from webapp.collections.queries import offered_names
from webapp.common.pagination import page_of
from webapp.generations.pages import signed_in_user
from webapp.grounding.answerers import CONNECTOR, QUOTES
from webapp.grounding.chat_server import configured_server
from webapp.grounding.models import Answer
from webapp.grounding.operations import Scope, UnableToAsk, UnableToKeepToCollections
from webapp.grounding.operations import ask as ask_question
from webapp.grounding.queries import UnableToFindAnswer, get_answer, list_answers, read_answer
from webapp.grounding.shown import show_answer as present_answer
from webapp.grounding.writing import UnableToUseConnector, cancel_answer, request_answer
from webapp.jobs.admission import Refused
from webapp.knowledge.models import Source
from webapp.knowledge.queries import UnableToFindSource, get_source

PAGE_SIZE = 20


@login_required
@require_GET
def ask(request: HttpRequest) -> HttpResponse:
    """The question, over what was asked before."""
    source = _named_source(request, request.GET.get("source", ""))
    chosen = request.GET.get("collection", "")
    return _render_ask(request, source=source, chosen_collection=chosen)


def _render_ask(
    request: HttpRequest,
    *,
    source: Source | None,
    question: str = "",
    include_generations: bool = True,
    answerer: str = QUOTES,
    chosen_collection: str = "",
    fault: str = "",
) -> HttpResponse:
    page = page_of(request, size=PAGE_SIZE)
    answers = list_answers(user=signed_in_user(request), page=page)
    context = {
        "answers": answers.rows,
        "next_cursor": answers.next_cursor,
        "question": question,
        "include_generations": include_generations,
        "only_source": source,
        "collections": offered_names(user=signed_in_user(request), chosen=chosen_collection),
        "chosen_collection": chosen_collection,
        "server": configured_server(),
        "answerer": answerer,
        "fault": fault,
    }
    return render(request, "grounding/ask.html", context, status=422 if fault else 200)


def _ids(raw: str) -> tuple[uuid.UUID, ...]:
    try:
        return (uuid.UUID(raw),) if raw else ()
    except ValueError as error:
        raise Http404 from error


def _named_source(request: HttpRequest, raw: str) -> Source | None:
    """The document that the question is limited to, if the address names one."""
    if not raw:
        return None
    try:
        return get_source(user=signed_in_user(request), source_id=uuid.UUID(raw))
    except (ValueError, UnableToFindSource) as error:
        raise Http404 from error


@login_required
@require_POST
def put_question(request: HttpRequest) -> HttpResponse:
    """Answer the question and show the answer at its own address."""
    user = signed_in_user(request)
    if not user.may_submit:
        raise PermissionDenied
    question = request.POST.get("question", "")
    source = _named_source(request, request.POST.get("source", ""))
    include_generations = request.POST.get("include_generations") == "on"
    answerer = request.POST.get("answerer", QUOTES)
    source_ids = (source.id,) if source else None
    chosen = request.POST.get("collection", "")
    collection_ids = _ids(chosen) or None
    try:
        if answerer == CONNECTOR:
            scope = Scope(
                source_ids=source_ids,
                include_generations=include_generations,
                collection_ids=collection_ids,
            )
            answer = request_answer(user=user, question=question, scope=scope)
        else:
            answer = ask_question(
                user=user,
                question=question,
                source_ids=source_ids,
                include_generations=include_generations,
                collection_ids=collection_ids,
            )
    except (UnableToAsk, UnableToKeepToCollections, UnableToUseConnector, Refused) as error:
        return _render_ask(
            request,
            source=source,
            question=question,
            include_generations=include_generations,
            answerer=answerer,
            chosen_collection=chosen,
            fault=str(error),
        )
    return redirect("answer", answer_id=answer.id)


def _find_or_404(request: HttpRequest, answer_id: uuid.UUID) -> Answer:
    try:
        return get_answer(user=signed_in_user(request), answer_id=answer_id)
    except UnableToFindAnswer as error:
        raise Http404 from error


@login_required
@require_GET
def show_answer(request: HttpRequest, answer_id: uuid.UUID) -> HttpResponse:
    """An answer, sentence by sentence, with the places it stands in."""
    user = signed_in_user(request)
    answer = _find_or_404(request, answer_id)
    shown = present_answer(answer, read_answer(user=user, answer=answer))
    context = {"answer": answer, "shown": shown, "may_stop": _may_stop(user, answer)}
    return render(request, "grounding/answer.html", context)


def _may_stop(user: User, answer: Answer) -> bool:
    return answer.owner_id == user.id or user.runs_the_site


@login_required
@require_GET
def answer_body(request: HttpRequest, answer_id: uuid.UUID) -> HttpResponse:
    """The words of an answer once they are there, asked for again and again until then."""
    user = signed_in_user(request)
    answer = _find_or_404(request, answer_id)
    if not answer.terminal:
        return HttpResponse(status=204)
    shown = present_answer(answer, read_answer(user=user, answer=answer))
    context = {"answer": answer, "shown": shown, "may_stop": False}
    return render(request, "grounding/parts/answer_page_body.html", context)


@login_required
@require_POST
def stop_answer(request: HttpRequest, answer_id: uuid.UUID) -> HttpResponse:
    """Stop what is being written."""
    answer = _find_or_404(request, answer_id)
    if not _may_stop(signed_in_user(request), answer):
        raise PermissionDenied
    cancel_answer(answer=answer)
    return redirect("answer", answer_id=answer_id)


urlpatterns: list[URLPattern] = [
    path("ask", ask, name="ask"),
    path("ask/question", put_question, name="ask-question"),
    path("ask/<uuid:answer_id>", show_answer, name="answer"),
    path("ask/<uuid:answer_id>/words", answer_body, name="answer-words"),
    path("ask/<uuid:answer_id>/stop", stop_answer, name="answer-stop"),
]
