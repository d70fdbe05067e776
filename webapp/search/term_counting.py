"""Counts of how many passages hold each term, taken anew in the background."""

from __future__ import annotations

from django.db import connection, transaction

from webapp.search.analyser import ANALYSER_VERSION
from webapp.search.models import CorpusStatistic, TermStatistic
from webapp.search.statement import LIVE_COUNT_LIMIT

#: Key of an advisory lock: any number of processes may count, one at a time does.
_STATISTICS_LOCK = 0x74657264

_COUNT_TERMS = """
INSERT INTO search_termstatistic (analyser_version, term, num_passages)
SELECT %(version)s, t.term, count(*) FROM search_passage p CROSS JOIN unnest(p.terms) AS t (term)
WHERE p.analyser_version = %(version)s GROUP BY t.term
"""
_COUNT_PASSAGES = """
INSERT INTO search_corpusstatistic (analyser_version, num_passages, counted_at)
SELECT %(version)s, count(*), now() FROM search_passage WHERE analyser_version = %(version)s
"""


def refresh_term_statistics() -> bool:
    """Count anew in how many passages each term occurs; False where another process is at it.

    Searches go on with the old counts until this commits.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_STATISTICS_LOCK])
        row = cursor.fetchone()
        assert row is not None
        if not row[0]:
            return False
        cursor.execute("DELETE FROM search_termstatistic")
        cursor.execute("DELETE FROM search_corpusstatistic")
        cursor.execute(_COUNT_TERMS, {"version": ANALYSER_VERSION})
        cursor.execute(_COUNT_PASSAGES, {"version": ANALYSER_VERSION})
    return True


_ARE_OUTDATED = """
SELECT counted.n, counted.n > %(live_limit)s AND (known.num_passages IS NULL
  OR abs(counted.n - known.num_passages) > 0.05 * known.num_passages), known.num_passages
FROM (SELECT count(*) AS n FROM search_passage) AS counted
LEFT JOIN search_corpusstatistic known ON known.analyser_version = %(version)s
"""


def refresh_outdated_statistics() -> bool:
    """Count terms anew if the corpus is too large for live counts and changed by a twentieth.

    Counts of a corpus that has become small are dropped: searches count live then.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _ARE_OUTDATED, {"live_limit": LIVE_COUNT_LIMIT, "version": ANALYSER_VERSION}
        )
        row = cursor.fetchone()
    assert row is not None
    num_passages, are_outdated, counted = row
    if counted is not None and num_passages <= LIVE_COUNT_LIMIT:
        CorpusStatistic.objects.all().delete()
        TermStatistic.objects.all().delete()
        return True
    return bool(are_outdated) and refresh_term_statistics()
