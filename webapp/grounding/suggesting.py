"""What one could ask next: drawn from what was found for a question and not quoted.

Each suggestion is about the heading of a passage which the search had found for the question, so
there is something to say to it. Names in the passages are not asked about: of such questions only
one in three found an answer (docs/answers.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from webapp.accounts.models import User
from webapp.grounding.models import Answer
from webapp.grounding.queries import ReadAnswer
from webapp.knowledge.models import Source
from webapp.search.analyser import analyse
from webapp.search.models import Passage

MOST = 3
_MAX_TOPIC_LENGTH = 80


def suggest_next(*, user: User, answer: Answer, read: ReadAnswer) -> tuple[str, ...]:
    """Up to three questions that go on from an answer, those nearest to it first.

    Only passages count that the reader may see now. What the question or the answer speaks of
    already is left out.
    """
    if not answer.terminal or not answer.near:
        return ()
    passages = _seen(user, answer)
    said = set(analyse(f"{answer.question} {answer.searched_for} {read.text}"))
    cited = {citation.passage_id for citation in read.citations}
    fresh = [passage for passage in passages if passage.id not in cited]
    return tuple(islice(_about_headings(fresh, said), MOST))


def _seen(user: User, answer: Answer) -> list[Passage]:
    """The passages of documents that were found, best first, as far as they are there."""
    rows = Passage.objects.filter(
        id__in=answer.near,
        is_excluded=False,
        source__in=Source.objects.visible_to(user).kept(),
    )
    found = {row.id: row for row in rows.select_related("source").defer("terms", "bm25")}
    return [found[passage_id] for passage_id in answer.near if passage_id in found]


def _about_headings(passages: Sequence[Passage], said: set[str]) -> Iterator[str]:
    known = set(said)
    for passage in passages:
        assert passage.source is not None
        # The innermost of the headings that it stands under; those above it say where.
        topic = " ".join(passage.heading.split()).rpartition(" › ")[2]
        terms = set(analyse(topic))
        is_title = terms <= set(analyse(passage.source.title))
        if not terms - known or is_title or len(topic) > _MAX_TOPIC_LENGTH:
            continue
        known |= terms
        yield f"What does “{passage.source.title}” say about “{topic}”?"
