"""The message that wakes a worker for the index: make findable what is not found yet."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.db import connection

from genmodels.embedding import UnableToEmbed
from tasks.looking import Eyes
from tasks.worker import this_process
from webapp import queueing
from webapp.celery import app
from webapp.common.problems import DATABASE_OUTAGES
from webapp.search.space_filling import SpaceFiller, fill_active
from webapp.search.term_counting import refresh_outdated_statistics
from webapp.search.word_operations import forget_lost_words, keep_words

logger = logging.getLogger(__name__)

#: How long a new result may wait for others, to be made findable together with them.
GATHER_SECONDS = 1.0
#: After so long the process looks for what is new, and at its other queues, before it goes on with
#: pictures, and with spaces that nobody searches yet.
TURN_SECONDS = 5.0
#: Words whose passages are gone wait so long at most: a look for them goes through all passages.
LOST_WORDS_SECONDS = 60.0

_filler = SpaceFiller()
_eyes = Eyes()
_looked_for_lost_words = -LOST_WORDS_SECONDS


@app.task(name=queueing.INDEX)
def index(**_: Any) -> None:
    """Fill the index until nothing is missing; the rows say what is, so the message names none.

    Then pictures are looked at and other spaces filled, for a turn each; another message follows
    where more is left.
    """
    process = this_process()
    with process.working():
        # What ends meanwhile is indexed in one go, instead of one message and one pass for each.
        time.sleep(GATHER_SECONDS)
        queueing.forget_wake(queueing.INDEXING_QUEUE)
        try:
            _fill_active()
            refresh_outdated_statistics()
            while process.accepts_work and keep_words():
                pass
            _forget_lost_words()
            queueing.wake(queueing.GRAPH_QUEUE)
            pictures_left = _eyes.take_turn(
                seconds=TURN_SECONDS, go_on=lambda: process.accepts_work
            )
            turn = _filler.take_turn(seconds=TURN_SECONDS, go_on=lambda: process.accepts_work)
            if pictures_left or turn.is_left:
                queueing.wake(queueing.INDEXING_QUEUE)
        except DATABASE_OUTAGES as error:
            # What is missing is still missing: the next look finds it.
            logger.warning("the index waits for the database: %s", error)
            connection.close()


def _fill_active() -> None:
    process = this_process()
    try:
        while process.accepts_work and fill_active().anything:
            pass
    except UnableToEmbed as error:
        # As above; another space may have an embedder that answers.
        logger.warning("the index waits for the embedder: %s", error)


def _forget_lost_words() -> None:
    global _looked_for_lost_words  # noqa: PLW0603 -- one clock per process is the point
    if time.monotonic() - _looked_for_lost_words >= LOST_WORDS_SECONDS:
        _looked_for_lost_words = time.monotonic()
        forget_lost_words()
