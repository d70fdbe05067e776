"""Reads of answers, with only those quotes whose origin the reader may still see."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db.models import Q

from webapp.accounts.models import User
from webapp.common.pagination import Page, PageRequest, paginate
from webapp.generations.models import Generation
from webapp.grounding.models import Answer, Citation
from webapp.knowledge.models import Source


class UnableToFindAnswer(Exception):
    """There is no such answer, or it is not the user's to see."""


def list_answers(*, user: User, page: PageRequest) -> Page[Answer]:
    """The questions that the user may see, newest first."""
    return paginate(Answer.objects.visible_to(user).select_related("owner"), page)


def get_answer(*, user: User, answer_id: uuid.UUID) -> Answer:
    """One answer; raises UnableToFindAnswer. Its words are `list_citations`."""
    answer = Answer.objects.visible_to(user).select_related("owner").filter(id=answer_id).first()
    if answer is None:
        raise UnableToFindAnswer(str(answer_id))
    return answer


def list_citations(*, user: User, answer: Answer) -> list[Citation]:
    """The quotes of an answer in order, without those whose origin is hidden or trashed by now."""
    sources = Source.objects.visible_to(user).kept()
    generations = Generation.objects.visible_to(user).kept()
    return list(
        Citation.objects.filter(answer=answer)
        .filter(Q(source__in=sources) | Q(generation__in=generations))
        .select_related("source", "generation", "passage")
        .defer("passage__terms", "passage__bm25")
        .order_by("ordinal")
    )


def answer_text(citations: Sequence[Citation]) -> str:
    """The quotes as one text with their numbers in brackets; empty where nothing is left."""
    # A sentence may be broken over lines in its document; only `quote` keeps it as it stands.
    return " ".join(
        f"{' '.join(citation.quote.split())} [{citation.number}]" for citation in citations
    )
