"""Asking: the question, the answer with its citations, and what was asked before."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST

from webapp.common.pagination import PageRequest, parse_page
from webapp.common.problems import Problem
from webapp.generations.pages import signed_in_user
from webapp.grounding.models import Citation
from webapp.grounding.operations import UnableToAsk
from webapp.grounding.operations import ask as ask_question
from webapp.grounding.queries import (
    UnableToFindAnswer,
    get_answer,
    list_answers,
    list_citations,
)
from webapp.knowledge.models import Source
from webapp.knowledge.queries import UnableToFindSource, find_quote, get_source

PAGE_SIZE = 20


@dataclass(frozen=True)
class ShownQuote:
    """A sentence of the answer with the chip behind it; `part` of its page opens beside it."""

    number: int
    quote: str
    url: str
    part: str
    origin: str


@dataclass(frozen=True)
class ShownPlace:
    """A numbered place, with every sentence quoted from it."""

    number: int
    url: str
    part: str
    origin: str
    heading: str
    page: int | None
    score: float
    quotes: tuple[str, ...]


@login_required
@require_GET
def ask(request: HttpRequest) -> HttpResponse:
    """The question, over what was asked before."""
    source = _named_source(request, request.GET.get("source", ""))
    return _render_ask(request, source=source)


def _render_ask(
    request: HttpRequest,
    *,
    source: Source | None,
    question: str = "",
    include_generations: bool = True,
    fault: str = "",
) -> HttpResponse:
    page = PageRequest(limit=PAGE_SIZE)
    cursor = request.GET.get("cursor", "")
    if cursor:
        try:
            page = parse_page({"cursor": cursor, "limit": str(PAGE_SIZE)})
        except Problem as error:
            raise Http404 from error
    answers = list_answers(user=signed_in_user(request), page=page)
    context = {
        "answers": answers.rows,
        "next_cursor": answers.next_cursor,
        "question": question,
        "include_generations": include_generations,
        "only_source": source,
        "fault": fault,
    }
    return render(request, "grounding/ask.html", context, status=422 if fault else 200)


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
    try:
        answer = ask_question(
            user=user,
            question=question,
            source_ids=(source.id,) if source else None,
            include_generations=include_generations,
        )
    except UnableToAsk as error:
        return _render_ask(
            request,
            source=source,
            question=question,
            include_generations=include_generations,
            fault=str(error),
        )
    return redirect("answer", answer_id=answer.id)


@login_required
@require_GET
def show_answer(request: HttpRequest, answer_id: uuid.UUID) -> HttpResponse:
    """An answer, sentence by sentence, with the places it stands in."""
    user = signed_in_user(request)
    try:
        answer = get_answer(user=user, answer_id=answer_id)
    except UnableToFindAnswer as error:
        raise Http404 from error
    citations = list_citations(user=user, answer=answer)
    context = {
        "answer": answer,
        "sentences": [_shown_quote(citation) for citation in citations],
        "places": _places(citations),
    }
    return render(request, "grounding/answer.html", context)


def _places(citations: list[Citation]) -> list[ShownPlace]:
    places: dict[int, ShownPlace] = {}
    for citation in citations:
        known = places.get(citation.number)
        if known is not None:
            quotes = (*known.quotes, citation.quote)
            places[citation.number] = replace(known, quotes=quotes)
            continue
        shown = _shown_quote(citation)
        places[citation.number] = ShownPlace(
            number=citation.number,
            url=shown.url,
            part=shown.part,
            origin=shown.origin,
            heading=citation.heading,
            page=citation.page,
            score=citation.score,
            quotes=(citation.quote,),
        )
    return [places[number] for number in sorted(places)]


def _shown_quote(citation: Citation) -> ShownQuote:
    """Where a quote leads: into its document at its passage, or to its generation."""
    ordinal = citation.passage.ordinal if citation.passage else 0
    query = urlencode({"passage": ordinal, "start": citation.start, "end": citation.end})
    if citation.source is not None and citation.passage is None:
        url, origin = _earlier_place(citation, citation.source)
        part = "#passages"
    elif citation.source is not None:
        address = reverse("document", kwargs={"source_id": citation.source.id})
        url, part, origin = (
            f"{address}?{query}#passage-{ordinal}",
            "#passages",
            citation.source.title,
        )
    else:
        assert citation.generation is not None
        address = reverse("generation", kwargs={"generation_id": citation.generation.id})
        url, part, origin = f"{address}?{query}", "#exhibit", citation.generation.accession
    return ShownQuote(
        number=citation.number, quote=citation.quote, url=url, part=part, origin=origin
    )


def _earlier_place(citation: Citation, source: Source) -> tuple[str, str]:
    """Where a quote stands whose passage was cut anew, or replaced with its whole version."""
    query = urlencode({"start": citation.start, "end": citation.end})
    place = find_quote(source=source, quote=citation.quote, start=citation.start, end=citation.end)
    if place is None or place.is_current:
        return f"{reverse('document', kwargs={'source_id': source.id})}?{query}", source.title
    address = reverse("document-version", kwargs={"source_id": source.id, "number": place.version})
    return f"{address}?{query}", f"{source.title}, from an earlier version"


urlpatterns: list[URLPattern] = [
    path("ask", ask, name="ask"),
    path("ask/question", put_question, name="ask-question"),
    path("ask/<uuid:answer_id>", show_answer, name="answer"),
]
