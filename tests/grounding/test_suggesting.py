"""What one could ask next: from what was found and not quoted, for who may see it."""

from __future__ import annotations

import re

import pytest

from genmodels.embedding import MiniLmEmbedder, load_embedder
from tests.factories import make_user
from tests.grounding.test_ask import TEA, bring
from tests.search.factories import make_source, store_segments
from webapp.accounts.models import User
from webapp.grounding.models import Answer, Citation
from webapp.grounding.operations import ask
from webapp.grounding.queries import read_answer
from webapp.grounding.suggesting import MOST, suggest_next
from webapp.knowledge.models import Source
from webapp.knowledge.operations import trash_source
from webapp.search.segments import Segment

pytestmark = pytest.mark.django_db

SECTIONS = {
    "Tower": "The tower of the lighthouse at Skerry is 48 metres high.",
    "Keepers": "The keepers of the lighthouse were four, two of them on duty at any time.",
    "Rent": "The rent of the island was twelve pounds a year, paid to the parish.",
    "Birds": "The birds of the island are gannets and terns.",
}
QUESTION = "How high is the tower of Skerry?"


@pytest.fixture(scope="module")
def embedder() -> MiniLmEmbedder:
    loaded = load_embedder()
    assert isinstance(loaded, MiniLmEmbedder)
    return loaded


@pytest.fixture
def owner() -> User:
    return make_user()


def bring_sections(owner: User, embedder: MiniLmEmbedder) -> Source:
    """A document with a passage under each heading."""
    source = make_source(owner=owner, title="Notes")
    segments, start = [], 0
    for heading, text in SECTIONS.items():
        segments.append(Segment(text, start, start + len(text), heading=f"Skerry › {heading}"))
        start += len(text) + 1
    store_segments(source, segments, embedder=embedder)
    return source


def suggest(user: User, answer: Answer) -> tuple[str, ...]:
    return suggest_next(user=user, answer=answer, read=read_answer(user=user, answer=answer))


def test_what_was_found_and_not_quoted_is_suggested(owner: User, embedder: MiniLmEmbedder) -> None:
    bring_sections(owner, embedder)
    bring(owner, TEA, embedder, title="Leaves")
    answer = ask(user=owner, question=QUESTION, embedder=embedder)
    # In so little text nearly all is near enough to be quoted: leave the best.
    Citation.objects.filter(answer=answer, ordinal__gt=0).delete()
    quoted = {each.heading for each in read_answer(user=owner, answer=answer).citations}
    suggested = suggest(owner, answer)
    assert 1 <= len(suggested) <= MOST
    for question in suggested:
        title, heading = re.findall("“([^”]+)”", question)
        assert (title, heading in SECTIONS) == ("Notes", True)
        assert f"Skerry › {heading}" not in quoted


def test_nothing_is_suggested_of_what_may_not_be_seen(
    owner: User, embedder: MiniLmEmbedder
) -> None:
    source = bring_sections(owner, embedder)
    answer = ask(user=owner, question=QUESTION, embedder=embedder)
    Citation.objects.filter(answer=answer, ordinal__gt=0).delete()
    assert suggest(owner, answer)
    assert suggest(make_user(), answer) == ()
    trash_source(source=source)
    assert suggest(owner, answer) == ()


def test_an_answer_from_before_suggests_nothing(owner: User, embedder: MiniLmEmbedder) -> None:
    bring_sections(owner, embedder)
    answer = ask(user=owner, question=QUESTION, embedder=embedder)
    Citation.objects.filter(answer=answer).delete()
    Answer.objects.filter(id=answer.id).update(near=[], scope={})
    answer.refresh_from_db()
    assert suggest(owner, answer) == ()
