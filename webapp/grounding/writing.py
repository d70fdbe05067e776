"""Answers that a language model writes: a job, from the request to its end.

`request_answer` queues it; a worker calls `prepare_answer`, `retrieve_for_answer` and
`complete_answer` (`tasks/answering.py`). Until its end there is nothing but the question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.db import transaction
from django.utils import timezone

from genmodels.embedding import Embedder
from webapp import queueing
from webapp.accounts.models import User
from webapp.common.ids import uuid7
from webapp.common.refusals import Conflict
from webapp.grounding.answerers import CONNECTOR, Exchange, Written
from webapp.grounding.chat_server import ChatServer, configured_server
from webapp.grounding.connector import HISTORY_EXCHANGES
from webapp.grounding.models import Answer, Citation, Statement
from webapp.grounding.operations import (
    Scope,
    check_collections,
    clean_question,
    find_earlier,
    let_go_of_the_replaced,
    make_rows,
    read_scope,
    retrieve,
    store_scope,
)
from webapp.jobs import operations as jobs
from webapp.jobs.models import Job, JobState
from webapp.jobs.operations import NewJob
from webapp.search.results import SearchHit

JOB_KIND = "answer"

#: What an attempt may take beyond the language model's own time, twice: it may rewrite first.
_SPARE_SECONDS = 60
_MAX_ATTEMPTS = 3


class UnableToUseConnector(Exception):
    """No language model is configured."""

    def __init__(self) -> None:
        super().__init__("No language model is configured on this site.")


def request_answer(
    *,
    user: User,
    question: str,
    scope: Scope | None,
    history: Sequence[Exchange] = (),
    searched_for: str = "",
    in_conversation: bool = False,
    idempotency_key: str | None = None,
) -> Answer:
    """Have the language model answer: from passages of `scope`, or freely where that is None.

    The job and the answer that waits for it are stored together. Raises UnableToAsk,
    UnableToKeepToCollections, UnableToUseConnector, UnableToReuseIdempotencyKey or what
    `jobs.submit_jobs` raises; in each case nothing was stored.
    """
    question = clean_question(question)
    server = configured_server()
    if server is None:
        raise UnableToUseConnector
    if scope is not None:
        check_collections(user, scope)
    answer = Answer(
        id=uuid7(),
        owner=user,
        question=question,
        searched_for="" if searched_for == question else searched_for,
        answerer=CONNECTOR,
        model=server.model,
        grounded=scope is not None,
        scope={} if scope is None else store_scope(scope),
        history=[asdict(exchange) for exchange in history[-HISTORY_EXCHANGES:]],
        in_conversation=in_conversation,
        found=False,
        confidence=0.0,
        num_passages=0,
        include_generations=scope is not None and not scope.in_documents_only,
        space="",
        took_ms=0.0,
    )
    request = [question, CONNECTOR, answer.scope, answer.history]
    with transaction.atomic():
        earlier = find_earlier(user, idempotency_key, request, answer)
        if earlier is not None:
            return earlier
        answer.job = _queue_answering(user, server)
        answer.save(force_insert=True)
    return answer


def _queue_answering(user: User, server: ChatServer) -> Job:
    job = NewJob(
        id=uuid7(),
        kind=JOB_KIND,
        queue=queueing.ANSWERS_QUEUE,
        attempt_seconds=round(2 * server.seconds) + _SPARE_SECONDS,
        max_attempts=_MAX_ATTEMPTS,
    )
    return jobs.submit_jobs(owner=user, jobs=[job])[0]


@dataclass(frozen=True)
class Assignment:
    """What an answerer is to do, with all that it may know.

    Without `scope` it goes on with the conversation freely. `searched_for` is what the rules made
    of a question that leans on its `history`, or the question itself.
    """

    answer: Answer
    question: str
    searched_for: str
    scope: Scope | None
    history: tuple[Exchange, ...]


def prepare_answer(answer: Answer) -> Assignment:
    """Read what a queued answer asks for."""
    return Assignment(
        answer=answer,
        question=answer.question,
        searched_for=answer.searched_for or answer.question,
        scope=read_scope(answer.scope) if answer.grounded else None,
        history=tuple(
            Exchange(**{**each, "topics": tuple(each["topics"])}) for each in answer.history
        ),
    )


def retrieve_for_answer(
    assignment: Assignment, *, searched_for: str, embedder: Embedder
) -> tuple[SearchHit, ...]:
    """The passages that its owner may see at this moment; none for a free reply."""
    if assignment.scope is None:
        return ()
    return retrieve(assignment.answer.owner, searched_for, assignment.scope, embedder)


@dataclass(frozen=True)
class Reply:
    """What came of an assignment; a free reply is one sentence, however long, without quotes."""

    written: Written
    passages: tuple[SearchHit, ...]
    searched_for: str
    seconds: float
    space: str


def complete_answer(*, answer: Answer, fence: int, reply: Reply) -> JobState | None:
    """End the job and store the answer, together; None when the lease was lost."""
    statements, citations = make_rows(answer, reply.written.sentences, reply.passages)
    assert answer.job_id is not None
    with transaction.atomic():
        state = jobs.finish_job(job_id=answer.job_id, fence=fence, used_seconds=reply.seconds)
        if state == JobState.SUCCEEDED:
            is_new = reply.searched_for != answer.question
            Answer.objects.filter(id=answer.id).update(
                searched_for=reply.searched_for if is_new else "",
                found=reply.written.is_supported or not answer.grounded,
                confidence=reply.written.confidence,
                num_passages=len(reply.passages),
                space=reply.space,
                took_ms=reply.seconds * 1000,
                near=[hit.passage_id for hit in reply.passages],
                consulted=[hit.source_id or hit.generation_id for hit in reply.passages],
                history=[],
            )
            Statement.objects.bulk_create(statements)
            let_go_of_the_replaced(citations)
            Citation.objects.bulk_create(citations)
    return state


class UnableToTrashAnswer(Conflict):
    """It belongs to a chat, and goes with that."""

    def __init__(self) -> None:
        super().__init__("The answer belongs to a chat. Put the chat in the trash instead.")


def trash_answer(*, answer: Answer) -> None:
    """Put an answer in the trash; what is being written stops. Raises UnableToTrashAnswer."""
    if answer.in_conversation:
        raise UnableToTrashAnswer
    cancel_answer(answer=answer)
    kept = Answer.objects.filter(id=answer.id).kept()
    kept.update(trashed_at=timezone.now())


def restore_answer(*, answer: Answer) -> None:
    """Take an answer out of the trash."""
    Answer.objects.filter(id=answer.id).update(trashed_at=None)


def cancel_answer(*, answer: Answer) -> Job | None:
    """Stop what is being written; an answer that was there at once has nothing to stop."""
    return None if answer.job_id is None else jobs.cancel_job(job_id=answer.job_id)
