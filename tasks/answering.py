"""Answers that a language model writes, beside the other work of its process.

The server of the model takes seconds, and several questions can wait for it at a time, so the
exchanges are held by threads; everything that touches the database is done by one thread, the
desk. It hears of new questions and of cancels at once, and looks every few seconds besides.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from celery import signals
from django.conf import settings
from django.db import connection

from genmodels.embedding import Embedder
from tasks.worker import this_process
from webapp import queueing
from webapp.celery import app
from webapp.common import live
from webapp.common.outbound import Abort
from webapp.common.problems import DATABASE_OUTAGES
from webapp.generations.broadcast import topic_of_owner
from webapp.grounding.answerers import Sentence, UnableToAnswer, Written
from webapp.grounding.chat_server import configured_server
from webapp.grounding.connector import ConnectorAnswerer
from webapp.grounding.models import Answer
from webapp.grounding.writing import (
    Assignment,
    Reply,
    complete_answer,
    prepare_answer,
    retrieve_for_answer,
)
from webapp.jobs import operations as jobs
from webapp.jobs import queries as job_queries
from webapp.jobs.operations import ClaimedJob
from webapp.search.embedders import embedder_in_use
from webapp.search.results import SearchHit

logger = logging.getLogger(__name__)

#: Questions that are with the language model at a time.
MAX_IN_FLIGHT = 4
#: Seconds between two looks at the leases, and writes of the progress.
LOOK_SECONDS = 1.0
#: How long a process that is told to stop waits for exchanges that it has ended.
STOP_SECONDS = 4.0
_LEAST_PAUSE = 0.05


class Process(Protocol):
    """What answering needs of the worker process that it runs in."""

    @property
    def id(self) -> int: ...

    @property
    def accepts_work(self) -> bool: ...


@dataclass
class _Case:
    """A question that is being answered: first made to stand alone, then answered."""

    job: ClaimedJob
    assignment: Assignment
    abort: Abort = field(default_factory=Abort)
    started_at: float = field(default_factory=time.monotonic)
    searched_for: str = ""
    passages: tuple[SearchHit, ...] = ()
    space: str = ""
    is_rewriting: bool = False
    characters: int = 0

    def tell(self, text: str) -> None:
        """Show what was written so far to whoever looks; it is not checked yet."""
        answer = self.assignment.answer
        self.characters = len(text)
        data = {"id": str(answer.id), "media_type": "text/plain", "text": text}
        topics = (str(answer.id), topic_of_owner(answer.owner_id))
        live.publish(topics, "answer.preview", {**data, "length": len(text)})

    def tell_changed(self) -> None:
        """Its row says something new."""
        answer = self.assignment.answer
        topics = (str(answer.id), topic_of_owner(answer.owner_id))
        live.publish(topics, "answer.changed", {"id": str(answer.id)})


@app.task(name=queueing.ANSWER)
def answer(**_: Any) -> None:
    """There is a question to answer: the desk has heard of it already, or looks soon."""
    queueing.forget_wake(queueing.ANSWERS_QUEUE)


class Desk:
    """Claims questions, has them answered, and stores what came of them."""

    def __init__(
        self, process: Process, *, embedder: Callable[[], Embedder] = embedder_in_use
    ) -> None:
        self.nudged = threading.Event()
        self._process = process
        self._embedder = embedder
        self._writers = ThreadPoolExecutor(MAX_IN_FLIGHT, thread_name_prefix="answer")
        self._in_flight: dict[Future[Any], _Case] = {}
        self._doomed: set[uuid.UUID] = set()
        #: Claimed, and not begun because the database went away: to be given back.
        self._owed: list[ClaimedJob] = []
        self._looked_at = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether anything is with the language model."""
        return bool(self._in_flight)

    def listen_forever(self) -> None:
        """Hear at once of new questions and of cancels; never returns."""
        for nudge in queueing.listen([queueing.ANSWERS_QUEUE]):
            if nudge.doomed_job_id is not None:
                self._doomed.add(nudge.doomed_job_id)
            self.nudged.set()

    def run_forever(self) -> None:
        """Never returns; a database that is away is waited for."""
        while True:
            wait = LOOK_SECONDS if self.is_busy else settings.JOBS_IDLE_LOOK_INTERVAL
            self.nudged.wait(wait)
            self.nudged.clear()
            try:
                while self.step():
                    pass
            except DATABASE_OUTAGES as error:
                logger.warning("answers wait for the database: %s", error)
                connection.close()
            except Exception:
                # The boundary of a thread that must not end: the rows are looked at again.
                logger.exception("answers")
                connection.close()
            time.sleep(_LEAST_PAUSE)

    def step(self) -> bool:
        """Store what came back and take what waits; whether there may be more to take."""
        while self._owed:
            jobs.release_job(job_id=self._owed[-1].id, fence=self._owed[-1].fence)
            self._owed.pop()
        self._look_at_leases()
        for future in [each for each in self._in_flight if each.done()]:
            self._go_on(future, self._in_flight[future])
        if not self._process.accepts_work:
            for case in list(self._in_flight.values()):
                case.abort.now()
            return False
        return self._take()

    def stop(self) -> None:
        """Break off what is being written and give it back: another process begins anew."""
        for case in list(self._in_flight.values()):
            case.abort.now()
            jobs.release_job(job_id=case.job.id, fence=case.job.fence)
        self._writers.shutdown(wait=False, cancel_futures=True)

    def _take(self) -> bool:
        free = MAX_IN_FLIGHT - len(self._in_flight)
        if free <= 0 or not job_queries.has_work([queueing.ANSWERS_QUEUE]):
            return False
        claimed = jobs.claim_jobs(
            worker_id=self._process.id,
            queues=[queueing.ANSWERS_QUEUE],
            limit=1,
            busy=self.is_busy,
        )
        for job in claimed:
            try:
                self._begin(job)
            except UnableToAnswer as error:
                _fail(job, error)
            except DATABASE_OUTAGES:
                self._owed.append(job)
                raise
            except Exception as error:
                # A task boundary: this question's failure, not the desk's.
                logger.exception("answer of job %s", job.id)
                _fail(job, _unexpected(error))
        return bool(claimed)

    def _begin(self, job: ClaimedJob) -> None:
        row = Answer.objects.select_related("owner").filter(job_id=job.id).first()
        if row is None:
            raise UnableToAnswer("superseded", "", transient=False)
        assignment = prepare_answer(row)
        case = _Case(job, assignment, searched_for=assignment.searched_for)
        answerer = self._answerer(case)
        if assignment.scope is not None and assignment.history:
            case.is_rewriting = True
            future: Future[Any] = self._submit(
                lambda: answerer.rewrite(question=assignment.question, history=assignment.history)
            )
        else:
            future = self._have_answered(case, answerer)
        self._in_flight[future] = case

    def _answerer(self, case: _Case) -> ConnectorAnswerer:
        server = configured_server()
        if server is None:
            detail = "No language model is configured any more."
            raise UnableToAnswer("connector_missing", detail, transient=False)
        return ConnectorAnswerer(server, on_text=case.tell, abort=case.abort)

    def _have_answered(self, case: _Case, answerer: ConnectorAnswerer) -> Future[Any]:
        assignment = case.assignment
        if assignment.scope is None:
            return self._submit(
                lambda: answerer.reply(question=assignment.question, history=assignment.history)
            )
        embedder = self._embedder()
        case.passages = retrieve_for_answer(
            assignment, searched_for=case.searched_for, embedder=embedder
        )
        case.space = embedder.name
        return self._submit(
            lambda: answerer.answer(question=case.searched_for, passages=case.passages)
        )

    def _submit(self, act: Callable[[], Any]) -> Future[Any]:
        future = self._writers.submit(act)
        future.add_done_callback(lambda _: self.nudged.set())
        return future

    def _go_on(self, future: Future[Any], case: _Case) -> None:
        """Store what an exchange brought; a question that now stands alone is answered next."""
        try:
            if case.abort.is_set:
                self._give_up(case)
            elif case.is_rewriting:
                self._answer_rewritten(future, case)
            else:
                self._store(case, future.result())
        except UnableToAnswer as error:
            _fail(case.job, error)
        except DATABASE_OUTAGES:
            # It stays in flight, and is stored when the database is back.
            raise
        except Exception as error:
            # A task boundary: one answer must not take the desk down with it.
            logger.exception("answer %s", case.assignment.answer.id)
            _fail(case.job, _unexpected(error))
        del self._in_flight[future]
        case.tell_changed()

    def _answer_rewritten(self, future: Future[Any], case: _Case) -> None:
        """Go on with the question as the model put it, or as the rules did where it could not."""
        if future.exception() is None:
            case.searched_for = future.result() or case.searched_for
        following = self._have_answered(case, self._answerer(case))
        case.is_rewriting = False
        self._in_flight[following] = case

    def _store(self, case: _Case, result: Written | str) -> None:
        if isinstance(result, str):
            result = Written((Sentence(result, ()),), confidence=0.0)
        complete_answer(
            answer=case.assignment.answer,
            fence=case.job.fence,
            reply=Reply(
                written=result,
                passages=case.passages,
                searched_for=case.searched_for,
                seconds=time.monotonic() - case.started_at,
                space=case.space if case.passages else "",
            ),
        )

    def _give_up(self, case: _Case) -> None:
        """End as canceled what is to be canceled; give back what only this process must stop."""
        held = job_queries.look_at_jobs([case.job.id]).get(case.job.id)
        if held is not None and held.cancel_requested:
            jobs.finish_job(job_id=case.job.id, fence=case.job.fence)
        else:
            jobs.release_job(job_id=case.job.id, fence=case.job.fence)

    def _look_at_leases(self) -> None:
        """Break off what was canceled or is somebody else's by now; tell how far the rest is.

        A cancel that was heard of is looked at in any case: it may be that of another's job.
        """
        now = time.monotonic()
        cases = {case.job.id: case for case in self._in_flight.values()}
        heard = self._doomed & set(cases)
        self._doomed.clear()
        if not cases or (now - self._looked_at < LOOK_SECONDS and not heard):
            return
        self._looked_at = now
        held = job_queries.look_at_jobs(list(cases))
        for job_id, case in cases.items():
            lease = held.get(job_id)
            if lease is None or lease.fence != case.job.fence or lease.cancel_requested:
                case.abort.now()
            elif case.characters:
                jobs.record_progress(
                    job_id=job_id,
                    fence=case.job.fence,
                    progress={"done": case.characters, "total": 0, "unit": "character"},
                )


def _unexpected(error: Exception) -> UnableToAnswer:
    trace = "".join(traceback.format_exception(error))[-8000:]
    return UnableToAnswer(
        "internal_error", "Answering failed on the server.", transient=True, trace=trace
    )


def _fail(job: ClaimedJob, error: UnableToAnswer) -> None:
    jobs.fail_job(
        job_id=job.id,
        fence=job.fence,
        code=error.code,
        detail=error.detail,
        transient=error.transient,
        error=error.trace,
    )


@signals.worker_process_init.connect
def _open_desk(**_: Any) -> None:
    process = this_process()
    if queueing.ANSWERS_QUEUE in process.queues:
        desk = Desk(process)
        process.farewells.append(desk.stop)
        threading.Thread(target=desk.listen_forever, name="answers-ear", daemon=True).start()
        threading.Thread(target=desk.run_forever, name="answers", daemon=True).start()
