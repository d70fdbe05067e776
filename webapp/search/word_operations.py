"""Writes of the words that misspelt ones are compared with.

What is missing and what is superfluous is found by looking, in one transaction each: a crash or a
second worker only means another look.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.db import connection, transaction

from webapp.search.analyser import ANALYSER_VERSION, term_id, written_words
from webapp.search.models import ReadPassage
from webapp.search.spelling import MAX_LENGTH, MIN_LENGTH, keys_of_word

#: Passages that one call of `keep_words` reads.
_BATCH = 500
#: A word of a query may have lost a letter.
_SHORTEST = MIN_LENGTH - 1
#: Words are looked through when this share of an owner's passages is gone.
_LOST_SHARE = 0.05
_LOCK = 0x776F7264

_UNREAD = """
SELECT p.id, p.owner_id, p.heading, p.text FROM search_passage p
LEFT JOIN search_readpassage r ON r.passage_id = p.id AND r.analyser_version = %s
WHERE r.passage_id IS NULL LIMIT %s
"""
_KEEP = """
INSERT INTO search_word (owner_id, word, term, analyser_version, keys)
SELECT w.owner_id, w.word, w.term, %(version)s, w.keys::int[]
FROM unnest(%(owners)s::int[], %(words)s::text[], %(terms)s::int[], %(keys)s::text[])
  AS w (owner_id, word, term, keys)
ON CONFLICT (owner_id, word) DO UPDATE
  SET term = EXCLUDED.term, analyser_version = EXCLUDED.analyser_version
  WHERE search_word.analyser_version <> EXCLUDED.analyser_version
"""
_MARK = """
INSERT INTO search_readpassage (passage_id, owner_id, analyser_version)
SELECT r.passage_id, r.owner_id, %s FROM unnest(%s::uuid[], %s::int[]) AS r (passage_id, owner_id)
ON CONFLICT (passage_id) DO UPDATE SET analyser_version = EXCLUDED.analyser_version
"""


def keep_words() -> int:
    """Keep the words of passages not read yet; returns how many were, 0 when none is left."""
    with transaction.atomic(), connection.cursor() as cursor:
        if not _is_alone():
            return 0
        cursor.execute(_UNREAD, [ANALYSER_VERSION, _BATCH])
        passages = cursor.fetchall()
        terms = {
            (owner_id, word): term_id(term)
            for _, owner_id, heading, text in passages
            for word, term in written_words(f"{heading}\n{text}").items()
            if _SHORTEST <= len(word) <= MAX_LENGTH
        }
        cursor.execute(
            _KEEP,
            {
                "version": ANALYSER_VERSION,
                "owners": [owner_id for owner_id, _ in terms],
                "words": [word for _, word in terms],
                "terms": list(terms.values()),
                "keys": [f"{{{','.join(map(str, keys_of_word(word)))}}}" for _, word in terms],
            },
        )
        cursor.execute(
            _MARK, [ANALYSER_VERSION, [row[0] for row in passages], [row[1] for row in passages]]
        )
    return len(passages)


_OWNERS_OF_LOST = """
SELECT r.owner_id FROM search_readpassage r LEFT JOIN search_passage p ON p.id = r.passage_id
GROUP BY r.owner_id HAVING count(*) FILTER (WHERE p.id IS NULL) > %s * count(*)
"""
_FORGET_WORDS = """
DELETE FROM search_word w WHERE w.owner_id = ANY(%s) AND NOT EXISTS (
  SELECT 1 FROM search_passage p WHERE p.owner_id = w.owner_id AND p.terms @> ARRAY[w.term])
"""
_FORGET_MARKS = """
DELETE FROM search_readpassage r WHERE r.owner_id = ANY(%s)
  AND NOT EXISTS (SELECT 1 FROM search_passage p WHERE p.id = r.passage_id)
"""


def forget_lost_words() -> int:
    """Delete words that no passage holds any more, once a twentieth of an owner's are gone."""
    with transaction.atomic(), connection.cursor() as cursor:
        if not _is_alone():
            return 0
        cursor.execute(_OWNERS_OF_LOST, [_LOST_SHARE])
        owners = [row[0] for row in cursor.fetchall()]
        if not owners:
            return 0
        cursor.execute(_FORGET_WORDS, [owners])
        num_forgotten = int(cursor.rowcount)
        cursor.execute(_FORGET_MARKS, [owners])
    return num_forgotten


def read_again(*, passage_ids: Collection[uuid.UUID]) -> None:
    """Have the words of passages kept anew, after their text or heading was changed in place."""
    ReadPassage.objects.filter(passage_id__in=passage_ids).delete()


def _is_alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        row = cursor.fetchone()
    return bool(row and row[0])
