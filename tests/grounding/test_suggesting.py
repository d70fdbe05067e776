"""What one could ask next: from what was found, for who may see it, and with something to say."""

from __future__ import annotations

import pytest

from genmodels.embedding import MiniLmEmbedder, load_embedder
from tests.factories import make_user
from tests.grounding.test_ask import LIGHTHOUSE, TEA, bring
from webapp.accounts.models import User
from webapp.grounding.models import Answer
from webapp.grounding.operations import ask
from webapp.grounding.queries import read_answer
from webapp.grounding.suggesting import MOST, suggest_next
from webapp.knowledge.operations import trash_source

pytestmark = pytest.mark.django_db

QUESTION = "How high is the tower of Skerry?"


@pytest.fixture(scope="module")
def embedder() -> MiniLmEmbedder:
    loaded = load_embedder()
    assert isinstance(loaded, MiniLmEmbedder)
    return loaded


@pytest.fixture
def owner() -> User:
    return make_user()


def suggest(user: User, answer: Answer) -> tuple[str, ...]:
    return suggest_next(user=user, answer=answer, read=read_answer(user=user, answer=answer))


def test_what_was_found_and_not_quoted_is_suggested_and_has_an_answer(
    owner: User, embedder: MiniLmEmbedder
) -> None:
    source = bring(owner, LIGHTHOUSE, embedder, title="Notes on Skerry")
    bring(owner, TEA, embedder, title="Leaves")
    answer = ask(user=owner, question=QUESTION, embedder=embedder)
    suggested = suggest(owner, answer)
    assert suggested[0] == "What does “Notes on Skerry” say about “Keepers”?"
    assert len(suggested) <= MOST
    assert not any("lighthouse" in each for each in suggested)  # its passage is quoted
    followed = ask(user=owner, question=suggested[0], embedder=embedder)
    [first, *_] = read_answer(user=owner, answer=followed).citations
    assert (first.source_id, first.heading) == (source.id, "Keepers")
    assert suggested[0] not in suggest(owner, followed)


def test_nothing_is_suggested_of_what_may_not_be_seen(
    owner: User, embedder: MiniLmEmbedder
) -> None:
    source = bring(owner, LIGHTHOUSE, embedder, title="Notes on Skerry")
    answer = ask(user=owner, question=QUESTION, embedder=embedder)
    assert suggest(make_user(), answer) == ()
    trash_source(source=source)
    assert suggest(owner, answer) == ()


def test_an_answer_from_before_suggests_nothing(owner: User, embedder: MiniLmEmbedder) -> None:
    bring(owner, LIGHTHOUSE, embedder)
    answer = ask(user=owner, question=QUESTION, embedder=embedder)
    Answer.objects.filter(id=answer.id).update(near=[], scope={})
    answer.refresh_from_db()
    assert suggest(owner, answer) == ()
