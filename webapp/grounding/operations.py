"""Asking: retrieve, have answered, and store what was quoted.

What is retrieved is data. It is compared and copied, never followed: no text of a document can
make this module do anything but quote it.

Quotes come at once. What a language model writes takes seconds and may fail, so that is a job:
see `writing.py`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db import transaction

from genmodels.embedding import (
    Embedder,
    TokenEmbedder,
    load_token_embedder,
)
from webapp.accounts.models import User
from webapp.collections.queries import find_collections
from webapp.common.cleaning import clean_text
from webapp.common.ids import uuid7
from webapp.grounding.answerers import Answerer, Quote, Sentence, Written
from webapp.grounding.models import Answer, Citation, Statement
from webapp.grounding.ranking import (
    CandidatePassage,
    CandidateSentence,
    RankedSentence,
    best_confidence,
    rank_sentences,
    select_sentences,
)
from webapp.jobs.idempotency import made_before
from webapp.search.analyser import analyse, term_id
from webapp.search.embedders import embedder_in_use
from webapp.search.models import Passage
from webapp.search.queries import hybrid_search
from webapp.search.results import SearchFilter, SearchHit
from webapp.search.segments import cut_into_sentences

DEFAULT_PASSAGES = 8
MAX_PASSAGES = 20
MAX_QUESTION_CHARACTERS = 2_000


_ENDPOINT = "answers"


class UnableToAsk(Exception):
    """The question holds nothing to look for, or is too long."""


class UnableToKeepToCollections(Exception):
    """A collection that was named is not there, or documents were named as well."""


@dataclass(frozen=True)
class Scope:
    """What is looked through: the best `k` passages of these documents, or of all (None).

    With collections it is all that they hold, generations too, and nothing else.
    """

    k: int = DEFAULT_PASSAGES
    source_ids: tuple[uuid.UUID, ...] | None = None
    include_generations: bool = True
    collection_ids: tuple[uuid.UUID, ...] | None = None

    @property
    def in_documents_only(self) -> bool:
        """Whether earlier generations are left out."""
        if self.collection_ids is not None:
            return False
        return self.source_ids is not None or not self.include_generations

    @property
    def is_nowhere(self) -> bool:
        """Whether it names nothing: a wish to look nowhere, not everywhere."""
        return () in (self.source_ids, self.collection_ids)


def ask(
    *,
    user: User,
    question: str,
    k: int = DEFAULT_PASSAGES,
    source_ids: Sequence[uuid.UUID] | None = None,
    include_generations: bool = True,
    collection_ids: Sequence[uuid.UUID] | None = None,
    searched_for: str = "",
    in_conversation: bool = False,
    embedder: Embedder | None = None,
    idempotency_key: str | None = None,
) -> Answer:
    """Answer a question with quotes from what the user may see, and remember both.

    1. The best `k` passages are found, in the named documents or collections, or in all and in
       earlier generations; for `searched_for`, where the question leans on others before it.
    2. Their sentences are ranked by how near they come to each token of the question.
    3. The few best that do not repeat each other are quoted; with too little confidence, none.

    An answer with `found` false has no citations. A key that came before gives the answer of that
    time. Raises UnableToAsk, UnableToKeepToCollections or UnableToReuseIdempotencyKey.
    """
    started = time.perf_counter()
    question = clean_question(question)
    reader = embedder if isinstance(embedder, TokenEmbedder) else load_token_embedder()
    embedder = embedder or embedder_in_use()
    scope = Scope(
        k,
        None if source_ids is None else tuple(source_ids),
        include_generations,
        None if collection_ids is None else tuple(collection_ids),
    )
    check_collections(user, scope)
    hits = retrieve(user, searched_for or question, scope, embedder)
    answerer: Answerer = _QuotingAnswerer(reader)
    written = answerer.answer(question=searched_for or question, passages=hits)
    answer = Answer(
        id=uuid7(),
        owner=user,
        question=question,
        searched_for="" if searched_for == question else searched_for,
        in_conversation=in_conversation,
        found=written.is_supported,
        confidence=written.confidence,
        num_passages=len(hits),
        include_generations=not scope.in_documents_only,
        scope=store_scope(scope),
        near=[hit.passage_id for hit in hits],
        space=embedder.name,
    )
    statements, citations = make_rows(answer, written.sentences, hits)
    answer.took_ms = (time.perf_counter() - started) * 1000
    request = [question, k, source_ids, include_generations, collection_ids]
    with transaction.atomic():
        earlier = find_earlier(user, idempotency_key, request, answer)
        if earlier is not None:
            return earlier
        let_go_of_the_replaced(citations)
        answer.save(force_insert=True)
        Statement.objects.bulk_create(statements)
        Citation.objects.bulk_create(citations)
    return answer


def store_scope(scope: Scope) -> dict[str, Any]:
    """The scope as JSON keeps it."""
    return {
        **asdict(scope),
        "source_ids": _texts(scope.source_ids),
        "collection_ids": _texts(scope.collection_ids),
    }


def _texts(ids: tuple[uuid.UUID, ...] | None) -> list[str] | None:
    return None if ids is None else [str(each) for each in ids]


def _ids(texts: list[str] | None) -> tuple[uuid.UUID, ...] | None:
    return None if texts is None else tuple(uuid.UUID(each) for each in texts)


def read_scope(stored: dict[str, Any]) -> Scope:
    """The scope that JSON kept."""
    return replace(
        Scope(**stored),
        source_ids=_ids(stored["source_ids"]),
        # Not there in what was queued before there were collections.
        collection_ids=_ids(stored.get("collection_ids")),
    )


def clean_question(question: str) -> str:
    """The question without blanks around it; raises UnableToAsk."""
    question = clean_text(question)
    if not question:
        raise UnableToAsk("The question is empty.")
    if len(question) > MAX_QUESTION_CHARACTERS:
        raise UnableToAsk(f"A question has at most {MAX_QUESTION_CHARACTERS} characters.")
    return question


def check_collections(user: User, scope: Scope) -> None:
    """Make sure that the collections of a scope can be kept to.

    Raises UnableToKeepToCollections.
    """
    wanted = scope.collection_ids
    if wanted is None:
        return
    if scope.source_ids is not None:
        raise UnableToKeepToCollections("Name documents or collections, not both.")
    if len(find_collections(user=user, collection_ids=wanted)) != len(set(wanted)):
        raise UnableToKeepToCollections("One of the collections is not there, or not yours.")


def find_earlier(user: User, key: str | None, request: object, answer: Answer) -> Answer | None:
    """What this key has made before; None where it is new, and bound to `answer` now.

    In the caller's transaction. Raises UnableToReuseIdempotencyKey.
    """
    earlier_id = made_before(
        owner=user, endpoint=_ENDPOINT, key=key, request=request, object_id=answer.id
    )
    if earlier_id is None:
        return None
    earlier = Answer.objects.select_related("job").get(id=earlier_id)
    earlier.replayed = True
    return earlier


def retrieve(user: User, query: str, scope: Scope, embedder: Embedder) -> tuple[SearchHit, ...]:
    """The best passages for a query, of what the user may see now."""
    if scope.is_nowhere:
        return ()
    page = hybrid_search(
        user=user,
        query=query,
        only=SearchFilter(
            source_ids=scope.source_ids or (),
            sources_only=scope.in_documents_only,
            collections=scope.collection_ids or (),
        ),
        limit=scope.k,
        per_origin=scope.k,
        embedder=embedder,
    )
    return page.hits


@dataclass(frozen=True)
class _QuotingAnswerer:
    """The answerer that is always there: it copies sentences and writes none."""

    reader: TokenEmbedder

    def answer(self, *, question: str, passages: Sequence[SearchHit]) -> Written:
        """The best sentences; none where none is trusted enough."""
        ranked = rank_answers(question=question, hits=passages, embedder=self.reader)
        sentences = tuple(
            Sentence(
                text="",
                quotes=(
                    Quote(
                        each.sentence.passage_id,
                        each.sentence.start,
                        each.sentence.end,
                        each.score,
                    ),
                ),
            )
            for each in select_sentences(ranked)
        )
        return Written(sentences, best_confidence(ranked))


def let_go_of_the_replaced(citations: Sequence[Citation]) -> None:
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
    *, question: str, hits: Sequence[SearchHit], embedder: TokenEmbedder
) -> list[RankedSentence]:
    """The sentences of the passages found, best first; none is left out for lack of confidence."""
    texts = [f"{hit.heading}\n{hit.text}" if hit.heading else hit.text for hit in hits]
    question_tokens, *tokens = embedder.embed_tokens([question, *texts])
    return rank_sentences(
        question=question,
        question_tokens=question_tokens,
        passages=[
            CandidatePassage(
                sentences=[
                    CandidateSentence(
                        passage_id=hit.passage_id,
                        text=hit.text[start:end],
                        start=start,
                        end=end,
                        passage_text=text,
                        passage_similarity=hit.similarity,
                        passage_score=hit.score,
                    )
                    for start, end in cut_into_sentences(hit.text)
                ],
                tokens=each,
                text_start=len(text) - len(hit.text),
            )
            for hit, text, each in zip(hits, texts, tokens, strict=True)
        ],
    )


def make_rows(
    answer: Answer, sentences: Sequence[Sentence], hits: Sequence[SearchHit]
) -> tuple[list[Statement], list[Citation]]:
    """The rows of what was answered; passages are numbered in the order they are first quoted."""
    found = {hit.passage_id: hit for hit in hits}
    numbers: dict[uuid.UUID, int] = {}
    statements: list[Statement] = []
    citations: list[Citation] = []
    for sentence in sentences:
        statement = None
        if sentence.text:
            statement = Statement(
                answer=answer,
                ordinal=len(statements),
                text=sentence.text,
                begins_line=sentence.begins_line,
                terms=term_ids(sentence.text),
            )
            statements.append(statement)
        for quote in sentence.quotes:
            hit = found[quote.passage_id]
            text = hit.text[quote.start : quote.end]
            citations.append(
                Citation(
                    answer=answer,
                    statement=statement,
                    ordinal=len(citations),
                    number=numbers.setdefault(hit.passage_id, len(numbers) + 1),
                    passage_id=hit.passage_id,
                    generation_id=hit.generation_id,
                    source_id=hit.source_id,
                    quote=text,
                    start=hit.start + quote.start,
                    end=hit.start + quote.end,
                    page=hit.page,
                    heading=hit.heading,
                    score=quote.score,
                    terms=term_ids(text),
                )
            )
    return statements, citations


def term_ids(text: str) -> list[int]:
    """The ids of the distinct terms of a text, as the search of chats keeps them."""
    return sorted({term_id(term) for term in analyse(text)})
