"""Writes of feedback: giving a score, changing it, taking it back."""

from __future__ import annotations

from django.db import connection, transaction

from genmodels.contract import Fault, InvalidRequest
from webapp.accounts.models import User
from webapp.common.cleaning import clean_text
from webapp.common.refusals import Conflict
from webapp.generations.models import Generation
from webapp.review.models import HIGHEST_SCORE, LOWEST_SCORE, Feedback
from webapp.review.queries import may_be_rated, newest_feedback

MAX_COMMENT_LENGTH = 2_000


class UnableToRate(Conflict):
    """There is no result to rate, or it is in the trash."""


def give_feedback(
    *, author: User, generation: Generation, score: int, comment: str = ""
) -> Feedback:
    """Score a result; what the author said of it before counts no more.

    The same once more is stored once. The caller has made sure that the author may see the
    generation. Raises InvalidRequest or UnableToRate.
    """
    comment = clean_text(comment)
    faults = []
    if not LOWEST_SCORE <= score <= HIGHEST_SCORE:
        detail = f"must be between {LOWEST_SCORE} and {HIGHEST_SCORE}"
        faults.append(Fault("/score", "out_of_range", detail))
    if len(comment) > MAX_COMMENT_LENGTH:
        detail = f"must have at most {MAX_COMMENT_LENGTH} characters"
        faults.append(Fault("/comment", "too_long", detail))
    if faults:
        raise InvalidRequest(faults)
    with transaction.atomic():
        if not may_be_rated(_lock(generation)):
            raise UnableToRate("Only a result that is there, and not in the trash, can be rated.")
        newest = newest_feedback(author=author, generation=generation)
        if newest is not None and (newest.score, newest.comment) == (score, comment):
            return newest
        given = Feedback.objects.create(
            generation=generation, author=author, score=score, comment=comment
        )
        _keep_mean(generation)
    return given


def take_back_feedback(*, author: User, generation: Generation) -> None:
    """Have the author's score count no more; without one, nothing changes."""
    with transaction.atomic():
        _lock(generation)
        if newest_feedback(author=author, generation=generation) is not None:
            Feedback.objects.create(generation=generation, author=author, score=None)
            _keep_mean(generation)


def _lock(generation: Generation) -> Generation:
    """One score at a time, so that the mean misses none, and the order of ids is that of time."""
    rows = Generation.objects.select_related("job").select_for_update(of=("self",), no_key=True)
    return rows.get(id=generation.id)


_KEEP_MEAN = """
UPDATE generations_generation SET mean_score = counting.mean, num_scores = counting.num
FROM (
  SELECT avg(score)::float8 AS mean, count(score) AS num FROM (
    SELECT DISTINCT ON (author_id) score FROM review_feedback
    WHERE generation_id = %(generation)s ORDER BY author_id, id DESC) AS newest) AS counting
WHERE id = %(generation)s
"""


def _keep_mean(generation: Generation) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_MEAN, {"generation": generation.id})
