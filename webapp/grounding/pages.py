"""Asking: the question, the answer with its citations, and what was asked before."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST

from webapp.accounts.models import User
from webapp.common.pagination import page_of
from webapp.generations.pages import is_fragment, signed_in_user
from webapp.grounding.answerers import CONNECTOR, QUOTES
from webapp.grounding.chat_server import configured_server
from webapp.grounding.keeping_to import offer_knowledge
from webapp.grounding.models import Answer
from webapp.grounding.operations import Scope, UnableToAsk, UnableToKeepToCollections
from webapp.grounding.operations import ask as ask_question
from webapp.grounding.queries import UnableToFindAnswer, get_answer, list_answers, read_answer
from webapp.grounding.shown import show_answer as present_answer
from webapp.grounding.suggesting import suggest_next
from webapp.grounding.writing import UnableToUseConnector, cancel_answer, request_answer
from webapp.jobs.admission import Refused
from webapp.knowledge.queries import find_sources

PAGE_SIZE = 20

#: What asking may raise that the person can do something about.
_REFUSALS = (UnableToAsk, UnableToKeepToCollections, UnableToUseConnector, Refused)


@login_required
@require_GET
def ask(request: HttpRequest) -> HttpResponse:
    """The question, over what was asked before."""
    _check_sources(request, request.GET.getlist("source"))
    return _render_ask(request, request.GET, include_generations=True)


def _render_ask(
    request: HttpRequest, typed: QueryDict, *, include_generations: bool, fault: str = ""
) -> HttpResponse:
    page = page_of(request, size=PAGE_SIZE)
    answers = list_answers(user=signed_in_user(request), page=page)
    context = {
        "answers": answers.rows,
        "next_cursor": answers.next_cursor,
        "question": _question(typed),
        "include_generations": include_generations,
        "keep_to": offer_knowledge(
            user=signed_in_user(request),
            collections=typed.getlist("collection"),
            sources=typed.getlist("source"),
        ),
        "server": configured_server(),
        "answerer": typed.get("answerer", QUOTES),
        "fault": fault,
    }
    return render(request, "grounding/ask.html", context, status=422 if fault else 200)


def _question(typed: QueryDict) -> str:
    """What was asked; the composer of the Studio calls it a prompt."""
    return typed.get("question") or typed.get("prompt") or ""


def _ids(values: list[str]) -> tuple[uuid.UUID, ...] | None:
    """The ids that a form names, or None where it names none."""
    try:
        return tuple(uuid.UUID(value) for value in values) or None
    except ValueError as error:
        raise Http404 from error


def _check_sources(request: HttpRequest, values: list[str]) -> tuple[uuid.UUID, ...] | None:
    """The documents that a question is limited to, if any are named; all must be there."""
    wanted = _ids(values)
    if wanted is not None:
        found = find_sources(user=signed_in_user(request), source_ids=wanted)
        if {row.id for row in found} != set(wanted):
            raise Http404
    return wanted


@login_required
@require_POST
def put_question(request: HttpRequest) -> HttpResponse:
    """Answer the question and show the answer at its own address."""
    try:
        answer = _ask(request)
    except _REFUSALS as error:
        include_generations = request.POST.get("include_generations") == "on"
        return _render_ask(
            request, request.POST, include_generations=include_generations, fault=str(error)
        )
    return redirect("answer", answer_id=answer.id)


@login_required
@require_POST
def put_prompt(request: HttpRequest) -> HttpResponse:
    """From the Studio: what stands in the composer, asked of the knowledge chosen there."""
    if not is_fragment(request):
        return put_question(request)
    try:
        answer = _ask(request)
    except _REFUSALS as error:
        context = {"composer": {"faults": (str(error),)}}
        response = render(request, "generations/parts/faults.html", context, status=422)
        response["HX-Retarget"] = "#composer-faults"
        response["HX-Reswap"] = "outerHTML"
        return response
    return HttpResponse(headers={"HX-Redirect": reverse("answer", args=[answer.id])})


def _ask(request: HttpRequest) -> Answer:
    """Ask what the form holds; raises one of _REFUSALS."""
    user = signed_in_user(request)
    if not user.may_submit:
        raise PermissionDenied
    typed = request.POST
    question = _question(typed)
    scope = Scope(
        source_ids=_check_sources(request, typed.getlist("source")),
        include_generations=typed.get("include_generations") == "on",
        collection_ids=_ids(typed.getlist("collection")),
    )
    if typed.get("answerer", QUOTES) == CONNECTOR:
        return request_answer(user=user, question=question, scope=scope)
    return ask_question(
        user=user,
        question=question,
        source_ids=scope.source_ids,
        include_generations=scope.include_generations,
        collection_ids=scope.collection_ids,
    )


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
    context = {**_context(user, answer), "may_stop": _may_stop(user, answer)}
    return render(request, "grounding/answer.html", context)


def _context(user: User, answer: Answer) -> dict[str, Any]:
    """What the page of an answer shows, and what its asker can ask next."""
    read = read_answer(user=user, answer=answer)
    may_go_on = answer.terminal and answer.owner_id == user.id and user.may_submit
    return {
        "answer": answer,
        "shown": present_answer(answer, read),
        "may_go_on": may_go_on and answer.trashed_at is None,
        "suggestions": suggest_next(user=user, answer=answer, read=read) if may_go_on else (),
        "next_url": reverse("chat-from", args=[answer.id]),
        "form_key": uuid.uuid4().hex,
    }


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
    context = {**_context(user, answer), "may_stop": False}
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
    path("ask/prompt", put_prompt, name="ask-prompt"),
    path("ask/<uuid:answer_id>", show_answer, name="answer"),
    path("ask/<uuid:answer_id>/words", answer_body, name="answer-words"),
    path("ask/<uuid:answer_id>/stop", stop_answer, name="answer-stop"),
]
