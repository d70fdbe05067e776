"""Asking: retrieve, rank, quote, and store what was quoted.

What is retrieved is data. It is compared and copied, never followed: no text of a document can
make this module do anything but quote it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

import numpy as np
from django.db import transaction

from genmodels.embedding import Embedder, load_embedder
from webapp.accounts.models import User
from webapp.common.ids import uuid7
from webapp.grounding.models import Answer, Citation
from webapp.grounding.ranking import (
    CandidateSentence,
    RankedSentence,
    best_confidence,
    rank_sentences,
    select_sentences,
)
from webapp.jobs import operations as jobs
from webapp.jobs.idempotency import digest_request
from webapp.search.models import Passage
from webapp.search.queries import SearchFilter, SearchHit, hybrid_search
from webapp.search.segments import cut_into_sentences

DEFAULT_PASSAGES = 8
MAX_PASSAGES = 20
MAX_QUESTION_CHARACTERS = 2_000

#: Sentences that are compared with a question; each costs a few milliseconds.
_MAX_CANDIDATES = 80

_ENDPOINT = "answers"


class UnableToAsk(Exception):
    """The question holds nothing to look for, or is too long."""


def ask(
    *,
    user: User,
    question: str,
    k: int = DEFAULT_PASSAGES,
    source_ids: Sequence[uuid.UUID] | None = None,
    include_generations: bool = True,
    embedder: Embedder | None = None,
    idempotency_key: str | None = None,
) -> Answer:
    """Answer a question with quotes from what the user may see, and remember both.

    1. The best `k` passages are found, in the named documents or in all and in earlier
       generations.
    2. Their sentences are ranked by meaning, shared words and the rank of their passage.
    3. The few best that do not repeat each other are quoted; with too little confidence, none.

    An answer with `found` false has no citations. A key that came before gives the answer of that
    time. Raises UnableToAsk or UnableToReuseIdempotencyKey.
    """
    started = time.perf_counter()
    question = question.replace("\x00", " ").strip()
    if not question:
        raise UnableToAsk("The question is empty.")
    if len(question) > MAX_QUESTION_CHARACTERS:
        raise UnableToAsk(f"A question has at most {MAX_QUESTION_CHARACTERS} characters.")
    embedder = embedder or load_embedder()
    in_documents_only = source_ids is not None or not include_generations
    page = hybrid_search(
        user=user,
        query=question,
        only=SearchFilter(source_ids=tuple(source_ids or ()), sources_only=in_documents_only),
        limit=k,
        per_origin=k,
        embedder=embedder,
    )
    # An empty list of documents is a wish to look nowhere, not everywhere.
    hits = () if source_ids is not None and not source_ids else page.hits
    ranked = rank_answers(question=question, hits=hits, embedder=embedder)
    answer = Answer(
        id=uuid7(),
        owner=user,
        question=question,
        confidence=best_confidence(ranked),
        num_passages=len(hits),
        include_generations=not in_documents_only,
        space=embedder.name,
    )
    citations = _cite(answer, select_sentences(ranked), hits)
    answer.found = bool(citations)
    answer.took_ms = (time.perf_counter() - started) * 1000
    with transaction.atomic():
        if idempotency_key is not None:
            bound_id = jobs.claim_idempotency_key(
                owner=user,
                endpoint=_ENDPOINT,
                key=idempotency_key,
                request_sha256=digest_request([question, k, source_ids, include_generations]),
                object_id=answer.id,
            )
            if bound_id != answer.id:
                earlier = Answer.objects.get(id=bound_id)
                earlier.replayed = True
                return earlier
        _let_go_of_the_replaced(citations)
        answer.save(force_insert=True)
        Citation.objects.bulk_create(citations)
    return answer


def _let_go_of_the_replaced(citations: Sequence[Citation]) -> None:
    """A document may have been replaced since its passages were found: its quotes stay true.

    Those that stand are locked, or they could vanish before the citations are stored.
    """
    found = [citation.passage_id for citation in citations]
    locked = Passage.objects.select_for_update(no_key=True).filter(id__in=found).order_by("id")
    standing = set(locked.values_list("id", flat=True))
    for citation in citations:
        if citation.passage_id not in standing:
            citation.passage_id = None


def rank_answers(
    *, question: str, hits: Sequence[SearchHit], embedder: Embedder
) -> list[RankedSentence]:
    """The sentences of the passages found, best first; none is left out for lack of confidence."""
    sentences = [
        CandidateSentence(
            passage_id=hit.passage_id,
            text=hit.text[start:end],
            start=start,
            end=end,
            passage_text=f"{hit.heading}\n{hit.text}",
            passage_similarity=hit.similarity,
            passage_score=hit.score,
        )
        for hit in hits
        for start, end in cut_into_sentences(hit.text)
    ][:_MAX_CANDIDATES]
    if not sentences:
        return []
    vectors = embedder.embed([question, *(sentence.text for sentence in sentences)])
    return rank_sentences(
        question=question,
        question_vector=np.asarray(vectors[0]),
        sentences=sentences,
        vectors=vectors[1:],
    )


def _cite(
    answer: Answer, selected: Sequence[RankedSentence], hits: Sequence[SearchHit]
) -> list[Citation]:
    found = {hit.passage_id: hit for hit in hits}
    numbers: dict[uuid.UUID, int] = {}
    citations = []
    for ordinal, each in enumerate(selected):
        sentence = each.sentence
        hit = found[sentence.passage_id]
        citations.append(
            Citation(
                answer=answer,
                ordinal=ordinal,
                number=numbers.setdefault(hit.passage_id, len(numbers) + 1),
                passage_id=hit.passage_id,
                generation_id=hit.generation_id,
                source_id=hit.source_id,
                quote=sentence.text,
                start=hit.start + sentence.start,
                end=hit.start + sentence.end,
                page=hit.page,
                heading=hit.heading,
                score=each.score,
            )
        )
    return citations
